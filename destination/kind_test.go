package destination

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name    string
		text    string
		kind    Kind
		problem string // where kind is empty
	}{
		{"E.164", "+14155550100", Phone, ""},
		{"E.164 of two digits", "+12", Phone, ""},
		{"E.164 of fifteen digits", "+123456789012345", Phone, ""},
		{"E.164 of one digit", "+1", "", notE164},
		{"E.164 of sixteen digits", "+1234567890123456", "", notE164},
		{"a plus sign alone", "+", "", notE164},
		{"a country code with a leading zero", "+0123456789", "", notE164},
		{"two plus signs", "++14155550100", "", notE164},
		{"letters for digits", "+1-800-FLOWERS", "", notE164},
		{"punctuated E.164", "+1 (415) 555-0100", "", notE164},
		{"post-dial digits", "+14155550100,,123#", "", notE164},
		{"a space at the end", "+14155550100 ", "", notE164},
		{"a name with a plus sign", "+support", "", notE164},
		{"NUL in a number", "+1415555\x000100", "", notE164},
		{"full-width digits after a plus sign", "+\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff10\uff10", "", notE164},

		{"a national number of seven digits", "5550100", Phone, ""},
		{"a national number of fifteen digits", "011442079460000", Phone, ""},
		{"a national number with a trunk zero", "02079460000", Phone, ""},
		{"sixteen digits", "1234567890123456", "", tooManyDigit},
		{"six digits are an extension", "555010", Name, ""},
		{"one digit is an extension", "0", Name, ""},

		{"a number that a spreadsheet rounded", "1.20256E+10", "", rounded},
		{"a number that a German spreadsheet rounded", "1,20256E+10", "", rounded},
		{"two decimal points", "1.202.56E+10", "", likeNumber},
		{"an exponent with letters", "1.20256E+10b", "", likeNumber},
		{"a space before", " +14155550100", "", likeNumber},
		{"a plus sign that became a space", " 4792448617", "", spacePlus},
		{"two plus signs that became spaces", "  4792448617", "", spacePlus},
		{"a plus sign that became a space before a bracket", " (47) 92448617", "", spacePlus},
		{"a space of no width to speak of before", "\u2009\u00a04792448617", "", spacePlus},
		{"a space before few digits", " 911", "", spacePlus},
		{"a space before digits of another script", " \u0664\u0667\u0669\u0662", "", spacePlus},
		{"brackets around nothing", "+48 () 22 512 12 34", "", notE164},
		{"a trunk zero in brackets", "+48 (0) 22 512 12 34", "", trunkZero},
		{"two trunk zeros in brackets", "+44 (00) 2079460000", "", trunkZero},
		{"a trunk zero in brackets without spaces", "+44(0)2079460000", "", trunkZero},
		{"a trunk zero in brackets after 00", "0048 (0)22 512 12 34", "", trunkZero},
		{"a trunk zero in brackets after 011", "011 44 ( 0 ) 20 7946 0000", "", trunkZero},
		{"a plus sign of full width", "\uff0b14155550100", "", likeNumber},
		{"a superscript plus sign", "\u207a14155550100", "", likeNumber},
		{"full-width digits", "\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff10\uff10", "", likeNumber},
		{"Arabic digits", "\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0660\u0660", "", likeNumber},
		{"circled digits", "\u2463\u2460\u2464\u2464\u2464\u2464\u2460\u2460\u2460\u2460", "", likeNumber},
		{"a mark of writing direction before", "\u202e+14155550100", "", likeNumber},
		{"a mark of writing direction inside", "1415\u200f5550100", "", likeNumber},
		{"punctuated digits", "(415) 555-0100", "", likeNumber},
		{"non-breaking hyphens", "415\u2011555\u20110100", "", likeNumber},
		{"an extension after a number", "4155550100 ext. 5", "", likeNumber},
		{"pauses as letters", "4155550100ww5", "", likeNumber},
		{"a letter too many", "4155550100b", "", likeNumber},
		{"tel and a number", "Tel 415 555 0100", "", likeNumber},
		{"a feature code and a number", "*67 4155550100", "", likeNumber},
		{"a toll-free number in letters", "1-800-FLOWERS", "", likeNumber},
		{"a premium number in letters", "900 HOTLINE", "", likeNumber},
		{"a vanity number without punctuation", "1800flowers", "", likeNumber},
		{"NUL in digits", "415555\x000100", "", likeNumber},
		{"very many digits and spaces", strings.Repeat("1 ", 5000), "", likeNumber},

		{"post-dial digits alone", ",,123#", "", notName},
		{"a feature code", "*97", "", notName},
		{"keycap digits", "9\u20e31\u20e31\u20e3", "", notName},
		{"full-width digits of an extension", "\uff19\uff11\uff11", "", notName},
		{"a space after a name", "Sales ", "", notName},
		{"a space before a name", " Sales", "", notName},
		{"a line break in a name", "Sal\nes", "", notName},
		{"a mark of writing direction in a name", "Sal\u202ees", "", notName},
		{"a Hangul filler", "\u3164", "", notName},
		{"bytes that are not UTF-8", "Sal\xffes", "", notName},
		{"a slash", "24/7", "", notName},
		{"markup", "<Dial>", "", notName},
		{"a placeholder of Caddy", "{env.HOME}", "", notName},
		{"a scheme of no kind", "http://example.com", "", notName},
		{"a URN of emergency services", "urn:service:sos", "", notName},
		{"a scheme with a Cyrillic letter", "s\u0456p:alice", "", notName},

		{"a user", "alice", Name, ""},
		{"a name with spaces", "Front desk", Name, ""},
		{"last, first", "Smith, John", Name, ""},
		{"an apostrophe", "O'Brien", Name, ""},
		{"a typographic apostrophe", "O’Brien", Name, ""},
		{"an ampersand", "Smith & Sons", Name, ""},
		{"Greek", "Πωλήσεις", Name, ""},
		{"Japanese", "営業部", Name, ""},
		{"Hindi with combining marks", "बिक्री", Name, ""},
		{"Persian with a joiner", "می\u200cخواهم", Name, ""},
		{"a decomposed accent", "Zoe\u0308", Name, ""},
		{"an extension with a hyphen", "12-34", Name, ""},
		{"a team with a number", "Tier 2 (EMEA)", Name, ""},
		{"the published sample", "String", Name, ""},
		{"a UUID", "0f8fad5b-d9cb-469f-a165-70867728950e", Name, ""},
		{"a UUID that begins like a number", "12345678-9012-4cde-8fab-70867728950e", Name, ""},
		{"an id of letters and digits", "us9bvxpsl8g7o8wpaudjc0hsm", Name, ""},
		{"an employee number", "E1234567", Name, ""},
		{"a team with a number", "Sales Team 2", Name, ""},
		{"an extension with its word", "ext 204", Name, ""},
		{"an ordinal", "1st Line Support", Name, ""},
		{"hours", "24 Hour Support", Name, ""},
		{"words behind a number", "18095551234 Bobby", "", likeNumber},
		{"words behind a punctuated number", "1-809-555-1234 ask for Bobby", "", likeNumber},
		{"a number spelled behind any area code", "1-809-FLOWERS", "", likeNumber},
		{"a number spelled at length", "1-900-CALL-NOW-PLEASE", "", likeNumber},
		{"a number spelled in full-width letters", "1-809-\uff26\uff2c\uff2f\uff37\uff25\uff32\uff33", "", likeNumber},
		{"a vanity number with an accent", "800 flöwers", "", likeNumber},
		{"a vanity number much too long", "800 flowersandmoreflowers", "", likeNumber},
		{"800 and a word of another length", "800 desk", Name, ""},

		{"client", "client:alice", Client, ""},
		{"client in capitals", "CLIENT:alice", Client, ""},
		{"client with an address", "client:alice.b@example.com", Client, ""},
		{"client without a name", "client:", "", notClient},
		{"client with parameters", "client:alice?customer=42&Order=a%20b", Client, ""},
		{"client with a parameter twice", "client:alice?a=1&A=2", "", notClient},
		{"client with a parameter without a value", "client:alice?a", "", notClient},
		{"client with no parameters", "client:alice?", "", notClient},
		{"client with an encoded line break", "client:alice?a=%0a", "", notClient},
		{"client with a plus sign", "client:+19005550100", "", notClient},
		{"client with a slash", "client:a/b", "", notClient},
		{"client with a space at the end", "client:a ", "", notClient},

		{"an address", "alice@example.com", Email, ""},
		{"an address with a tag", "alice+work@mail.example.com", Email, ""},
		{"an address in letters of another script", "zoë@example.com", Email, ""},
		{"an address without a domain", "alice@", "", notEmail},
		{"an address without a user", "@example.com", "", notEmail},
		{"an address without a dot", "alice@localhost", "", notEmail},
		{"an address with two dots", "alice@example..com", "", notEmail},
		{"an address that ends in digits", "alice@example.123", "", notEmail},
		{"an address with a hyphen at an edge", "alice@-example.com", "", notEmail},
		{"an address with a dot first", ".alice@example.com", "", notEmail},
		{"an address with a dot before the @", "alice.@example.com", "", notEmail},
		{"an address with dots inside", "alice.b@example.com", Email, ""},
		{"an address with two @", "a@b@example.com", "", notEmail},
		{"an address with two dots in its local part", "a..b@example.com", "", notEmail},
		{"a quoted address", `"a b"@example.com`, "", notEmail},
		{"an address and a name", "Alice <alice@example.com>", "", notEmail},
		{"an address with a line break", "alice@example.com\r\n", "", notEmail},
		{"a local part too long", strings.Repeat("a", 65) + "@example.com", "", notEmail},
		{"a label too long", "a@" + strings.Repeat("b", 64) + ".com", "", notEmail},
		{"a domain too long", "a@" + strings.Repeat("b.", 130) + "com", "", notEmail},
		{"a number with a host begins with a plus sign", "+14155550100@example.com", "", notE164},

		{"tel", "tel:+14155550100", "", numberURI},
		{"tel in capitals", "TEL:911", "", numberURI},
		{"tel with a space for the plus sign", "tel: 14155550100", "", numberURI},
		{"callto", "callto:+14155550100", "", numberURI},
		{"whatsapp", "whatsapp:+14155550100", "", numberURI},
		{"any scheme before a number", "facetime-audio:+14155550100", "", numberURI},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Parse(test.text)
			if d.Kind != test.kind || d.Problem != test.problem {
				t.Errorf("Parse(%q) = %q, %q; want %q, %q", test.text, d.Kind, d.Problem, test.kind, test.problem)
			}
		})
	}
}

