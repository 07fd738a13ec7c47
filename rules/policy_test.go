package rules

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
)

// compile makes a policy of options that are right.
func compile(t testing.TB, o Options) *Policy {
	t.Helper()
	p, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// to returns the sample call to another destination.
func to(destination string) Call {
	c := sample()
	c[Destination] = Value{Text: destination, Set: true}
	return c
}

// with returns the sample call with another value of one field.
func with(f Field, text string) Call {
	c := sample()
	c[f] = Value{Text: text, Set: true}
	return c
}

// without returns the sample call without a field.
func without(f Field) Call {
	c := sample()
	c[f] = Value{}
	return c
}

// failed lists violations as "field: rule", in their order.
func failed(violations []Violation) string {
	var names []string
	for _, v := range violations {
		names = append(names, v.Field+": "+v.Rule.Name)
	}
	return strings.Join(names, ", ")
}

func TestJudgeShapes(t *testing.T) {
	long := strings.Repeat("a", 257)
	for _, test := range []struct {
		name string
		o    Options
		call Call
		want string
	}{
		{"all four fields", Options{}, sample(), ""},
		{"a destination alone", Options{}, Call{Destination: {Text: "alice", Set: true}}, ""},

		{"destination is required", Options{}, without(Destination), "destination: required"},
		{"an empty destination is none", Options{}, to(""), "destination: required"},
		{"text that is not set counts for nothing", Options{}, Call{Destination: {Text: "alice"}}, "destination: required"},
		{"nothing is required", Options{Require: []string{}}, Call{}, ""},
		{
			"every field is required",
			Options{Require: []string{"fromNumber", "CALLSID", "sessionid"}},
			Call{Destination: {Text: "alice", Set: true}},
			"fromNumber: required, callSid: required, sessionId: required",
		},
		{"an empty text fails no format", Options{}, Call{SessionID: {Set: true}, CallSID: {Set: true}, Destination: {Text: "a", Set: true}, FromNumber: {Set: true}}, ""},

		{"a session id of 128 characters", Options{}, with(SessionID, strings.Repeat("a", 128)), ""},
		{"a session id of 129 characters", Options{}, with(SessionID, strings.Repeat("a", 129)), "sessionId: session_id_format"},
		{"a session id of unreserved characters", Options{}, with(SessionID, "aZ09._~-"), ""},
		{"a session id with a slash", Options{}, with(SessionID, "a/b"), "sessionId: session_id_format"},
		{"a session id with a space", Options{}, with(SessionID, "a b"), "sessionId: session_id_format"},
		{"a session id with a percent sign", Options{}, with(SessionID, "a%2fb"), "sessionId: session_id_format"},
		{"a session id with a letter beyond ASCII", Options{}, with(SessionID, "é"), "sessionId: session_id_format"},
		{"a session id that is a dot segment", Options{}, with(SessionID, "."), "sessionId: session_id_format"},
		{"a session id that is two dots", Options{}, with(SessionID, ".."), "sessionId: session_id_format"},
		{"a session id of three dots", Options{}, with(SessionID, "..."), ""},

		{"a call SID in capitals", Options{}, with(CallSID, "CA0123456789ABCDEF0123456789ABCDEF"), ""},
		{"a call SID without CA", Options{}, with(CallSID, "0123456789abcdef0123456789abcdef"), "callSid: call_sid_format"},
		{"a call SID in small letters", Options{}, with(CallSID, "ca0123456789abcdef0123456789abcdef"), "callSid: call_sid_format"},
		{"a call SID of 31 digits", Options{}, with(CallSID, "CA0123456789abcdef0123456789abcde"), "callSid: call_sid_format"},
		{"a call SID of 33 digits", Options{}, with(CallSID, "CA0123456789abcdef0123456789abcdef0"), "callSid: call_sid_format"},
		{"a call SID with a g", Options{}, with(CallSID, "CA0123456789abcdef0123456789abcdeg"), "callSid: call_sid_format"},
		{"a conference SID", Options{}, with(CallSID, "CF0123456789abcdef0123456789abcdef"), "callSid: call_sid_format"},

		{"a national fromNumber", Options{}, with(FromNumber, "02079460000"), ""},
		{"a punctuated fromNumber", Options{}, with(FromNumber, "+44 20 7946 0000"), "fromNumber: from_number_format"},
		{"a fromNumber whose plus sign was lost", Options{}, with(FromNumber, " 442079460000"), "fromNumber: from_number_format"},
		{"a fromNumber whose plus sign was lost, with a region", Options{Numbers: NumberOptions{Region: "GB"}}, with(FromNumber, " 02079460000"), "fromNumber: from_number_format"},
		{"a name as fromNumber", Options{}, with(FromNumber, "Alice"), "fromNumber: from_number_format"},
		{"an extension as fromNumber", Options{}, with(FromNumber, "101"), "fromNumber: from_number_format"},
		{"a SIP URI as fromNumber", Options{}, with(FromNumber, "sip:a@example.com"), "fromNumber: from_number_format"},
		{"full-width digits as fromNumber", Options{}, with(FromNumber, "\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff10\uff10"), "fromNumber: from_number_format"},

		{"256 characters", Options{}, to(strings.Repeat("é", 256)), ""},
		{"257 characters", Options{}, to(long), "destination: text_length"},
		{
			"257 characters in every field",
			Options{},
			Call{{long, true}, {long, true}, {long, true}, {long, true}},
			"sessionId: text_length, callSid: text_length, destination: text_length, fromNumber: text_length, " +
				"sessionId: session_id_format, callSid: call_sid_format, fromNumber: from_number_format",
		},
		{"a megabyte", Options{}, to(strings.Repeat("9", 1<<20)), "destination: text_length"},

		{"NUL", Options{}, to("ali\x00ce"), "destination: control_characters, destination: destination_format"},
		{"a tab", Options{}, to("ali\tce"), "destination: control_characters, destination: destination_format"},
		{"DEL", Options{}, to("ali\x7fce"), "destination: control_characters, destination: destination_format"},
		{"C1", Options{}, to("ali\u0085ce"), "destination: control_characters, destination: destination_format"},
		{"a line separator", Options{}, to("ali\u2028ce"), "destination: control_characters, destination: destination_format"},
		{"a byte order mark", Options{}, to("\ufeffalice"), "destination: control_characters, destination: destination_format"},
		{"a mark of writing direction", Options{}, to("alice\u200f"), "destination: control_characters, destination: destination_format"},
		{"an isolate", Options{}, to("\u2067alice"), "destination: control_characters, destination: destination_format"},
		{"a zero-width space", Options{}, to("ali\u200bce"), "destination: control_characters, destination: destination_format"},
		{"bytes that are not UTF-8", Options{}, to("ali\xc3ce"), "destination: control_characters, destination: destination_format"},
		{"a joiner inside a word", Options{}, to("می\u200cخواهم"), ""},
		{"a joiner between digits", Options{}, to("5\u200d5"), "destination: destination_format"},

		{"kinds that are allowed", Options{Destinations: []string{"phone", "name"}}, to("alice"), ""},
		{"kinds that are not", Options{Destinations: []string{"phone", "name"}}, to("sip:alice@example.com"), "destination: destination_kind"},
		{"no kind fails the format alone", Options{Destinations: []string{"phone"}}, to("*97"), "destination: destination_format"},
		{"no kind is none of those allowed", Options{Destinations: []string{"phone"}, Rules: map[string]string{"destination_format": Off}}, to("*97"), "destination: destination_kind"},
		{"no kind where all are allowed", Options{Rules: map[string]string{"destination_format": Off}}, to("*97"), ""},

		{
			"all failures at once",
			Options{Require: []string{"callSid"}},
			Call{SessionID: {"a b", true}, Destination: {"911", true}, FromNumber: {"x", true}},
			"callSid: required, sessionId: session_id_format, fromNumber: from_number_format, destination: emergency",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, c := compile(t, test.o), test.call
			p.Normalize(&c)
			v := p.Judge(c)
			if got := failed(v.Violations); got != test.want {
				t.Errorf("violations %q, want %q", got, test.want)
			}
		})
	}
}

