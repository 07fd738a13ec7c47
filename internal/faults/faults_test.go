package faults

import (
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// TestEveryFaultCanBeToldToTheUpstream: its specification parses, its sentence is
// its own alone, and it has a fate.
func TestEveryFaultCanBeToldToTheUpstream(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range All {
		if _, err := upstreamtest.ParseFault(f.Spec); err != nil {
			t.Errorf("%s: %v", f.What, err)
		}
		if f.JSON.Outcome == "" || seen[f.What] {
			t.Errorf("%s: no outcome, or there twice", f.What)
		}
		seen[f.What] = true
	}
}

// TestEveryReasonOfTheTransformHasAFault: all but that of a size, which depends
// on the configuration.
func TestEveryReasonOfTheTransformHasAFault(t *testing.T) {
	has := make(map[string]bool)
	for _, f := range All {
		has[f.Fate("csv").Reason] = true
	}
	for _, r := range transform.Reasons {
		if r != transform.ReasonTooLarge && !has[string(r)] {
			t.Errorf("no fault has the reason %s", r)
		}
	}
}