func TestParseSIP(t *testing.T) {
	for _, test := range []struct{ name, text, problem string }{
		{"user and host", "sip:alice@example.com", ""},
		{"the scheme in any case", "SIP:alice@example.com", ""},
		{"sips", "sips:alice@example.com", ""},
		{"no user", "sip:example.com", ""},
		{"a port", "sip:alice@example.com:5061", ""},
		{"IPv4", "sip:alice@192.0.2.1", ""},
		{"IPv6", "sip:alice@[2001:db8::1]:5060", ""},
		{"parameters", "sip:alice@example.com;transport=tls;lr", ""},
		{"user=phone", "sip:+14155550100@example.com;user=phone", ""},
		{"a percent-encoded user", "sip:j%40s@example.com", ""},
		{"a user-to-user header", "sip:bob@example.com?User-to-User=31", ""},
		{"digits with parameters", "sip:+1-415-555-0100;ext=5;isub=1@example.com", ""},
		{"user=phone and digits", "sip:4155550100@example.com;user=phone", ""},
		{"a private header", "sip:alice@example.com?X-Account=7&x-b=", ""},
		{"a final dot", "sip:alice@example.com.", ""},

		{"a private header without a name", "sip:alice@example.com?x-=7", sipHeader},
		{"nothing", "sip:", sipHostPart},
		{"no host", "sip:alice@", sipHostPart},
		{"a phone number for a host", "sip:+14155550100", sipHostPart},
		{"digits for a host", "sip:911", sipHostPart},
		{"an empty user", "sip:@example.com", sipUserPart},
		{"a password", "sip:alice:secret@example.com", sipUserPart},
		{"a space", "sip:alice smith@example.com", sipUserPart},
		{"a space after", "sip:alice@example.com ", sipHostPart},
		{"an encoded line break", "sip:alice%0d%0aX:1@example.com", sipUserPart},
		{"an encoded NUL", "sip:alice%00@example.com", sipUserPart},
		{"an encoded byte that is not UTF-8", "sip:alice%ff@example.com", sipUserPart},
		{"half a percent-encoding", "sip:alice%4@example.com", sipUserPart},
		{"letters that need encoding", "sip:zoë@example.com", sipUserPart},
		{"a host in letters of another script", "sip:alice@ex\u0430mple.com", sipHostPart},
		{"two @", "sip:alice@example.com@evil.example", sipHostPart},
		{"an @ in a parameter", "sip:alice@example.com;a=b@evil.example", sipParameter},
		{"port 0", "sip:alice@example.com:0", sipHostPart},
		{"a port too high", "sip:alice@example.com:65536", sipHostPart},
		{"an empty port", "sip:alice@example.com:", sipHostPart},
		{"a signed port", "sip:alice@example.com:+5060", sipHostPart},
		{"IPv6 with a zone", "sip:alice@[fe80::1%25eth0]", sipHostPart},
		{"IPv6 without an end", "sip:alice@[2001:db8::1", sipHostPart},
		{"IPv6 with a tail", "sip:alice@[2001:db8::1]x", sipHostPart},
		{"IPv4 in brackets", "sip:alice@[192.0.2.1]", sipHostPart},
		{"IPv4 out of range", "sip:alice@192.0.2.256", sipHostPart},
		{"maddr", "sip:alice@example.com;maddr=evil.example", sipParameter},
		{"maddr in capitals", "sip:alice@example.com;MADDR=evil.example", sipParameter},
		{"maddr percent-encoded", "sip:alice@example.com;m%61ddr=evil.example", sipParameter},
		{"method", "sip:alice@example.com;method=REFER", sipParameter},
		{"a parameter twice", "sip:alice@example.com;a=1;A=2", sipParameter},
		{"user twice", "sip:4155550100@example.com;user=ip;user=phone", sipParameter},
		{"a header twice", "sip:alice@example.com?X-A=1&x-a=2", sipHeader},
		{"seventeen parameters", "sip:alice@example.com" + strings.Repeat(";p", 17), sipParameter},
		{"user=phone and a name", "sip:alice@example.com;user=phone", sipSubscriber},
		{"user=phone, escaped, and a name", "sip:alice@example.com;USER=%70h%6Fne", sipSubscriber},
		{"a plus sign and letters", "sip:+1900FLOWERS@example.com", sipSubscriber},
		{"an escaped plus sign and letters", "sip:%2b1900FLOWERS@example.com", sipSubscriber},
		{"a feature code before a number", "sip:*674155550100@example.com;user=phone", sipSubscriber},
		{"a parameter of the user twice", "sip:+1415;phone-context=+1;Phone-Context=+44@example.com", sipSubscriber},
		{"a user that begins with a space", "sip:%204792448617@example.com", sipUserPart},
		{"a trunk zero in brackets", "sip:+44(0)2079460000@example.com", trunkZero},
		{"a trunk zero in escaped brackets", "sip:44%280%292079460000@example.com;user=phone", trunkZero},
		{"an area code in brackets", "sip:+1(415)5550100@example.com", ""},
		{"an empty parameter", "sip:alice@example.com;", sipParameter},
		{"a parameter with an encoded line break", "sip:alice@example.com;a=%0d", sipParameter},
		{"a header that routes", "sip:alice@example.com?Route=%3Csip:evil.example%3E", sipHeader},
		{"a header that replaces a call", "sip:alice@example.com?X-A=1&Replaces=1", sipHeader},
		{"a header without a value", "sip:alice@example.com?X-A", sipHeader},
		{"a header with an encoded line break", "sip:alice@example.com?X-A=%0d%0aRoute:x", sipHeader},
		{"an empty header", "sip:alice@example.com?", sipHeader},
		{"a double slash", "sip://alice@example.com", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := SIP
			if test.problem != "" {
				want = ""
			}
			if d := Parse(test.text); d.Kind != want || d.Problem != test.problem {
				t.Errorf("Parse(%q) = %q, %q; want %q, %q", test.text, d.Kind, d.Problem, want, test.problem)
			}
		})
	}
}

