package request

import (
	"strings"
	"testing"
)

// TestLongNamesAreReadAsFarAsNeeded holds that a field's name is found behind whatever
// hides it, and that a long name takes few allocations.
func TestLongNamesAreReadAsFarAsNeeded(t *testing.T) {
	for _, tt := range []struct {
		rule, name string
		want       bool
	}{
		{"soft hyphens", "destin" + strings.Repeat("\u00ad", 5000) + "ation", true},
		{"spaces before", strings.Repeat("\u00a0", 5000) + "destination", true},
		{"spaces behind", "destination" + strings.Repeat("\u00a0", 5000), true},
		{"a space inside", "desti\u00a0nation", false},
		{"marks", "destination" + strings.Repeat("\u0301", 5000), true},
		{"letters that are others", strings.Repeat("\ufdfa", 5000), false},
		{"letters behind", "destinationé" + strings.Repeat("x", 5000), false},
	} {
		if got := looksLikeField(tt.name); got != tt.want {
			t.Errorf("%s: %v", tt.rule, got)
		}
	}
	long := strings.Repeat("\ufdfa", 5000)
	if n := testing.AllocsPerRun(5, func() { looksLikeField(long) }); n > 20 {
		t.Errorf("a name of 15,000 bytes takes %v allocations", n)
	}
}
