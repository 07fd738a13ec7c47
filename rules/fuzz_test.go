package rules

import (
	"strings"
	"testing"
	"unicode"
)

func FuzzJudge(f *testing.F) {
	for _, seed := range []string{
		"", "+14155550100", "+1-800-FLOWERS", "++14155550100", "\uff14\uff11\uff15", ",,123#", "+1911", "+448712345678", "+979123456789",
		"+19005551234", "(415) 555-0100", "+44 (0)20 7946 0000", "011442079460000", "sip:+14155550100@example.com;user=phone", "sip:a@[::1]:5060?X-A=b",
		"client:alice", "alice@example.com", "می\u200cخواهم", "\u202e+1415", "\x00", "+00", "+7", "0000000", strings.Repeat("9", 400), "tel:911", "9-1-1,,1",
	} {
		f.Add(seed, seed)
	}
	yes := true
	var policies []*Policy
	for _, o := range []Options{
		{},
		{Mode: Report, Rules: map[string]string{"destination_format": Off}, Numbers: NumberOptions{DenyTypes: []string{"premium_rate", "satellite"}, DenyCountries: []string{"JM"}}},
		{Destinations: []string{"phone"}, Require: []string{"fromNumber"}, Numbers: NumberOptions{
			Region: "US", AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}, Validity: Enforce, AllowFrom: []string{"+14155550199"}, Distinct: &yes,
		}},
		{Numbers: NumberOptions{Region: "GB"}},
		{Numbers: NumberOptions{Region: "IT"}},
	} {
		policies = append(policies, compile(f, o))
	}
	f.Fuzz(func(t *testing.T, destination, from string) {
		for _, p := range policies {
			c := Call{SessionID: {from, true}, CallSID: {destination, true}, Destination: {destination, true}, FromNumber: {from, true}}
			p.Normalize(&c)
			again := c
			if p.Normalize(&again); again != c {
				t.Fatalf("normalized twice %+v, once %+v", again, c)
			}
			for _, field := range [...]Field{Destination, FromNumber} {
				text := [...]string{Destination: destination, FromNumber: from}[field]
				if got := c[field].Text; got != text && !isE164(got) {
					t.Fatalf("%q was rewritten to %q", text, got)
				}
			}
			v, second := p.Judge(c), p.Judge(c)
			if failed(v.Violations) != failed(second.Violations) || failed(v.Reported) != failed(second.Reported) || v.Kind != second.Kind || v.Country != second.Country {
				t.Fatalf("judged %+v, then %+v", v, second)
			}
			checkKind(t, c[Destination].Text, v)
			for _, violation := range append(v.Violations, v.Reported...) {
				checkDetail(t, violation)
			}
		}
		Mask(destination)
	})
}

// checkKind holds that nothing is a name that has the digits of a phone number
// and nothing else, whatever stands between them.
func checkKind(t *testing.T, destination string, v Verdict) {
	t.Helper()
	switch v.Kind {
	case Phone:
		if strings.Trim(destination, "+0123456789") != "" || strings.LastIndex(destination, "+") > 0 {
			t.Fatalf("%q is a phone number", destination)
		}
	case Name:
		digits := 0
		for _, r := range destination {
			if unicode.IsLetter(r) {
				digits = -len(destination)
			}
			if unicode.IsNumber(r) {
				digits++
			}
			if r < ' ' || strings.ContainsRune("+*#:;/@%<>{}\"\\", r) {
				t.Fatalf("%q is a name", destination)
			}
		}
		if digits >= minNational {
			t.Fatalf("%q is a name", destination)
		}
	case "":
		for _, violation := range v.Violations {
			if violation.Rule == DestinationFormat || violation.Rule == Required {
				return
			}
		}
		for _, violation := range v.Reported {
			if violation.Rule == DestinationFormat {
				return
			}
		}
	}
}

// checkDetail holds that a detail shows no more of a value than its mask does:
// no run of digits but those of the limits.
func checkDetail(t *testing.T, v Violation) {
	t.Helper()
	if v.Rule == nil || v.Field == "" || v.Pointer != "#/"+v.Field || !strings.HasPrefix(v.Detail, v.Field+" ") {
		t.Fatalf("violation %+v", v)
	}
	run := 0
	for _, r := range strings.NewReplacer("256", "", "128", "", "E.164", "").Replace(v.Detail) {
		if r >= 0x80 || r < ' ' {
			t.Fatalf("detail %q", v.Detail)
		}
		if r < '0' || r > '9' {
			run = 0
			continue
		}
		if run++; run > 2 {
			t.Fatalf("detail %q", v.Detail)
		}
	}
}
