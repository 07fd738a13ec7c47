package handler

import (
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// nest detects that this handler is behind another one of this module. Both judge the
// request, but it is counted once: the outer one records what the inner one finds.
func (x *exchange) nest() {
	vars, ok := x.r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	if !ok {
		return
	}
	if outer, ok := vars[moduleName].(*exchange); ok && outer.outcome == metrics.Undecided {
		x.inside = true
		outer.inner, outer.response.nests = x, true
		x.h.metrics.RequestLeft()
		return
	}
	vars[moduleName] = x
}

// adopt takes over what the inner handler found, and returns the outcome of both.
func (x *exchange) adopt(outcome metrics.Outcome) metrics.Outcome {
	inner := x.inner
	if inner == nil {
		return outcome
	}
	x.response.forwarded = x.response.forwarded && inner.response.forwarded
	if x.refusal == nil {
		x.refusal = inner.refusal
	}
	own, behind := &x.admission.verdict, &inner.admission.verdict
	own.Reported = union(own.Reported, behind.Reported)
	own.Warnings = union(own.Warnings, behind.Warnings)
	switch outcome {
	case metrics.Fallback, metrics.ClientGone, metrics.Aborted: // these describe what the outer one delivered
		return outcome
	default:
		return inner.outcome
	}
}

// union adds to violations those of others that are not among them.
func union(violations, others []rules.Violation) []rules.Violation {
next:
	for _, o := range others {
		for _, v := range violations {
			if v.Rule == o.Rule && v.Field == o.Field {
				continue next
			}
		}
		violations = append(violations, o)
	}
	return violations
}
