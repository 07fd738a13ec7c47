package handler

import (
	"net/http"
	"strings"
)

// rulesPage is the page on which every rule has an anchor. It is the base of
// the type of a problem (RFC 9457 section 3.1.1).
const rulesPage = "https://github.com/evovoice-gateway/caddy-conference-members/blob/main/docs/rules.md"

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
			Detail: v.Detail, Fix: orDefault(v.Fix, v.Rule.Fix), Line: v.Line, Column: v.Column,
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

// instance identifies a refusal by the id that Caddy gives the request,
// which stands in the access log as uuid.
func instance(client *http.Request) string {
	id, ok := replacerOf(client).GetString("http.request.uuid")
	if !ok || id == "" {
		return ""
	}
	return "urn:uuid:" + id
}
