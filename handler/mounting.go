package handler

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// warnOfMounting says at load what is wrong with the place of the handler among the
// others of its server, as far as its configuration shows it. What it does not show
// is counted when it happens, see [Handler.lookAlike].
func (h *Handler) warnOfMounting(ctx caddy.Context, cfg *Config) {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return
	}
	warnings := mountingWarnings(server.Routes, cfg)
	if h.errorRoutes && (server.Errors == nil || len(server.Errors.Routes) == 0) {
		warnings = append(warnings, "errors_via handle_errors: the server has no error routes, so a refusal has no body; add handle_errors, or leave the option out")
	}
	for _, warning := range warnings {
		h.logger.Warn(warning, zap.String("route", h.route.String()), zap.String("see", "docs/mounting.md"))
	}
}

// mountingWarnings finds the handler of a configuration in the routes that are being
// provisioned, and what is wrong with its place. The handler is still raw then: routes
// lose their JSON when their handlers are made, one top-level route after the other.
func mountingWarnings(routes caddyhttp.RouteList, cfg *Config) []string {
	m := &mounting{self: cfg, path: strings.Replace(orDefault(cfg.Route, DefaultRoute), "{sessionId}", "S1", 1)}
	m.spellings = []spelling{
		{http.MethodPost, m.path + ".json", ""},
		{http.MethodPost, strings.ToUpper(m.path), ""},
		{http.MethodPut, m.path, " with X-HTTP-Method-Override: POST"},
	}
	if orDefault(cfg.PredefinedRoutes, PredefinedJudge) != PredefinedPass {
		prefix, isPrefixed := strings.CutSuffix(orDefault(cfg.Route, DefaultRoute), DefaultRoute)
		if !isPrefixed {
			prefix = ""
		}
		m.spellings = append(m.spellings, spelling{http.MethodPost, prefix + "/json/reply/AddConferenceMember", ""})
	}
	m.walk(routes, new(chain), nil)
	return m.warnings
}

// mounting is a walk through the routes of a server.
type mounting struct {
	self      *Config
	path      string // of the route
	spellings []spelling
	warnings  []string
}

// spelling is a request other than the plain one that the upstream takes for a call.
type spelling struct{ method, path, with string }

// chain is what a request has met before it arrives at a handler.
type chain struct {
	steps     []step
	responder string // a handler that responds to every request, empty for none
	rewritten bool   // the path is not known
	before    int    // handlers of this module with the same route
}

// step is a route with matchers, or a prefix that is taken off the path.
type step struct {
	route *caddyhttp.Route
	after caddyhttp.RouteList // where the requests go that it does not match
	strip string
}

// walk looks for handlers of this module in routes, in the order of a request, and notes
// what a request has met before each. What is in a route without matchers, every request
// meets.
func (m *mounting) walk(routes caddyhttp.RouteList, c *chain, after caddyhttp.RouteList) {
	for i := range routes {
		route := &routes[i]
		behind := slices.Concat(routes[i+1:], after)
		inner := *c
		inner.steps = slices.Clip(c.steps)
		always := len(matchersOf(route)) == 0
		if !always {
			inner.steps = append(inner.steps, step{route: route, after: behind})
		}
		switch {
		case route.Terminal:
			behind = nil
		case route.Group != "":
			behind = slices.DeleteFunc(slices.Clone(behind), func(r caddyhttp.Route) bool { return r.Group == route.Group })
		}
		handlers := nodes(route)
		for j, n := range handlers {
			switch {
			case n.Handler == moduleName:
				m.judge(&n, &inner, rest(handlers[j+1:], behind))
			case n.Handler == "subroute":
				m.walk(n.Routes, &inner, rest(handlers[j+1:], behind))
			case n.Handler == "rewrite" && n.StripPathPrefix != "":
				inner.steps = append(inner.steps, step{strip: n.StripPathPrefix})
			case n.Handler == "rewrite":
				inner.rewritten = true
			case n.responds() && inner.responder == "":
				inner.responder = n.Handler
			}
		}
		if always {
			*c = inner
		}
	}
}

// rest returns where a request goes on behind a handler: the other handlers of its route,
// and the routes behind that one.
func rest(handlers []node, behind caddyhttp.RouteList) caddyhttp.RouteList {
	own := caddyhttp.Route{}
	for _, n := range handlers {
		own.HandlersRaw = append(own.HandlersRaw, n.raw)
	}
	return append(caddyhttp.RouteList{own}, behind...)
}

// judge finds what is wrong with a handler of this module, if it is the one to look for.
func (m *mounting) judge(n *node, c *chain, behind caddyhttp.RouteList) {
	cfg, ok := configOf(n.raw)
	if !ok {
		return
	}
	if reflect.DeepEqual(cfg, *m.self) && m.place(c) {
		m.checkBehind(behind)
	}
	if orDefault(cfg.Route, DefaultRoute) == orDefault(m.self.Route, DefaultRoute) {
		c.before++
	}
}

