package handler

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
)

// placer places an admitted call: it writes the response that the call gets to w
// and says what became of it. An error is left to Caddy's error routes.
type placer interface {
	place(ctx context.Context, a *admission, w *responseWriter) (placement, error)
}

// placement is what became of a request behind this handler. It is the zero value if the
// request was not forwarded.
type placement struct {
	refusal   *refusal        // of a call that was not placed
	outcome   metrics.Outcome // before the response was delivered
	call      metrics.Call
	forwarded bool
	status    int           // of the upstream's response, 0 if it had none
	upstream  time.Duration // from forwarding to the response's header, or to the failure
}

// forwarder places a call by forwarding it, once.
type forwarder struct {
	*exchange
	next caddyhttp.Handler

	// What is forwarded. It is here to be allocated with the exchange.
	body    callBody
	request http.Request
	lines   lines // of its header
}

// placer returns what places the call.
func (x *exchange) placer(next caddyhttp.Handler) placer {
	x.forwarder.exchange, x.forwarder.next = x, next
	var p placer = &x.forwarder
	if x.guards() {
		p = &unrepeated{exchange: x, next: p}
	}
	if o := x.admission.once; o != nil {
		o.exchange, o.next = x, p
		p = o
	}
	return p
}

func (f *forwarder) place(ctx context.Context, a *admission, w *responseWriter) (placement, error) {
	f.body.Reset(a.body())
	w.dials, w.body = f.at.dials, &f.body
	out, u := f.outgoing(ctx, a)
	err := callNext(f.next, w, f.r, out, u)
	w.call = w.fate(err)
	w.outcome = outcomeOf(f.r, w.status, w.call, err)
	return w.placement, err
}

// pass forwards a request unjudged, and its response as it comes.
func (x *exchange) pass(next caddyhttp.Handler) (placement, error) {
	w := x.writer(nil)
	w.dials = x.at.dials && x.r.Method != http.MethodOptions
	out, u := x.passing()
	err := callNext(next, w, x.r, out, u)
	w.call = w.fate(err)
	w.outcome = outcomeOf(x.r, w.status, w.call, err)
	if err == nil && w.outcome != metrics.ClientGone && w.outcome != metrics.Upstream5xx {
		w.outcome = metrics.Passed
	}
	return w.placement, err
}

// callNext calls the next handler, once, in this goroutine, with a URL.
func callNext(next caddyhttp.Handler, w *responseWriter, client, out *http.Request, u url.URL) error {
	// Caddy's placeholders, {uri} and {query} among them, read the URL that the
	// server made. It has to be the one that was judged, or a rewrite behind this
	// handler brings back what was stripped.
	asked := *client.URL
	*client.URL = u
	out.URL = client.URL
	w.startTimer()
	defer func() {
		*client.URL = asked
		if w.status == 0 {
			w.stopTimer(0)
		}
	}()
	return next.ServeHTTP(w, out)
}

// statusClientClosedRequest is what reverse_proxy notes when the client is gone.
const statusClientClosedRequest = 499

// clientLeft reports whether a status is such a note, and not the upstream's.
func clientLeft(client *http.Request, status int) bool {
	return status == statusClientClosedRequest && client.Context().Err() != nil
}

// outcomeOf is the outcome of a request whose next handler returned: an error, or
// none and a response of a status, 0 if it wrote nothing. The statuses of errors
// are those of Caddy's reverse_proxy.
func outcomeOf(client *http.Request, status int, call metrics.Call, err error) metrics.Outcome {
	if err == nil {
		switch {
		case clientLeft(client, status):
			return metrics.ClientGone
		case status >= 500:
			return metrics.Upstream5xx
		case status >= 400:
			return metrics.Upstream4xx
		default:
			return metrics.OK
		}
	}
	he, _ := errors.AsType[caddyhttp.HandlerError](err)
	switch {
	case errors.Is(client.Context().Err(), context.Canceled), he.StatusCode == statusClientClosedRequest:
		return metrics.ClientGone
	case !isOfProxy(he.StatusCode):
		return metrics.Failed
	case call == metrics.NotDialled:
		return metrics.Unreachable
	case he.StatusCode == http.StatusGatewayTimeout:
		return metrics.Timeout
	default:
		return metrics.NoResponse
	}
}

// isOfProxy reports whether a status is one with which reverse_proxy says that it
// has no response.
func isOfProxy(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}
