package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
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
// provisioned, and what is wrong with its place. It is found among what is still raw:
// routes lose their JSON when their handlers are made, one top-level route after the
// other.
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

// node is a handler of a configuration, by what matters here.
type node struct {
	raw             json.RawMessage
	Handler         string              `json:"handler"`
	Routes          caddyhttp.RouteList `json:"routes"`            // of subroute
	StripPathPrefix string              `json:"strip_path_prefix"` // of rewrite
	HandleResponse  []json.RawMessage   `json:"handle_response"`   // of reverse_proxy
	PassThru        bool                `json:"pass_thru"`         // of file_server
	Upstreams       []struct {
		Dial string `json:"dial"`
	} `json:"upstreams"` // of reverse_proxy, as what follows
	RequestBuffers int64 `json:"request_buffers"`
	LoadBalancing  struct {
		Retries     int                          `json:"retries"`
		TryDuration caddy.Duration               `json:"try_duration"`
		RetryMatch  []map[string]json.RawMessage `json:"retry_match"`
	} `json:"load_balancing"`
}

// nodes returns the handlers of a route, whether still raw or already provisioned.
func nodes(route *caddyhttp.Route) []node {
	var all []node
	for _, raw := range route.HandlersRaw {
		n := node{raw: raw}
		if json.Unmarshal(raw, &n) == nil {
			all = append(all, n)
		}
	}
	for _, made := range route.Handlers {
		name := caddy.GetModuleName(made)
		var n node
		switch sub, ok := made.(*caddyhttp.Subroute); {
		case ok:
			n.Routes = sub.Routes
		case slices.Contains([]string{"rewrite", "reverse_proxy", "file_server"}, name):
			if raw, err := json.Marshal(made); err != nil || json.Unmarshal(raw, &n) != nil {
				continue
			}
		}
		n.Handler = name
		all = append(all, n)
	}
	return all
}

// responds reports whether a handler responds to whatever arrives at it.
func (n *node) responds() bool {
	switch n.Handler {
	case "reverse_proxy":
		return len(n.HandleResponse) == 0 // forward_auth goes on
	case "file_server":
		return !n.PassThru
	default:
		return n.Handler == "static_response"
	}
}

// walk walks through a list of routes, in the order in which a request does. What
// happens in a route without matchers happens to every request.
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
			case n.Handler == name:
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

// rest are the routes in which a request goes on behind a handler: the other handlers
// of its route, and the routes behind that one.
func rest(handlers []node, behind caddyhttp.RouteList) caddyhttp.RouteList {
	own := caddyhttp.Route{}
	for _, n := range handlers {
		own.HandlersRaw = append(own.HandlersRaw, n.raw)
	}
	return append(caddyhttp.RouteList{own}, behind...)
}

// judge finds what is wrong with a handler of this module, if it is the one that is
// walked for.
func (m *mounting) judge(n *node, c *chain, behind caddyhttp.RouteList) {
	cfg, ok := configOf(n.raw)
	if !ok {
		return
	}
	if reflect.DeepEqual(cfg, *m.self) && m.place(c) {
		f := &following{mounting: m}
		if f.walk(behind); !f.forwards {
			m.warn("no call is forwarded: no handler behind conference_members sends requests on; put reverse_proxy behind it")
		}
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
		case !matches(s.route, http.MethodPost, prefix+m.path):
			m.warn("no call arrives at the route: a matcher before it lets no POST %s through", prefix+m.path)
			return false
		}
		if s.route == nil {
			continue
		}
		for _, sp := range m.spellings {
			if !matches(s.route, sp.method, prefix+sp.path) && sameUpstream(s, sp.method, prefix+sp.path) {
				m.warn("a matcher before the handler misses calls that then reach the upstream unjudged, such as %s %s%s; match no paths and methods", sp.method, prefix+sp.path, sp.with)
				return true
			}
		}
	}
	return true
}

// following is what a call meets behind the handler.
type following struct {
	*mounting
	forwards  bool // some handler may send it on
	rewritten bool // its path is not known
}

// noForwarders are the standard handlers that send no request on.
var noForwarders = []string{
	name, "acme_server", "authentication", "copy_response", "copy_response_headers", "encode", "error", "file_server", "headers",
	"log_append", "map", "metrics", "push", "request_body", "rewrite", "static_response", "templates", "tracing", "vars",
}

// walk walks through the routes that a call may take, and reports whether it can't get
// past them.
func (f *following) walk(routes caddyhttp.RouteList) (ended bool) {
	for i := range routes {
		sets := matchersOf(&routes[i])
		if !f.meets(sets) {
			continue
		}
		for _, n := range nodes(&routes[i]) {
			switch {
			case n.Handler == "subroute":
				ended = f.walk(n.Routes)
			case n.Handler == "rewrite":
				f.rewritten = true
			case !slices.Contains(noForwarders, n.Handler):
				f.forwards = true
				f.retries(&n)
			}
			if ended = ended || n.responds(); ended {
				break
			}
		}
		if ended && len(sets) == 0 {
			return true
		}
		ended = false
	}
	return false
}

