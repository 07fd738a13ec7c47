package destination

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// holds reports whether one of the numbers in a destination has these digits.
func (d *Destination) holds(digits string) bool {
	for i := range d.Len() {
		if n := d.At(i); n.Digits == digits || n.Digits == "" {
			return true
		}
	}
	return false
}

// FuzzFind holds that whatever digits a lax dialler would extract from a text are
// among its numbers: digits before the first letter, and all digits where letters
// touch none; whatever the text is.
func FuzzFind(f *testing.F) {
	for _, seed := range []string{
		"18095551234 Bobby", "call 1 809 555 1234", "1-809-FLOWERS", "911", "911 ext 5", "+1 (900) 555-0123,,1#", "9 call 1 call 1", "tel:911", "a@b",
		"12345678-9012-4cde-8fab-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e", "sip:+19005550123@x", "\u0661\u0668\u0660\u0669\u0665\u0665\u0665\u0661", "\u2460\u2461 x", "1\u03011",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 512 {
			return
		}
		found := find(s)
		if len(found.numbers) > maxNumbers+1 {
			t.Fatalf("%q holds %d numbers", s, len(found.numbers))
		}
		parsed := Parse(s)
		if (parsed.Kind == "") == (parsed.Problem == "") {
			t.Fatalf("%q is of kind %q, and its problem is %q", s, parsed.Kind, parsed.Problem)
		}
		if parsed.Kind != Name && parsed.Kind != Phone {
			return
		}
		if strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) >= 0 {
			return // letters and digits of other scripts have tests of their own
		}
		leading := strings.TrimLeft(s, "+")
		if i := strings.IndexFunc(leading, unicode.IsLetter); i >= 0 {
			leading = leading[:i]
		}
		pause := strings.IndexAny(leading, ends)
		if digits := digitsOf(leading); pause < 0 && len(digits) >= minNational && !parsed.holds(digits) {
			t.Fatalf("a dialler that stops at a letter finds %s in %q", digits, s)
		}
		touched := false
		for i := 1; i < len(s); i++ {
			touched = touched || ascii.IsAlpha(s[i-1]) && ascii.IsDigit(s[i])
		}
		if digits := digitsOf(s); !touched && !isUUID(s) && strings.IndexAny(s, ends) < 0 && len(digits) >= 3 && !parsed.holds(digits) {
			t.Fatalf("a dialler that skips letters finds %s in %q", digits, s)
		}
	})
}

// FuzzSIPURI holds that a URI is the same in all the spellings that RFC 3261
// section 19.1.4 takes for the same: with other escapes and in other letter case.
func FuzzSIPURI(f *testing.F) {
	for i, seed := range []string{
		"+19005550123@example.com", "9005550123@c.example;user=phone", "bob@example.com?User-to-User=31", "+1415;phone-context=+1@x.example;a=b",
		"alice@[2001:db8::1]:5060;transport=tls", "5551234;rn=+19005550123@x.example", "1-809-FLOWERS@x.example", "example.com;lr",
	} {
		f.Add(seed, uint64(i))
	}
	d, err := NewDialer("US")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, rest string, seed uint64) {
		if len(rest) > 512 {
			return
		}
		uri := "sip:" + rest
		want := Parse(uri)
		if want.Kind != SIP {
			return
		}
		random := rand.New(rand.NewPCG(seed, 1))
		spelled := "SIP:" + respell(rest, random)
		got := Parse(spelled)
		if got.Kind != SIP || got.Len() != want.Len() || d.Canonical(uri) != d.Canonical(spelled) {
			t.Fatalf("%q is %+v, and %q is %+v", uri, want, spelled, got)
		}
		for i := range want.Len() {
			if want.At(i) != got.At(i) {
				t.Fatalf("%q holds %+v, and %q holds %+v", uri, want.At(i), spelled, got.At(i))
			}
		}
	})
}

// respell escapes some characters of the user part and of the values of parameters,
// and changes the case of what has none.
func respell(rest string, random *rand.Rand) string {
	escape := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			if c := s[i]; (ascii.IsAlpha(c) || ascii.IsDigit(c) || c == '+') && random.IntN(3) == 0 && !strings.Contains(s, "%") {
				fmt.Fprintf(&b, "%%%02x", c)
			} else {
				b.WriteByte(c)
			}
		}
		return b.String()
	}
	user, after, hasUser := strings.Cut(rest, "@")
	if !hasUser {
		user, after = "", rest
	}
	after, headers, hasHeaders := strings.Cut(after, "?")
	parts := strings.Split(after, ";")
	parts[0] = strings.ToUpper(parts[0])
	for i := 1; i < len(parts); i++ {
		name, value, hasValue := strings.Cut(parts[i], "=")
		parts[i] = strings.ToUpper(name)
		if hasValue {
			parts[i] += "=" + escape(value)
		}
	}
	spelled := strings.Join(parts, ";")
	if hasUser {
		spelled = escape(user) + "@" + spelled
	}
	if hasHeaders {
		spelled += "?" + headers
	}
	return spelled
}
