package integration

import (
	"regexp"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// metricRow is a row of the table of metrics in docs/metrics.md, which is made of the code.
var metricRow = regexp.MustCompile("(?m)^\\| `" + ours + "(\\w+)` \\| (counter|histogram|gauge) \\|")

// TestTheGatewayObservesEveryMetric holds that each is observed where it should
// be: a few requests move them all.
func TestTheGatewayObservesEveryMetric(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, metricsSite+site("plain", "idempotency", "rule distinct report", "bulk"))
	for _, request := range []string{
		post(membersPath+".csv", validBody, "Idempotency-Key: k"),
		post(membersPath+".csv", validBody, upstreamtest.FaultHeader+": garbage"),
		post(membersPath, invalidBody),
		post("/v1"+membersPath, validBody),
		post(membersPath, `{"destination":"+12025550123","fromNumber":"+12025550123"}`),
		post(membersPath+"/bulk", validBody, "Idempotency-Key: many"),
	} {
		g.sendRaw(t, "plain", request)
	}
	s := g.settled(t)
	rows := metricRow.FindAllStringSubmatch(mustRead("../docs/metrics.md"), -1)
	if len(rows) == 0 {
		t.Fatal("docs/metrics.md has no metrics")
	}
	for _, row := range rows {
		name := row[1]
		switch row[2] {
		case "gauge": // it has come down again
			if len(s.series(name)) == 0 {
				t.Errorf("%s is not exposed", name)
			}
			continue
		case "histogram":
			name += "_count"
		}
		if s.sum(name) == 0 {
			t.Errorf("a few requests of all sorts did not move %s", name)
		}
	}
}