// meets reports whether a call may match one of some sets of matchers.
func (f *following) meets(sets []map[string]json.RawMessage) bool {
	for _, set := range sets {
		if f.rewritten {
			set = maps.Clone(set)
			delete(set, "path")
			delete(set, "path_regexp")
		}
		if matchesSet(set, http.MethodPost, f.path) {
			return true
		}
	}
	return len(sets) == 0
}

// retries finds whether a proxy sends a call again that it sent before. reverse_proxy
// sends a POST again after another error than one of connecting only if lb_retry_match
// says so, and has a body to send only if request_buffers keeps it. A response that an
// expression matches it drops in any case.
func (f *following) retries(n *node) {
	lb := &n.LoadBalancing
	for _, set := range lb.RetryMatch {
		switch {
		case !f.meets([]map[string]json.RawMessage{set}):
		case n.RequestBuffers != 0 && (lb.Retries != 0 || lb.TryDuration != 0):
			f.warn("a call may be placed twice: reverse_proxy behind the handler sends a POST again (lb_retry_match with request_buffers); match other methods only")
			return
		case set["expression"] != nil:
			f.warn("the response to a call may be lost: reverse_proxy behind the handler drops one that lb_retry_match matches; match other methods than POST only")
			return
		}
	}
}

// sameUpstream reports whether a request that a route does not match reaches the
// upstream of those that it does.
func sameUpstream(s step, method, path string) bool {
	own := make(map[string]bool)
	dials(own, caddyhttp.RouteList{{HandlersRaw: s.route.HandlersRaw}}, method, path, true)
	others := make(map[string]bool)
	dials(others, s.after, method, path, false)
	for dial := range others {
		if len(own) == 0 || own[dial] {
			return true
		}
	}
	return false
}

// dials adds the upstreams that a request can reach to the set. An unjudged request stops
// at a handler of this module, and dials reports that.
func dials(to map[string]bool, routes caddyhttp.RouteList, method, path string, judged bool) (stopped bool) {
	for i := range routes {
		if !judged && !matches(&routes[i], method, path) {
			continue
		}
		for _, n := range nodes(&routes[i]) {
			if n.Handler == name && !judged || dials(to, n.Routes, method, path, judged) {
				return true
			}
			for _, upstream := range n.Upstreams {
				to[upstream.Dial] = true
			}
		}
	}
	return false
}

// matchersOf are the sets of matchers of a route; one of them has to match.
func matchersOf(route *caddyhttp.Route) []map[string]json.RawMessage {
	sets := make([]map[string]json.RawMessage, 0, len(route.MatcherSetsRaw)+len(route.MatcherSets))
	for _, raw := range route.MatcherSetsRaw {
		sets = append(sets, raw)
	}
	for _, made := range route.MatcherSets {
		set := make(map[string]json.RawMessage)
		for _, matcher := range made {
			module, ok := matcher.(caddy.Module)
			if !ok {
				continue
			}
			raw, err := json.Marshal(matcher)
			if err != nil {
				raw = nil
			}
			set[caddy.GetModuleName(module)] = raw
		}
		sets = append(sets, set)
	}
	return sets
}

// matches reports whether a request may match a route: whether it matches what asks
// for its path and its method.
func matches(route *caddyhttp.Route, method, path string) bool {
	sets := matchersOf(route)
	for _, set := range sets {
		if matchesSet(set, method, path) {
			return true
		}
	}
	return len(sets) == 0
}

// matchesSet reports whether a request may match a set of matchers.
func matchesSet(set map[string]json.RawMessage, method, path string) bool {
	var paths caddyhttp.MatchPath
	if json.Unmarshal(set["path"], &paths) == nil && !slices.ContainsFunc(paths, isTemplate) && paths.Provision(caddy.Context{}) == nil {
		ctx := context.WithValue(context.Background(), caddy.ReplacerCtxKey, caddy.NewReplacer())
		r := (&http.Request{Method: method, URL: &url.URL{Path: path}}).WithContext(ctx)
		if ok, err := paths.MatchWithError(r); err == nil && !ok {
			return false
		}
	}
	var pattern struct {
		Pattern string `json:"pattern"`
	}
	if json.Unmarshal(set["path_regexp"], &pattern) == nil {
		if re, err := regexp.Compile(pattern.Pattern); err == nil && !re.MatchString(path) {
			return false
		}
	}
	var others []map[string]json.RawMessage
	if json.Unmarshal(set["not"], &others) == nil && slices.ContainsFunc(others, func(other map[string]json.RawMessage) bool {
		return len(other) == 1 && hasMethod(other, method)
	}) {
		return false
	}
	return set["method"] == nil || hasMethod(set, method)
}

// hasMethod reports whether a set of matchers names a method.
func hasMethod(set map[string]json.RawMessage, method string) bool {
	var methods []string
	return json.Unmarshal(set["method"], &methods) == nil && slices.Contains(methods, method)
}
