package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// pages is where the documentation is. HEAD is the branch that the repository
// shows, whatever its name, so the type of a problem is the same in every release.
const pages = "https://github.com/evovoice-gateway/caddy-conference-members/blob/HEAD/docs/"

// faultsPage is the page on which what becomes of a call has anchors.
const faultsPage = pages + "faults.md"

// rulesPage is the page on which every rule has an anchor. It is the base of
// the type of a problem (RFC 9457 section 3.1.1).
const rulesPage = pages + "rules.md"

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
	Row     int    `json:"row,omitempty"` // of many
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
		Errors:   problemErrors(f.violations),
		ResponseStatus: responseStatus{
			ErrorCode: first.Rule.ErrorCode,
			Errors:    make([]responseError, len(f.violations)),
		},
	}
	details := make([]string, len(f.violations))
	for i, v := range f.violations {
		details[i] = v.Detail
		if v.Row > 0 { // where nothing else says it, as in CSV
			details[i] = fmt.Sprintf("Row %d: %s", v.Row, v.Detail)
		}
		p.ResponseStatus.Errors[i] = responseError{
			ErrorCode: v.Rule.ErrorCode, FieldName: pascalCase(v.Field), Message: details[i],
		}
	}
	p.Detail = strings.Join(details, " ")
	p.ResponseStatus.Message = p.Detail
	return p
}

// problemErrors are violations as a client gets them.
func problemErrors(violations []rules.Violation) []problemError {
	errors := make([]problemError, len(violations))
	for i, v := range violations {
		errors[i] = problemError{
			Pointer: v.Pointer, Field: v.Field, Rule: v.Rule.Name,
			Detail: v.Detail, Fix: orDefault(v.Fix, v.Rule.Fix), Row: v.Row, Line: v.Line, Column: v.Column,
		}
	}
	return errors
}

// pascalCase is a member name as the upstream writes it in fieldName.
func pascalCase(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// instance identifies a problem by the id of the request, which the access log
// has as uuid.
func (x *exchange) instance() string {
	if id := x.requestUUID(); id != "" {
		return "urn:uuid:" + id
	}
	return ""
}

// requestUUID is the id that Caddy gives the request. Caddy makes it on demand and
// keeps it among the request's variables, a map that a dial of reverse_proxy may
// still read after its client was given up. So nothing is put there once the
// request was forwarded: an id that is needed then is made here.
func (x *exchange) requestUUID() string {
	if x.uuid != "" {
		return x.uuid
	}
	if !x.response.forwarded {
		x.uuid, _ = replacerOf(x.r).GetString("http.request.uuid")
		return x.uuid
	}
	if id, ok := caddyhttp.GetVar(x.r.Context(), "uuid").(fmt.Stringer); ok {
		x.uuid = id.String()
	} else {
		x.uuid = uuid.NewString()
	}
	if extra, ok := x.r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Set(zap.String("uuid", x.uuid))
	}
	return x.uuid
}

// writeProblem writes a problem as the response: in CSV to a client of CSV, in
// JSON to any other. An error means that the client is gone.
func (x *exchange) writeProblem(p *problem) error {
	w := &x.response
	body, contentType := x.encode(p)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.begun, w.csv = true, nil
	w.exchange.w.WriteHeader(p.Status)
	_, err := w.send(body)
	if x.r.Method == http.MethodHead { // an HTTP/1.1 server says that it wrote it
		w.sent = 0
	}
	if errors.Is(err, http.ErrBodyNotAllowed) { // the response to a HEAD
		return nil
	}
	return err
}

// problemJSON is the type of problem details (RFC 9457 section 6.1).
const problemJSON = "application/problem+json"

// encode returns a problem in the form that the client reads, and its type.
func (x *exchange) encode(p *problem) (body []byte, contentType string) {
	body, _ = json.Marshal(p) // text and numbers: no error is possible
	named := strings.Contains(strings.Join(x.r.Header["Accept"], ","), problemJSON)
	if csv := x.wanted.csv; csv != nil && !csv.errorsJSON && !named {
		if row, err := csv.plan.AppendError(nil, body); err == nil {
			return row, csv.contentType
		}
	}
	if x.at.Kind == route.Predefined && !named {
		// The upstream's clients for Java and .NET read a responseStatus only of a
		// response that has the type they asked for.
		return body, "application/json; charset=utf-8"
	}
	return body, problemJSON
}

// failures are the problems of calls for which reverse_proxy has no response.
var failures = map[metrics.Call]problem{
	metrics.NotDialled: {
		Type: faultsPage + "#not-dialled", Title: "The call was not placed",
		Detail:         "The API could not be reached. Nothing was dialled; the request can be sent again.",
		ResponseStatus: responseStatus{ErrorCode: "CallNotDialled"},
	},
	metrics.Unknown: {
		Type: faultsPage + "#unknown", Title: "It is not known whether the call was placed",
		Detail:         "The call was sent to the API, and no response came. The phone may be ringing: look at the session before the request is sent again.",
		ResponseStatus: responseStatus{ErrorCode: "CallOutcomeUnknown"},
	},
}

// fail ends a request whose next handler returned an error. Where the error is
// that of a proxy without a response, and the server has no error routes, the
// client learns what became of the call.
func (x *exchange) fail(placed placement, err error) error {
	x.response.setGatewayHeaders(placed.call)
	he, _ := errors.AsType[caddyhttp.HandlerError](err)
	p, ok := failures[placed.call]
	if !ok || !isOfProxy(he.StatusCode) || x.r.Method != x.at.method || hasErrorRoutes(x.r) {
		x.record(placed.outcome)
		x.disarm()
		return err
	}
	x.h.logger.Error(p.Title, // Caddy logs it no longer
		zap.Error(err),
		zap.Int("status", he.StatusCode),
		zap.Stringer("call", placed.call),
		zap.String("uuid", x.requestUUID()),
	)
	p.Status, p.Instance, p.Errors = he.StatusCode, x.instance(), []problemError{}
	p.ResponseStatus.Message, p.ResponseStatus.Errors = p.Detail, []responseError{}
	if x.writeProblem(&p) != nil {
		x.record(metrics.ClientGone)
		return nil
	}
	x.record(placed.outcome)
	return nil
}

// hasErrorRoutes reports whether the server hands errors to routes.
func hasErrorRoutes(r *http.Request) bool {
	server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	return ok && server != nil && server.Errors != nil && len(server.Errors.Routes) > 0
}
