package destination

import (
	"testing"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// A type that libphonenumber adds must get a name.
func TestEveryTypeOfLibphonenumberHasAName(t *testing.T) {
	seen := make(map[string]bool)
	for code := range phonenumbers.UNKNOWN {
		name := typeName(code)
		if name == "" || seen[name] {
			t.Errorf("type %d has name %q", code, name)
		}
		seen[name] = true
	}
	if typeName(phonenumbers.UNKNOWN) != "" {
		t.Error("the unknown type has a name")
	}
}

// The direct reading of valid numbers and libphonenumber's own must agree.
func TestPlainReadsAsLibphonenumberDoes(t *testing.T) {
	read := 0
	for region := range phonenumbers.GetSupportedRegions() {
		for numberType, name := range numberTypes {
			example := phonenumbers.GetExampleNumberForType(region, phonenumbers.PhoneNumberType(numberType))
			if example == nil {
				continue
			}
			digits := phonenumbers.Format(example, phonenumbers.E164)[1:]
			parsed, err := phonenumbers.Parse("+"+digits, phonenumbers.UNKNOWN_REGION)
			if err != nil {
				t.Fatal(err)
			}
			f := Lookup(digits)
			want := Facts{
				Region: phonenumbers.GetRegionCodeForNumber(parsed), Shared: f.Shared,
				Type: typeName(phonenumbers.GetNumberType(parsed)), Valid: phonenumbers.IsValidNumber(parsed),
			}
			if f.Region != want.Region || f.Type != want.Type || f.Valid != want.Valid {
				t.Errorf("%s %s (%s): %+v, want %+v", region, name, Mask(digits), f, want)
			}
			read++
		}
	}
	if read < 1000 {
		t.Errorf("only %d examples", read)
	}
}

func TestDecimalKnowsTheDigitsOfEveryScript(t *testing.T) {
	scripts := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		d, ok := decimal(r)
		isDecimal := unicode.Is(unicode.Nd, r)
		if ok != isDecimal && (isDecimal || !unicode.Is(unicode.No, r)) {
			t.Errorf("decimal(%U) = %q, %v", r, d, ok)
		}
		if isDecimal {
			scripts++
			if value := '0' + byte((scripts-1)%10); d != value {
				t.Errorf("decimal(%U) = %c, want %c", r, d, value)
			}
		}
	}
	for text, want := range map[string]string{
		"\u2776\u277e \u2780\u2788 \u278a\u2792 \u24f5\u24fd\u24ff": "1919191" + "90", // in circles
		"\u1369\u1371 \u19da \U00010e60\U00011052":                  "19111",
		"\u2460\u00b2\u2083\u2474\U0001f102":                        "12311", // compatible ones
		"\u2491\u277f\u4e00":                                        "10",    // ten, and numbers that are not digits
	} {
		if got := digitsOf(text); got != want {
			t.Errorf("the digits of %q are %q, want %q", text, got, want)
		}
	}
}

func TestAPanicCountsAsUnknown(t *testing.T) {
	got := unlessPanic(func() Facts {
		var empty []string
		return Facts{Region: empty[len(empty)], Valid: true}
	})
	if got.Region != "" || got.Valid {
		t.Errorf("got %+v", got)
	}
	if got := unlessPanic(func() string { return "fine" }); got != "fine" {
		t.Errorf("got %q", got)
	}
}
