package handler

import (
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// operation is what a client can do on one route. Whatever is true of one
// operation and not of every other is an entry here.
type operation struct {
	// number is the operation's place in operations.
	number int
	// name is the operation's name in the API.
	name string
	// method is the one method that is handled.
	method string
	// under is the last segment of its route, below the route of the
	// configuration; it is empty for that route itself.
	under string
	// fields are the fields that a request can have.
	fields []rules.Field
	// dials says whether an accepted request makes a phone ring.
	dials bool
	// appendCSV transcodes a response below 400.
	appendCSV func(plan *transform.Plan, dst, body []byte) ([]byte, error)
	// filename is the name under which a client saves the CSV.
	filename string
	// acceptPost returns the media types that it reads.
	acceptPost func() string
	// formats are the formats that its own response can have, nil for those of the
	// upstream.
	formats []negotiate.Format
	// off reports whether a configuration has switched it off.
	off func(*compiled) bool
	// serve serves a request that is well addressed and wants what can be had.
	serve func(x *exchange, next caddyhttp.Handler) error
}

// addConferenceMember dials one destination into a session.
var addConferenceMember = &operation{
	name:       "AddConferenceMember",
	method:     http.MethodPost,
	fields:     []rules.Field{rules.SessionID, rules.CallSID, rules.Destination, rules.FromNumber},
	dials:      true,
	appendCSV:  (*transform.Plan).AppendSessions,
	filename:   "AddConferenceMember.csv",
	acceptPost: request.AcceptPost,
	off:        func(*compiled) bool { return false },
	serve:      (*exchange).call,
}

// checkSegment is the last segment of the path of checks.
const checkSegment = "check"

// checkCalls says what would become of calls, and places none.
var checkCalls = &operation{
	name:       "Check",
	method:     http.MethodPost,
	under:      checkSegment,
	fields:     addConferenceMember.fields,
	acceptPost: request.AcceptPostEither,
	formats:    []negotiate.Format{negotiate.JSON, negotiate.CSV},
	off:        func(c *compiled) bool { return c.checkOff },
	serve:      (*exchange).check,
}

// bulkSegment is the last segment of the path of uploads.
const bulkSegment = "bulk"

// placeCalls places many calls, one after the other.
var placeCalls = &operation{
	name:       "Bulk",
	method:     http.MethodPost,
	under:      bulkSegment,
	fields:     addConferenceMember.fields,
	dials:      true,
	acceptPost: request.AcceptPostRows,
	formats:    []negotiate.Format{negotiate.JSON, negotiate.CSV, negotiate.NDJSON},
	off:        func(c *compiled) bool { return c.bulk == nil },
	serve:      (*exchange).bulk,
}

// operations are all operations.
var operations = numbered(addConferenceMember, checkCalls, placeCalls)

func numbered(all ...*operation) []*operation {
	for i, op := range all {
		op.number = i
	}
	return all
}

// parseRoute compiles the route with all that is below it.
func parseRoute(template string) (*route.Template, error) {
	var under []string
	for _, op := range operations {
		if op.under != "" {
			under = append(under, op.under)
		}
	}
	return route.Parse(template, under...)
}

// target is what a request addresses.
type target struct {
	*operation
	route.Match
	path string // escaped, as the client wrote it
}

// match finds what a request addresses. It returns false if that is not for
// this handler.
func (h *Handler) match(r *http.Request) (target, bool) {
	path := r.URL.EscapedPath()
	m := h.route.Match(path)
	if r.URL.Opaque != "" {
		// The target is like "x:http://host/path" (RFC 9112 section 3.2.2), has no
		// path, and is sent on as it is for the upstream to read.
		m = route.Match{Kind: route.Members, Ambiguous: true}
	}
	if m.Kind == route.LookAlike {
		h.lookAlike(r)
	}
	if m.Kind == route.LookAlike || m.Kind == route.None {
		return target{}, false
	}
	for _, op := range operations {
		if op.under == m.Operation {
			return target{op, m, path}, true
		}
	}
	return target{}, false
}

// passes reports whether a request goes on unjudged: OPTIONS, and a predefined
// route where the configuration says so.
func (h *Handler) passes(r *http.Request, at *target) bool {
	switch {
	case at.Ambiguous:
		return false
	case at.Kind > route.Members && h.predefined == PredefinedPass:
		return true
	default:
		return r.Method == http.MethodOptions && h.serves(at)
	}
}

// serves reports whether calls on a path are judged.
func (h *Handler) serves(at *target) bool {
	return !at.UnknownSuffix && (at.Kind == route.Members || at.Kind == route.Predefined && h.predefined == PredefinedJudge)
}

// behind returns the operation below the route that the last segment of a path names, or
// the empty string. The upstream ignores what is behind a predefined route, and would
// dial where somebody means to check a call.
func behind(path string) (under string) {
	path = strings.TrimRight(path, "/")
	name, _, _ := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], ".")
	for _, op := range operations {
		if strings.EqualFold(op.under, name) {
			return op.under
		}
	}
	return ""
}

// misdirected refuses a request for its path, its method or where it comes from,
// or because no calls are placed at all.
func (h *Handler) misdirected(r *http.Request, at *target) *refusal {
	switch {
	case at.Ambiguous && at.Kind == route.Members:
		return ambiguousPath()
	case at.UnknownSuffix && (at.Kind == route.Members || h.predefined == PredefinedJudge):
		return newRefusal(metrics.Refused, rules.UnknownSuffix, rules.UnknownSuffix.Title+".")
	case !h.serves(at):
		return closedRoute(h.route.String())
	case at.Kind == route.Predefined && behind(r.URL.Path) != "":
		return closedRoute(h.route.String() + "/" + behind(r.URL.Path))
	case at.Ambiguous:
		return ambiguousPath()
	case at.off(h.compiled):
		return newRefusal(metrics.Refused, rules.OperationOff, rules.OperationOff.Title+".")
	case r.Method != at.method:
		return wrongMethod(at.method)
	case at.dials && asksForDryRun(r):
		return h.dryRunRefused()
	case at.dials && h.callsOff:
		return newRefusal(metrics.Refused, rules.CallsOff, rules.CallsOff.Title+".")
	case isCrossSite(r):
		return newRefusal(metrics.Refused, rules.CrossSite, rules.CrossSite.Title+".")
	default:
		return nil
	}
}

// lookAlike counts and logs a POST that ends like the route and is not on it. It
// dials if the upstream takes it for a call, so the gateway is probably mounted
// where it does not see the calls as clients send them.
func (h *Handler) lookAlike(r *http.Request) {
	if !strings.EqualFold(r.Method, http.MethodPost) && r.Header.Get(methodOverride) == "" {
		return
	}
	h.metrics.LookedAlike()
	h.sampled().Warn("POST passed on unjudged: its path ends like the route but is another one; see docs/mounting.md",
		zap.String("route", h.route.String()))
}