func TestKindsIsACopy(t *testing.T) {
	Kinds()[0] = "changed"
	if Kinds()[0] != Phone {
		t.Error("the table of kinds can be changed from outside")
	}
}

// TestManyParametersMayHoldAnyNumber holds that a destination with more parameters than
// are looked up counts as one that may hold any number: to look up each would take
// long.
// TestTheNumbersOfADestination holds which numbers are found in texts of each kind, as
// marked writes them, and of none.
func TestTheNumbersOfADestination(t *testing.T) {
	for _, tt := range []struct {
		text string
		kind Kind
		want string
	}{
		{"1 120255", "", "1120255w"},
		{"120FLOWERS", "", "120a 1203569377was"},
		{"1call120255", Name, "1a"},
		{"555012Bobby", Name, "555012a 55501226229was"},
		{"5550123Bobby", "", "5550123wa 555012326229was"},
		{"9@x.com", Email, "9a"},
		{"bob-120255501@example.com", Email, "120255501a"},
		{"bob-1202555012@example.com", Email, "1202555012wa"},
		{"client:120255", Client, "120255a"},
		{"client:1202555", Client, "1202555w"},
		{"a_b:911", "", "911a"},
		{"@+1", "", "1+w"},
		{"sip:bob-1@x;user=phone", "", "1wa"},
		{"sip:1@x;user=phone", SIP, "1w"},
		{"sip:bob@x;rn=1", SIP, "1a"},
		{"sip:bob@x;other=1", SIP, ""},
		{"sip:a;b=1@x;c=1", SIP, "1a"},
		{"sip:bob@x;rn=1;rn-context=123456", SIP, "1a 1234561+w"},
		{"sip:bob@x;rn=1;rn-context=1234567", SIP, "1a 1234567w 12345671+w"},
		{"sip:5550123;phone-context=+1202@x;user=phone", SIP, "5550123w 12025550123+w"},
		{"x:bob@x" + strings.Repeat(";p=1", maxParameters), "", ""},
		{"x:bob@x" + strings.Repeat(";p=1", maxParameters+1), "", "w"},
	} {
		d := Parse(tt.text)
		var numbers []Number
		for i := range d.Len() {
			numbers = append(numbers, d.At(i))
		}
		if got := marked(numbers); d.Kind != tt.kind || got != tt.want {
			t.Errorf("%q: %q %s, want %q %s", tt.text, d.Kind, got, tt.kind, tt.want)
		}
	}
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{"": "", "a": "a", "%41%6a%6A": "Ajj", "a%4": "a%4", "%": "%", "%zz%4g%41": "%zz%4gA", "%%41": "%A"} {
		if got := unescape(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestControls(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, " ~": false, "\x1f": true, "\x7f": true, "a\tb": true, "é\u200c\u200d": false, "é\u0085": true, "é\u00a0": false,
		"\u2028": true, "\u202e": true, "\ufeff": true, "\ufffd": false, "a\xff": true,
	} {
		if got := HasControls(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestTheLimitsOfAnAddress(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	labels := strings.Repeat(long(maxLabel)+".", 4)
	for text, want := range map[string]bool{
		long(maxLocalPart) + "@x.com":          true,
		long(maxLocalPart+1) + "@x.com":        false,
		"a@" + long(maxLabel) + ".com":         true,
		"a@" + long(maxLabel+1) + ".com":       false,
		"a@" + labels[:maxDomain-2] + ".a":     true,
		"a@" + labels[:maxDomain-1-2] + ".aaa": false,
		"azAZ09!#$%&'*+-/=?^_`{|}~@x.com":      true,
		"a:b@x.com":                            false,
		"a@" + labels[:len(labels)-1]:          true,
	} {
		if got := isEmail(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestManyParametersMayHoldAnyNumber(t *testing.T) {
	d := Parse("tel:1" + strings.Repeat(";x=1", maxParameters) + ";rn=+19005550123")
	if n := d.At(d.Len() - 1); n.Digits != "" || !n.Whole {
		t.Errorf("the last number is %+v", n)
	}
	if d := Parse("tel:1" + strings.Repeat(";a-context=+1900555", 800)); d.Len() > maxNumbers+2+2*maxParameters {
		t.Errorf("%d numbers are found", d.Len())
	}
}
