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

func TestFindIgnoresWhatIsTooLongToBeAMistake(t *testing.T) {
	long := strings.Repeat("x", longest+1)
	if got := Find(long, []string{long}); got != "" {
		t.Errorf("Find of %d bytes found %d", len(long), len(got))
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
