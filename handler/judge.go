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
	switch f.status() {
	case http.StatusRequestEntityTooLarge:
		f.outcome = metrics.TooLarge
	case http.StatusUnsupportedMediaType:
		f.acceptPost = request.AcceptPost()
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
		if v := x.verdict.Violations; len(v) > 0 {
			if refused == nil {
				refused = &refusal{outcome: metrics.Rejected}
			}
			refused.add(v)
		}
	}
	x.call = asked.Call
	return refused
}

// report counts and logs what rules in report mode would have refused.
func (x *exchange) report(violations []rules.Violation) {
	x.fail(violations, rules.Report)
	for _, v := range violations {
		x.h.attention.Warn("request forwarded although it fails a rule in report mode",
			zap.String("rule", v.Rule.Name),
			zap.String("field", v.Field),
			zap.String("detail", v.Detail),
		)
	}
}
