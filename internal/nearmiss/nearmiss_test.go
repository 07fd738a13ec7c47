package nearmiss

import (
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	known := []string{"fromNumber", "fromPhoneNumber", "fromName", "id", "max_body", "route"}
	for _, tt := range []struct{ rule, typed, want string }{
		{"a missing letter", "fromNumbr", "fromNumber"},
		{"a letter too many", "routes", "route"},
		{"swapped letters", "fromNmae", "fromName"},
		{"another letter case", "FROMNAME", "fromName"},
		{"a hyphen for an underscore", "max-body", "max_body"},
		{"a word left out", "fromNumber2", "fromNumber"},
		{"the beginning", "max", "max_body"},
		{"two letters are no beginning", "ma", ""},
		{"nothing in common", "xy", ""},
		{"a long word with little in common", "dest", ""},
		{"nothing typed", "", ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := Find(tt.typed, known); got != tt.want {
				t.Errorf("Find(%q) = %q, want %q", tt.typed, got, tt.want)
			}
		})
	}
}

func TestTypo(t *testing.T) {
	known := []string{"sessionId", "callSid", "destination", "fromNumber"}
	for _, tt := range []struct{ rule, typed, want string }{
		{"a missing letter", "destinaton", "destination"},
		{"two missing letters", "fromNumb", "fromNumber"},
		{"three missing letters", "call", ""},
		{"a letter too many", "destinations", "destination"},
		{"two letters too many", "destination12", ""},
		{"a wrong letter", "callSud", "callSid"},
		{"two wrong letters", "callSum", ""},
		{"swapped letters", "frmoNumber", "fromNumber"},
		{"other separators", "From_Number", "fromNumber"},
		{"spaces around it", " call-sid ", "callSid"},
		{"another word that begins alike", "destinationNote", ""},
		{"a word of its own", "from", ""},
		{"nothing", "", ""},
		{"letters beyond ASCII", "déstination", ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := Typo(tt.typed, known); got != tt.want {
				t.Errorf("Typo(%q) = %q, want %q", tt.typed, got, tt.want)
			}
		})
	}
}

func TestFindPrefersWhatWasShortened(t *testing.T) {
	if got := Find("fromNumber", []string{"fromName", "fromPhoneNumber"}); got != "fromPhoneNumber" {
		t.Errorf("Find = %q, want fromPhoneNumber", got)
	}
}

func TestWhatIsTooLongIsNoMistake(t *testing.T) {
	word := strings.Repeat("x", longest)
	for name, find := range map[string]func(string, []string) string{"Find": Find, "Typo": Typo} {
		if got := find(word, []string{word}); got != word {
			t.Errorf("%s of %d bytes found %q", name, longest, got)
		}
		long := word + "x"
		if got := find(long, []string{long}); got != "" {
			t.Errorf("%s of %d bytes found %d", name, len(long), len(got))
		}
	}
}

func TestOfWordsEquallyNearTheFirstWins(t *testing.T) {
	known := []string{"abcd", "abce"}
	for name, find := range map[string]func(string, []string) string{"Find": Find, "Typo": Typo} {
		if got := find("abcx", known); got != known[0] {
			t.Errorf("%s = %q, want %q", name, got, known[0])
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		typed, meant string
		want         int
	}{
		{"abc", "abc", 0},
		{"", "ab", 2 * missing},
		{"ab", "", 2 * surplus},
		{"ac", "abc", missing},
		{"abxc", "abc", surplus},
		{"axc", "abc", wrong},
		{"bac", "abc", swapped},
		{"acb", "abc", swapped},
		{"badc", "abcd", 2 * swapped},
		{"bca", "abc", missing + surplus},
		{"ca", "abc", 2*missing + surplus}, // nothing is put between letters that changed places
		{"cba", "abc", missing + swapped + surplus},
	} {
		if got := distance(tt.typed, tt.meant); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.typed, tt.meant, got, tt.want)
		}
	}
}

func TestHint(t *testing.T) {
	known := []string{"route", "mode"}
	for typed, want := range map[string]string{"rout": "; did you mean route?", "elsewhere": ""} {
		if got := Hint(typed, known); got != want {
			t.Errorf("Hint(%q) = %q, want %q", typed, got, want)
		}
	}
}
