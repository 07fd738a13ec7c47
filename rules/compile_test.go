package rules

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestCompileTellsEveryMistake(t *testing.T) {
	for _, test := range []struct {
		name string
		o    Options
		want []string // one a line
	}{
		{"a mode", Options{Mode: "enforced"}, []string{`mode: "enforced" is not one of enforce, report, off; did you mean enforce?`}},
		{"a mode unlike any", Options{Mode: "strict"}, []string{`mode: "strict" is not one of enforce, report, off`}},
		{"a rule", Options{Rules: map[string]string{"destination_formt": Off}}, []string{`rules.destination_formt: there is no such rule; did you mean destination_format?`}},
		{"a rule of reading", Options{Rules: map[string]string{"malformed_json": Off}}, []string{`rules.malformed_json: is always enforced: it judges requests that could not be forwarded`}},
		{"a rule's mode", Options{Rules: map[string]string{"emergency": "of"}}, []string{`rules.emergency: "of" is not one of enforce, report, off; did you mean off?`}},
		{"a rule without a mode", Options{Rules: map[string]string{"emergency": ""}}, []string{`rules.emergency: want one of enforce, report, off`}},
		{"a field", Options{Require: []string{"callSID", "from"}}, []string{`require: there is no field "from"; did you mean fromNumber?`}},
		{"a field that is nearly right", Options{Require: []string{"callId"}}, []string{`require: there is no field "callId"; did you mean callSid?`}},
		{"a field twice", Options{Require: []string{"callSid", "callsid"}}, []string{`require: callSid appears twice`}},
		{"a kind", Options{Destinations: []string{"phones"}}, []string{`destinations: there is no kind "phones"; the kinds are phone, sip, client, email or name; did you mean phone?`}},
		{"a kind twice", Options{Destinations: []string{"sip", "sip"}}, []string{`destinations: sip appears twice`}},
		{"a region", Options{Numbers: NumberOptions{Region: "UK"}}, []string{`numbers.region: "UK" is not the ISO 3166 code of a country with phone numbers, such as US or DE; did you mean GB?`}},
		{"a region of no country", Options{Numbers: NumberOptions{Region: "001"}}, []string{`numbers.region: 001 is not a country`}},
		{"a country", Options{Numbers: NumberOptions{AllowCountries: []string{"usa"}, DenyCountries: []string{"ZZ"}}}, []string{
			`numbers.allow_countries: "usa" is not the ISO 3166 code of a country with phone numbers, such as US or DE; did you mean US?`,
			`numbers.deny_countries: "ZZ" is not the ISO 3166 code of a country with phone numbers, such as US or DE`,
		}},
		{"a country on both lists", Options{Numbers: NumberOptions{AllowCountries: []string{"US", "CA"}, DenyCountries: []string{"ca"}}}, []string{`numbers.allow_countries: CA is in deny_countries too`}},
		{"a type", Options{Numbers: NumberOptions{DenyTypes: []string{"premium"}}}, []string{
			`numbers.deny_types: there is no type "premium"; the types are satellite, fixed_line, mobile, fixed_line_or_mobile, toll_free, premium_rate, shared_cost, voip, personal_number, pager, uan or voicemail; did you mean premium_rate?`,
		}},
		{"emergency", Options{Numbers: NumberOptions{Emergency: "denied"}}, []string{`numbers.emergency: "denied" is not one of deny, allow; did you mean deny?`}},
		{"validity", Options{Mode: Off, Numbers: NumberOptions{Validity: "warning"}}, []string{`numbers.validity: "warning" is not one of warn, enforce, off; did you mean warn?`}},
		{"allow_from", Options{Numbers: NumberOptions{AllowFrom: []string{"+14155550100", "(415) 555-0100"}}}, []string{`numbers.allow_from: number 2 (41******00) is not a phone number`}},
		{"all at once", Options{Mode: "x", Require: []string{"y"}, Numbers: NumberOptions{Region: "z"}}, []string{
			`mode: "x" is not one of enforce, report, off`,
			`require: there is no field "y"`,
			`numbers.region: "z" is not the ISO 3166 code of a country with phone numbers, such as US or DE`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Compile(test.o)
			if err == nil || p != nil {
				t.Fatalf("compiled to %v, %v", p, err)
			}
			if want := strings.Join(test.want, "\n"); err.Error() != want {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
		})
	}
}

func TestCompileKeepsNothingOfTheOptions(t *testing.T) {
	o := Options{Require: []string{"callSid"}, Destinations: []string{"phone"}, Rules: map[string]string{"emergency": Off}}
	p := compile(t, o)
	o.Require[0], o.Destinations[0], o.Rules["emergency"] = "sessionId", "name", Enforce
	if got := failed(p.Judge(Call{Destination: {"911", true}}).Violations); got != "callSid: required, destination: destination_kind" {
		t.Errorf("violations %q", got)
	}
}

func TestOptionsGoThroughJSON(t *testing.T) {
	no := false
	for _, o := range []Options{
		{},
		{Require: []string{}}, // none, which is not the default
		{
			Mode: Report, Rules: map[string]string{"emergency": Off}, Require: []string{"callSid"}, Destinations: []string{"phone"},
			Numbers: NumberOptions{
				Region: "US", AllowCountries: []string{"US"}, DenyCountries: []string{"JM"}, DenyTypes: []string{"satellite"},
				Emergency: "allow", Validity: Off, AllowFrom: []string{"+14155550100"}, Distinct: &no,
			},
		},
	} {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var back Options
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, o) {
			t.Errorf("%s became %+v", text, back)
		}
	}
	if text, _ := json.Marshal(Options{}); string(text) != "{}" {
		t.Errorf("the default is %s", text)
	}
}
