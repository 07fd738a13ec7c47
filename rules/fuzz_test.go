package rules

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
)

// FuzzNumber holds that a number has the country, the type and the validity that
// libphonenumber tells, that an emergency number is one, that no number passes
// as a name, and that no detail shows more than its mask.
func FuzzNumber(f *testing.F) {
	for _, seed := range []string{
		"", "+14155550100", "+1-800-FLOWERS", "++14155550100", "\uff14\uff11\uff15", ",,123#", "+1911", "+448712345678", "+979123456789",
		"+19005551234", "(415) 555-0100", "+44 (0)20 7946 0000", "011442079460000", "sip:+14155550100@example.com;user=phone", "sip:a@[::1]:5060?X-A=b",
		"client:alice", "alice@example.com", "می\u200cخواهم", "\u202e+1415", "\x00", "+00", "+7", "0000000", strings.Repeat("9", 400), "tel:911", "9-1-1,,1",
	} {
		f.Add(seed, seed)
	}
	policies := fuzzPolicies(f)
	f.Fuzz(func(t *testing.T, dest, from string) {
		for _, p := range policies {
			c := Call{SessionID: {from, true}, CallSID: {dest, true}, Destination: {dest, true}, FromNumber: {from, true}}
			p.Normalize(&c)
			again := c
			if p.Normalize(&again); again != c {
				t.Fatalf("normalized twice %+v, once %+v", again, c)
			}
			for _, field := range [...]Field{Destination, FromNumber} {
				text := [...]string{Destination: dest, FromNumber: from}[field]
				if got := c[field].Text; got != text && !destination.IsE164(got) {
					t.Fatalf("%q was rewritten to %q", text, got)
				}
			}
			v, second := p.Judge(c), p.Judge(c)
			if failed(v.Violations) != failed(second.Violations) || failed(v.Reported) != failed(second.Reported) || v.Kind != second.Kind || v.Country != second.Country {
				t.Fatalf("judged %+v, then %+v", v, second)
			}
			checkKind(t, c[Destination].Text, v)
			for _, violation := range slices.Concat(v.Violations, v.Reported, v.Warnings) {
				checkDetail(t, violation)
			}
			checkEmergency(t, p, c[Destination].Text, v)
			checkNumber(t, p, c[Destination].Text, v)
		}
		destination.Mask(dest)
	})
}

// fuzzPolicy is a policy and the options that it was made of.
type fuzzPolicy struct {
	*Policy
	Options
}

// fuzzPolicies returns policies that differ in what they say about numbers.
func fuzzPolicies(tb testing.TB) []fuzzPolicy {
	tb.Helper()
	var policies []fuzzPolicy
	yes := true
	for _, o := range []Options{
		{},
		{Mode: Report, Rules: map[string]string{"destination_format": Off}, Numbers: NumberOptions{DenyTypes: []string{"premium_rate", "satellite"}, DenyCountries: []string{"JM"}}},
		{Destinations: []string{"phone"}, Require: []string{"fromNumber"}, Numbers: NumberOptions{
			Region: "US", AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}, Validity: Enforce, AllowFrom: []string{"+14155550199"}, Distinct: &yes,
		}},
		{Numbers: NumberOptions{Region: "GB", DenyCountries: []string{"JM", "RU"}, DenyTypes: []string{"shared_cost", "toll_free", "satellite"}}},
		{Numbers: NumberOptions{Region: "IT", Validity: Off}},
		{Numbers: NumberOptions{AllowCountries: []string{"FR", "001"}, DenyTypes: []string{"mobile"}}},
	} {
		policies = append(policies, fuzzPolicy{compile(tb, o), o})
	}
	return policies
}

// fails reports whether the destination fails a rule, in whatever mode.
func (v *Verdict) fails(rule *Rule) bool {
	is := func(violation Violation) bool {
		return violation.Rule == rule && violation.Field == Destination.String()
	}
	return slices.ContainsFunc(slices.Concat(v.Violations, v.Reported, v.Warnings), is)
}

