package ops

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
	"github.com/evovoice-gateway/caddy-conference-members/handler"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

const prefix = "caddy_conference_members_"

// metric is a metric as the gateway exposes it.
type metric struct {
	name, kind, help string
	labels           []string
	buckets          []float64 // of a histogram
}

// catalogue is what the gateway exposes.
type catalogue struct {
	metrics []metric            // in the order of their names
	values  map[string][]string // of each label; of countries, only those in the test
}

// readCatalogue calls the collectors with every value that a label can have, and with an
// unknown one, and reads what they expose.
func readCatalogue(t *testing.T) *catalogue {
	t.Helper()
	l := metrics.Labels{FallbackReasons: fallbackReasons(t)}
	for _, f := range negotiate.Formats() {
		l.Formats = append(l.Formats, f.String())
	}
	for f := range rules.NumFields {
		l.Fields = append(l.Fields, f.String())
	}
	l.Rules = make(map[string][]string)
	for r := range rules.All() {
		l.Rules[r.Name] = nil
	}
	for _, k := range destination.Kinds() {
		l.Kinds = append(l.Kinds, string(k))
	}

	const odd = "odd"
	c := metrics.New(l)
	for _, o := range metrics.Outcomes() {
		for _, f := range append(l.Formats, "", odd) {
			c.RequestEnded(&metrics.Observation{Format: f, Outcome: o, RequestBytes: metrics.Bytes(0), ResponseBytes: metrics.Bytes(0)})
		}
	}
	for _, call := range metrics.Calls() {
		c.RequestEnded(&metrics.Observation{Outcome: metrics.OK, Call: call})
	}
	for status := range 11 {
		c.UpstreamResponded(100*status, 0, "")
	}
	c.FellBack(odd)
	for _, i := range metrics.IdempotencyResults() {
		c.Idempotent(i)
	}
	for _, op := range []metrics.StoreOp{metrics.StoreBegin, metrics.StoreReplace, metrics.StoreScan} {
		c.StoreUsed(op, 0)
	}
	for _, k := range append(l.Kinds, "", odd) {
		c.RequestEnded(&metrics.Observation{Outcome: metrics.OK, Transcode: 1, Forwarded: true, Kind: k, Country: "US"})
	}
	for _, f := range append(l.Fields, "", odd) {
		c.Violated(f, odd, rules.Report)
	}
	c.WouldRefuse()
	c.Violated("", odd, rules.Warn)
	for r := range l.Rules {
		c.Violated("", r, rules.Enforce)
	}

	reg := prometheus.NewRegistry()
	if err := c.Register(reg); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := &catalogue{values: make(map[string][]string)}
	for _, family := range families {
		m := metric{name: family.GetName(), kind: strings.ToLower(family.GetType().String()), help: family.GetHelp()}
		for _, series := range family.GetMetric() {
			m.labels = nil
			for _, pair := range series.GetLabel() {
				m.labels = append(m.labels, pair.GetName())
				if values := all.values[pair.GetName()]; !slices.Contains(values, pair.GetValue()) {
					all.values[pair.GetName()] = append(values, pair.GetValue())
				}
			}
		}
		for _, b := range family.GetMetric()[0].GetHistogram().GetBucket() {
			m.buckets = append(m.buckets, b.GetUpperBound())
		}
		all.metrics = append(all.metrics, m)
	}
	for label := range all.values {
		slices.Sort(all.values[label])
	}
	return all
}

