package handler

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

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

// nodes returns the handlers of a route, whether they are provisioned or still raw.
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

// matchersOf returns the sets of matchers of a route, one of which has to match.
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

// probe is a request whose way through the routes of a configuration is followed.
type probe struct {
	method, path string
	rewritten    bool // the path is not known any more
}

// follow calls visit for each handler that a request may meet, until one ends its way for
// certain: visit returns whether a handler does. It reports whether that was so.
func (p *probe) follow(routes caddyhttp.RouteList, visit func(*node) (ends bool)) bool {
	for i := range routes {
		may, must := p.meets(&routes[i])
		if !may {
			continue
		}
		for _, n := range nodes(&routes[i]) {
			ended := false
			switch n.Handler {
			case "subroute":
				ended = p.follow(n.Routes, visit)
			case "rewrite":
				p.rewritten = true
			default:
				ended = visit(&n)
			}
			if ended {
				if must {
					return true
				}
				break
			}
		}
	}
	return false
}

// meets reports whether a request may match a route, and whether it must.
func (p *probe) meets(route *caddyhttp.Route) (may, must bool) {
	sets := matchersOf(route)
	for _, set := range sets {
		mayThis, mustThis := p.matches(set)
		may, must = may || mayThis, must || mustThis
	}
	return may || len(sets) == 0, must || len(sets) == 0
}

// matches reports whether a request may match a set of matchers, and whether it must.
func (p *probe) matches(set map[string]json.RawMessage) (may, must bool) {
	must = true
	for name, raw := range set {
		ok, known := p.match(name, raw)
		if known && !ok {
			return false, false
		}
		must = must && known
	}
	return true, must
}

// match reports whether a request matches a matcher, if that is known: if it asks for
// nothing but paths and methods.
func (p *probe) match(name string, raw json.RawMessage) (ok, known bool) {
	switch name {
	case "path":
		var paths caddyhttp.MatchPath
		if p.rewritten || json.Unmarshal(raw, &paths) != nil || slices.ContainsFunc(paths, isTemplate) || paths.Provision(caddy.Context{}) != nil {
			return false, false
		}
		ctx := context.WithValue(context.Background(), caddy.ReplacerCtxKey, caddy.NewReplacer())
		ok, err := paths.MatchWithError((&http.Request{Method: p.method, URL: &url.URL{Path: p.path}}).WithContext(ctx))
		return ok, err == nil
	case "path_regexp":
		var re struct{ Pattern string }
		if p.rewritten || json.Unmarshal(raw, &re) != nil {
			return false, false
		}
		ok, err := regexp.MatchString(re.Pattern, p.path)
		return ok, err == nil
	case "method":
		var methods []string
		err := json.Unmarshal(raw, &methods)
		return slices.Contains(methods, p.method), err == nil
	case "not":
		var sets []map[string]json.RawMessage
		known = json.Unmarshal(raw, &sets) == nil
		for _, set := range sets {
			may, must := p.matches(set)
			if must {
				return false, true
			}
			known = known && !may
		}
		return known, known
	default:
		return false, false
	}
}
