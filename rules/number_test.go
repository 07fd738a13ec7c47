package rules

import (
	"regexp"
	"strings"
	"testing"
)

func TestNormalize(t *testing.T) {
	for _, test := range []struct{ name, region, text, want string }{
		{"no region leaves national numbers alone", "", "4155550100", "4155550100"},
		{"no region leaves punctuated numbers alone", "", "+1 (415) 555-0100", "+1 (415) 555-0100"},
		{"a national number", "US", "4155550100", "+14155550100"},
		{"a punctuated national number", "US", "(415) 555-0100", "+14155550100"},
		{"a region in small letters", "us", "415.555.0100", "+14155550100"},
		{"a trunk prefix", "US", "1 415 555 0100", "+14155550100"},
		{"a trunk zero", "GB", "020 7946 0000", "+442079460000"},
		{"slashes", "DE", "030/123456", "+4930123456"},
		{"an Italian zero stays", "IT", "06 1234 5678", "+390612345678"},
		{"an international prefix", "GB", "001 415 555 0100", "+14155550100"},
		{"the international prefix of North America", "US", "011 44 20 7946 0000", "+442079460000"},
		{"punctuated E.164 of another country", "US", "+44 20 7946 0000", "+442079460000"},
		{"two zeros in brackets are not guessed", "GB", "+44 (00) 2079460000", "+44 (00) 2079460000"},
		{"a trunk zero in brackets is not guessed", "US", "+44 (0)20 7946 0000", "+44 (0)20 7946 0000"},
		{"a trunk zero in brackets where none is dialled", "US", "+48 (0) 22 512 12 34", "+48 (0) 22 512 12 34"},
		{"a trunk zero in brackets after an international prefix", "US", "011 44 (0)20 7946 0000", "011 44 (0)20 7946 0000"},
		{"a trunk zero in brackets at the front", "GB", "(0)20 7946 0000", "+442079460000"},
		{"a lost plus sign", "US", " 4792448617", " 4792448617"},
		{"lost plus signs", "US", "  14155550100", "  14155550100"},
		{"a lost plus sign before a bracket", "US", " (415) 555-0100", " (415) 555-0100"},
		{"a wide space for a plus sign", "US", "\u30004155550100", "\u30004155550100"},
		{"no-break spaces and hyphens", "US", "(415)\u00a0555\u20110100", "+14155550100"},
		{"narrow, thin and figure spaces", "US", "415\u202f555\u200901\u200700", "+14155550100"},
		{"dashes of every length", "US", "415\u2010555\u2012\u201301\u2014\u2015\u221200", "+14155550100"},
		{"a soft hyphen", "US", "415\u00ad5550100", "415\u00ad5550100"},
		{"punctuated E.164 that is no valid number", "US", "+1 555", "+1555"},
		{"spaces around", "US", " +14155550100 ", "+14155550100"},
		{"E.164 stays, valid or not", "US", "+4402079460000", "+4402079460000"},
		{"an emergency number with a country code", "GB", "+1911", "+1911"},

		{"seven digits without an area code", "US", "5550100", "5550100"},
		{"a number too long for the region", "US", "442079460000", "442079460000"},
		{"an extension", "US", "2045", "2045"},
		{"a punctuated extension", "US", "20-45", "20-45"},
		{"letters", "US", "1-800-FLOWERS", "1-800-FLOWERS"},
		{"letters after a plus sign", "US", "+1-800-FLOWERS", "+1-800-FLOWERS"},
		{"two plus signs", "US", "++14155550100", "++14155550100"},
		{"a plus sign inside", "US", "415+5550100", "415+5550100"},
		{"post-dial digits", "US", "4155550100,,123#", "4155550100,,123#"},
		{"an extension after a number", "US", "415 555 0100 x5", "415 555 0100 x5"},
		{"full-width digits", "US", "\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff10\uff10", "\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff10\uff10"},
		{"a plus sign of full width", "US", "\uff0b14155550100", "\uff0b14155550100"},
		{"a mark of writing direction", "US", "\u202d4155550100", "\u202d4155550100"},
		{"NUL", "US", "4155550100\x00", "4155550100\x00"},
		{"a tab", "US", "415\t5550100", "415\t5550100"},
		{"a URI", "US", "sip:4155550100@example.com", "sip:4155550100@example.com"},
		{"tel", "US", "tel:4155550100", "tel:4155550100"},
		{"a name", "US", "Front desk", "Front desk"},
		{"nothing", "US", "", ""},
		{"a space", "US", " ", " "},
		{"punctuation alone", "US", "(((", "((("},
		{"very many digits", "US", strings.Repeat("4", 300), strings.Repeat("4", 300)},
		{"a number in the longest text", "US", strings.Repeat("(", MaxText-10) + "4155550100", "+14155550100"},
		{"a number in a longer text", "US", strings.Repeat("(", MaxText-9) + "4155550100", strings.Repeat("(", MaxText-9) + "4155550100"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, Options{Numbers: NumberOptions{Region: test.region}})
			c := Call{SessionID: {test.text, true}, CallSID: {test.text, true}, Destination: {test.text, true}, FromNumber: {test.text, true}}
			p.Normalize(&c)
			if c[Destination].Text != test.want || c[FromNumber].Text != test.want {
				t.Errorf("destination %q, fromNumber %q, want %q", c[Destination].Text, c[FromNumber].Text, test.want)
			}
			if c[SessionID].Text != test.text || c[CallSID].Text != test.text {
				t.Errorf("sessionId %q, callSid %q are not what they were", c[SessionID].Text, c[CallSID].Text)
			}
			again := c
			if p.Normalize(&again); again != c {
				t.Errorf("twice: %v, once: %v", again, c)
			}
		})
	}
}