// configOf reads a configuration as Caddy does.
func configOf(raw json.RawMessage) (cfg Config, ok bool) {
	var members map[string]any
	if json.Unmarshal(raw, &members) != nil {
		return cfg, false
	}
	delete(members, "handler")
	raw, err := json.Marshal(members)
	return cfg, err == nil && json.Unmarshal(raw, &cfg) == nil
}

func (m *mounting) warn(format string, args ...any) {
	m.warnings = append(m.warnings, fmt.Sprintf(format, args...))
}

// place finds what is wrong with the place at the end of a chain, and reports whether
// calls arrive there.
func (m *mounting) place(c *chain) bool {
	if c.responder != "" {
		m.warn("the handler never runs: %s before it responds to every request; put conference_members before it", c.responder)
		return false
	}
	if c.before > 0 {
		m.warn("another conference_members before this one has the same route: every call is judged by both")
	}
	if c.rewritten {
		return true
	}
	prefix := ""
	for _, s := range slices.Backward(c.steps) { // from the handler to the client
		switch {
		case s.strip != "" && strings.HasPrefix(m.path, s.strip+"/"):
			m.warn("no call arrives at the route: %s is taken off the path before it, by handle_path or uri strip_prefix; leave it out of route", s.strip)
			return false
		case s.strip != "":
			prefix = s.strip + prefix
		default:
			call := probe{method: http.MethodPost, path: prefix + m.path}
			if may, _ := call.meets(s.route); !may {
				m.warn("no call arrives at the route: a matcher before it lets no POST %s through", call.path)
				return false
			}
			for _, sp := range m.spellings {
				spelt := probe{method: sp.method, path: prefix + sp.path}
				if may, _ := spelt.meets(s.route); !may && sameUpstream(s, call, spelt) {
					m.warn("a matcher before the handler misses calls that then reach the upstream unjudged, such as %s %s%s; match no paths and methods", spelt.method, spelt.path, sp.with)
					return true
				}
			}
		}
	}
	return true
}

// sameUpstream reports whether a spelling of a call that a route does not match reaches
// an upstream of the call.
func sameUpstream(s step, call, spelt probe) bool {
	own := upstreams(caddyhttp.RouteList{{HandlersRaw: s.route.HandlersRaw}}, call, true)
	for dial := range upstreams(s.after, spelt, false) {
		if len(own) == 0 || own[dial] {
			return true
		}
	}
	return false
}

// upstreams returns the upstreams that a request can reach. One that is not judged yet stops
// at a handler of this module.
func upstreams(routes caddyhttp.RouteList, p probe, judged bool) map[string]bool {
	dials := make(map[string]bool)
	p.follow(routes, func(n *node) bool {
		for _, upstream := range n.Upstreams {
			dials[upstream.Dial] = true
		}
		return n.responds() || n.Handler == moduleName && !judged
	})
	return dials
}

// noForwarders are the standard handlers that send no request on.
var noForwarders = []string{
	moduleName, "acme_server", "authentication", "copy_response", "copy_response_headers", "encode", "error", "file_server", "headers",
	"log_append", "map", "metrics", "push", "request_body", "rewrite", "static_response", "templates", "tracing", "vars",
}

// checkBehind finds what is wrong with the handlers that a call meets behind this one.
func (m *mounting) checkBehind(routes caddyhttp.RouteList) {
	forwards := false
	call := probe{method: http.MethodPost, path: m.path}
	call.follow(routes, func(n *node) bool {
		if !slices.Contains(noForwarders, n.Handler) {
			forwards = true
			m.checkRetries(n, &call)
		}
		return n.responds()
	})
	if !forwards {
		m.warn("no call is forwarded: no handler behind conference_members sends requests on; put reverse_proxy behind it")
	}
}

// checkRetries finds whether a proxy sends a call again that it sent before. reverse_proxy
// sends a POST again after an error other than one of connecting only if lb_retry_match
// says so, and has a body to send only if request_buffers keeps it. It drops a response
// that an expression matches in any case.
func (m *mounting) checkRetries(n *node, call *probe) {
	lb := &n.LoadBalancing
	for _, set := range lb.RetryMatch {
		switch may, _ := call.matches(set); {
		case !may:
		case n.RequestBuffers != 0 && (lb.Retries != 0 || lb.TryDuration != 0):
			m.warn("a call may be placed twice: reverse_proxy behind the handler sends a POST again (lb_retry_match with request_buffers); match other methods only")
			return
		case set["expression"] != nil:
			m.warn("the response to a call may be lost: reverse_proxy behind the handler drops one that lb_retry_match matches; match other methods than POST only")
			return
		}
	}
}
