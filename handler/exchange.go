package handler

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// exchange is one request on the route and its answer.
type exchange struct {
	h     *Handler
	w     http.ResponseWriter
	r     *http.Request
	match route.Match

	format        negotiate.Format
	csv           *representation
	correlationID string
	call          rules.Call
	verdict       rules.Verdict
	outcome       metrics.Outcome
	ended         bool     // the outcome is known
	failed        []string // names of rules, those in report mode too

	started       time.Time
	took          time.Duration // known once it has ended
	forwarded     time.Time     // zero until forwarded
	answered      bool          // upstreamTook is known
	upstreamTook  time.Duration
	transcodeTook time.Duration
	fellBack      string // the reason, empty if it did not
	requestBytes  int64  // negative until the body is read
	refusalBytes  int64  // negative if it was not refused here
	answer        answer
}

// begin starts to count and time a request.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, m route.Match) *exchange {
	h.shared.RequestStarted()
	x := &exchange{h: h, w: w, r: r, match: m, csv: h.csv, started: time.Now(), requestBytes: -1, refusalBytes: -1}
	x.call[rules.SessionID] = rules.Value{Text: m.SessionID, Set: m.SessionID != ""}
	return x
}

// end is deferred, so that a request whose handling panics is counted as well,
// and what is held of its answer is sent.
func (x *exchange) end() {
	if x.outcome == metrics.Aborted {
		x.answer.breakOff()
		if x.r.Context().Err() != nil {
			x.outcome = metrics.ClientGone
		}
	}
	x.ended = true
	x.observe()
}

// outcomeSoFar is the outcome, empty until there is one.
func (x *exchange) outcomeSoFar() string {
	if !x.ended {
		return ""
	}
	return x.outcome.String()
}

// pass hands a request on unjudged, and its answer back as it comes.
func (x *exchange) pass(next caddyhttp.Handler) error {
	err := x.handOn(x.passing(), next, nil)
	if err == nil && x.outcome != metrics.ClientGone && x.outcome != metrics.Upstream5xx {
		x.outcome = metrics.Passed
	}
	return err
}

// forward hands the judged request to the next handler, and its answer to the
// client in the format that was asked for.
func (x *exchange) forward(r *http.Request, next caddyhttp.Handler) error {
	x.h.shared.Dialled(string(x.verdict.Kind), x.verdict.Country)
	if x.format == negotiate.CSV {
		return x.handOn(r, next, x.csv)
	}
	return x.handOn(r, next, nil)
}

// handOn calls the next handler, once, in this goroutine.
func (x *exchange) handOn(r *http.Request, next caddyhttp.Handler, csv *representation) error {
	x.answer = answer{ResponseWriter: x.w, x: x, csv: csv}
	// Caddy's placeholders, {uri} and {query} among them, read the URL that the
	// server made. It has to be the one that was judged, or a rewrite behind this
	// handler brings back what was stripped.
	asked := *x.r.URL
	*x.r.URL = *r.URL
	r.URL = x.r.URL
	defer func() { *x.r.URL = asked }()

	x.forwarded = time.Now()
	if err := next.ServeHTTP(&x.answer, r); err != nil {
		x.outcome = x.outcomeOf(err)
		x.answer.breakOff()
		x.setOwnFields()
		return err
	}
	outcome := x.outcomeOfAnswer()
	if err := x.answer.finish(); err != nil {
		outcome = metrics.ClientGone
	}
	if x.fellBack != "" && outcome == metrics.OK {
		outcome = metrics.Fallback
	}
	x.outcome = outcome
	return nil
}

// abandon ends a request whose client is gone, or too slow, before it said
// what it wants. One that is too slow can still be told (RFC 9110 section
// 15.5.9).
func (x *exchange) abandon(err error) error {
	x.outcome = metrics.ClientGone
	x.setOwnFields()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return caddyhttp.Error(http.StatusRequestTimeout, err)
	}
	return caddyhttp.Error(statusClientClosedRequest, err)
}

// setOwnFields sets what every answer of the route has, in place of what the
// upstream says about the same.
func (x *exchange) setOwnFields() {
	mergeVary(x.w.Header())
	if x.correlationID != "" {
		x.w.Header().Set(x.h.correlationHeader, x.correlationID)
	}
	if x.clientAwaitsContinue() {
		x.w.Header().Set("Connection", "close")
	}
}

// clientAwaitsContinue reports whether the client still waits for "100 Continue"
// with its body. Over HTTP/1 the server reads what is left of a body before it
// answers, unless the connection is to be closed; this client would not send it
// before the answer. net/http sees that by itself only where nobody has wrapped
// the body, as Caddy does.
func (x *exchange) clientAwaitsContinue() bool {
	return x.r.ProtoMajor == 1 && x.requestBytes <= 0 && hasToken(x.r.Header["Expect"], "100-continue")
}

// replacer returns Caddy's replacer for this request.
func (x *exchange) replacer() *caddy.Replacer {
	if repl, ok := x.r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		return repl
	}
	return caddy.NewReplacer()
}

// headerArrived notes when the upstream's answer began: its status, or 0 if
// there was none.
func (x *exchange) headerArrived(status int) {
	if x.clientLeft(status) {
		status = 0
	}
	x.answered = true
	x.upstreamTook = time.Since(x.forwarded)
	x.h.shared.UpstreamAnswered(status, x.upstreamTook, x.traceID())
}

// fellBackFor counts and logs an answer that could not be made CSV.
func (x *exchange) fellBackFor(reason string, status int) {
	x.fellBack = reason
	x.event("fallback", attribute.String("reason", reason))
	x.h.shared.TranscodeFellBack(reason)
	x.h.attention().Warn("answer delivered as it came: it could not be made CSV",
		zap.String("reason", reason),
		zap.Int("status", status),
		zap.String("content_type", x.w.Header().Get("Content-Type")),
	)
}

// outcomeOfAnswer is the outcome of an answer that the next handler completed.
func (x *exchange) outcomeOfAnswer() metrics.Outcome {
	switch status := x.answer.status; {
	case x.clientLeft(status):
		return metrics.ClientGone
	case status >= 500:
		return metrics.Upstream5xx
	case status >= 400:
		return metrics.Upstream4xx
	default:
		return metrics.OK
	}
}

// statusClientClosedRequest is what reverse_proxy notes when the client is gone.
const statusClientClosedRequest = 499

// clientLeft reports whether a status is such a note, and not the upstream's.
func (x *exchange) clientLeft(status int) bool {
	return status == statusClientClosedRequest && x.r.Context().Err() != nil
}

// outcomeOf is the outcome of an error that the next handler returned. The
// statuses are those of Caddy's reverse_proxy.
func (x *exchange) outcomeOf(err error) metrics.Outcome {
	he, ok := errors.AsType[caddyhttp.HandlerError](err)
	switch {
	case errors.Is(x.r.Context().Err(), context.Canceled), ok && he.StatusCode == statusClientClosedRequest:
		return metrics.ClientGone
	case ok && he.StatusCode == http.StatusGatewayTimeout:
		return metrics.Timeout
	case ok && (he.StatusCode == http.StatusBadGateway || he.StatusCode == http.StatusServiceUnavailable):
		return metrics.Unreachable
	default:
		return metrics.Failed
	}
}
