package integration

import (
	"net/http"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// TestTwoHandlersInOneChainCountOnce holds that a request is counted once, with its
// final outcome, if the directive appears twice, with the same rules or others.
func TestTwoHandlersInOneChainCountOnce(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := newGateway(t)
	const chain = "{site %} {\n\troute {\n\t\tconference_members {\n\t\t\trule distinct report\n\t\t}\n\t\tconference_members {\n\t\t\trule distinct report\n\t\t\tOPTIONS\n\t\t}\n\t\treverse_proxy TO\n\t}\n}\n"
	config := metricsSite
	for _, s := range []struct{ name, options, to string }{
		{"same", "", u.Addr}, {"stricter", "destinations sip", u.Addr}, {"down", "", g.Address("nobody")},
	} {
		config += strings.NewReplacer("%", s.name, "OPTIONS", s.options, "TO", s.to).Replace(chain)
	}
	g.start(config)
	for _, tt := range []struct {
		rule, site, body  string
		header            []string
		outcome, format   string
		call              string
		dialled, upstream float64
		violated, mode    string
		transcoded        float64
	}{
		{rule: "a call", site: "same", body: validBody, outcome: "ok", format: "json", call: "dialled", dialled: 1, upstream: 1},
		{rule: "a call in CSV", site: "same", body: validBody, header: []string{"Accept: text/csv"}, outcome: "ok", format: "csv", call: "dialled", dialled: 1, upstream: 1, transcoded: 1},
		{rule: "a refusal of the first", site: "same", body: invalidBody, outcome: "refused", format: "json", call: "not-dialled", violated: "call_sid_format", mode: "enforce"},
		{rule: "a refusal of the second", site: "stricter", body: validBody, outcome: "refused", format: "json", call: "not-dialled", violated: "destination_kind", mode: "enforce"},
		{rule: "what both report", site: "same", body: `{"destination":"+12025550123","fromNumber":"+12025550123"}`, outcome: "ok", format: "json", call: "dialled", dialled: 1, upstream: 1, violated: "distinct", mode: "report"},
		{rule: "no upstream", site: "down", body: validBody, outcome: "unreachable", format: "json", call: "not-dialled", dialled: 1, upstream: 1},
		{rule: "no response", site: "same", body: validBody, header: []string{fault("close")}, outcome: "no_response", format: "json", call: "unknown", dialled: 1, upstream: 1},
		{rule: "a 5xx", site: "same", body: validBody, header: []string{fault("maintenance")}, outcome: "upstream_5xx", format: "json", call: "unknown", dialled: 1, upstream: 1},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			before := g.settled(t)
			got := send(t, protocols[0].client, http.MethodPost, g.URL(tt.site)+membersPath, tt.body, append([]string{"Content-Type: application/json"}, tt.header...)...)
			after := g.settled(t)
			checkOutcome(t, before, after, tt.outcome, tt.format)
			if call := got.header["X-Call"]; len(call) != 1 || call[0] != tt.call {
				t.Errorf("X-Call: %q, want %s", call, tt.call)
			}
			for name, want := range map[string]float64{
				"calls_total": 1, "destinations_total": tt.dialled, "upstream_duration_seconds_count": tt.upstream,
				"transcode_duration_seconds_count": tt.transcoded, "request_body_bytes_count": 1, "requests_in_flight": 0,
			} {
				if n := after.sum(name) - before.sum(name); n != want {
					t.Errorf("%s grew by %v, want %v", name, n, want)
				}
			}
			if n := after.sum("calls_total", "call="+tt.call) - before.sum("calls_total", "call="+tt.call); n != 1 {
				t.Errorf("counted %v times as %s", n, tt.call)
			}
			if tt.violated != "" {
				labels := []string{"rule=" + tt.violated, "mode=" + tt.mode}
				if n := after.sum("validation_failures_total", labels...) - before.sum("validation_failures_total", labels...); n != 1 {
					t.Errorf("%s is counted %v times, want once", tt.violated, n)
				}
			}
		})
	}
}
