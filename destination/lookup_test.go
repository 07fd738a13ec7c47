package destination

import (
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestLookup(t *testing.T) {
	for _, tt := range []struct {
		rule, digits, region, kind string
		valid                      bool
		shared                     int // regions of the code, at least
	}{
		{"a number of one country of a code", "442079460000", "GB", "fixed_line", true, 2},
		{"a number of one of many countries of a code", "12025550123", "US", "fixed_line_or_mobile", true, 20},
		{"a number of a code of one country", "4930123456", "DE", "fixed_line", true, 0},
		{"an area code that no country has", "15551234567", "", "", false, 20},
		{"a code that nobody has", "999123456789", "", "", false, 0},
		{"zero is no code", "0123456", "", "", false, 0},
		{"a code and no number", "44", "", "", false, 2},
		{"two digits of a code", "99", "", "", false, 0},
		{"no digits", "", "", "", false, 0},
		{"a number of no country", "80012345678", Global, "toll_free", true, 0},
		{"a satellite", "881612345678", Global, Satellite, true, 0},
		{"a satellite by its code alone", "8811", Global, Satellite, false, 0},
		{"a trunk zero behind the code", "4402079460000", "GB", "fixed_line", true, 2},
		{"a zero that belongs to the number", "390612345678", "IT", "fixed_line", true, 2},
		{"a digit too many for a premium number", "190055501234", "US", "premium_rate", false, 20},
		{"a digit too few", "1202555012", "", "", false, 20},
		{"more digits than any number has", "44207946000012345678", "GB", "fixed_line", false, 2},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			f := Lookup(tt.digits)
			if f.Region != tt.region || f.Type != tt.kind || f.Valid != tt.valid || len(f.Shared) < tt.shared || tt.shared == 0 && f.Shared != nil {
				t.Errorf("%+v", f)
			}
			if want := strings.TrimPrefix(tt.region, Global); f.Country() != want {
				t.Errorf("country %q, want %q", f.Country(), want)
			}
		})
	}
}

// TestIsEmergency judges numbers as they are dialled, from a region and from none.
func TestIsEmergency(t *testing.T) {
	for _, tt := range []struct {
		rule, region string
		n            Number
		want         bool
	}{
		{"what is not told one by one", "US", Number{}, true},
		{"911, everywhere", "DE", Number{Digits: "911"}, true},
		{"112, everywhere", "US", Number{Digits: "112"}, true},
		{"one of the region", "DE", Number{Digits: "110"}, true},
		{"one of another region", "US", Number{Digits: "110"}, false},
		{"the longest of the region", "NE", Number{Digits: "723141"}, true},
		{"one of any region", "", Number{Digits: "110"}, true},
		{"one of any region, beside words", "", Number{Digits: "110", Aside: true}, false},
		{"one of many regions, beside words", "", Number{Digits: "999", Aside: true}, true},
		{"the longest of any region", "", Number{Digits: "723141"}, true},
		{"a digit more", "", Number{Digits: "7231411"}, false},
		{"an extension", "", Number{Digits: "204"}, false},

		{"with digits behind it", "US", Number{Digits: "9115551", Whole: true}, true},
		{"with digits behind it that are no number", "US", Number{Digits: "911555", Whole: true}, false},
		{"with digits behind it beside words", "US", Number{Digits: "9115551"}, false},
		{"with digits behind it where they count", "DE", Number{Digits: "9115551", Whole: true}, false},

		{"behind an international prefix", "", Number{Digits: "001911"}, true},
		{"behind the international prefix of North America", "DE", Number{Digits: "0111911"}, true},
		{"an international prefix alone", "", Number{Digits: "00"}, false},
		{"a zero behind an international prefix", "US", Number{Digits: "000911"}, false},

		{"behind a plus sign", "DE", Number{Digits: "911", Plus: true}, true},
		{"that of many regions behind a plus sign", "US", Number{Digits: "999", Plus: true}, true},
		{"behind a calling code", "DE", Number{Digits: "1911", Plus: true}, true},
		{"zeros behind a calling code", "US", Number{Digits: "61000", Plus: true}, true},
		{"behind a calling code, with digits that make no number", "", Number{Digits: "191112345", Plus: true}, true},
		{"behind a calling code, with more digits", "", Number{Digits: "1911123456", Plus: true}, false},
		{"behind a calling code where digits count", "", Number{Digits: "491101", Plus: true}, false},
		{"a calling code and no number", "", Number{Digits: "44", Plus: true}, false},
		{"no calling code", "", Number{Digits: "0911", Plus: true}, false},
		{"any other number", "US", Number{Digits: "12025550123", Plus: true}, false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			d, err := NewDialer(tt.region)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.IsEmergency(tt.n); got != tt.want {
				t.Errorf("%+v from %q: %v, want %v", tt.n, tt.region, got, tt.want)
			}
		})
	}
}

