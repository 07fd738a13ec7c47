package destination

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// TestNoCharacterBecomesMany holds that plain text is not many times as long as what it
// is made of, and that shortened phrases hold the same numbers.
func TestNoCharacterBecomesMany(t *testing.T) {
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if n := utf8.RuneCountInString(plainText(string(r))); n > 7 {
			t.Errorf("%U becomes %d characters", r, n)
		}
	}
	random := rand.New(rand.NewPCG(7, 7))
	for _, p := range phrases {
		whole := norm.NFKD.String(p.character)
		if n, words := len(strings.Fields(p.words)), strings.Fields(whole); n != len(words) || plainText(p.character) != p.words {
			t.Errorf("%s is %q", p.character, p.words)
		}
		parts := []string{p.character, p.character, "9", "11", "+1202555", "0100", " ", "a", "Bob", "-", "*67", ",", "\u0661"}
		for range 5000 {
			var text strings.Builder
			for range 1 + random.IntN(8) {
				text.WriteString(parts[random.IntN(len(parts))])
			}
			s := text.String()
			if got, want := find(s), find(strings.ReplaceAll(s, p.character, whole)); !reflect.DeepEqual(got.numbers, want.numbers) || got.id != want.id || got.spelled != want.spelled || got.lead != want.lead || got.mixed != want.mixed {
				t.Fatalf("%q: %+v, want %+v", s, got, want)
			}
		}
	}
}

// TestFind holds which numbers are found, as marked writes them.
func TestFind(t *testing.T) {
	if lead := find("1809 Bob 5551234 Ann").lead; lead != 4 {
		t.Errorf("%d digits are before the first letter", lead)
	}
	for text, want := range map[string]string{
		"9 1 1":                                "911",
		"+1 202 555 0123":                      "12025550123+w",
		"call 1 809 555 1234":                  "18095551234wa",
		"1,809,555,1234":                       "1 809a 555a 1234a 18095551234wa",
		"(202) 555 ext 0123":                   "202555 0123a 2025550123wa",
		"*67911":                               "67911 911",
		"#31#911":                              "31 911a 1 31911a",
		"+12025550123*67911":                   "12025550123+w 67911a",
		"alice911":                             "",
		"e\u0301911":                           "",
		"e" + string(zwj) + "911":              "",
		"e" + string(zwnj) + "911":             "",
		"e-911":                                "911a",
		"911e0":                                "911a",
		"12a3456":                              "12a",
		"Bobby18095551234":                     "18095551234wa",
		"Bob8095551234":                        "8095551234wa",
		"Bob809555123":                         "",
		"1809Bobby5551234":                     "18095551234wa",
		"1809Bob5551Ann234567":                 "",
		"1 809 call 555 1234":                  "1809a 5551234wa 18095551234wa 180922555551234was",
		"1-809-FLOWERS":                        "1809a 18093569377was",
		"+1 202 FLOWERS":                       "1202+wa 12023569377+was",
		"call 1-809-FLOWERS":                   "1809a 18093569377was",
		"ann 5550100 B5":                       "5550100wa",
		"12-FL-3OWERSHOP":                      "12a 3a 123a",
		"1809 ann 5550100b5":                   "1809a 1809266555010025was",
		"ann 5550100b5 12":                     "12a",
		"12-FLOWERSHOP":                        "12a",
		"1234567890123-4cde":                   "12345678901234wa",
		"2025550123abcdef1":                    "2025550123wa 20255501231wa",
		"a1b2c3d4e5f6a7b8":                     "",
		"12345678-9012-4cde-8fab-70867728950e": "1234567890124wa",
		"*675551234":                           "675551234w 5551234w",
		"*67":                                  "67",
		"5551234":                              "5551234w",
		"555123":                               "555123",
		"555,1234":                             "555 1234a 5551234wa",
		"202-FLOWERS":                          "202a 2023569377was",
		"202-FLOWER":                           "202a",
		"123456a8b2c3d4e5":                     "",
		"123456a8b2c3d4e":                      "123456a 123456282223343was",
		"+12-ABCDE":                            "12+wa 1222233+was",
		"+12-ABCD":                             "12+wa",
		"123456ab-9012-4cde-8fab-70867728950e": "",
		"1234567a-9012-4cde-8fab-70867728950e": "1234567a",
		"12345678-9abc-4cde-8fab-70867728950e": "123456789a",
		"12345678-90ab-4cde-8fab-70867728950e": "1234567890wa",
		"abcdefab-1234-4567-8901-abcdefabcdef": "",
		"2025550123 ann":                       "2025550123wa",
		"+1234,567":                            "1234+w 567a",
		"+123,456":                             "123+w 456a 123456+wa",
		"A-123-456789":                         "123456789wa",
		"12+34-ABCDEFGH":                       "12a 34+wa 1234a 123422233344was",
		"0f8fad5b-d9cb-469f-a165-70867728950e": "",
	} {
		if got := marked(find(text).numbers); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// marked writes numbers with what is true of each: + has a plus sign, w is whole, a is
// aside, s is spelled.
func marked(numbers []Number) string {
	var marked []string
	for _, n := range numbers {
		for _, f := range []struct {
			is   bool
			mark string
		}{{n.Plus, "+"}, {n.Whole, "w"}, {n.Aside, "a"}, {n.Spelled, "s"}} {
			if f.is {
				n.Digits += f.mark
			}
		}
		marked = append(marked, n.Digits)
	}
	return strings.Join(marked, " ")
}
