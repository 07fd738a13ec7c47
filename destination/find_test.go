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
