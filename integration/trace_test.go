package integration

import (
	"compress/gzip"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	metricscollectorpb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// collector takes what Caddy exports as OTLP over HTTP: spans and metrics.
type collector struct {
	mu      sync.Mutex
	spans   []*tracepb.Span
	metrics map[string]*metricspb.Metric // as they came last
}

// startCollector starts a collector and has every Caddy that starts in this test
// export to it at once. It must be started before Caddy is, which sends the last
// spans when it stops.
func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{metrics: make(map[string]*metricspb.Metric)}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"OTEL_TRACES_EXPORTER":               "otlp",
		"OTEL_EXPORTER_OTLP_PROTOCOL":        "http/protobuf",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
		"OTEL_EXPORTER_OTLP_ENDPOINT":        server.URL,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": server.URL + "/v1/traces",
		"OTEL_PROPAGATORS":                   "tracecontext",
		"OTEL_TRACES_SAMPLER":                "parentbased_always_on",
		"OTEL_BSP_SCHEDULE_DELAY":            "1", // milliseconds

		"OTEL_METRICS_EXPORTER":               "otlp",
		"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": server.URL + "/v1/metrics",
		"OTEL_METRIC_EXPORT_INTERVAL":         "10", // milliseconds
	} {
		t.Setenv(name, value)
	}
	return c
}

// ServeHTTP takes a batch of spans, or of metrics.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = z
	}
	raw, err := io.ReadAll(body)
	var spans collectorpb.ExportTraceServiceRequest
	var metrics metricscollectorpb.ExportMetricsServiceRequest
	switch {
	case err != nil:
	case r.URL.Path == "/v1/traces":
		err = proto.Unmarshal(raw, &spans)
	case r.URL.Path == "/v1/metrics":
		err = proto.Unmarshal(raw, &metrics)
	default:
		err = errors.New(r.URL.Path)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range spans.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	for _, resource := range metrics.GetResourceMetrics() {
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				c.metrics[m.GetName()] = m
			}
		}
	}
}

// all returns the spans that arrived so far.
func (c *collector) all() []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// span waits for the one span of a trace.
func (c *collector) span(t *testing.T, traceID string) *tracepb.Span {
	t.Helper()
	var found []*tracepb.Span
	eventually(t, "the span of trace "+traceID, func() bool {
		found = slices.DeleteFunc(c.all(), func(s *tracepb.Span) bool { return hex.EncodeToString(s.GetTraceId()) != traceID })
		return len(found) > 0
	})
	if len(found) > 1 {
		t.Errorf("%d spans, want one", len(found))
	}
	return found[0]
}

// attributesOf returns this module's attributes as text.
func attributesOf(attributes []*commonpb.KeyValue) map[string]string {
	const prefix = "conference_members."
	all := make(map[string]string)
	for _, a := range attributes {
		if name, ok := strings.CutPrefix(a.GetKey(), prefix); ok {
			all[name] = textOf(a.GetValue())
		}
	}
	return all
}

// textOf returns the value of an attribute; a list is joined with spaces.
func textOf(v *commonpb.AnyValue) string {
	list, ok := v.GetValue().(*commonpb.AnyValue_ArrayValue)
	if !ok {
		if b, ok := v.GetValue().(*commonpb.AnyValue_BoolValue); ok {
			return strconv.FormatBool(b.BoolValue)
		}
		return v.GetStringValue()
	}
	var texts []string
	for _, e := range list.ArrayValue.GetValues() {
		texts = append(texts, e.GetStringValue())
	}
	return strings.Join(texts, " ")
}

// eventsOf returns this module's events of a span, each as "NAME ATTRIBUTE=VALUE".
func eventsOf(s *tracepb.Span) []string {
	var all []string
	for _, e := range s.GetEvents() {
		text := e.GetName()
		if !strings.HasPrefix(text, "conference_members.") {
			continue
		}
		for _, a := range e.GetAttributes() {
			text += " " + a.GetKey() + "=" + textOf(a.GetValue())
		}
		all = append(all, text)
	}
	return all
}

