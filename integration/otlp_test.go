package integration

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// pushing is Caddy's option that pushes its metrics.
const pushing = `{
	grace_period 10s
	metrics {
		otlp
	}
}
`

// typeLine begins a metric of ours on a page for Prometheus.
var typeLine = regexp.MustCompile(`(?m)^# TYPE (` + ours + `\S+) `)

// TestCaddyPushesTheMetrics holds that a collector of OTLP gets every metric that
// a scrape has, under the same name.
func TestCaddyPushesTheMetrics(t *testing.T) {
	c := startCollector(t)
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, pushing+metricsSite+site("plain"))
	const label = "outcome=ok"
	before := g.metrics(t).sum("requests_total", label)
	status(200)(t, send(t, protocols[0].client, http.MethodPost, g.URL("plain")+membersPath, validBody, "Content-Type: application/json"))
	eventually(t, "the call to be pushed", func() bool { return c.sum(ours+"requests_total", label) == before+1 })

	scraped := typeLine.FindAllStringSubmatch(g.metricsPage(t), -1)
	if len(scraped) == 0 {
		t.Fatal("nothing is scraped")
	}
	for _, m := range scraped {
		eventually(t, m[1]+" to be pushed", func() bool { return c.metric(m[1]) != nil })
	}
	if c.metric(ours+"request_duration_seconds").GetExponentialHistogram() == nil {
		t.Error("request_duration_seconds is pushed as no native histogram")
	}
}

// metric returns the metric as it was pushed last, nil if it was not pushed.
func (c *collector) metric(name string) *metricspb.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.metrics[name]
}

// sum adds up the values of a counter that have a label NAME=VALUE.
func (c *collector) sum(name, label string) (total float64) {
	for _, p := range c.metric(name).GetSum().GetDataPoints() {
		if slices.ContainsFunc(p.GetAttributes(), func(a *commonpb.KeyValue) bool { return a.GetKey()+"="+a.GetValue().GetStringValue() == label }) {
			total += p.GetAsDouble()
		}
	}
	return total
}