// TestPlace holds that a bare number becomes one of the region, if there is one and
// has a place for it.
func TestPlace(t *testing.T) {
	for _, tt := range []struct {
		rule, region string
		n, want      Number
	}{
		{"a national number", "US", Number{Digits: "2025550123"}, Number{Digits: "12025550123", Plus: true, Whole: true}},
		{"a national number without a region", "", Number{Digits: "2025550123"}, Number{Digits: "2025550123"}},
		{"a number with a plus sign", "US", Number{Digits: "2025550123", Plus: true}, Number{Digits: "2025550123", Plus: true}},
		{"a number that the region has no place for", "US", Number{Digits: "204"}, Number{Digits: "204"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			d, err := NewDialer(tt.region)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Place(tt.n); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestPlainKeepsLeadingZeros holds that a number made of its parts has them as they
// are.
func TestPlainKeepsLeadingZeros(t *testing.T) {
	for _, nsn := range []string{"0", "00", "000", "001", "0100", "1", "100", "12", "0612345678"} {
		n := plain(39, nsn)
		if got := phonenumbers.GetNationalSignificantNumber(n); got != nsn || n.GetCountryCode() != 39 {
			t.Errorf("%s is read as +%d %s", nsn, n.GetCountryCode(), got)
		}
	}
}

func TestReadings(t *testing.T) {
	for bare, want := range map[string][2]string{
		"":            {},
		"2025550123":  {"2025550123"},
		"02079460000": {},
		"00442079460": {1: "442079460"},
		"01144207946": {1: "44207946"},
		"00":          {},
		"000442":      {},
	} {
		if got := Readings(bare); got != want {
			t.Errorf("Readings(%q) = %q, want %q", bare, got, want)
		}
	}
}

// TestNumbersBeyondTheFirstAreAny holds that of many numbers the first 16 are listed,
// and one that could be any.
func TestNumbersBeyondTheFirstAreAny(t *testing.T) {
	for count, want := range map[int]int{maxNumbers: maxNumbers, maxNumbers + 1: maxNumbers + 1, maxNumbers + 2: maxNumbers + 1} {
		numbers := find(strings.Repeat("+12025550123,", count)).numbers
		if len(numbers) != want {
			t.Errorf("%d numbers become %d, want %d", count, len(numbers), want)
			continue
		}
		for i, n := range numbers {
			if wantDigits := map[bool]string{true: "12025550123"}[i < maxNumbers]; n.Digits != wantDigits || !n.Whole {
				t.Errorf("number %d of %d is %+v", i+1, count, n)
			}
		}
	}
}

func TestE164(t *testing.T) {
	for _, tt := range []struct{ rule, region, text, want string }{
		{"a national number", "US", "4155550100", "+14155550100"},
		{"spaces, brackets and dashes", "US", "(415) 555-0100", "+14155550100"},
		{"a trunk zero", "GB", "020 7946 0000", "+442079460000"},
		{"slashes", "DE", "030/123456", "+4930123456"},
		{"an Italian zero stays", "IT", "06 1234 5678", "+390612345678"},
		{"seven digits", "US", "5550100", ""},
		{"seven digits of a country that has no area codes", "IS", "5551234", "+3545551234"},
		{"six digits", "DE", "123456", ""},
		{"an international prefix and the longest number", "US", "011493012345678901", "+493012345678901"},
		{"a digit more", "US", "0114930123456789012", ""},
		{"with a plus sign from any region", "US", "+44 20 7946 0000", "+442079460000"},
		{"a trunk zero behind a calling code", "US", "+44 02079460000", "+442079460000"},
		{"a number of no plan stays", "US", "+1 555", "+1555"},
		{"a calling code alone stays", "US", "+44", "+44"},
		{"no calling code stays", "US", "+999 1234", "+9991234"},
		{"one digit", "US", "+4", ""},
		{"sixteen digits", "US", "+1234567890123456", ""},
		{"a plus sign before a zero", "US", "+0123456789", ""},
		{"no-break spaces around", "US", "4155550100\u00a0", "+14155550100"},
		{"a space behind", "US", "4155550100 ", "+14155550100"},
		{"a tab behind", "US", "4155550100\t", ""},
		{"a space that may have been a plus sign", "US", " 4155550100", ""},
		{"the same before a bracket", "US", " (415) 555-0100", ""},
		{"a space before a plus sign", "US", " +14155550100", "+14155550100"},
		{"a trunk zero in brackets", "US", "+44 (0)20 7946 0000", ""},
		{"a trunk zero in brackets at the front", "GB", "(0)20 7946 0000", "+442079460000"},
		{"a plus sign inside", "US", "415+5550100", ""},
		{"letters", "US", "1-800-FLOWERS", ""},
		{"a dash at the front", "US", "-4155550100", ""},
		{"characters beside the digits", "US", "415:5550100", ""},
		{"digits of full width", "US", "\uff14155550100", ""},
		{"a no-break space and a dash of full length", "US", "415\u00a0555\u20140100", "+14155550100"},
		{"DEL", "US", "415\u007f5550100", ""},
		{"the first control character beyond ASCII", "US", "415\u00805550100", ""},
		{"nothing", "US", "", ""},
		{"a space", "US", " ", ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, ok := E164(tt.text, tt.region)
			if ok != (tt.want != "") || ok && got != tt.want {
				t.Errorf("E164(%q, %s) = %q, %v, want %q", tt.text, tt.region, got, ok, tt.want)
			}
		})
	}
}

// TestCallerProblem tells a wrongly written number from a text that is not a number.
func TestCallerProblem(t *testing.T) {
	for text, want := range map[string]string{
		"+12025550123":       "",
		"2025550123":         "",
		"5550123":            "",
		"555012":             notNumber,
		"1234567890123456":   tooManyDigit,
		"+1":                 notE164,
		"+44 (0)20 79460000": trunkZero,
		"Acme":               notNumber,
		"":                   notNumber,
		" 12025550123":       numberProblem(" 12025550123"),
		"(202) 555-0123":     numberProblem("(202) 555-0123"),
	} {
		if got := CallerProblem(text); got != want {
			t.Errorf("CallerProblem(%q) = %q, want %q", text, got, want)
		}
	}
	if numberProblem(" 12025550123") == notNumber || numberProblem("(202) 555-0123") == notNumber {
		t.Error("a number that is written wrong is told as no number")
	}
}