// fallbackReasons returns those that a handler has counters for.
func fallbackReasons(t *testing.T) []string {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	h, err := handler.New(ctx, handler.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, family := range families {
		if family.GetName() != prefix+"transcode_fallbacks_total" {
			continue
		}
		for _, series := range family.GetMetric() {
			reasons = append(reasons, series.GetLabel()[0].GetValue())
		}
	}
	if len(reasons) == 0 {
		t.Fatal("there are no reasons for a fallback")
	}
	return reasons
}

// named returns the metric that has a series of that name, and the labels of
// the series.
func (c *catalogue) named(series string) (*metric, []string) {
	for i := range c.metrics {
		m := &c.metrics[i]
		rest, ok := strings.CutPrefix(series, m.name)
		switch {
		case !ok:
			continue
		case m.kind == "histogram" && rest == "_bucket":
			return m, append(slices.Clone(m.labels), "le")
		case m.kind == "histogram" && (rest == "_sum" || rest == "_count"), m.kind != "histogram" && rest == "":
			return m, m.labels
		}
	}
	return nil, nil
}

// What is in an expression: names with or without a selector, matchers in
// a selector, lists of labels.
var (
	selectors = regexp.MustCompile(`([a-z_]+:)?` + prefix + `[a-z0-9_]+(:[a-z0-9_]+)?(\{[^}]*\})?`)
	matchers  = regexp.MustCompile(`([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	groupings = regexp.MustCompile(`\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
)

// targetLabels are those that Prometheus adds.
var targetLabels = []string{"job", "instance"}

// check finds names, labels and values in an expression that the gateway does not expose.
// recorded are the names and labels of recording rules.
func (c *catalogue) check(expr string, recorded map[string][]string) []error {
	var errs []error
	var known []string // labels
	for _, m := range selectors.FindAllStringSubmatch(expr, -1) {
		name, selector := strings.TrimSuffix(m[0], m[3]), m[3]
		labels, ok := recorded[name]
		if !ok {
			var found *metric
			if found, labels = c.named(name); found == nil {
				errs = append(errs, fmt.Errorf("there is no metric %s", name))
				continue
			}
			labels = append(slices.Clone(labels), targetLabels...)
		}
		known = append(known, labels...)
		for _, m := range matchers.FindAllStringSubmatch(selector, -1) {
			label, operator, value := m[1], m[2], m[3]
			if !slices.Contains(labels, label) {
				errs = append(errs, fmt.Errorf("%s has no label %s", name, label))
				continue
			}
			if slices.Contains(targetLabels, label) || label == "country" {
				continue
			}
			values := []string{value}
			if strings.HasSuffix(operator, "~") {
				values = strings.Split(value, "|")
			}
			for _, v := range values {
				if !slices.Contains(c.values[label], v) {
					errs = append(errs, fmt.Errorf("%s of %s is never %q", label, name, v))
				}
			}
		}
	}
	if len(known) == 0 {
		errs = append(errs, fmt.Errorf("no metric of the gateway in %q", expr))
	}
	for _, m := range groupings.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(m[1], ",") {
			if label = strings.TrimSpace(label); !slices.Contains(known, label) {
				errs = append(errs, fmt.Errorf("nothing has a label %s", label))
			}
		}
	}
	return errs
}

// TestMistakesInExpressionsAreFound holds that the check can fail.
func TestMistakesInExpressionsAreFound(t *testing.T) {
	c := readCatalogue(t)
	recorded := map[string][]string{"job:" + prefix + "x:y": {"job"}}
	tests := []struct {
		expr string
		ok   bool
	}{
		{`sum by (outcome) (rate(caddy_conference_members_requests_total{outcome=~"ok|fallback", job="a"}[5m]))`, true},
		{`caddy_conference_members_response_body_bytes_bucket{le="256"}`, false},
		{`caddy_conference_members_requests_in_flight`, true},
		{`caddy_conference_members_destinations_total{country="DE"}`, true},
		{`job:caddy_conference_members_x:y > 1`, true},
		{`job:caddy_conference_members_x:z > 1`, false},
		{`caddy_conference_members_request_total`, false},
		{`caddy_conference_members_request_duration_seconds`, false},
		{`caddy_conference_members_requests_total_sum`, false},
		{`caddy_conference_members_requests_total{outcome="okay"}`, false},
		{`caddy_conference_members_requests_total{outcome!~"ok|okay"}`, false},
		{`caddy_conference_members_requests_total{reason="other"}`, false},
		{`sum by (reason) (caddy_conference_members_requests_total)`, false},
		{`sum(up)`, false},
	}
	for _, test := range tests {
		if errs := c.check(test.expr, recorded); (errs == nil) != test.ok {
			t.Errorf("%s: %v", test.expr, errs)
		}
	}
}

// TestTheCatalogueIsComplete holds that every metric is in the catalogue, and that labels
// have the value other.
func TestTheCatalogueIsComplete(t *testing.T) {
	c := readCatalogue(t)
	registered := make(counted)
	if err := metrics.New(metrics.Labels{}).Register(registered); err != nil {
		t.Fatal(err)
	}
	if len(registered) != len(c.metrics) {
		t.Errorf("%d collectors are registered, %d metrics seen", len(registered), len(c.metrics))
	}
	for _, label := range slices.Sorted(maps.Keys(c.values)) {
		switch label {
		case "outcome", "call", "mode", "result", "op", "country": // the first five take no unknown value
		default:
			if !slices.Contains(c.values[label], "other") {
				t.Errorf("%s is never other: %q", label, c.values[label])
			}
		}
	}
}

// counted notes which collectors are registered.
type counted map[prometheus.Collector]bool

func (c counted) Register(col prometheus.Collector) error   { c[col] = true; return nil }
func (c counted) MustRegister(cols ...prometheus.Collector) {}
func (c counted) Unregister(prometheus.Collector) bool      { return false }
