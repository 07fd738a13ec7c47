package handler

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// Handler serves the conference members route. It does not change once it is
// made and serves any number of requests at once.
type Handler struct {
	route          *route.Template
	passPredefined bool

	reader            *request.Reader
	assignments       []assignment
	correlationHeader string // empty for none
	policy            *rules.Policy

	csv         *representation
	views       map[string]*representation
	viewNames   string // for people
	errorRoutes bool

	shared  *shared
	hashKey []byte
	logger  *zap.Logger
	// attention is the logger of what operators should look into, sampled. It is
	// made when there is something to say, for the sampler takes half a megabyte.
	attention func() *zap.Logger
}

// ServeHTTP is the life of a request. Whatever can be refused is refused
// before the next handler is called, for once it is, a phone rings.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	match := h.route.Match(r.URL.EscapedPath())
	if r.URL.Opaque != "" {
		// The target is like "x:http://host/path" (RFC 9112 section 3.2.2), has no
		// path, and is sent on as it is for the upstream to read.
		match = route.Match{Kind: route.Members, Ambiguous: true}
	}
	if match.Kind == route.None || match.Kind == route.LookAlike {
		return next.ServeHTTP(w, r)
	}
	x := h.begin(w, r, match)
	defer x.end()

	x.providePlaceholders()
	x.correlate()
	if !match.Ambiguous && (match.Kind > route.Members && h.passPredefined || match.Kind == route.Members && !match.UnknownSuffix && r.Method == http.MethodOptions) {
		return x.pass(next)
	}
	unacceptable := x.negotiate()
	if match.Kind > route.Members {
		return x.refuse(closedRoute(h.route))
	}
	if match.Ambiguous || match.UnknownSuffix {
		return x.refuse(ambiguousPath())
	}
	if r.Method != http.MethodPost {
		return x.refuse(wrongMethod())
	}
	if unacceptable != nil {
		return x.refuse(unacceptable)
	}
	asked, refused, err := x.read()
	if err != nil {
		return x.abandon(err)
	}
	x.enrich(asked)
	if refused = x.judge(asked, refused); refused != nil {
		return x.refuse(refused)
	}
	return x.forward(x.outgoing(asked), next)
}
