package rules

import "testing"

func TestEmergency(t *testing.T) {
	for _, test := range []struct {
		name, region, destination string
		want                      bool
	}{
		{"911", "", "911", true},
		{"112", "", "112", true},
		{"999", "", "999", true},
		{"an emergency number of two digits", "", "17", true},
		{"an emergency number of some country", "", "110", true},
		{"no emergency number anywhere", "", "2045", false},
		{"a digit more is an extension", "", "9115", false},
		{"words after the digits", "", "112 Team", true},
		{"a name after the digits", "", "911 Bobby", true},
		{"a name that touches the digits", "", "911Bobby", true},
		{"a word before the digits", "", "call 911", true},
		{"words between the digits", "", "9 call 1 call 1", true},
		{"a number of the region after a word", "DE", "call 110", true},
		{"a number of another country after a word", "US", "Room 110", false},
		{"digits in a word", "", "alice911", false},
		{"an id that begins so", "", "911f1f77bcf86cd799439011", false},
		{"letters and a digit behind the digits", "", "911e0", true},
		{"more of them", "", "112a1b2c3", true},
		{"such a number of the region", "DE", "110x1", true},
		{"such a number of another country", "US", "110x1", false},
		{"such a SIP user", "US", "sip:911e0@example.com", true},
		{"such a client", "", "client:911a1", true},
		{"such digits behind a word", "", "room 911e0", false},
		{"the code of a service before the digits", "US", "sip:*67911@example.com", true},
		{"one without a host", "", "*67911", true},
		{"one and a space", "", "*67 911", true},
		{"one of a rotary phone's hash", "", "#31911", true},
		{"what follows another number", "US", "+12025550123#67911", false},
		{"an address without a user", "", "@911", true},
		{"digits in dark circles", "", "\u277e\u2776\u2776", true},
		{"an escaped one", "US", "sip:%2A67911@example.com", true},
		{"the code of a service alone", "US", "sip:*67@example.com", false},
		{"a mailbox", "US", "sip:*98204@example.com", false},
		{"tel", "", "tel:911", true},
		{"tel with a context", "", "tel:11;phone-context=+19", true},
		{"a name that begins with a pause letter", "", "100 Park Plaza", false},
		{"punctuated", "", "9-1-1", true},
		{"underscores", "", "9_1_1", true},
		{"spaces", "", "9 1 1", true},
		{"a pause after", "", "911,", true},
		{"post-dial digits after", "", "911w1", true},
		{"an extension after", "", "911 ext 5", true},

		{"911 with its country code", "", "+1911", true},
		{"999 with its country code", "", "+44999", true},
		{"112 with a country code", "", "+49112", true},
		{"112 in a country of one code among several", "", "+7112", true},
		{"911 with its country code and digits that make no number", "", "+19115", true},
		{"911 after a plus sign", "", "+911", true},
		{"112 after a plus sign", "", "+112", true},
		{"999 after a plus sign", "", "+999", true},
		{"a number that begins with an emergency number", "", "+911123456789", false},
		{"a short number that does not", "", "+1555", false},
		{"an international prefix", "", "0044999", true},
		{"the international prefix of North America", "", "0111911", true},

		{"911 in the US", "US", "911", true},
		{"112 in the US", "US", "112", true},
		{"999 is an extension in the US", "US", "999", false},
		{"101 is an extension in the US", "US", "101", false},
		{"999 in the UK", "GB", "999", true},
		{"911 everywhere", "GB", "911", true},
		{"110 in Germany", "DE", "110", true},
		{"another country's with its code", "DE", "+1911", true},
		{"an international prefix in the region", "GB", "001911", true},
		{"digits that the region has no place for", "US", "9115551", true},
		{"Delhi is not 112", "IN", "1123456789", false},
		{"Delhi in E.164 is not 112", "US", "+911123456789", false},

		{"a SIP user", "", "sip:911@example.com", true},
		{"a SIP user of another case", "", "SIPS:%39%31%31@example.com;transport=tls", true},
		{"a SIP user, punctuated", "", "sip:9-1-1@example.com", true},
		{"a SIP user with a country code", "", "sip:+1911@example.com", true},
		{"a SIP user with user=phone is dialled", "", "sip:110@example.com;user=phone", true},
		{"a SIP user is an extension of that host", "", "sip:110@example.com", false},
		{"a SIP user in the region", "DE", "sip:110@example.com", true},
		{"a client", "", "client:911", true},
		{"a client of a name", "", "client:alice911", false},
		{"an address", "", "911@example.com", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, Options{Numbers: NumberOptions{Region: test.region}})
			c := to(test.destination)
			p.Normalize(&c)
			v := p.Judge(c)
			got := false
			for _, violation := range v.Violations {
				got = got || violation.Rule == Emergency
				if violation.Rule != Emergency && violation.Rule != DestinationFormat {
					t.Errorf("%s", violation.Detail)
				}
			}
			if got != test.want {
				t.Errorf("emergency %v, want %v", got, test.want)
			}
			allowed := compile(t, Options{Numbers: NumberOptions{Region: test.region, Emergency: "allow"}})
			if got := failed(allowed.Judge(c).Violations); got != "" && got != "destination: destination_format" {
				t.Errorf("emergency allow: violations %q", got)
			}
		})
	}
}
