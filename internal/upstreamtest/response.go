package upstreamtest

import (
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
)

// poweredBy is the recorded X-Powered-By.
const poweredBy = "ServiceStack/5.121 NetCore/Linux"

// response is a response before it is sent.
type response struct {
	status int
	reason string // of the status line, empty for the usual one
	header http.Header
	body   []byte
}

// noRoute returns the response where there is nothing.
func noRoute(status int) *response {
	return &response{status: status, header: http.Header{"Content-Length": {"0"}}}
}

// newResponse returns a response with the headers that all responses of the service
// have.
func newResponse(status int, reason string) *response {
	return &response{status: status, reason: reason, header: http.Header{
		"Vary":         {"Accept"},
		"X-Powered-By": {poweredBy},
	}}
}

// serve makes the natural response to a request that was read in full, and
// returns what it bound, nil if the service was not reached.
func (s *store) serve(r *http.Request, body []byte, api bool) (*response, *Bound) {
	rawPath, rawQuery, ok := splitTarget(r.RequestURI)
	if !ok {
		return noRoute(http.StatusBadRequest), nil
	}
	decoded, ok := decodePath(rawPath)
	if !ok {
		return noRoute(http.StatusBadRequest), nil
	}
	query := parsePairs(rawQuery)
	rt := findRoute(decoded, api)
	post := equalFold(verb(r), http.MethodPost)
	if rt.place == nowhere || rt.place == members && !post {
		return noRoute(http.StatusNotFound), nil
	}
	f := chooseFormat(rt, query, r.Header)
	if fail := noOperation(rt, verb(r)); fail != nil {
		return s.fail(f, query, fail), nil
	}
	b, fail := bind(rt, r, query, body)
	if fail == nil {
		fail = validate(b)
	}
	if fail != nil {
		return s.fail(f, query, fail), nil
	}
	res, fail := s.call(b)
	var resp *response
	if fail != nil {
		resp = s.fail(f, query, fail)
	} else {
		resp = s.succeed(f, query, res)
	}
	resp.header.Set("X-Bound", b.String())
	return resp, b
}

// verb returns the method as the server sees it (recordings 460 to 475).
func verb(r *http.Request) string {
	if v := r.Header.Get("X-Http-Method-Override"); v != "" {
		return v
	}
	return r.Method
}

// noOperation returns the error of a predefined route for another operation or another
// method than POST (recordings 430 and 467).
func noOperation(rt route, method string) *failure {
	fail := &failure{
		status: http.StatusMethodNotAllowed, reason: http.StatusText(http.StatusMethodNotAllowed),
		code: "NotImplementedException",
	}
	switch {
	case rt.place != predefined:
		return nil
	case !equalFold(rt.operation, operation):
		fail.message = "The operation '" + rt.operation + "' does not exist for this service"
	case !equalFold(method, http.MethodPost):
		fail.message = fmt.Sprintf("Could not find method named %s(%s) or Any(%[2]s) on Service SessionServices",
			pascal(strings.ToLower(method)), operation)
	default:
		return nil
	}
	return fail
}

// fail serializes an error.
func (s *store) fail(f *format, query pairs, fail *failure) *response {
	resp := newResponse(fail.status, fail.reason)
	s.write(resp, f, query, result{json: fail.json()})
	return resp
}

// succeed serializes what the service returned.
func (s *store) succeed(f *format, query pairs, res result) *response {
	resp := newResponse(res.status, res.reason)
	if f == formatCSV && !res.bare && res.status < http.StatusBadRequest {
		resp.header.Set("Content-Disposition", `attachment;filename="`+operation+`.csv"`)
	}
	switch {
	case res.json == nil:
		resp.header.Set("Content-Length", "0")
	case res.plain && f != nil:
		resp.header.Set("Content-Type", f.header)
		resp.header.Set("Content-Length", strconv.Itoa(len(res.json)))
		resp.body = res.json
	default:
		s.write(resp, f, query, res)
	}
	return resp
}

// write serializes a result in a format; with a callback, every format is wrapped
// in a call (recording 317). Without a format there is no body.
func (s *store) write(resp *response, f *format, query pairs, res result) {
	if f == nil {
		resp.header.Set("Content-Length", "0")
		return
	}
	resp.header.Set("Content-Type", f.header)
	resp.body = s.serialize(f, query.get("jsconfig"), res)
	if callback := query.get("callback"); callback != "" {
		if f == formatJSON {
			resp.header.Set("Content-Type", "text/javascript")
		}
		resp.body = append(append([]byte(callback+"("), resp.body...), ')')
	}
}

// serialize turns a result into another format. XML and HTML are no more than
// documents of their type that hold the JSON text.
func (s *store) serialize(f *format, jsconfig string, res result) []byte {
	json, session := res.json, res.columns
	if session == nil {
		session = s.columns
	}
	if f == formatJSON && jsconfig == "" {
		return json
	}
	switch f {
	case formatXML:
		return []byte(`<?xml version="1.0" encoding="utf-8"?><SessionInfo>` + html.EscapeString(string(json)) + `</SessionInfo>`)
	case formatHTML:
		return []byte("<!doctype html>\n<html><head><title>" + operation + "</title></head><body><pre>" +
			html.EscapeString(string(json)) + "</pre></body></html>\n")
	}
	n, err := parseTree(json)
	if err != nil {
		return json
	}
	n, columns := configure(n, columnsOf(n, session), jsconfig)
	switch f {
	case formatCSV:
		return appendCSV(nil, n, columns)
	case formatJSV:
		return appendJSV(nil, n)
	}
	return appendJSON(nil, n)
}
