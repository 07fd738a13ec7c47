package ops

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
)

const (
	rulesFile     = "prometheus/conference-members.rules.yml"
	rulesTestFile = "prometheus/conference-members.test.yml"
	runbooksFile  = "../docs/runbooks.md"
	runbooksURL   = "https://github.com/evovoice-gateway/caddy-conference-members/blob/main/docs/runbooks.md#"
)

// rule is a recording rule or an alert.
type rule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func readRules(t *testing.T) (recordings, alerts []rule) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" {
				recordings = append(recordings, r)
			} else {
				alerts = append(alerts, r)
			}
		}
	}
	if len(recordings) == 0 || len(alerts) == 0 {
		t.Fatalf("%d recording rules and %d alerts", len(recordings), len(alerts))
	}
	return recordings, alerts
}

// recorded returns the labels that recording rules keep, which by convention are before
// the first colon of the name.
func recorded(recordings []rule) map[string][]string {
	labels := make(map[string][]string)
	for _, r := range recordings {
		level, _, _ := strings.Cut(r.Record, ":")
		labels[r.Record] = strings.Split(level, "_")
	}
	return labels
}

func TestRulesAskForWhatTheGatewayExposes(t *testing.T) {
	c := readCatalogue(t)
	recordings, alerts := readRules(t)
	names := recorded(recordings)
	for _, r := range slices.Concat(recordings, alerts) {
		for _, err := range c.check(r.Expr, names) {
			t.Errorf("%s%s: %v", r.Record, r.Alert, err)
		}
	}
	for name, labels := range names {
		used := slices.ContainsFunc(alerts, func(r rule) bool { return strings.Contains(r.Expr, name) })
		if !used || !slices.Contains(labels, "job") {
			t.Errorf("%s: used by an alert: %v, labels %q", name, used, labels)
		}
	}
}

var alertLabels = regexp.MustCompile(`\$labels\.(\w+)`)

func TestEveryAlertSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	recordings, alerts := readRules(t)
	names := recorded(recordings)
	tested, err := os.ReadFile(rulesTestFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts {
		if s := a.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: severity %q", a.Alert, s)
		}
		if strings.Contains(a.Expr, `mode="enforce"`) && a.Labels["severity"] != "warning" {
			t.Errorf("%s: a refused call pages somebody", a.Alert)
		}
		for _, name := range []string{"summary", "description"} {
			if a.Annotations[name] == "" {
				t.Errorf("%s: no %s", a.Alert, name)
			}
			for _, m := range alertLabels.FindAllStringSubmatch(a.Annotations[name], -1) {
				if !has(a.Expr, m[1], names) {
					t.Errorf("%s: the %s names %s, which the alert does not have", a.Alert, name, m[1])
				}
			}
		}
		if got, want := a.Annotations["runbook_url"], runbooksURL+strings.ToLower(a.Alert); got != want {
			t.Errorf("%s: runbook_url %q, want %q", a.Alert, got, want)
		}
		about := strings.SplitAfter(string(tested), "alertname: "+a.Alert+"\n")
		fires := slices.ContainsFunc(about[1:], func(s string) bool { return strings.HasPrefix(s, "        exp_alerts:\n") })
		silent := slices.ContainsFunc(about[1:], func(s string) bool { return strings.HasPrefix(s, "        exp_alerts: []\n") })
		if !fires || !silent {
			t.Errorf("%s: tested to fire: %v, not to fire: %v", a.Alert, fires, silent)
		}
	}
}

// has reports whether the first vector of an expression has a label: it is summed by it,
// or recorded with it.
func has(expr, label string, recorded map[string][]string) bool {
	first := groupings.FindStringSubmatchIndex(expr)
	for name, labels := range recorded {
		if at := strings.Index(expr, name); at >= 0 && (first == nil || at < first[0]) {
			return slices.Contains(labels, label)
		}
	}
	return first != nil && slices.Contains(regexp.MustCompile(`\w+`).FindAllString(expr[first[2]:first[3]], -1), label)
}

