package metrics_test

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
)

func Example() {
	c := metrics.New(metrics.Labels{Formats: []string{"json", "csv"}})
	registry := prometheus.NewRegistry()
	if err := c.Register(registry); err != nil {
		fmt.Println(err)
		return
	}

	c.RequestStarted()
	c.RequestEnded(&metrics.Observation{Format: "csv", Outcome: metrics.OK, Took: time.Millisecond})
	c.RequestStarted()
	c.RequestEnded(&metrics.Observation{Format: "pdf", Outcome: metrics.OK, Took: time.Millisecond})

	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		if f.GetName() != "caddy_conference_members_requests_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetCounter().GetValue() > 0 {
				fmt.Println(m.GetLabel()[0].GetValue(), m.GetLabel()[1].GetValue(), m.GetCounter().GetValue())
			}
		}
	}
	// Output:
	// csv ok 1
	// other ok 1
}
