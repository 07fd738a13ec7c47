package handler

import (
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// refusal is the response to a request that is not forwarded.
type refusal struct {
	outcome    metrics.Outcome
	violations []rules.Violation
	allow      string        // the field Allow, where it is not empty
	retryAfter time.Duration // the field Retry-After, where it is not 0
	call       metrics.Call  // what became of it, where it was sent before
}

// newRefusal makes a refusal of one violation of the request as a whole. It is not
// inlined, because that would slow requests down that are not refused.
//
//go:noinline
func newRefusal(o metrics.Outcome, r *rules.Rule, detail string) *refusal {
	return &refusal{outcome: o, violations: []rules.Violation{{Rule: r, Detail: detail}}}
}

// add adds what judging found to what reading found. A field that could not be
// read was judged as if it were absent, which says nothing.
func (f *refusal) add(judged []rules.Violation) {
	unread := make(map[string]bool, len(f.violations))
	for _, v := range f.violations {
		unread[v.Field] = true
	}
	for _, v := range judged {
		if !unread[v.Field] {
			f.violations = append(f.violations, v)
		}
	}
}

// closedRoute refuses a predefined route. The detail names the open route, because the
// upstream's client libraries post to predefined routes by default and show only the
// detail of a response.
func closedRoute(open string) *refusal {
	return newRefusal(metrics.PredefinedRoute, rules.PredefinedRoute,
		rules.PredefinedRoute.Title+"; POST to "+open+" instead.")
}

// ambiguousPath refuses a path that is the route only by another reading than
// the upstream's own. Forwarded unchanged it might dial; forwarded in one
// spelling it would.
func ambiguousPath() *refusal {
	return newRefusal(metrics.Refused, rules.AmbiguousPath, rules.AmbiguousPath.Title+".")
}

// wrongMethod refuses whatever is neither POST nor OPTIONS. Methods are case
// sensitive (RFC 9110 section 9.1); the upstream takes "post" for POST.
func wrongMethod(allowed string) *refusal {
	f := newRefusal(metrics.MethodNotAllowed, rules.MethodNotAllowed, rules.MethodNotAllowed.Title+".")
	f.allow = allowed
	return f
}

// sort puts first what the response is named after. Where violations differ in
// status, that is the lowest: 400 before 413, 415 and 422.
func (f *refusal) sort() {
	slices.SortStableFunc(f.violations, func(a, b rules.Violation) int {
		return cmp.Compare(a.Rule.Status, b.Rule.Status)
	})
}

// status is the status of the response.
func (f *refusal) status() int { return f.violations[0].Rule.Status }

// Error says what was refused, for logs and for Caddy's error routes.
func (f *refusal) Error() string {
	names := make([]string, len(f.violations))
	for i, v := range f.violations {
		names[i] = v.Rule.Name
		if v.Field != "" {
			names[i] += " (" + v.Field + ")"
		}
	}
	return "refused: " + strings.Join(names, ", ")
}

// refuse responds to a request that is not forwarded: in CSV to a client of CSV,
// in JSON to any other, or through Caddy's error routes.
func (x *exchange) refuse(f *refusal) error {
	x.drainBody()
	f.sort()
	x.refusal = f
	x.event("refused", attribute.StringSlice("rules", ruleNames(f.violations)))
	w := x.writer(nil)
	h := w.Header()
	w.setGatewayHeaders(f.call)
	w.call = f.call
	h.Set(refusedBy, strings.Join(f.ruleNames(), ", "))
	if f.allow != "" {
		h.Set("Allow", f.allow)
	}
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.retryAfter.Seconds()))))
	}
	switch f.violations[0].Rule { // what is accepted (RFC 9110 section 15.5.16)
	case rules.ContentType:
		h.Set("Accept-Post", x.at.acceptPost())
	case rules.CallsOff:
		h.Set("Retry-After", callsOffRetry)
	case rules.ContentEncoding:
		h.Set("Accept-Encoding", request.AcceptEncoding)
	}
	if x.h.errorRoutes {
		x.record(f.outcome)
		x.disarm()
		return caddyhttp.Error(f.status(), f)
	}

	if err := x.writeProblem(f.problem(x.instance())); err != nil {
		x.record(metrics.ClientGone)
		return nil
	}
	x.record(f.outcome)
	return nil
}

// refusedBy is the field that names the rules of a refusal.
const refusedBy = "X-Refused-By"

// ruleNames are the names of the rules that are violated, each once.
func (f *refusal) ruleNames() []string {
	return distinct(f.violations, func(v rules.Violation) string { return v.Rule.Name })
}

// distinct are the texts of violations, each once.
func distinct(violations []rules.Violation, text func(rules.Violation) string) []string {
	var texts []string
	for _, v := range violations {
		if t := text(v); t != "" && !slices.Contains(texts, t) {
			texts = append(texts, t)
		}
	}
	return texts
}

// callsOffRetry is after how many seconds a client may try again if calls are off.
const callsOffRetry = "300"

// maxUnread is how many bytes of a body are read although the request is refused:
// as many as net/http reads where a connection stays open.
const maxUnread = 256 << 10

// drainBody reads what is left of a body before its request is refused, where the
// client wants the connection closed. Closed with bytes unread it would be reset,
// and the response lost on its way (RFC 9112 section 9.6). net/http does that
// by itself only if no handler has wrapped the body, as Caddy does.
func (x *exchange) drainBody() {
	if x.r.ProtoMajor == 1 && x.r.Close && !x.clientAwaitsContinue() {
		_, _ = io.CopyN(io.Discard, x.r.Body, maxUnread) // after an error the response is the same
	}
}
