package destination

import (
	"fmt"
	"math/rand/v2"
	"regexp"
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

// FuzzFind holds that whatever a lax dialler would extract from a text is among its
// numbers, whatever the text is and whatever kind it is of: the digits before the
// first letter, all digits where letters touch none or one word does, and what the
// keypad makes of it.
func FuzzFind(f *testing.F) {
	for _, seed := range []string{
		"18095551234 Bobby", "call 1 809 555 1234", "1-809-FLOWERS", "911", "911 ext 5", "+1 (900) 555-0123,,1#", "9 call 1 call 1", "tel:911", "a@b",
		"12345678-9012-4cde-8fab-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e", "sip:+19005550123@x", "\u0661\u0668\u0660\u0669\u0665\u0665\u0665\u0661", "\u2460\u2461 x", "1\u03011",
		"sip:1-900-555-O123@c.example", "sip:a19005550123@c.example", "client:user_1234567", "client:1-900-FLOWERS", "bob+19005550123@c.example", "Bobby18095551234", "1809Bobby5551234", "911e0", "*67911", "1,900,555,0123", "\u277e\u2776\u2776",
		"Bob \u0967\u0968\u0969\u096a\u096b\u096c\u096d\u096e", "sip:bob%31800555%30123@c.example", "+14155550100;19005550123", "\u00e918095551234",
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
		if parsed.Kind == "" {
			return
		}
		user, least := dialledPart(s, parsed.Kind)
		for _, lax := range laxly(user) {
			if n := len(lax.digits); n >= least || n >= 3 && least == minNational && lax.rest {
				if !parsed.holds(lax.digits) {
					t.Fatalf("a dialler that %s finds %s in %q, %s", lax.dialler, lax.digits, s, parsed.Kind)
				}
			}
		}
	})
}

// dialledPart returns what of a destination a dialler reads, and the fewest digits
// that are a phone number there.
func dialledPart(s string, kind Kind) (part string, least int) {
	_, rest, _ := strings.Cut(s, ":")
	switch kind {
	case SIP:
		u, _ := parseSIP(rest)
		user, _, _ := strings.Cut(u.user, ";")
		return user, minAmongWords
	case Client:
		name, _, _ := strings.Cut(rest, "?")
		return name, minAmongWords
	case Email:
		local, _, _ := strings.Cut(s, "@")
		return local, minAmongWords
	case Name, Phone:
		return s, minNational
	default:
		return "", 0
	}
}

// laxNumber is what a dialler that is more lenient than this package finds.
type laxNumber struct {
	dialler, digits string
	rest            bool // few digits count too: they may be an emergency number
}

// laxly reads a text as such diallers do.
func laxly(s string) []laxNumber {
	if isUUID(s) {
		return nil
	}
	plain := plainText(s)
	var numbers []laxNumber
	leading := strings.TrimLeft(plain, "+")
	if i := strings.IndexFunc(leading, isLetter); i >= 0 {
		leading = leading[:i]
	}
	if !strings.ContainsAny(leading, ends) {
		characters := strings.FieldsFunc(plain, func(r rune) bool { return !isLetter(r) && !unicode.IsNumber(r) })
		numbers = append(numbers, laxNumber{dialler: "stops at a letter", digits: digitsOf(leading), rest: len(strings.Join(characters, "")) < minID})
	}
	if !touched.MatchString(plain) && !strings.ContainsAny(plain, ends) {
		numbers = append(numbers, laxNumber{dialler: "skips letters", digits: digitsOf(plain), rest: true})
	}
	if hasWords(s) {
		for _, piece := range oneWord.FindAllString(plain, -1) {
			if digits := digitsOf(piece); len(digits) >= minAmongWords {
				numbers = append(numbers, laxNumber{dialler: "skips a word", digits: digits})
			}
		}
	}
	if keys := spelled.FindString(s); keys != "" && keys == s && hasWords(s) && !idLike.MatchString(s) {
		var digits strings.Builder
		for i := range len(s) {
			switch c := ascii.Lower(s[i]); {
			case ascii.IsDigit(c):
				digits.WriteByte(c)
			case ascii.IsAlpha(c):
				digits.WriteByte(keypad[c-'a'])
			}
		}
		if leads := digitsOf(leading); len(leads) < minNational && digits.Len() >= minSpelled {
			numbers = append(numbers, laxNumber{dialler: "reads letters by the keypad", digits: digits.String()})
		}
	}
	return numbers
}

var (
	touched = regexp.MustCompile(`[\p{L}\p{M}\x{200c}\x{200d}]\p{Nd}`)
	oneWord = regexp.MustCompile(`(?:^|[^\p{L}\p{N}\p{M}\x{200c}\x{200d}])[0-9]*[A-Za-z]+[0-9]+(?:$|[^\p{L}\p{N}\p{M}\x{200c}\x{200d}])`)
	spelled = regexp.MustCompile(`^[0-9]{3}[-. A-Za-z]{7,}$`)
	idLike  = regexp.MustCompile(`[0-9][A-Za-z]+[0-9]`)
)

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