// traceIDOf returns the id of the trace number n.
func traceIDOf(n int) string { return fmt.Sprintf("%032x", 0x0af7651916cd+n) }

// traceParent returns the header line that puts a request into a trace (Trace Context,
// section 3.2).
func traceParent(traceID string, sampled bool) string {
	flags := "00"
	if sampled {
		flags = "01"
	}
	return "Traceparent: 00-" + traceID + "-00f067aa0ba902b7-" + flags
}

// tracedSites are sites whose requests are traced.
const tracedSites = `
{site plain} {
	tracing
	conference_members {
		rule call_sid_format report
	}
	reverse_proxy UPSTREAM
}
{site down} {
	tracing
	conference_members
	reverse_proxy 127.0.0.1:1
}
{site aborting} {
	tracing
	conference_members
	abort
}
{site metrics} {
	metrics
}
`

func TestASpanTellsOfTheRequest(t *testing.T) {
	c := startCollector(t)
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, tracedSites)
	for i, tt := range []struct {
		rule, site   string
		method, path string
		body         string
		header       []string
		attributes   map[string]string // nil for none of ours
		events       []string
	}{
		{
			rule: "a response in JSON", body: validBody,
			attributes: map[string]string{"format": "json", "outcome": "ok", "call": "dialled", "destination.kind": "phone", "violated_rules": "", "would_refuse": "false"},
		},
		{
			rule: "a response in CSV", body: `{"destination":"sip:ann@example.com"}`, header: []string{"Accept: text/csv"},
			attributes: map[string]string{"format": "csv", "outcome": "ok", "call": "dialled", "destination.kind": "sip", "violated_rules": "", "would_refuse": "false"},
		},
		{
			rule: "a refusal", body: `{"destination":"911","fromNumber":"x"}`,
			attributes: map[string]string{"format": "json", "outcome": "refused", "call": "not-dialled", "destination.kind": "name", "violated_rules": "from_number_format emergency", "would_refuse": "false"},
			events:     []string{"conference_members.refused rules=from_number_format emergency"},
		},
		{
			rule: "a rule in report mode", body: `{"callSid":"x","destination":"+12025550123"}`,
			attributes: map[string]string{"format": "json", "outcome": "ok", "call": "dialled", "destination.kind": "phone", "violated_rules": "call_sid_format", "would_refuse": "true"},
		},
		{
			rule: "a refusal beside a rule in report mode", body: `{"callSid":"x","destination":"911"}`,
			attributes: map[string]string{"format": "json", "outcome": "refused", "call": "not-dialled", "destination.kind": "name", "violated_rules": "call_sid_format emergency", "would_refuse": "false"},
			events:     []string{"conference_members.refused rules=emergency"},
		},
		{
			rule: "a method", method: http.MethodGet,
			attributes: map[string]string{"format": "json", "outcome": "method_not_allowed", "call": "not-dialled", "destination.kind": "", "violated_rules": "method_not_allowed", "would_refuse": "false"},
			events:     []string{"conference_members.refused rules=method_not_allowed"},
		},
		{
			rule: "a predefined route", path: "/csv/reply/AddConferenceMember[]", body: validBody,
			attributes: map[string]string{"format": "csv", "outcome": "predefined_route", "call": "not-dialled", "destination.kind": "", "violated_rules": "predefined_route", "would_refuse": "false"},
			events:     []string{"conference_members.refused rules=predefined_route"},
		},
		{
			rule: "nothing acceptable", body: validBody, header: []string{"Accept: image/png"},
			attributes: map[string]string{"format": "none", "outcome": "not_acceptable", "call": "not-dialled", "destination.kind": "", "violated_rules": "not_acceptable", "would_refuse": "false"},
			events:     []string{"conference_members.refused rules=not_acceptable"},
		},
		{
			rule: "a fallback", body: validBody, header: []string{"Accept: text/csv", upstreamtest.FaultHeader + ": garbage"},
			attributes: map[string]string{"format": "csv", "outcome": "fallback", "call": "dialled", "destination.kind": "phone", "violated_rules": "", "would_refuse": "false"},
			events:     []string{"conference_members.fallback reason=malformed"},
		},
		{
			rule: "no upstream", site: "down", body: validBody,
			attributes: map[string]string{"format": "json", "outcome": "unreachable", "call": "not-dialled", "destination.kind": "phone", "violated_rules": "", "would_refuse": "false"},
		},
		{
			rule: "a panic", site: "aborting", body: validBody,
			attributes: map[string]string{"format": "json", "outcome": "aborted", "call": "not-dialled", "destination.kind": "phone", "violated_rules": "", "would_refuse": "false"},
		},
		{rule: "another route", path: "/sessions/abc/conference"},
	} {
		for j, p := range protocols {
			t.Run(tt.rule+" over "+p.name, func(t *testing.T) {
				traceID := traceIDOf(2*i + j)
				header := append([]string{"Content-Type: application/json", traceParent(traceID, true)}, tt.header...)
				send(t, p.client, or(tt.method, http.MethodPost), g.URL(or(tt.site, "plain"))+or(tt.path, membersPath), tt.body, header...)
				span := c.span(t, traceID)
				if got := attributesOf(span.GetAttributes()); !maps.Equal(got, tt.attributes) {
					t.Errorf("attributes %v\nwant       %v", got, tt.attributes)
				}
				if got := eventsOf(span); !slices.Equal(got, tt.events) {
					t.Errorf("events %q, want %q", got, tt.events)
				}
			})
		}
	}
}

