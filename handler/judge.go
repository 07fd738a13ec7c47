package handler

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// read reads the four fields, wherever the client put them. An error means that
// there is nobody left to answer.
func (x *exchange) read() (*request.Request, *refusal, error) {
	asked, violations, err := x.h.reader.Read(x.r, x.match.SessionID)
	if err != nil {
		return nil, nil, err
	}
	x.requestBytes = asked.BodyBytes
	if len(violations) == 0 {
		return asked, nil, nil
	}
	f := &refusal{outcome: metrics.Rejected, violations: violations}
	f.sort()
	if f.status() == http.StatusRequestEntityTooLarge {
		f.outcome = metrics.TooLarge
	}
	return asked, f, nil
}

// judge holds what was read against the rules. All failures are told in one
// answer, those of reading too, unless so little could be read that it would be
// judged for what it lacks.
func (x *exchange) judge(asked *request.Request, refused *refusal) *refusal {
	if asked.Readable {
		x.h.policy.Normalize(&asked.Call)
		x.verdict = x.h.policy.Judge(asked.Call)
		x.report(x.verdict.Reported)
		x.report(x.verdict.Warnings)
		if v := x.verdict.Violations; len(v) > 0 {
			if refused == nil {
				refused = &refusal{outcome: metrics.Rejected}
			}
			refused.add(v)
		}
	}
	x.call = asked.Call
	if refused == nil && !x.hasPath() {
		refused = &refusal{outcome: metrics.Rejected, violations: []rules.Violation{{
			Rule: rules.SessionIDFormat, Field: rules.SessionID.String(), Pointer: rules.SessionID.Pointer(),
			Detail: "sessionId is set to what no path can hold.",
		}}}
	}
	return refused
}

// hasPath reports whether the session id that was judged can be forwarded in
// the path, which the upstream believes before the body. The client's own can,
// as the client wrote it.
func (x *exchange) hasPath() bool {
	id := x.call[rules.SessionID].Text
	if id == x.match.SessionID {
		return true
	}
	_, ok := x.h.route.Path(id, x.match.Suffix)
	return ok
}

// report counts and logs what rules in report mode would have refused.
func (x *exchange) report(violations []rules.Violation) {
	x.fail(violations, rules.Report)
	for _, v := range violations {
		x.h.attention().Warn("request forwarded although it fails "+v.Rule.Name+", which is in report mode",
			zap.String("rule", v.Rule.Name),
			zap.String("field", v.Field),
			zap.String("detail", v.Detail),
		)
	}
}
