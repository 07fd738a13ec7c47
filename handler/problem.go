package handler

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// rulesPage is the page on which every rule has an anchor. It is the base of
// the type of a problem (RFC 9457 section 3.1.1).
const rulesPage = "https://github.com/evovoice-gateway/caddy-conference-members/blob/main/docs/rules.md"

// refusal is the answer to a request that is not forwarded.
type refusal struct {
	outcome    metrics.Outcome
	violations []rules.Violation
	allow      string // the field Allow, where it is not empty
}

// newRefusal makes a refusal of one violation of the request as a whole.
func newRefusal(o metrics.Outcome, r *rules.Rule, detail string) *refusal {
	return &refusal{outcome: o, violations: []rules.Violation{{Rule: r, Detail: detail}}}
}

// add adds what judging found to what reading found. A field that could not be
// read was judged as if it were absent, which is nothing to tell.
func (f *refusal) add(judged []rules.Violation) {
	unread := make(map[string]bool, len(f.violations))
	for _, v := range f.violations {
		unread[v.Field] = true
	}
	for _, v := range judged {
		if !unread[v.Field] {
			f.violations = append(f.violations, v)
		}
	}
}

// closedRoute refuses a predefined route. The detail says where to go, for the
// upstream's client libraries post to these routes unless they are told
// otherwise, and show nothing else of an answer.
func closedRoute(open *route.Template) *refusal {
	return newRefusal(metrics.PredefinedRoute, rules.PredefinedRoute,
		rules.PredefinedRoute.Title+"; POST to "+open.String()+" instead.")
}

// ambiguousPath refuses a path that is the route only by another reading than
// the upstream's own. Forwarded as it stands it might dial; forwarded in one
// spelling it would.
func ambiguousPath() *refusal {
	return newRefusal(metrics.Rejected, rules.AmbiguousPath, rules.AmbiguousPath.Title+".")
}

// wrongMethod refuses whatever is neither POST nor OPTIONS. Methods are case
// sensitive (RFC 9110 section 9.1); the upstream takes "post" for POST.
func wrongMethod() *refusal {
	f := newRefusal(metrics.MethodNotAllowed, rules.MethodNotAllowed, rules.MethodNotAllowed.Title+".")
	f.allow = http.MethodPost
	return f
}

// sort puts first what the answer is named after. Where violations differ in
// status, that is the lowest: 400 before 413, 415 and 422.
func (f *refusal) sort() {
	slices.SortStableFunc(f.violations, func(a, b rules.Violation) int {
		return cmp.Compare(a.Rule.Status, b.Rule.Status)
	})
}

// status is the status of the answer.
func (f *refusal) status() int { return f.violations[0].Rule.Status }

// problem is the body of a refusal: problem details (RFC 9457) that hold the
// upstream's own responseStatus as well, so that clients of either read them.
type problem struct {
	Type     string         `json:"type"`
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Detail   string         `json:"detail"`
	Instance string         `json:"instance,omitempty"`
	Errors   []problemError `json:"errors"`

	ResponseStatus responseStatus `json:"responseStatus"`
}