// exemplar is a bucket of a histogram in OpenMetrics with its exemplar.
var exemplar = regexp.MustCompile(`(?m)^` + ours + `([a-z_]+)_bucket\{(.*)\} [0-9]+ # \{trace_id="([0-9a-f]+)"\}`)

func TestASampledTraceIsAnExemplar(t *testing.T) {
	c := startCollector(t)
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, tracedSites)

	sampled, unsampled := traceIDOf(1), traceIDOf(2)
	for _, id := range []string{sampled, unsampled} {
		status(200)(t, send(t, protocols[0].client, http.MethodPost, g.URL("plain")+membersPath, validBody,
			"Content-Type: application/json", "Accept: text/csv", traceParent(id, id == sampled)))
	}
	c.span(t, sampled)
	eventually(t, "both requests to be counted", func() bool {
		return g.metrics(t).sum("requests_total", "format=csv", "outcome=ok") == 2
	})

	page := send(t, protocols[0].client, http.MethodGet, g.URL("metrics")+"/metrics", "", "Accept: application/openmetrics-text; version=1.0.0")
	if typ := page.header.Get("Content-Type"); !strings.HasPrefix(typ, "application/openmetrics-text") {
		t.Fatalf("the metrics came as %s", typ)
	}
	found := make(map[string]string)
	for _, m := range exemplar.FindAllStringSubmatch(page.body, -1) {
		name, labels, id := m[1], m[2], m[3]
		if id != sampled {
			t.Errorf("%s{%s} has the exemplar %s, want %s", name, labels, id, sampled)
		}
		found[name] += labels
	}
	for name, labels := range map[string]string{
		"request_duration_seconds":  `outcome="ok"`,
		"upstream_duration_seconds": `code_class="2xx"`,
	} {
		if !strings.Contains(found[name], labels) {
			t.Errorf("%s{%s} has no exemplar; those that there are: %v", name, labels, found)
		}
	}

	// A trace that is not stored is of no use as an example.
	for _, s := range c.all() {
		if hex.EncodeToString(s.GetTraceId()) == unsampled {
			t.Error("the other trace was sampled as well")
		}
	}
}
