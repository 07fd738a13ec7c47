package handler

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
)

// callHeader is the field that says what became of the call.
const callHeader = "X-Call"

// fate says what became of the call, by what the next handler did: it returned
// err, or wrote a response. What is not certain is unknown.
func (w *responseWriter) fate(err error) metrics.Call {
	status := w.status
	he, failed := errors.AsType[caddyhttp.HandlerError](err)
	if err != nil {
		status = he.StatusCode // 0 of an error of another kind
	}
	switch {
	case !w.dials:
		return metrics.NotDialled
	case w.nests: // the inner handler has set it
		return metrics.CallNamed(w.Header().Get(callHeader))
	case err == nil && !w.broken && status != 0 && status < 400:
		return metrics.Dialled
	case w.body.seal(), failed && neverSent(w.exchange.r, err):
		return metrics.NotDialled
	case refuses(status) && !w.broken && !succeededBehind(w.exchange.r):
		return metrics.NotDialled
	default:
		return metrics.Unknown
	}
}

// refuses reports whether a status says that nothing was done: those of 4xx, but
// for two that mean a connection that was given up.
func refuses(status int) bool {
	return status >= 400 && status <= 499 && status != http.StatusRequestTimeout && status != statusClientClosedRequest
}

// neverSent reports whether reverse_proxy says that it sent nothing, although it
// has read the body, as it does with request_buffers. Once it tried again, its
// last error says nothing about the attempts before.
func neverSent(client *http.Request, err error) bool {
	if noUpstream(err) {
		return true
	}
	_, dial := errors.AsType[reverseproxy.DialError](err)
	retries, _ := replacerOf(client).Get("http.reverse_proxy.retries")
	return dial && (retries == nil || retries == 0)
}

// noUpstream reports whether reverse_proxy found no upstream to send to, and none
// in an attempt before. The error has no exported name.
func noUpstream(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if err.Error() == "no upstreams available" {
			return true
		}
	}
	return false
}

// succeededBehind reports whether a reverse_proxy got a response below 400, which
// handle_response may have turned into another.
func succeededBehind(client *http.Request) bool {
	status, _ := replacerOf(client).Get("http.reverse_proxy.status_code")
	code, ok := status.(int)
	return ok && code < 400
}
