package ops

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
)

var update = flag.Bool("update", false, "write what is generated into the documentation")

const metricsFile = "../docs/metrics.md"

// generated is what stands between <!-- TABLE NAME --> and <!-- /TABLE -->.
var generated = regexp.MustCompile(`(?ms)^<!-- TABLE ([a-z]+) -->\n(.*?)^<!-- /TABLE -->$`)

// tables make what is generated.
var tables = map[string]func(*testing.T, *catalogue) string{
	"metrics":  metricTable,
	"labels":   labelTable,
	"buckets":  bucketTable,
	"outcomes": outcomeTable,
}

// TestTheTablesOfMetricsAreThoseOfTheCode compares the tables in the
// documentation with the code; with -update they are rewritten.
func TestTheTablesOfMetricsAreThoseOfTheCode(t *testing.T) {
	text, err := os.ReadFile(metricsFile)
	if err != nil {
		t.Fatal(err)
	}
	c := readCatalogue(t)
	found := make(map[string]bool)
	want := generated.ReplaceAllStringFunc(string(text), func(section string) string {
		name := generated.FindStringSubmatch(section)[1]
		found[name] = true
		if tables[name] == nil {
			t.Fatalf("nothing makes %q", name)
		}
		return "<!-- TABLE " + name + " -->\n" + tables[name](t, c) + "<!-- /TABLE -->"
	})
	for name := range tables {
		if !found[name] {
			t.Errorf("there is no table %s", name)
		}
	}
	switch {
	case string(text) == want:
	case *update:
		if err := os.WriteFile(metricsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the code says (go test ./ops -update writes it); want:\n%s", metricsFile, want)
	}
}

// table writes a table in Markdown.
func table(head []string, rows ...[]string) string {
	var b strings.Builder
	for i, row := range append([][]string{head}, rows...) {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
		}
	}
	return b.String()
}

// codes marks each text as code.
func codes(texts []string) string {
	marked := make([]string, len(texts))
	for i, text := range texts {
		marked[i] = "`" + text + "`"
	}
	return strings.Join(marked, ", ")
}

func metricTable(_ *testing.T, c *catalogue) string {
	var rows [][]string
	for _, m := range c.metrics {
		rows = append(rows, []string{codes([]string{m.name}), m.kind, codes(m.labels), m.help})
	}
	return table([]string{"Metric", "Type", "Labels", "Meaning"}, rows...)
}

func labelTable(_ *testing.T, c *catalogue) string {
	var rows [][]string
	for _, label := range slices.Sorted(maps.Keys(c.values)) {
		values := codes(c.values[label])
		if label == "country" {
			values = fmt.Sprintf("ISO 3166 codes of two letters and `001`, the first %d that are dialled; `other` for all further ones, "+
				"`none` for what is no phone number and for a number whose country can't be told", metrics.MaxCountries)
		}
		rows = append(rows, []string{codes([]string{label}), values})
	}
	return table([]string{"Label", "Values"}, rows...)
}

func bucketTable(_ *testing.T, c *catalogue) string {
	var rows [][]string
	for _, m := range c.metrics {
		if m.kind != "histogram" {
			continue
		}
		bounds := make([]string, len(m.buckets))
		for i, b := range m.buckets {
			bounds[i] = strconv.FormatFloat(b, 'f', -1, 64)
		}
		rows = append(rows, []string{codes([]string{m.name}), strings.Join(bounds, ", ")})
	}
	return table([]string{"Histogram", "Boundaries"}, rows...)
}

func outcomeTable(t *testing.T, _ *catalogue) string {
	budget := readClasses(t)
	var rows [][]string
	for _, o := range metrics.Outcomes() {
		rows = append(rows, []string{codes([]string{o.String()}), o.Meaning(), budget.of(o.String())})
	}
	return table([]string{"Outcome", "Meaning", "To the error budget"}, rows...)
}

// documented returns what is marked as code in the first column of the table
// under a heading.
func documented(t *testing.T, heading string) []string {
	t.Helper()
	text, err := os.ReadFile(metricsFile)
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %s", metricsFile, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return names
}

// same reports names that are documented and not seen, and the other way round.
func same(t *testing.T, what string, seen map[string]bool) {
	t.Helper()
	if got, want := documented(t, what), slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
		t.Errorf("%s: documented are\n%s\nseen were\n%s", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}
