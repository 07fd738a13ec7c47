package destination

import "testing"

func TestMask(t *testing.T) {
	for _, test := range []struct{ name, number, want string }{
		{"nothing", "", ""},
		{"the first two and the last two digits stay", "+14155550100", "+14*******00"},
		{"without a plus sign", "02079460000", "02*******00"},
		{"punctuation goes", "+1 (415) 555-0100", "+14*******00"},
		{"seven digits are the fewest that show", "5550199", "55***99"},
		{"six show nothing", "555019", "****"},
		{"one shows nothing", "+1", "****"},
		{"an emergency number shows nothing", "911", "****"},
		{"a name shows nothing", "Alice 4155550100", "****"},
		{"an address shows nothing", "sip:+14155550100@example.com", "****"},
		{"a plus sign inside is no number", "1+4155550100", "****"},
		{"digits of another script show nothing", "\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff10\uff10", "****"},
		{"a control character shows nothing", "+1415555\x000100", "****"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Mask(test.number); got != test.want {
				t.Errorf("Mask(%q) = %q, want %q", test.number, got, test.want)
			}
		})
	}
}

func TestMaskNumbers(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"no number", "Ann Other", "Ann Other"},
		{"an E.164 number", "+14155550100", "+14*******00"},
		{"a punctuated one", "(415) 555-0100", "41******00"},
		{"one in a text", "call (415) 555-0100 now", "call 41******00 now"},
		{"two", "+14155550100;+14155550199", "+14*******00;+14*******99"},
		{"two national ones", "4155550100, 4155550199", "41******00, 41******99"},
		{"without a comma", "4155550100 4155550199", "41****************99"},
		{"a national one in a URI", "sip:4155550100@example.com", "sip:41******00@example.com"},
		{"with parameters", "tel:4155550100;ext=5", "tel:41******00;ext=5"},
		{"of a client", "client:4155550100", "client:41******00"},
		{"in JSON", `{"n":"4155550100"}`, `{"n":"41******00"}`},
		{"with an extension", "4155550100 x55", "41******00 x55"},
		{"before a word", "4155550100user", "41******00user"},
		{"behind a word", "user4155550100", "user41******00"},
		{"around a word", "1809Bobby5551234", "18**Bobby*****34"},
		{"of seven digits before letters", "1202555FLOWERSHOP", "12***55FLOWERSHOP"},
		{"of few digits behind a word", "user4155550", "user4155550"},
		{"a dash of Unicode", "415\u2013555\u20130100", "41******00"},
		{"a no-break space", "415\u00a0555\u00a00100", "41******00"},
		{"an invisible character", "415\u200b555\u200b0100", "41******00"},
		{"a line break", "415\n555\n0100", "41******00"},
		{"digits of another script", "\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0660\u0660", "41******00"},
		{"digits in circles", "\u2463\u2460\u2464\u2464\u2464\u2464\u24ea\u2460\u24ea\u24ea", "41******00"},
		{"six digits", "room 415555", "room 415555"},
		{"a sid", "CA0123456789abcdef0123456789abcdef", "CA0123456789abcdef0123456789abcdef"},
		{"an id", "1234567f1f77bcf86cd799439011", "1234567f1f77bcf86cd799439011"},
		{"the shortest id", "1234567a1b1b1b1b", "1234567a1b1b1b1b"},
		{"a UUID", "12345678-9012-4cde-8fab-708677289501", "12345678-9012-4cde-8fab-708677289501"},
		{"what is longer", "12345678-9012-4cde-8fab-7086772895012", "12*********24cde-8fab-70*********12"},
		{"a date", "2025-03-04T09:41:00.1234567Z", "2025-03-04T09:41:00.1234567Z"},
		{"a date and a number", "2025-03-04 4155550100", "2025-03-04 41******00"},
		{"what is no date", "2025-55-0100", "20******00"},
		{"not UTF-8", "\xff4155550100\xff", "\xff41******00\xff"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := MaskNumbers(test.text); got != test.want {
				t.Errorf("MaskNumbers(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}
