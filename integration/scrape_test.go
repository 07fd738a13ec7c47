package integration

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ours is the prefix of this module's metrics.
const ours = "caddy_conference_members_"

// scrape is a page of metrics.
type scrape []sample

// sample is one line of it. The labels are written NAME=VALUE.
type sample struct {
	name   string
	labels []string
	value  float64
}

// metricsPage scrapes the site named metrics, which has Caddy's metrics
// directive. A reload resets connections that wait to be accepted.
func (g *gateway) metricsPage(t *testing.T) (page string) {
	t.Helper()
	eventually(t, "a page of metrics", func() bool {
		got := g.sendRaw(t, "metrics", wire("GET /metrics", []string{"Connection: close"}, ""))
		page = got.body
		return got.err == nil && got.status == 200
	})
	return page
}

// metrics returns this module's samples on that page.
func (g *gateway) metrics(t *testing.T) scrape {
	t.Helper()
	var all scrape
	for line := range strings.Lines(g.metricsPage(t)) {
		line, found := strings.CutPrefix(strings.TrimSpace(line), ours)
		if !found {
			continue
		}
		space := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[space+1:], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		name, labels, _ := strings.Cut(line[:space], "{")
		s := sample{name: name, value: value}
		for pair := range strings.SplitSeq(strings.TrimSuffix(labels, "}"), ",") {
			s.labels = append(s.labels, strings.ReplaceAll(pair, `"`, ""))
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		t.Fatal("the page has none of our metrics")
	}
	return all
}

// series returns the samples of a name, such as requests_total, that have all of some
// labels.
func (s scrape) series(name string, labels ...string) []sample {
	var some []sample
	for _, m := range s {
		missing := slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(m.labels, l) })
		if m.name == name && !missing {
			some = append(some, m)
		}
	}
	return some
}

// sum adds those samples up.
func (s scrape) sum(name string, labels ...string) float64 {
	total := 0.0
	for _, m := range s.series(name, labels...) {
		total += m.value
	}
	return total
}

// labelValues returns the values that a label has, sorted.
func (s scrape) labelValues(name, label string) []string {
	var all []string
	for _, m := range s.series(name) {
		for _, l := range m.labels {
			if v, ok := strings.CutPrefix(l, label+"="); ok {
				all = append(all, v)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
