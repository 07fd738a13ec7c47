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