// TestALostPlusIsTold holds that the fix for a lost plus sign says how to write it,
// wherever the number is, with a region and without.
func TestALostPlusIsTold(t *testing.T) {
	for _, region := range []string{"", "US"} {
		p := compile(t, Options{Numbers: NumberOptions{Region: region}})
		for _, f := range []Field{Destination, FromNumber} {
			for _, text := range []string{" 4792448617", "  14155550100", "\u00a04792448617", "\t4792448617", " (47) 92 44 86 17"} {
				c := with(f, text)
				p.Normalize(&c)
				told := false
				for _, v := range p.Judge(c).Violations {
					told = told || v.Field == f.String() && strings.Contains(v.Detail, "%2B") && strings.Contains(v.Rule.Fix, "%2B")
				}
				if !told || c[f].Text != text {
					t.Errorf("region %q, %s %q became %q, told: %v", region, f, text, c[f].Text, told)
				}
			}
		}
	}
}

// TestTheCountriesAllowedAreTold holds that a refusal by country says which are not
// refused.
func TestTheCountriesAllowedAreTold(t *testing.T) {
	for _, test := range []struct {
		name, want string
		o          NumberOptions
	}{
		{"a few", "; those that are: CA, US.", NumberOptions{AllowCountries: []string{"us", "CA"}}},
		{"many", "AT, BE, CA, CH, DE, DK, ES, FI, FR, IE, IT, LU and 2 more.", NumberOptions{AllowCountries: strings.Fields("US CA DE FR IT ES AT CH BE NL LU DK FI IE")}},
		{"as many as are told", "AT, BE, CA, CH, DE, DK, ES, FI, FR, IE, IT, US.", NumberOptions{AllowCountries: strings.Fields("US CA DE FR IT ES AT CH BE DK FI IE")}},
		{"all but some", "which is not dialled here.", NumberOptions{DenyCountries: []string{"GB"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := compile(t, Options{Numbers: test.o}).Judge(to("+442079460001")).Violations
			if len(v) != 1 || v[0].Rule != CountryAllowed || !strings.HasSuffix(v[0].Detail, test.want) {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestTheKindsAllowedAreTold(t *testing.T) {
	for want, kinds := range map[string][]string{
		": email.": {"email"}, ": email or sip.": {"email", "sip"}, ": email, sip or client.": {"email", "sip", "client"},
	} {
		v := compile(t, Options{Destinations: kinds}).Judge(to("+12025550100")).Violations
		if len(v) != 1 || v[0].Rule != DestinationKind || !strings.HasSuffix(v[0].Detail, want) {
			t.Errorf("%v: got %+v", kinds, v)
		}
	}
}

func TestAValueIsJudgedWithoutTheOtherFields(t *testing.T) {
	p := compile(t, Options{
		Require: []string{"sessionId", "callSid", "destination", "fromNumber"},
		Numbers: NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}},
	})
	for _, tt := range []struct {
		rule  string
		field Field
		text  string
		want  string
	}{
		{"a right one", Destination, "+12025550100", ""},
		{"one as the region writes it", FromNumber, "(202) 555-0100", ""},
		{"one that no call may have", Destination, "(900) 555-1234", "destination: number_type"},
		{"one of another form", CallSID, "CA", "callSid: call_sid_format"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := failed(p.JudgeValue(tt.field, tt.text)); got != tt.want {
				t.Errorf("violations %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheDeniedTypeThatABareNumberMayBeOfIsTold(t *testing.T) {
	p := compile(t, Options{Numbers: NumberOptions{DenyTypes: []string{"premium_rate"}}})
	for number, want := range map[string]string{
		"19005551234": "premium_rate", "0019005551234": "premium_rate", "011448712345678": "premium_rate", "9005550123": "",
	} {
		if v := p.Judge(to(number)); v.NumberType != want || failed(v.Violations) != "destination: number_type" {
			t.Errorf("%s: type %q, want %q, violations %+v", number, v.NumberType, want, v.Violations)
		}
	}
}

func TestJudgeTellsKindAndCountry(t *testing.T) {
	p := compile(t, Options{Mode: Off})
	for _, test := range []struct {
		destination string
		kind        destination.Kind
		country     string
	}{
		{"+14155550100", destination.Phone, "US"},
		{"+16135550100", destination.Phone, "CA"},
		{"+18765550100", destination.Phone, "JM"},
		{"+447781100000", destination.Phone, "GG"},
		{"+77001234567", destination.Phone, "KZ"},
		{"+4930123456", destination.Phone, "DE"},
		{"+49", destination.Phone, ""},
		{"+15551234567", destination.Phone, ""},  // no country has area code 555
		{"+80012345678", destination.Phone, ""},  // no country
		{"+999123456789", destination.Phone, ""}, // no such code
		{"4155550100", destination.Phone, ""},    // no region
		{"sip:alice@example.com", destination.SIP, ""},
		{"sip:+14155550100@example.com", destination.SIP, "US"},
		{"sip:4155550100@example.com", destination.SIP, ""},
		{"client:alice", destination.Client, ""},
		{"alice@example.com", destination.Email, ""},
		{"alice", destination.Name, ""},
		{"101", destination.Name, ""},
		{"*97", "", ""},
	} {
		v := p.Judge(to(test.destination))
		if v.Kind != test.kind || v.Country != test.country {
			t.Errorf("%s: %q %q, want %q %q", test.destination, v.Kind, v.Country, test.kind, test.country)
		}
		if v.FromCountry != "GB" {
			t.Errorf("%s: from %q, want GB", test.destination, v.FromCountry)
		}
		if v.Violations != nil || v.Reported != nil {
			t.Errorf("%s: mode off fails %v %v", test.destination, v.Violations, v.Reported)
		}
	}
}

func TestModes(t *testing.T) {
	rules := func(pairs ...string) map[string]string {
		m := make(map[string]string)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	bad := to("*97")
	bad[CallSID].Text = "CA1"
	invalid := to("+15551234567")
	no := false
	for _, test := range []struct {
		name               string
		o                  Options
		call               Call
		violated, reported string
		warned             string
	}{
		{"enforce is the default", Options{}, bad, "callSid: call_sid_format, destination: destination_format", "", ""},
		{"report refuses nothing", Options{Mode: Report}, bad, "", "callSid: call_sid_format, destination: destination_format", ""},
		{"off says nothing", Options{Mode: Off}, bad, "", "", ""},
		{"a rule of its own", Options{Rules: rules("call_sid_format", Report)}, bad, "destination: destination_format", "callSid: call_sid_format", ""},
		{"a rule beats the mode", Options{Mode: Off, Rules: rules("call_sid_format", Enforce)}, bad, "callSid: call_sid_format", "", ""},

		{"validity warns by default", Options{}, invalid, "", "", "destination: validity"},
		{"validity warn", Options{Numbers: NumberOptions{Validity: "warn"}}, invalid, "", "", "destination: validity"},
		{"validity enforce", Options{Numbers: NumberOptions{Validity: Enforce}}, invalid, "destination: validity", "", ""},
		{"validity off", Options{Numbers: NumberOptions{Validity: Off}}, invalid, "", "", ""},
		{"validity enforce under report", Options{Mode: Report, Numbers: NumberOptions{Validity: Enforce}}, invalid, "", "destination: validity", ""},
		{"validity warn under report", Options{Mode: Report}, invalid, "", "", "destination: validity"},
		{"the rule validity report", Options{Rules: rules("validity", Report)}, invalid, "", "destination: validity", ""},
		{"validity warn under off", Options{Mode: Off, Numbers: NumberOptions{Validity: "warn"}}, invalid, "", "", ""},
		{"the rule validity beats both", Options{Mode: Off, Numbers: NumberOptions{Validity: Off}, Rules: rules("validity", Enforce)}, invalid, "destination: validity", "", ""},

		{"lost_plus warns by default", Options{}, to("12025550100"), "", "", "destination: lost_plus"},
		{"lost_plus warns under report", Options{Mode: Report}, to("12025550100"), "", "", "destination: lost_plus"},
		{"lost_plus under off", Options{Mode: Off}, to("12025550100"), "", "", ""},
		{"the rule lost_plus enforce", Options{Rules: rules("lost_plus", Enforce)}, to("12025550100"), "destination: lost_plus", "", ""},
		{"the rule lost_plus report", Options{Rules: rules("lost_plus", Report)}, to("12025550100"), "", "destination: lost_plus", ""},
		{"the rule lost_plus off", Options{Rules: rules("lost_plus", Off)}, to("12025550100"), "", "", ""},

		{"emergency report", Options{Rules: rules("emergency", Report)}, to("911"), "", "destination: emergency", ""},
		{"emergency allow", Options{Numbers: NumberOptions{Emergency: "allow"}}, to("+1911"), "", "", ""},
		{"distinct report", Options{Rules: rules("distinct", Report)}, to("+442079460000"), "", "fromNumber: distinct", ""},
		{"distinct off", Options{Numbers: NumberOptions{Distinct: &no}}, to("+442079460000"), "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := compile(t, test.o).Judge(test.call)
			if got := failed(v.Violations); got != test.violated {
				t.Errorf("violations %q, want %q", got, test.violated)
			}
			if got := failed(v.Reported); got != test.reported {
				t.Errorf("reported %q, want %q", got, test.reported)
			}
			if got := failed(v.Warnings); got != test.warned {
				t.Errorf("warnings %q, want %q", got, test.warned)
			}
		})
	}
}

func TestRulesOfReadingAreAlwaysEnforced(t *testing.T) {
	p := compile(t, Options{Mode: Off})
	for r := range All() {
		want := Off
		if !r.Switchable {
			want = Enforce
		}
		if got := p.Mode(r); got != want {
			t.Errorf("%s: mode %s, want %s", r.Name, got, want)
		}
	}
}

func TestViolationsTellWhereButNotWhat(t *testing.T) {
	p := compile(t, Options{Numbers: NumberOptions{DenyCountries: []string{"US"}}})
	v := p.Judge(to("+14155550100"))
	want := Violation{
		Rule: CountryAllowed, Field: "destination", Pointer: "#/destination",
		Detail: "destination (+14*******00) is a number of US, which is not dialled here.",
	}
	if len(v.Violations) != 1 || v.Violations[0] != want {
		t.Errorf("got %+v, want %+v", v.Violations, want)
	}
}

func TestPolicyIsSafeForConcurrentUse(t *testing.T) {
	p := compile(t, Options{Numbers: NumberOptions{Region: "US", DenyTypes: []string{"satellite"}, DenyCountries: []string{"JM"}}})
	destinations := []string{"(415) 555-0100", "+18765550100", "911", "+870773111632", "+442079460000"}
	var want []string
	judge := func() []string {
		var got []string
		for _, d := range destinations {
			c := to(d)
			p.Normalize(&c)
			got = append(got, fmt.Sprint(c[Destination].Text, failed(p.Judge(c).Violations)))
		}
		return got
	}
	want = judge()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if got := judge(); !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
	group.Wait()
}

// TestAViolationIsOfAFieldOfItsRule holds what metrics count on: that a rule
// fails for the fields that its entry names.
func TestAViolationIsOfAFieldOfItsRule(t *testing.T) {
	p := compile(t, Options{
		Rules:        map[string]string{"lost_plus": Enforce},
		Require:      []string{"sessionId", "callSid", "destination", "fromNumber"},
		Destinations: []string{"sip"},
		Numbers: NumberOptions{
			AllowCountries: []string{"DE"}, DenyTypes: []string{"premium_rate"}, Validity: "enforce", AllowFrom: []string{"+12025550100"},
		},
	})
	seen := make(map[*Rule]bool)
	for _, c := range []Call{
		{},
		{{"a b", true}, {"CA", true}, {"1-800-FLOWERS", true}, {"x\n", true}},
		{{"a", true}, {"CA", true}, {"+19005550123", true}, {"+19005550123", true}},
		{{"a", true}, {"CA", true}, {"911", true}, {"+19995550123", true}},
		to("12025550100"),
		to(strings.Repeat("x", MaxText+1)),
	} {
		for _, v := range p.Judge(c).Violations {
			seen[v.Rule] = true
			f, ok := FieldByName(v.Field)
			if !ok || !slices.Contains(v.Rule.Fields, f) {
				t.Errorf("%s failed for %q, which is not among its fields %v", v.Rule.Name, v.Field, v.Rule.Fields)
			}
		}
	}
	for r := range All() {
		if r.check != nil && !seen[r] {
			t.Errorf("no call failed %s", r.Name)
		}
	}
}

// TestDetailsSayWhyANumberIsNotTold holds what a number of unknown country or type
// lacks.
func TestDetailsSayWhyANumberIsNotTold(t *testing.T) {
	const missing = "without a plus sign and a country code, or a region in the configuration"
	for _, tt := range []struct {
		rule, region, destination, want string
		missing                         bool
	}{
		{"a bare number without a region", "", "4155550100", "can't be told", true},
		{"a bare number of a region", "US", "442079460001", "can't be told", false},
		{"a number with a plus sign", "", "+15551234567", "can't be told", false},
		{"a number with a plus sign, in a region", "US", "+15551234567", "can't be told", false},
		{"a number that is told", "", "+819012345678", "is a number of", false},
	} {
		for rule, o := range map[*Rule]NumberOptions{
			CountryAllowed: {AllowCountries: []string{"DE"}},
			NumberType:     {DenyTypes: []string{"mobile"}},
		} {
			o.Region = tt.region
			v := compile(t, Options{Numbers: o}).Judge(to(tt.destination)).Violations
			if len(v) != 1 || v[0].Rule != rule || !strings.Contains(v[0].Detail, tt.want) || strings.Contains(v[0].Detail, missing) != tt.missing {
				t.Errorf("%s: %s: %+v", tt.rule, rule.Name, v)
			}
		}
	}
}