func TestEveryAlertHasASectionInTheRunbooks(t *testing.T) {
	text, err := os.ReadFile(runbooksFile)
	if err != nil {
		t.Fatal(err)
	}
	_, alerts := readRules(t)
	var want []string
	for _, a := range alerts {
		want = append(want, a.Alert)
	}
	var got []string
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		if !strings.HasPrefix(name, "ConferenceMembers") {
			continue // needed by all alerts
		}
		got = append(got, name)
		for _, part := range []string{"**What it means.**", "**What callers feel.**", "**Look first.**", "**What helps.**"} {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %s", name, part)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("sections:\n%q\nalerts:\n%q", got, want)
	}
}

// TestQueriesInTheRunbooksAskForWhatTheGatewayExposes holds that the queries can be pasted.
func TestQueriesInTheRunbooksAskForWhatTheGatewayExposes(t *testing.T) {
	text, err := os.ReadFile(runbooksFile)
	if err != nil {
		t.Fatal(err)
	}
	c := readCatalogue(t)
	recordings, _ := readRules(t)
	names := recorded(recordings)
	queries := 0
	for _, m := range regexp.MustCompile("(?ms)^```text\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		for query := range strings.Lines(m[1]) {
			queries++
			for _, err := range c.check(query, names) {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
	if queries == 0 {
		t.Error("there are no queries")
	}
}

func TestQueriesInTheRecipesAskForWhatTheGatewayExposes(t *testing.T) {
	c := readCatalogue(t)
	queries := 0
	for _, m := range regexp.MustCompile("(?ms)^```text\n(sum .*?)^```$").FindAllStringSubmatch(read(t, "../docs/recipes.md"), -1) {
		for query := range strings.Lines(m[1]) {
			queries++
			for _, err := range c.check(query, nil) {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
	if queries < 2 {
		t.Errorf("%d queries", queries)
	}
}

// classes are the outcomes that use up the error budget, and those that count at all.
type classes struct{ errors, counted []string }

var outcomeLists = regexp.MustCompile(`outcome=~"([^"]*)"`)

// readClasses finds the lists of outcomes in the recording rules.
func readClasses(t *testing.T) classes {
	t.Helper()
	recordings, _ := readRules(t)
	m := outcomeLists.FindAllStringSubmatch(recordings[0].Expr, -1)
	if len(m) != 2 {
		t.Fatalf("%d lists of outcomes in %s", len(m), recordings[0].Record)
	}
	return classes{strings.Split(m[0][1], "|"), strings.Split(m[1][1], "|")}
}

// of returns the class of an outcome.
func (c classes) of(outcome string) string {
	switch {
	case slices.Contains(c.errors, outcome):
		return "an error"
	case slices.Contains(c.counted, outcome):
		return "good"
	default:
		return "not counted"
	}
}

// TestOutcomesAreErrorsByOneList holds that rules and dashboard have the same lists, and
// that errors are counted.
func TestOutcomesAreErrorsByOneList(t *testing.T) {
	c := readClasses(t)
	for _, e := range c.errors {
		if !slices.Contains(c.counted, e) {
			t.Errorf("%s is an error but not counted", e)
		}
	}
	for _, o := range metrics.Outcomes() {
		if o == metrics.OK && c.of(o.String()) != "good" {
			t.Errorf("%s is %s", o, c.of(o.String()))
		}
	}
	for _, file := range []string{rulesFile, dashboardFile} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lists := outcomeLists.FindAllStringSubmatch(strings.ReplaceAll(string(text), `\"`, `"`), -1)
		if len(lists) < 2 {
			t.Errorf("%s: %d lists of outcomes", file, len(lists))
		}
		for _, m := range lists {
			if l := strings.Split(m[1], "|"); !slices.Equal(l, c.errors) && !slices.Equal(l, c.counted) {
				t.Errorf("%s: one more list of outcomes: %s", file, m[1])
			}
		}
	}
}
