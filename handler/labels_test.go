package handler

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// TestNoMetricExceedsItsBudget combines label values in more ways than requests can.
func TestNoMetricExceedsItsBudget(t *testing.T) {
	made, err := newProcess()
	if err != nil {
		t.Fatal(err)
	}
	c := made.(*process)
	for _, o := range metrics.Outcomes() {
		c.RequestEnded(&metrics.Observation{Outcome: o})
		for _, f := range negotiate.Formats() {
			if o != metrics.Fallback || f == negotiate.CSV {
				c.RequestEnded(&metrics.Observation{Format: f.String(), Outcome: o})
			}
		}
	}
	for status := range 7 {
		c.UpstreamResponded(100*status, 0, "")
	}
	for r := range rules.All() {
		for _, mode := range []string{rules.Enforce, rules.Report} {
			if mode == rules.Report && !r.Switchable {
				continue
			}
			for _, f := range r.Fields {
				c.Violated(f.String(), r.Name, mode)
			}
		}
		if len(r.Fields) == 0 || !r.Switchable {
			c.Violated("", r.Name, rules.Enforce)
			if r.Switchable {
				c.Violated("", r.Name, rules.Report)
			}
		}
	}
	c.Violated("a member of the client's own", rules.UnknownField.Name, rules.Enforce)
	c.Violated("a member of the client's own", rules.DuplicateName.Name, rules.Enforce)
	for i := range 1000 {
		c.RequestEnded(&metrics.Observation{
			Format: "json", Outcome: metrics.OK, Forwarded: true, Kind: string(destination.Phone), Country: fmt.Sprint("country ", i),
		})
		c.FellBack(fmt.Sprint("reason ", i))
	}

	reg := prometheus.NewRegistry()
	if err := c.Register(reg); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n, most := len(f.GetMetric()), c.Budgets()[f.GetName()]; n > most {
			t.Errorf("%s has %d label sets, want at most %d", f.GetName(), n, most)
		}
	}
}
