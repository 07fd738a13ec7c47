package faults

import (
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// TestEveryFaultCanBeToldToTheUpstream holds that a fault's specification parses, that
// its sentence is unique, and that it has a fate.
func TestEveryFaultCanBeToldToTheUpstream(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range All {
		if _, err := upstreamtest.ParseFault(f.Spec); err != nil {
			t.Errorf("%s: %v", f.What, err)
		}
		if reads := !strings.HasSuffix(f.What, "before it has read the request"); f.Dialled() != reads {
			t.Errorf("%s: dialled %t", f.What, !reads)
		}
		if f.JSON.Outcome == "" || seen[f.What] {
			t.Errorf("%s: no outcome, or there twice", f.What)
		}
		seen[f.What] = true
	}
}

func TestAFateIsThatOfTheFormat(t *testing.T) {
	for _, tt := range []struct {
		rule, format string
		fault        Fault
		want         Fate
	}{
		{"JSON", "json", Fault{JSON: NoResponse, CSV: Served}, NoResponse},
		{"CSV of its own", "csv", Fault{JSON: Served, CSV: NoResponse}, NoResponse},
		{"CSV made of JSON", "csv", Fault{JSON: Served}, Fate{Status: 200, Outcome: "ok", Transcoded: true}},
		{"CSV where there is nothing to make it of", "csv", Fault{JSON: NoResponse}, NoResponse},
	} {
		if got := tt.fault.Fate(tt.format); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.rule, got, tt.want)
		}
	}
}

func TestAnErrorIsCountedByItsClass(t *testing.T) {
	for status, want := range map[int]string{499: "upstream_4xx", 500: "upstream_5xx"} {
		if got := failed(status).Outcome; got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

// TestEveryReasonOfTheTransformHasAFault holds that each reason has a fault, except
// that of a size, which depends on the configuration.
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