// problemError is one violation.
type problemError struct {
	Pointer string `json:"pointer,omitempty"`
	Field   string `json:"field,omitempty"`
	Rule    string `json:"rule"`
	Detail  string `json:"detail"`
	Fix     string `json:"fix"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

// responseStatus is how the upstream reports errors.
type responseStatus struct {
	ErrorCode string          `json:"errorCode"`
	Message   string          `json:"message"`
	Errors    []responseError `json:"errors"`
}

// responseError is the upstream's report of one field.
type responseError struct {
	ErrorCode string `json:"errorCode"`
	FieldName string `json:"fieldName"`
	Message   string `json:"message"`
}

// problem fills in the body. The instance may be empty.
func (f *refusal) problem(instance string) *problem {
	first := f.violations[0]
	p := &problem{
		Type:     rulesPage + "#" + first.Rule.Name,
		Title:    first.Rule.Title,
		Status:   f.status(),
		Instance: instance,
		Errors:   make([]problemError, len(f.violations)),
		ResponseStatus: responseStatus{
			ErrorCode: first.Rule.ErrorCode,
			Errors:    make([]responseError, len(f.violations)),
		},
	}
	details := make([]string, len(f.violations))
	for i, v := range f.violations {
		p.Errors[i] = problemError{
			Pointer: v.Pointer, Field: v.Field, Rule: v.Rule.Name,
			Detail: v.Detail, Fix: v.Rule.Fix, Line: v.Line, Column: v.Column,
		}
		p.ResponseStatus.Errors[i] = responseError{
			ErrorCode: v.Rule.ErrorCode, FieldName: pascalCase(v.Field), Message: v.Detail,
		}
		details[i] = v.Detail
	}
	p.Detail = strings.Join(details, " ")
	p.ResponseStatus.Message = p.Detail
	return p
}

// pascalCase is a member name as the upstream writes it in fieldName.
func pascalCase(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// Error says what was refused, for logs and for Caddy's error routes.
func (f *refusal) Error() string {
	names := make([]string, len(f.violations))
	for i, v := range f.violations {
		names[i] = v.Rule.Name
		if v.Field != "" {
			names[i] += " (" + v.Field + ")"
		}
	}
	return "refused: " + strings.Join(names, ", ")
}

// refuse answers a request that is not forwarded: in CSV to a client of CSV, in
// JSON to any other, or by way of Caddy's error routes.
func (x *exchange) refuse(f *refusal) error {
	x.readOn()
	x.outcome = f.outcome
	reported := len(x.failed)
	x.fail(f.violations, rules.Enforce)
	x.event("refused", attribute.StringSlice("rules", x.failed[reported:]))
	f.sort()
	h := x.w.Header()
	x.setOwnFields()
	if f.allow != "" {
		h.Set("Allow", f.allow)
	}
	switch f.violations[0].Rule { // what is accepted (RFC 9110 section 15.5.16)
	case rules.ContentType:
		h.Set("Accept-Post", request.AcceptPost())
	case rules.ContentEncoding:
		h.Set("Accept-Encoding", request.AcceptEncoding)
	}
	if x.h.errorRoutes {
		return caddyhttp.Error(f.status(), f)
	}

	body, err := json.Marshal(f.problem(x.instance()))
	if err != nil {
		return caddyhttp.Error(http.StatusInternalServerError, err)
	}
	contentType := "application/problem+json"
	if x.format == negotiate.CSV && !x.csv.errorsJSON {
		if csv, err := x.csv.plan.AppendError(nil, body); err == nil {
			body, contentType = csv, x.csv.contentType
		}
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	x.w.WriteHeader(f.status())
	n, err := x.w.Write(body)                                  //nolint:gosec // problem+json or CSV, never HTML
	if err != nil && !errors.Is(err, http.ErrBodyNotAllowed) { // the answer to a HEAD
		x.outcome = metrics.ClientGone
	}
	x.refusalBytes = int64(n)
	if x.r.Method == http.MethodHead { // an HTTP/1.1 server says that it wrote it
		x.refusalBytes = 0
	}
	return nil
}

// maxUnread is how many bytes of a body are read although the request is refused:
// as many as net/http reads where a connection stays open.
const maxUnread = 256 << 10

// readOn reads what is left of a body before its request is refused, where the
// client wants the connection closed. Closed with bytes unread it would be reset,
// and the answer lost on its way (RFC 9112 section 9.6). net/http cares for that
// by itself only where nobody has wrapped the body, as Caddy does.
func (x *exchange) readOn() {
	if x.r.ProtoMajor == 1 && x.r.Close && !x.clientAwaitsContinue() {
		_, _ = io.CopyN(io.Discard, x.r.Body, maxUnread) // whatever comes of it, the answer is the same
	}
}

// instance identifies this refusal by the id that Caddy gives the request,
// which stands in the access log as uuid.
func (x *exchange) instance() string {
	id, ok := x.replacer().GetString("http.request.uuid")
	if !ok || id == "" {
		return ""
	}
	return "urn:uuid:" + id
}
