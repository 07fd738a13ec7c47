// Package nearmiss finds the word that was probably meant.
package nearmiss

import (
	"fmt"
	"slices"
	"strings"
)

// The costs of turning what was typed into what was meant. A letter that was left out
// costs less than one too many or a wrong one: people shorten fromPhoneNumber to
// fromNumber, not the other way round.
const (
	missing = 1
	surplus = 2
	swapped = 2
	wrong   = 3
)

// longest is the length in bytes of the longest word that is compared.
const longest = 64

// Find returns which of the known words was most likely meant by typed, or the
// empty string if none is near. Letter case makes no difference; a word of
// which three letters or more were typed and the rest left out is near; of
// words equally near, the first wins.
func Find(typed string, known []string) string {
	if len(typed) > longest {
		return ""
	}
	typed = strings.ToLower(typed)
	best, least := "", len(typed)+2
	for _, word := range known {
		lower := strings.ToLower(word)
		cost := distance(typed, lower)
		if len(typed) >= 3 && strings.HasPrefix(lower, typed) {
			cost = min(cost, missing)
		}
		if cost < least {
			best, least = word, cost
		}
	}
	return best
}

// OneOf returns nil for a value that is one of the words, and else an error that
// names them and the one that was probably meant.
func OneOf(value string, words []string) error {
	if slices.Contains(words, value) {
		return nil
	}
	if len(words) == 1 {
		return fmt.Errorf("%q is not %s", value, words[0])
	}
	return fmt.Errorf("%q is not one of %s%s", value, strings.Join(words, ", "), Hint(value, words))
}

// Hint returns the end of an error, which suggests the word that was probably
// meant, or the empty string if none is near.
func Hint(typed string, known []string) string {
	if near := Find(typed, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// typo is what a slip of the finger costs at most: a wrong letter, one too
// many, two that changed places, or two that were left out.
const typo = 3

// Typo returns which of the known words was misspelt as typed, or the empty string if
// none was. It is stricter than [Find]: what was typed is nearly the word. Letter case,
// spaces and the characters _ . and - make no difference.
func Typo(typed string, known []string) string {
	if len(typed) > longest {
		return ""
	}
	typed = strings.ToLower(separators.Replace(typed))
	best, least := "", typo+1
	for _, word := range known {
		if len(typed) < len(word)-2 || len(typed) > len(word)+1 {
			continue
		}
		if cost := distance(typed, strings.ToLower(word)); cost < least {
			best, least = word, cost
		}
	}
	return best
}

// separators are between the words of a name.
var separators = strings.NewReplacer("_", "", "-", "", ".", "", " ", "")

// distance returns what it costs to turn typed into meant (the optimal string alignment
// of the two).
func distance(typed, meant string) int {
	before, last, row := make([]int, len(meant)+1), make([]int, len(meant)+1), make([]int, len(meant)+1)
	for j := range last {
		last[j] = j * missing
	}
	for i := range len(typed) {
		row[0] = last[0] + surplus
		for j := range len(meant) {
			same := last[j]
			if typed[i] != meant[j] {
				same += wrong
			}
			row[j+1] = min(same, row[j]+missing, last[j+1]+surplus)
			if i > 0 && j > 0 && typed[i] == meant[j-1] && typed[i-1] == meant[j] {
				row[j+1] = min(row[j+1], before[j-1]+swapped)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(meant)]
}
