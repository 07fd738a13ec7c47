package destination

import (
	"slices"
	"strings"
	"unicode"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// The joiners that Persian and the scripts of India write inside words.
const (
	zwnj = '\u200c'
	zwj  = '\u200d'
)

// isName reports whether s can be the name of a user, team or extension:
// letters of any script with their marks, ASCII digits, and inside the name
// spaces and . _ - ' ’ & ( ) and the comma of "Last, First". It begins with a
// letter or a digit and does not end with a space.
//
// What a dialler might take for something else has no place in a name: + * #
// and other digits than ASCII ones, colons, slashes, percent signs, quotes,
// symbols, invisible characters. See also looksLikeNumber.
func isName(s string) bool { return isWords(s, " ._-'’&(),") }

// isClientName reports whether s can follow client: the characters of a name,
// and those of an address or a token.
func isClientName(s string) bool { return isWords(s, " ._-'’&()~@+=") }

// isWords reports whether s begins with a letter or an ASCII digit and goes on
// with those, marks that sit on a letter, and what punctuation holds, but no
// space at the end.
func isWords(s, punctuation string) bool {
	letter := false // whether the last rune was a letter or sits on one
	for i, r := range s {
		switch {
		case isLetter(r):
			letter = true
		case r >= '0' && r <= '9':
			letter = false
		case i == 0:
			return false
		case letter && (unicode.In(r, unicode.Mn, unicode.Mc) || r == zwnj || r == zwj):
		case strings.ContainsRune(punctuation, r):
			letter = false
		default:
			return false
		}
	}
	return s != "" && s[len(s)-1] != ' '
}

// isLetter reports whether r is a letter that can be seen: the Hangul fillers
// are letters too, and show nothing.
func isLetter(r rune) bool {
	if r < 0x80 {
		return ascii.IsAlpha(byte(r))
	}
	return r != unicode.ReplacementChar && unicode.IsLetter(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// dialWords are the words that are beside the digits of a phone number:
// pauses and extensions.
var dialWords = [...]string{"w", "p", "x", "t", "ext", "extn", "extension", "tel", "phone"}

// minWord is the fewest letters that make more than a typing mistake of what
// begins like a phone number.
const minWord = 4

// looksLikeNumber reports whether s, which is not a phone number, is written
// so much like one that a dialler that is more lenient may take it for one:
//
//   - it has seven digits or more, of any script, and no word beside those of
//     dialWords ("(415) 555-0100", "4155550100,,123#", "415 555 0100 ext 5"), or
//     begins with a digit and has hardly a letter ("4155550100ab"), or
//   - it begins with seven digits or more, and words follow ("4155550100 Bob"), or
//   - it spells a number of North America in letters: behind a 1 and an area code,
//     or behind an area code of toll-free or premium numbers ("1-809-FLOWERS",
//     "800 FLOWERS").
//
// Ids that mix letters and digits, UUIDs among them, do not look like numbers.
func looksLikeNumber(s string) bool {
	digits, letters := 0, 0
	for _, r := range s {
		switch {
		case unicode.IsNumber(r):
			digits++
		case isLetter(r):
			letters++
		}
	}
	if digits >= minNational && (!hasWords(s) || ascii.IsDigit(s[0]) && letters < minWord) {
		return true
	}
	if digits == 0 || letters == 0 {
		return false
	}
	f := find(s)
	return !f.id && (f.lead >= minNational && !f.mixed || f.spelled != "" && isAreaCode(f.spelled))
}

// hasWords reports whether s holds a run of letters other than dialWords.
func hasWords(s string) bool {
	start := -1 // of the run of letters, -1 outside
	for i, r := range s {
		switch {
		case isLetter(r):
			if start < 0 {
				start = i
			}
		case start >= 0:
			if !isDialWord(s[start:i]) {
				return true
			}
			start = -1
		}
	}
	return start >= 0 && !isDialWord(s[start:])
}

func isDialWord(s string) bool {
	for _, w := range dialWords {
		if ascii.EqualFold(s, w) {
			return true
		}
	}
	return false
}

// vanityCodes are the area codes of North America whose numbers are spelled in
// letters: toll-free and premium.
var vanityCodes = [...]string{"800", "822", "833", "844", "855", "866", "877", "888", "900"}

// isAreaCode reports whether what is spelled begins with a 1 and an area code of
// North America, or with one of vanityCodes.
func isAreaCode(spelled string) bool {
	if spelled[0] == '1' {
		return spelled[1] >= '2'
	}
	return slices.Contains(vanityCodes[:], spelled[:3])
}
