package handler

import (
	"cmp"
	"context"
	"net/http"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
)

// Handler serves the conference members route. It does not change once it is
// made and serves any number of requests at once.
type Handler struct {
	*compiled
	repeating

	metrics *metrics.Collectors
	// stopping is done when the configuration is replaced or Caddy stops.
	stopping context.Context //nolint:containedctx // of the configuration, not of a request
	hashKey  []byte
	logger   *zap.Logger
	// sampled is the logger of what operators should look into. It is made when
	// there is something to log, because the sampler takes half a megabyte.
	sampled func() *zap.Logger
}

// ServeHTTP handles a request. Whatever can be refused is refused before the
// next handler is called: from then on a phone may ring.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	at, ok := h.match(r)
	if !ok {
		return next.ServeHTTP(w, r)
	}
	if h.store != nil {
		h.enter()
		defer h.leave()
	}
	x := h.begin(w, r, at)
	defer x.end()
	x.nest()
	return x.serve(next)
}

// serve takes a request through the phases.
func (x *exchange) serve(next caddyhttp.Handler) error {
	h, r, at := x.h, x.r, &x.at
	if h.passes(r, at) {
		return x.respond(x.pass(next))
	}
	want, unacceptable := h.negotiate(r, at)
	x.wanted = want
	if refused := cmp.Or(h.misdirected(r, at), unacceptable); refused != nil {
		return x.refuse(refused)
	}
	return at.serve(x, next)
}

// call serves a request to place one call.
func (x *exchange) call(next caddyhttp.Handler) error {
	admitted := &x.admission
	refused, err := admitted.admit(x.h, x.r, &x.at)
	switch {
	case err != nil:
		return x.abandon(err)
	case refused != nil && admitted.once != nil && admitted.request.Readable:
		return x.respond(admitted.once.recall(x, refused))
	case refused != nil:
		return x.refuse(refused)
	}
	return x.respond(x.placer(next).place(x.r.Context(), admitted, x.writer(x.wanted.csv)))
}