func TestDialPolicy(t *testing.T) {
	for _, test := range []struct {
		name string
		o    NumberOptions
		call Call
		want string
	}{
		{"an allowed country", NumberOptions{AllowCountries: []string{"us", "CA"}}, to("+14155550100"), ""},
		{"another country", NumberOptions{AllowCountries: []string{"US", "CA"}}, to("+442079460001"), "destination: country_allowed"},
		{"another country of +1", NumberOptions{AllowCountries: []string{"US", "CA"}}, to("+18765550100"), "destination: country_allowed"},
		{"an area code of +1 that no country has", NumberOptions{AllowCountries: []string{"US"}}, to("+15551234567"), "destination: country_allowed"},
		{"a national number without a region", NumberOptions{AllowCountries: []string{"US"}}, to("4155550100"), "destination: country_allowed"},
		{"a national number of the region", NumberOptions{Region: "US", AllowCountries: []string{"US"}}, to("4155550100"), ""},
		{"a national number that the region has no place for", NumberOptions{Region: "US", AllowCountries: []string{"US"}}, to("442079460001"), "destination: country_allowed"},
		{"a number of no country", NumberOptions{AllowCountries: []string{"US"}}, to("+80012345678"), "destination: country_allowed"},
		{"no country, allowed", NumberOptions{AllowCountries: []string{"001"}}, to("+80012345678"), ""},
		{"a calling code that nobody has", NumberOptions{AllowCountries: []string{"US"}}, to("+999123456789"), "destination: country_allowed"},
		{"a name has no country", NumberOptions{AllowCountries: []string{"US"}}, to("alice"), ""},
		{"an email address of digits", NumberOptions{AllowCountries: []string{"US"}}, to("4155550100@example.com"), "destination: country_allowed"},
		{"a client of digits", NumberOptions{AllowCountries: []string{"US"}}, to("client:18095551234"), "destination: country_allowed"},
		{"words behind a number", NumberOptions{Region: "US", AllowCountries: []string{"US", "CA"}}, to("18095551234 Bobby"), "destination: destination_format, destination: country_allowed"},
		{"a number behind a word", NumberOptions{Region: "US", AllowCountries: []string{"US", "CA"}}, to("call 1 809 555 1234"), "destination: country_allowed"},
		{"words inside a number", NumberOptions{Region: "US", AllowCountries: []string{"US", "CA"}}, to("call 1 809 and 555 1234"), "destination: country_allowed"},
		{"a number spelled in letters", NumberOptions{Region: "US", AllowCountries: []string{"US", "CA"}}, to("809-FLOWERS"), "destination: country_allowed"},
		{"a premium number spelled at length", NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}}, to("1-900-CALL-NOW-PLEASE"), "destination: destination_format, destination: number_type"},
		{"a number spelled behind a word", NumberOptions{Region: "US", AllowCountries: []string{"US", "CA"}}, to("call 1-809-FLOWERS"), "destination: country_allowed"},
		{"a premium number spelled among words", NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}}, to("Bob, 1900FLOWERS please"), "destination: number_type"},
		{"numbers and words that spell none", NumberOptions{Region: "US", AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}}, to("Room 1234 Engineering"), ""},
		{"a number spelled in letters without a region", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("809-FLOWERS"), "destination: number_type"},
		{"a number spelled in letters for a host", NumberOptions{Region: "US", AllowCountries: []string{"US"}}, to("sip:809-FLOWERS@example.com"), "destination: country_allowed"},
		{"a name with a few digits", NumberOptions{AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}}, to("Sales Team 2"), ""},
		{"an extension", NumberOptions{AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}}, to("ext 204"), ""},
		{"an id", NumberOptions{AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}}, to("us9bvxpsl8g7o8wpaudjc0hsm"), ""},
		{"a UUID", NumberOptions{AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}}, to("0f8fad5b-d9cb-469f-a165-70867728950e"), ""},
		{"a UUID that begins with few digits", NumberOptions{Region: "US", AllowCountries: []string{"US"}}, to("12345678-abcd-4cde-8fab-70867728950e"), ""},
		{"a word that touches a number", NumberOptions{Region: "US", AllowCountries: []string{"US", "CA"}}, to("Bobby18095551234"), "destination: country_allowed"},
		{"a letter that touches a number", NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}}, to("l9005550123"), "destination: number_type"},
		{"a word in the middle of a number", NumberOptions{Region: "US", AllowCountries: []string{"US", "CA"}}, to("1809Bobby5551234"), "destination: country_allowed"},
		{"a word that touches a number, for a host", NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}}, to("sip:a19005550123@example.com"), "destination: number_type"},
		{"a semicolon before a number, for a host", NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}}, to("sip:bob;9005550123@example.com"), "destination: number_type"},
		{"a parameter of a user that is no number", NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}}, to("sip:bob;to=19005550123@example.com"), "destination: number_type"},
		{"an O for a zero, for a host", NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}}, to("sip:1-900-555-O123@example.com"), "destination: number_type"},
		{"an employee number", NumberOptions{AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}}, to("E1234567"), ""},
		{"a client with a number of its own", NumberOptions{Region: "US", AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}}, to("client:user_1234567"), ""},
		{"a user with a number of its own", NumberOptions{AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}}, to("sip:agent-1234567@example.com"), ""},
		{"an address with a date", NumberOptions{AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}}, to("bob.20240115@example.com"), ""},
		{"a short number of the region beside a word, for a host", NumberOptions{Region: "NO", DenyTypes: []string{"premium_rate"}}, to("sip:bob-82912345@example.com"), "destination: number_type"},
		{"a user of digits alone", NumberOptions{AllowCountries: []string{"US"}}, to("client:1234567"), "destination: country_allowed"},
		{"a UUID that begins like a number", NumberOptions{AllowCountries: []string{"US"}}, to("18095551-2345-4cde-8fab-70867728950e"), "destination: country_allowed"},
		{"a SIP user has no country", NumberOptions{AllowCountries: []string{"US"}}, to("sip:alice@example.com"), ""},

		{"a denied country", NumberOptions{DenyCountries: []string{"JM"}}, to("+18765550100"), "destination: country_allowed"},
		{"a denied country, with digits too many", NumberOptions{DenyCountries: []string{"JM"}}, to("+1876555010099"), "destination: country_allowed"},
		{"a denied country, with a trunk prefix", NumberOptions{DenyCountries: []string{"JM"}}, to("+118765550100"), "destination: country_allowed"},
		{"a country that is not denied", NumberOptions{DenyCountries: []string{"JM"}}, to("+14155550100"), ""},
		{"a number of +1 that may be of a denied country", NumberOptions{DenyCountries: []string{"JM"}}, to("+15551234567"), "destination: country_allowed"},
		{"a number of +1 that can't be of a denied country", NumberOptions{DenyCountries: []string{"DE"}}, to("+15551234567"), ""},
		{"a national number that may be of a denied country", NumberOptions{DenyCountries: []string{"JM"}}, to("18765550100"), "destination: country_allowed"},
		{"a calling code that nobody has may be of any", NumberOptions{DenyCountries: []string{"JM"}}, to("+999123456789"), "destination: country_allowed"},
		{"a number of no country is not denied", NumberOptions{DenyCountries: []string{"JM"}}, to("+80012345678"), ""},
		{"no country, denied", NumberOptions{DenyCountries: []string{"001"}}, to("+80012345678"), "destination: country_allowed"},
		{"an international prefix in the region", NumberOptions{Region: "GB", DenyCountries: []string{"JM"}}, to("0018765550100"), "destination: country_allowed"},

		{"premium rate in the US", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("+19005551234"), "destination: number_type"},
		{"premium rate with digits too many", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("+190055512345"), "destination: number_type"},
		{"premium rate with a trunk prefix", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("+119005551234"), "destination: number_type"},
		{"premium rate in the UK", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("+448712345678"), "destination: number_type"},
		{"premium rate in the UK with a trunk prefix", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("+4408712345678"), "destination: number_type"},
		{"international premium rate", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("+979123456789"), "destination: number_type"},
		{"international premium rate, not valid", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("+9791"), "destination: number_type"},
		{"a bare premium number without a plus sign", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("19005551234"), "destination: number_type"},
		{"a bare premium number after 00", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("0019005551234"), "destination: number_type"},
		{"a bare premium number after 011", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("011448712345678"), "destination: number_type"},
		{"a national premium number of the region", NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}}, to("900-555-1234"), "destination: number_type"},
		{"a premium number of another country than the region", NumberOptions{Region: "GB", DenyTypes: []string{"premium_rate"}}, to("19005551234"), "destination: number_type"},
		{"Inmarsat", NumberOptions{DenyTypes: []string{"satellite"}}, to("+870773111632"), "destination: number_type"},
		{"Iridium", NumberOptions{DenyTypes: []string{"satellite"}}, to("+881612345678"), "destination: number_type"},
		{"Thuraya", NumberOptions{DenyTypes: []string{"satellite"}}, to("+88216123456"), "destination: number_type"},
		{"+883", NumberOptions{DenyTypes: []string{"satellite"}}, to("+883510012345678"), "destination: number_type"},
		{"toll-free", NumberOptions{DenyTypes: []string{"toll_free"}}, to("+18005550199"), "destination: number_type"},
		{"international toll-free", NumberOptions{DenyTypes: []string{"toll_free"}}, to("+80012345678"), "destination: number_type"},
		{"mobile", NumberOptions{DenyTypes: []string{"mobile"}}, to("+4915112345678"), "destination: number_type"},
		{"another type", NumberOptions{DenyTypes: []string{"mobile", "premium_rate"}}, to("+4930123456"), ""},
		{"a type that can't be told without a region", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("9005550123"), "destination: number_type"},
		{"a type that can't be told of an area code that nobody has", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("+15551234567"), "destination: number_type"},
		{"a type that the region tells", NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}}, to("4155550100"), ""},
		{"an emergency number has a rule of its own", NumberOptions{DenyTypes: []string{"premium_rate"}, Emergency: "allow"}, to("+1911"), ""},
		{"fixed line or mobile", NumberOptions{DenyTypes: []string{"fixed_line_or_mobile"}}, to("+14155550100"), "destination: number_type"},
		{"both lists at once", NumberOptions{DenyTypes: []string{"premium_rate"}, DenyCountries: []string{"US"}}, to("+19005551234"), "destination: country_allowed, destination: number_type"},

		{"a SIP user with a plus sign", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:+19005551234@example.com"), "destination: number_type"},
		{"a SIP user with a percent-encoded plus sign", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:%2b1%39005551234@example.com"), "destination: number_type"},
		{"a SIP user with separators and parameters", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:+1-900-555-1234;isub=1@example.com"), "destination: number_type"},
		{"a SIP user of more digits than any number", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:+19005551234" + strings.Repeat("5", 40) + "@example.com"), "destination: number_type"},
		{"a SIP user after slashes", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip://+19005551234@example.com"), "destination: number_type"},
		{"a SIP user in the context of a country", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:9005551234;phone-context=+1@example.com"), "destination: number_type"},
		{"user=phone without a region", NumberOptions{AllowCountries: []string{"US"}}, to("sip:4155550100@example.com;user=phone"), "destination: country_allowed"},
		{"user=phone in the region", NumberOptions{Region: "US", AllowCountries: []string{"US"}}, to("sip:4155550100@example.com;user=phone"), ""},
		{"user=phone in the region, denied", NumberOptions{Region: "US", DenyCountries: []string{"US"}}, to("sip:4155550100@example.com;User=Phone"), "destination: country_allowed"},
		{"digits of a SIP user, which a carrier dials", NumberOptions{AllowCountries: []string{"US"}}, to("sip:4155550100@example.com"), "destination: country_allowed"},
		{"digits of a SIP user in the region", NumberOptions{Region: "US", AllowCountries: []string{"US"}}, to("sip:4155550100@example.com"), ""},
		{"a few digits of a SIP user are the host's", NumberOptions{AllowCountries: []string{"US"}}, to("sip:204@example.com"), ""},
		{"user=phone, escaped", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:9005550123@c.example;user=%70hone"), "destination: number_type"},
		{"a routing number", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:+14155550100;rn=+19005551234@example.com"), "destination: number_type"},
		{"an escaped routing number", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:+14155550100%3Brn=%2B1-900-555-1234@example.com"), "destination: number_type"},
		{"a routing number behind the host", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:+14155550100@example.com;rn=%2b19005551234"), "destination: number_type"},
		{"a routing number in its context", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:+14155550100;rn=9005551234;rn-context=+1@example.com"), "destination: number_type"},
		{"a carrier's number", NumberOptions{AllowCountries: []string{"US"}}, to("sip:+14155550100;cic=+441234@example.com"), "destination: country_allowed"},
		{"an extension of a subscriber", NumberOptions{AllowCountries: []string{"US"}}, to("sip:+14155550100;ext=4420794600@example.com"), ""},
		{"a carrier's code", NumberOptions{AllowCountries: []string{"US"}}, to("sip:+14155550100;cic=0288@example.com"), ""},
		{"a context behind the host", NumberOptions{DenyTypes: []string{"premium_rate"}}, to("sip:5551234@example.com;user=phone;phone-context=%2B1900"), "destination: number_type"},

		{"an allowed fromNumber", NumberOptions{AllowFrom: []string{"+442079460000"}}, sample(), ""},
		{"another fromNumber", NumberOptions{AllowFrom: []string{"+442079460001"}}, sample(), "fromNumber: allow_from"},
		{"a fromNumber that is no number", NumberOptions{AllowFrom: []string{"+442079460001"}}, with(FromNumber, "Alice"), "fromNumber: allow_from, fromNumber: from_number_format"},
		{"no fromNumber", NumberOptions{AllowFrom: []string{"+442079460001"}}, without(FromNumber), ""},
		{"a list and a number as the region writes them", NumberOptions{Region: "GB", AllowFrom: []string{"020 7946 0000"}}, with(FromNumber, "(020) 79460000"), ""},
		{"the digits without the plus sign are another number", NumberOptions{AllowFrom: []string{"+442079460000"}}, with(FromNumber, "442079460000"), "fromNumber: allow_from"},

		{"the same number", NumberOptions{}, to("+442079460000"), "fromNumber: distinct"},
		{"the same number without its plus sign", NumberOptions{}, to("442079460000"), "fromNumber: distinct"},
		{"the same number as the region writes it", NumberOptions{Region: "GB"}, to("020 7946 0000"), "fromNumber: distinct"},
		{"the same number in a SIP URI", NumberOptions{}, to("sip:+442079460000@example.com"), "fromNumber: distinct"},
		{"the same digits as a user of a host", NumberOptions{}, to("sip:442079460000@example.com"), "fromNumber: distinct"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, Options{Numbers: test.o})
			c := test.call
			p.Normalize(&c)
			v := p.Judge(c)
			if got := failed(v.Violations); got != test.want {
				t.Errorf("violations %q, want %q", got, test.want)
			}
		})
	}
}

// TestWhatIsRefusedForItsLengthIsNotRead holds that a text that is too long is not
// searched for numbers, which takes long in 16 KiB.
func TestWhatIsRefusedForItsLengthIsNotRead(t *testing.T) {
	o := Options{Numbers: NumberOptions{Region: "US", AllowCountries: []string{"US"}, DenyTypes: []string{"premium_rate"}}}
	for _, text := range []string{
		"+" + strings.Repeat("1", 16000), "tel:1" + strings.Repeat(";a-context=+1900555", 800), "1" + strings.Repeat("\ufdfa", 5000), "call 911 " + strings.Repeat("x", 4*MaxText),
	} {
		p := compile(t, o)
		call := with(FromNumber, text)
		call[Destination] = Value{Text: text, Set: true}
		if got := failed(p.Judge(call).Violations); got != "destination: text_length, fromNumber: text_length" {
			t.Errorf("%.20q: violations %q", text, got)
		}
		if got := p.Canonical(text); got != text {
			t.Errorf("%.20q: canonical %.20q", text, got)
		}
	}
	if got := failed(compile(t, o).Judge(to("call 911 " + strings.Repeat("x", 4*MaxText-len("call 911 ")))).Violations); !strings.Contains(got, "emergency") {
		t.Errorf("a text of as many bytes as its characters can have: violations %q", got)
	}
	o.Rules = map[string]string{"text_length": Report}
	if got := failed(compile(t, o).Judge(to("call 911 " + strings.Repeat("x", 4*MaxText))).Violations); !strings.Contains(got, "emergency") {
		t.Errorf("a text that may be too long: violations %q", got)
	}
}

func TestDialPolicyHoldsForWhatIsOfNoKind(t *testing.T) {
	p := compile(t, Options{
		Rules:   map[string]string{"destination_format": Report, "control_characters": Off},
		Numbers: NumberOptions{DenyTypes: []string{"premium_rate"}},
	})
	for _, destination := range []string{
		"+1 (900) 555-1234", "++19005551234", "\uff0b\uff11\uff19\uff10\uff10\uff15\uff15\uff15\uff11\uff12\uff13\uff14",
		"sip:+19005551234:secret@example.com", "SIPS:%2B1900-555-1234:@x;user=phone", "sip:19005551234:@x;USER=Phone", "sip:+19005551234",
		"sip:+19005551234@", "+19005551234@example.com", "tel:+19005551234", "tel:+1-900-555-1234;ext=5", "tel:5551234;phone-context=+1900", "tel:9005551234;phone-context=%2b1",
		"callto:+19005551234", "whatsapp:+19005551234", "phone:19005551234", "sms:+19005551234?body=hi", "skype:+19005551234?call", "x-any:+19005551234", "tel: 19005551234",
		"1,900,555,1234", "1:900:555:1234", "1*900#555=1234", "*67 19005551234", "*6719005551234",
		"@19005551234", "sip:@19005551234", "client:@19005551234", "\u2776\u277e\u24ff\u24ff\u277a\u277a\u277a\u2776\u2777\u2778\u2779",
		"+14155550100;19005551234", "204;19005551234", "+14155550100&19005551234",
		"client:+19005551234", "Bob <sip:+19005551234@example.com>", " 19005551234", "+1 (0) 900 555 1234", "+1900FLOWERS", "\u2776\u2460\u2468\u24ea\u24ea\u2464\u2464\u2464\u2460\u2461\u2462\u2463 +19005551234", "1-900-555-1234", "+19005551234,,1#", "\u202a+19005551234", "+1900555\x001234",
	} {
		v := p.Judge(to(destination))
		if got := failed(v.Violations); got != "destination: number_type" {
			t.Errorf("%q: violations %q", destination, got)
		}
		if got := failed(v.Reported); !strings.HasPrefix(got, "destination: destination_format") {
			t.Errorf("%q: reported %q", destination, got)
		}
	}
}

func TestValidity(t *testing.T) {
	for _, test := range []struct {
		name, region, destination string
		valid                     bool
	}{
		{"a number that exists", "", "+14155550100", true},
		{"an area code that does not", "", "+15551234567", false},
		{"too short", "", "+1415555", false},
		{"too long", "", "+141555501000", false},
		{"a country code alone", "", "+49", false},
		{"a calling code that nobody has", "", "+999123456789", false},
		{"a trunk zero is mended, as libphonenumber does", "", "+4402079460001", true},
		{"a national number without a region can't be told", "", "5551234567", true},
		{"a national number", "US", "5551234567", false},
		{"a national number that the region has no place for", "US", "442079460001", false},
		{"an emergency number exists", "", "+1911", true},
		{"a name is no number", "", "alice", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, Options{Numbers: NumberOptions{Region: test.region, Validity: Enforce, Emergency: "allow"}})
			c := to(test.destination)
			p.Normalize(&c)
			want := "destination: validity"
			if test.valid {
				want = ""
			}
			if got := failed(p.Judge(c).Violations); got != want {
				t.Errorf("violations %q, want %q", got, want)
			}
		})
	}
	v := compile(t, Options{}).Judge(with(FromNumber, "+15551234567"))
	if got := failed(v.Warnings); got != "fromNumber: validity" {
		t.Errorf("fromNumber: warnings %q", got)
	}
}

// TestAPlusThatASpreadsheetDropped holds which numbers may have lost one: those that
// are none of the region, or could be anywhere, and are one with a plus sign.
func TestAPlusThatASpreadsheetDropped(t *testing.T) {
	for _, test := range []struct{ name, region, number, want string }{
		{"no region", "", "12025550100", "(12*******00) may be one of any country without a plus sign, and is one of US with it"},
		{"no region, another country", "", "4930123456", "is one of DE with it"},
		{"no region, a number of no country", "", "80012345678", "is one of no country with it"},
		{"no region, no number with a plus sign either", "", "2025550100", ""},
		{"no region, a trunk zero", "", "02079460000", ""},
		{"no region, an international prefix", "", "0012025550100", ""},
		{"no region, an extension", "", "123456", ""},
		{"with its plus sign", "", "+12025550100", ""},
		{"the country code of the region", "US", "12025550100", ""},
		{"a national number", "US", "2025550100", ""},
		{"a national number of the region that is one elsewhere too", "US", "4755550100", ""},
		{"of another country", "US", "4930123456", "(49******56) is not one of US without a plus sign, and is one of DE with it"},
		{"for which the plan of the region has room", "DE", "12025550100", "(12*******00) is not one of DE without a plus sign, and is one of US with it"},
		{"with punctuation", "DE", "1 (202) 555-0100", "(12*******00) is not one of DE"},
		{"for which the plan of the region has no room", "GB", "12025550100", "(12*******00) is not one of GB"},
		{"a trunk zero that makes no number", "DE", "0012025550100", ""},
		{"in E.164, of the region, no number", "DE", "+4900000", ""},
		{"in E.164, of another country, no number", "DE", "+15551234567", ""},
		{"the user of a host", "", "sip:12025550100@example.com", ""},
		{"beside words", "", "12025550100 Bob", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, Options{Numbers: NumberOptions{Region: test.region}})
			for _, f := range []Field{Destination, FromNumber} {
				if f == FromNumber && !destinationsOnly.MatchString(test.number) {
					continue
				}
				c := Call{Destination: {"bob", true}}
				c[f] = Value{test.number, true}
				p.Normalize(&c)
				got := ""
				for _, v := range p.Judge(c).Warnings {
					if v.Rule == LostPlus {
						got += v.Detail
					}
				}
				if (got == "") != (test.want == "") || !strings.Contains(got, test.want) || got != "" && !strings.HasPrefix(got, f.String()) {
					t.Errorf("%s: %q, want %q", f, got, test.want)
				}
			}
		})
	}
}

// destinationsOnly is what a caller can't have.
var destinationsOnly = regexp.MustCompile(`^[+0-9 ()-]+$`)

func TestTheTypeOfANumberIsTold(t *testing.T) {
	p := compile(t, Options{})
	for number, want := range map[string]string{
		"+14155550100": "fixed_line_or_mobile", "+4930123456": "fixed_line", "+4915112345678": "mobile",
		"+881612345678": "satellite", "+19005551234": "premium_rate", "+15551234567": "",
	} {
		if v := p.Judge(to(number)); v.NumberType != want {
			t.Errorf("%s: type %q, want %q", number, v.NumberType, want)
		}
	}
}
