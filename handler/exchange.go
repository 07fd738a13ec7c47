package handler

import (
	"errors"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// exchange is one request on the route and its response: the result of every
// phase, as the next phases, the placeholders, logs and traces read it. The zero
// value of a result says that its phase was not reached.
type exchange struct {
	h             *Handler
	row           int // of an upload, from 1; 0 outside of uploads
	w             http.ResponseWriter
	r             *http.Request // the client's
	span          trace.Span    // of the request
	at            target
	correlationID string
	uuid          string // empty until it is needed
	started       time.Time

	wanted    wanted
	admission admission
	refusal   *refusal
	forwarder forwarder
	response  responseWriter
	tally     *rowCounts // of an upload, nil for one call
	inner     *exchange  // of a second handler of this module behind this one
	took      time.Duration
	outcome   metrics.Outcome
	inside    bool // this is such a second handler's
}

// begin starts to count and time a request.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, at target) *exchange {
	h.metrics.RequestStarted()
	x := &exchange{h: h, w: w, r: r, at: at, correlationID: h.correlationIDOf(r), started: time.Now()}
	x.span = trace.SpanFromContext(r.Context())
	x.providePlaceholders()
	return x
}

// end is deferred, so that a request whose handling panics is recorded as well,
// and what is held of its response is sent.
func (x *exchange) end() {
	if x.outcome != metrics.Undecided {
		return
	}
	x.response.flushPartial()
	x.response.call = x.response.fate(nil)
	if x.r.Context().Err() != nil {
		x.record(metrics.ClientGone)
		return
	}
	x.record(metrics.Aborted)
}

// writer makes the response that is transcoded to csv, or passed on as it comes
// if csv is nil.
func (x *exchange) writer(csv *representation) *responseWriter {
	x.response = responseWriter{exchange: x, csv: csv}
	return &x.response
}

// respond completes the response to a request that was forwarded, or leaves it
// to Caddy's error routes if the next handler failed.
func (x *exchange) respond(placed placement, err error) error {
	if placed.refusal != nil {
		return x.refuse(placed.refusal)
	}
	if err != nil {
		x.response.flushPartial()
		if x.response.begun {
			x.record(placed.outcome)
			x.disarm()
			return err
		}
		return x.fail(placed, err)
	}
	err = x.response.finish()
	switch {
	case err != nil:
		x.record(metrics.ClientGone)
	case placed.outcome == metrics.OK && x.response.fallback != "":
		x.record(metrics.Fallback)
	default:
		x.record(placed.outcome)
	}
	return nil
}

// abandon ends a request whose client is gone, or too slow, before it said
// what it wants. One that is too slow can still be told (RFC 9110 section
// 15.5.9).
func (x *exchange) abandon(err error) error {
	x.writer(nil).setGatewayHeaders(metrics.NotDialled)
	x.record(metrics.ClientGone)
	x.disarm()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return caddyhttp.Error(http.StatusRequestTimeout, err)
	}
	return caddyhttp.Error(statusClientClosedRequest, err)
}

// setGatewayHeaders sets what every response of the route has, in place of what the
// upstream says about the same: what became of the call among it.
func (w *responseWriter) setGatewayHeaders(call metrics.Call) {
	x, h := w.exchange, w.Header()
	if len(h["Vary"]) == 0 {
		w.lines.set(h, "Vary", "Accept")
	} else {
		mergeVary(h)
	}
	w.lines.set(h, callHeader, call.String())
	if x.correlationID != "" {
		w.lines.set(h, x.h.correlationHeader, x.correlationID)
	}
	if x.clientAwaitsContinue() {
		h.Set("Connection", "close")
	}
}

// clientAwaitsContinue reports whether the client still waits for "100 Continue"
// with its body. Over HTTP/1 the server reads what is left of a body before it
// responds, unless the connection is to be closed; this client would not send it
// before the response. net/http sees that by itself only if no handler has wrapped
// the body, as Caddy does.
func (x *exchange) clientAwaitsContinue() bool {
	return x.r.ProtoMajor == 1 && (x.admission.request == nil || x.admission.request.BodyBytes == 0) &&
		hasToken(x.r.Header["Expect"], "100-continue")
}

// field returns the text of a field: of the call that was judged, or of the path
// as long as nothing was.
func (x *exchange) field(f rules.Field) string {
	switch {
	case x.admission.request != nil:
		return x.admission.request.Call[f].Text
	case f == rules.SessionID:
		return x.at.SessionID
	default:
		return ""
	}
}

// replacerOf returns Caddy's replacer for a request.
func replacerOf(r *http.Request) *caddy.Replacer {
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		return repl
	}
	return caddy.NewReplacer()
}
