package handler

import (
	"net/http"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// admission is a request as it was read and judged. If nothing was refused, its call
// may be placed.
type admission struct {
	request *request.Request // with the call as it was judged
	verdict rules.Verdict
	once    *once // nil for a call without an idempotency key
}

// admit reads what a client asks for, fills in what the configuration says, and
// judges it. An error means that nobody is left to respond to.
func (a *admission) admit(h *Handler, r *http.Request, at *target) (*refusal, error) {
	asked, violations, err := h.reader.Read(readable(r, at), at.SessionID)
	if err != nil {
		return nil, err
	}
	a.request = asked
	if h.keyed && at.dials { // a check needs no key
		var violation *rules.Violation
		if a.once, violation = h.identify(r, asked); violation != nil {
			violations = append(violations, *violation)
		}
	}
	if h.bulk != nil {
		for i := range violations {
			if v := &violations[i]; v.Rule == rules.RowCount {
				v.Fix = "Send a header row and one row of values. POST several rows to " + h.route.String() + "/" + bulkSegment + "."
			}
		}
	}
	violations = h.refuseDryRun(violations, asked, at)
	h.enrich(asked, r)
	return a.judge(h, at, violations), nil
}

// readable returns the request with the Content-Type by which its body is read. The
// upstream's own browser client posts JSON to a predefined route as text/plain, to avoid
// a preflight. A body without a type is read as JSON if it begins like JSON.
func readable(r *http.Request, at *target) *http.Request {
	if at.Kind != route.Predefined || mediaType(r) != "text/plain" || len(r.Header["Content-Type"]) != 1 {
		return r
	}
	untyped := r.WithContext(r.Context())
	untyped.Header = r.Header.Clone()
	untyped.Header.Del("Content-Type")
	return untyped
}

// judge checks the request against the rules. One refusal lists all violations, including
// those found while reading, unless so little could be read that every missing field
// would be a violation.
func (a *admission) judge(h *Handler, at *target, ofReading []rules.Violation) *refusal {
	call := &a.request.Call
	if a.request.Readable {
		h.policy.Normalize(call)
		a.verdict = h.policy.Judge(*call)
	}
	switch id := call[rules.SessionID].Text; {
	case len(ofReading) > 0 || len(a.verdict.Violations) > 0:
		return refuseCall(ofReading, a.verdict.Violations)
	case id == "": // on a predefined route, which has none in its path
		return refuseSession(rules.Required, "sessionId is missing or empty.")
	case !h.hasPath(at, id):
		return refuseSession(rules.SessionIDFormat, "sessionId is set to what no path can hold.")
	default:
		return nil
	}
}

// refuseCall refuses a call for what was found while reading, and for what it is.
func refuseCall(ofReading, ofJudging []rules.Violation) *refusal {
	refused := &refusal{outcome: metrics.Refused}
	if len(ofReading) > 0 {
		refused.violations = ofReading
		refused.sort()
		if refused.status() == http.StatusRequestEntityTooLarge {
			refused.outcome = metrics.TooLarge
		}
	}
	if len(ofJudging) > 0 {
		refused.add(ofJudging)
	}
	return refused
}

// refuseSession refuses a call whose session can't be forwarded.
func refuseSession(r *rules.Rule, detail string) *refusal {
	return &refusal{outcome: metrics.Refused, violations: []rules.Violation{{
		Rule: r, Field: rules.SessionID.String(), Pointer: rules.SessionID.Pointer(), Detail: detail,
	}}}
}

// hasPath reports whether a session id can be forwarded in the path, which the
// upstream believes before the body.
func (h *Handler) hasPath(at *target, id string) bool {
	if id == at.SessionID && at.Suffix != negotiate.CSV.Suffix() {
		return true // the client wrote it in the path
	}
	_, ok := h.path(*at, negotiate.JSON, id)
	return ok
}

// path is the path of a session, in one spelling, where the upstream responds in a
// format. The suffix is the client's, but never .csv, because CSV is made of JSON. Where
// the route ends with the id, a host could take what follows a dot in it for a
// suffix, so such an id gets the suffix of the format. It returns false for an id that no
// path conveys.
func (h *Handler) path(at target, format negotiate.Format, id string) (string, bool) {
	if at.Suffix != "" && at.Suffix != negotiate.CSV.Suffix() {
		return h.route.Path(id, at.Suffix)
	}
	if path, ok := h.route.Path(id, ""); ok {
		return path, true
	}
	return h.route.Path(id, format.Suffix())
}
