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

	"github.com/evovoice-gateway/caddy-conference-members/internal/docgen"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
)

var update = flag.Bool("update", false, "write what is generated into the documentation")

const metricsFile = "../docs/metrics.md"

// TestTheTablesOfMetricsAreThoseOfTheCode compares the tables in the
// documentation with the code; with -update they are rewritten.
func TestTheTablesOfMetricsAreThoseOfTheCode(t *testing.T) {
	c := readCatalogue(t)
	makers := make(map[string]docgen.Maker)
	for name, table := range map[string]func(*testing.T, *catalogue) string{
		"metrics":  metricTable,
		"labels":   labelTable,
		"buckets":  bucketTable,
		"outcomes": outcomeTable,
	} {
		makers[name] = func(string, string) (string, error) { return table(t, c), nil }
	}
	docgen.Check(t, *update, "go test ./ops -update", makers, metricsFile)
}

func metricTable(_ *testing.T, c *catalogue) string {
	var rows [][]string
	for _, m := range c.metrics {
		rows = append(rows, []string{docgen.Code(m.name), m.kind, docgen.Code(m.labels...), m.help})
	}
	return docgen.Table([]string{"Metric", "Type", "Labels", "Meaning"}, rows...)
}

func labelTable(_ *testing.T, c *catalogue) string {
	var rows [][]string
	for _, label := range slices.Sorted(maps.Keys(c.values)) {
		values := docgen.Code(c.values[label]...)
		if label == "country" {
			values = fmt.Sprintf("ISO 3166 codes of two letters and `001`, the first %d that are dialled; `other` for all further ones, "+
				"`none` for what is not a phone number and for a number whose country can't be told", metrics.MaxCountries)
		}
		rows = append(rows, []string{docgen.Code(label), values})
	}
	return docgen.Table([]string{"Label", "Values"}, rows...)
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
		rows = append(rows, []string{docgen.Code(m.name), strings.Join(bounds, ", ")})
	}
	return docgen.Table([]string{"Histogram", "Boundaries"}, rows...)
}

func outcomeTable(t *testing.T, _ *catalogue) string {
	budget := readClasses(t)
	var rows [][]string
	for _, o := range metrics.Outcomes() {
		rows = append(rows, []string{docgen.Code(o.String()), o.Meaning(), budget.of(o.String())})
	}
	return docgen.Table([]string{"Outcome", "Meaning", "To the error budget"}, rows...)
}

// documented returns the code in the first column of the table under a heading.
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