// checkEmergency holds that a number that libphonenumber takes for an emergency
// number, alone or behind a calling code of its country, fails the rule.
func checkEmergency(t *testing.T, p fuzzPolicy, dest string, v Verdict) {
	t.Helper()
	digits, plus := strings.CutPrefix(dest, "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" || len(digits) > 9 || v.fails(Emergency) {
		return
	}
	where := []string{p.Numbers.Region}
	if p.Numbers.Region == "" && !plus {
		where = slices.Collect(maps.Keys(phonenumbers.GetSupportedRegions()))
	}
	for _, region := range where {
		if digits == "112" || digits == "911" || phonenumbers.IsEmergencyNumber(digits, region) {
			t.Fatalf("%+v: %q is an emergency number of %s and is let through", p.Options, dest, region)
		}
	}
	if !plus {
		return
	}
	for n := 1; n <= 3 && n < len(digits); n++ {
		code, _ := strconv.Atoi(digits[:n])
		for _, region := range phonenumbers.GetRegionCodesForCountryCode(code) {
			if digits[0] != '0' && phonenumbers.IsEmergencyNumber(digits[n:], region) {
				t.Fatalf("%+v: %q is an emergency number of %s and is let through", p.Options, dest, region)
			}
		}
	}
}

// checkNumber holds what is found and decided about a number in E.164 that exists
// against libphonenumber, which parses and formats it again.
func checkNumber(t *testing.T, p fuzzPolicy, dest string, v Verdict) {
	t.Helper()
	if !destination.IsE164(dest) {
		return
	}
	n, err := phonenumbers.Parse(dest, "ZZ")
	if err != nil || !phonenumbers.IsValidNumber(n) || phonenumbers.Format(n, phonenumbers.E164) != dest {
		if p.Numbers.Validity != Off && !v.fails(Validity) && !v.fails(Emergency) && (err != nil || !phonenumbers.IsValidNumber(n)) {
			t.Fatalf("%+v: %q does not exist and is let through: %v", p.Options, dest, err)
		}
		return
	}
	region := phonenumbers.GetRegionCodeForNumber(n)
	if want := strings.TrimPrefix(region, "001"); v.Country != want {
		t.Fatalf("%+v: %q is of %q, want %q", p.Options, dest, v.Country, want)
	}
	allowed := !slices.Contains(p.Numbers.DenyCountries, region) && (p.Numbers.AllowCountries == nil || slices.Contains(p.Numbers.AllowCountries, region))
	if v.fails(CountryAllowed) == allowed {
		t.Fatalf("%+v: %q of %q is allowed: %v", p.Options, dest, region, !v.fails(CountryAllowed))
	}
	kind := typeNames[phonenumbers.GetNumberType(n)]
	if region == "001" {
		kind = v.NumberType // about which libphonenumber knows less
	}
	if p.Numbers.DenyTypes != nil && v.NumberType != kind {
		t.Fatalf("%+v: %q is of type %q, want %q", p.Options, dest, v.NumberType, kind)
	}
	if denied := slices.Contains(p.Numbers.DenyTypes, kind); v.fails(NumberType) != denied {
		t.Fatalf("%+v: %q of type %q is denied: %v", p.Options, dest, kind, v.fails(NumberType))
	}
	if v.fails(Validity) {
		t.Fatalf("%+v: %q exists", p.Options, dest)
	}
}

// typeNames are libphonenumber's types by the names of the option.
var typeNames = map[phonenumbers.PhoneNumberType]string{
	phonenumbers.FIXED_LINE: "fixed_line", phonenumbers.MOBILE: "mobile", phonenumbers.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
	phonenumbers.TOLL_FREE: "toll_free", phonenumbers.PREMIUM_RATE: "premium_rate", phonenumbers.SHARED_COST: "shared_cost",
	phonenumbers.VOIP: "voip", phonenumbers.PERSONAL_NUMBER: "personal_number", phonenumbers.PAGER: "pager",
	phonenumbers.UAN: "uan", phonenumbers.VOICEMAIL: "voicemail",
}

// FuzzSpelling holds that a number that may not be dialled may not be dialled in
// any other spelling either.
func FuzzSpelling(f *testing.F) {
	for i, digits := range []string{"14155550100", "19005551234", "448712345678", "18765550123", "1911", "44999", "79161234567", "8821612345678", "33612345678", "390612345678"} {
		for seed := range uint64(8) {
			f.Add(digits, 8*uint64(i)+seed)
		}
	}
	policies := fuzzPolicies(f)
	f.Fuzz(func(t *testing.T, digits string, seed uint64) {
		number := "+" + digits
		if !destination.IsE164(number) {
			return
		}
		for _, p := range policies {
			judge := func(dest string) Verdict {
				c := Call{SessionID: {"abc", true}, Destination: {dest, true}, FromNumber: {"+14155550199", true}}
				p.Normalize(&c)
				return p.Judge(c)
			}
			v := judge(number)
			if !v.fails(Emergency) && !v.fails(CountryAllowed) && !v.fails(NumberType) {
				continue
			}
			for _, spelling := range spellings(number, p.Numbers.Region, rand.New(rand.NewPCG(seed, 1))) {
				if v := judge(spelling); v.Violations == nil && v.Reported == nil {
					t.Errorf("%+v: %s is refused, and let through as %q of kind %s", p.Options, number, spelling, v.Kind)
				}
			}
		}
	})
}

// spellings returns other ways to write a number, as people, programs and attackers do.
// Each is a destination that is dialled as the number or not at all.
func spellings(number, region string, random *rand.Rand) []string {
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	spread := func(digits string, separators ...string) string {
		var b strings.Builder
		for i, r := range digits {
			if i > 0 && random.IntN(3) == 0 {
				b.WriteString(one(separators...))
			}
			b.WriteRune(r)
		}
		return b.String()
	}
	script := func(digits string) string {
		zero := []rune(one("\uff10", "\u0660", "\u0966", "\U0001d7ce"))[0]
		return strings.Map(func(r rune) rune {
			if '0' <= r && r <= '9' && random.IntN(2) == 0 {
				return zero + r - '0'
			}
			return r
		}, digits)
	}
	escaped := func(user string) string {
		var b strings.Builder
		for i := range len(user) {
			if random.IntN(3) == 0 || user[i] >= 0x80 || strings.IndexByte(" ()", user[i]) >= 0 {
				fmt.Fprintf(&b, one("%%%02x", "%%%02X"), user[i])
			} else {
				b.WriteByte(user[i])
			}
		}
		return b.String()
	}
	host := "@" + one("example.com", "[2001:db8::1]:5061", "192.0.2.1") + one("", ";transport=tls", ";user=phone", ";USER=Phone;lr", "?X-A=b")
	separated := spread(number, " ", "-", ".", "/", "(", ") ", " (", "\u00a0", "\u2011", "\u200b")
	all := []string{
		separated, script(number), " " + number, number + " ", number + one(",,123#", ";ext=1", "x1", " ext. 5", "w1", "p1", "#", "*"),
		"\uff0b" + number[1:], "+" + number, "(" + number + ")", "tel:" + number, "TEL:" + separated, number + "\x00", "\ufeff" + number, "\u202a" + number + "\u202c",
		one("sip:", "SIP:", "sips:") + number + host, "sip:" + escaped(number) + host, "sip:" + escaped(spread(number, "-", ".", " ", "(", ")")) + host,
		"sip:" + escaped(script(number)) + host, "sip:" + number + one(";ext=1", ";isub=1", ";phone-context=example.com", ",,5") + host,
		"sip:" + number + ":secret" + host, number + "@example.com",
	}
	if digits := number[1:]; len(digits) > 4 {
		cut := 1 + random.IntN(3)
		all = append(all, "sip:"+digits[cut:]+";phone-context=+"+digits[:cut]+"@example.com;user=phone",
			"sip:"+escaped(digits[cut:])+";Phone-Context="+escaped("+"+digits[:cut])+"@example.com")
	}
	n, err := phonenumbers.Parse(number, "ZZ")
	if err != nil || !phonenumbers.IsValidNumber(n) || phonenumbers.Format(n, phonenumbers.E164) != number {
		return all
	}
	all = append(all, phonenumbers.Format(n, phonenumbers.INTERNATIONAL), phonenumbers.Format(n, phonenumbers.RFC3966))
	if region != "" {
		all = append(all, phonenumbers.FormatOutOfCountryCallingNumber(n, region))
		if phonenumbers.GetRegionCodeForNumber(n) == region {
			national := phonenumbers.Format(n, phonenumbers.NATIONAL)
			all = append(all, national, phonenumbers.NormalizeDigitsOnly(national), "sip:"+phonenumbers.NormalizeDigitsOnly(national)+"@example.com;user=phone")
		}
	}
	return all
}

// checkKind holds that nothing is a name that has the digits of a phone number
// and nothing else, whatever is between them.
func checkKind(t *testing.T, dest string, v Verdict) {
	t.Helper()
	switch v.Kind {
	case destination.Phone:
		if strings.Trim(dest, "+0123456789") != "" || strings.LastIndex(dest, "+") > 0 {
			t.Fatalf("%q is a phone number", dest)
		}
	case destination.Name:
		digits := 0
		for _, r := range dest {
			if unicode.IsLetter(r) {
				digits = -len(dest)
			}
			if unicode.IsNumber(r) {
				digits++
			}
			if r < ' ' || strings.ContainsRune("+*#:;/@%<>{}\"\\", r) {
				t.Fatalf("%q is a name", dest)
			}
		}
		if digits >= 7 {
			t.Fatalf("%q is a name", dest)
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
	for _, r := range strings.NewReplacer("256", "", "128", "", "001", "", "E.164", "").Replace(v.Detail) {
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
