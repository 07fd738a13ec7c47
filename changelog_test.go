package conferencemembers_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// ruleNamesFile lists every name that a rule has ever had, one per line.
const ruleNamesFile = "testdata/rule-names.txt"

// TestNoRuleNameDisappearsUnsaid holds that a rule that is gone or has another
// name is in the changelog, and keeps its anchor on the page of rules: the type of
// a refusal of an older release points there. With -update new names are added to
// the list; none is ever removed.
func TestNoRuleNameDisappearsUnsaid(t *testing.T) {
	listed := strings.Fields(read(t, ruleNamesFile))
	var now []string
	for r := range rules.All() {
		now = append(now, r.Name)
		if slices.Contains(listed, r.Name) {
			continue
		}
		if !*update {
			t.Errorf("%s lacks %s (go test . -update adds it)", ruleNamesFile, r.Name)
		}
		listed = append(listed, r.Name)
	}
	changes, page := read(t, "CHANGELOG.md"), read(t, "docs/rules.md")
	for _, name := range listed {
		if slices.Contains(now, name) {
			continue
		}
		if !strings.Contains(changes, "`"+name+"`") {
			t.Errorf("there is no rule %s any more, and CHANGELOG.md does not say so", name)
		}
		if !slices.Contains(anchors(page), name) {
			t.Errorf(`docs/rules.md has no anchor of the former rule: <a id="%s"></a>`, name)
		}
	}
	if *update {
		slices.Sort(listed)
		if err := os.WriteFile(ruleNamesFile, []byte(strings.Join(listed, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the text of a file.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
