package main

import (
	"net/http"
	"strings"
)

// The values of the label mode.
const (
	enforce = "enforce"
	report  = "report"
	warn    = "warn"
)

// refused is a request that is not forwarded.
type refused struct {
	name     string
	site     string // the plain one if empty
	status   int
	outcome  string // refused if empty
	failures []failure
	header   http.Header // of the response
	// write turns a valid request into this one.
	write func(*request, *call)
}

// fails lists rules that a request fails, each given as FIELD RULE, in the order in which
// the response has them.
func fails(pairs ...string) []failure {
	all := make([]failure, 0, len(pairs))
	for _, p := range pairs {
		field, rule, _ := strings.Cut(p, " ")
		all = append(all, failure{field, rule, enforce})
	}
	return all
}

// raw sends a body as it is.
func raw(contentType, body string) func(*request, *call) {
	return func(r *request, _ *call) { r.send(contentType, []byte(body)) }
}

// with sends the call as JSON after a change.
func with(change func(*call)) func(*request, *call) {
	return func(r *request, c *call) {
		changed := *c
		change(&changed)
		r.send("application/json", changed.json(asIs))
	}
}

// withoutFormat are the outcomes that are counted with the format none.
var withoutFormat = map[string]bool{
	"method_not_allowed": true, "not_acceptable": true, "predefined_route": true, "passed": true,
}

// refusals are requests that are refused, of every status.
var refusals = []refused{
	{name: "malformed JSON", status: 400, failures: fails("none malformed_json"), write: raw("application/json", `{"destination":"+12025550123"`)},
	{name: "malformed CSV", status: 400, failures: fails("none malformed_csv"), write: raw("text/csv", "destination\n\"+12025550123\n")},
	{name: "malformed form", status: 400, failures: fails("none malformed_form"), write: raw("application/x-www-form-urlencoded", "destination=%zz")},
	{name: "short row", status: 400, failures: fails("none row_length"), write: raw("text/csv", "destination,callSid\n+12025550123\n")},
	{name: "name twice", status: 400, failures: fails("destination duplicate_name"), write: raw("application/json", `{"destination":"4711","Destination":"4711"}`)},
	{name: "too deep", status: 400, failures: fails("none body_too_deep"), write: raw("application/json", `{"a":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}`)},
	{name: "two types", status: 400, failures: fails("none multiple_content_types"), write: func(r *request, c *call) {
		r.send("application/json", c.json(asIs))
		r.header.Add("Content-Type", "text/csv")
	}},
	{name: "not packed", status: 400, failures: fails("none malformed_encoding"), write: func(r *request, c *call) {
		r.send("application/json", c.json(asIs))
		r.header.Set("Content-Encoding", "gzip")
	}},

	{name: "predefined route", status: 404, outcome: "predefined_route", failures: fails("none predefined_route"), write: func(r *request, c *call) {
		r.path, r.query = "/json/reply/AddConferenceMember[]", "sessionId="+c.sessionID
		r.send("application/json", c.json(asIs))
	}},
	{name: "ambiguous path", status: 404, failures: fails("none ambiguous_path"), write: func(r *request, c *call) {
		r.path = strings.Replace(r.path, c.sessionID, c.sessionID+"%2fx%5c..", 1)
		r.send("application/json", c.json(asIs))
	}},

	{
		name: "PUT", status: 405, outcome: "method_not_allowed", failures: fails("none method_not_allowed"),
		header: http.Header{"Allow": {"POST"}},
		write:  func(r *request, c *call) { r.method = http.MethodPut; r.send("application/json", c.json(asIs)) },
	},
	{
		name: "GET", status: 405, outcome: "method_not_allowed", failures: fails("none method_not_allowed"),
		header: http.Header{"Allow": {"POST"}},
		write:  func(r *request, c *call) { r.method = http.MethodGet; r.ask(c.form()) },
	},
	{
		name: "HEAD", status: 405, outcome: "method_not_allowed", failures: fails("none method_not_allowed"),
		header: http.Header{"Allow": {"POST"}},
		write:  func(r *request, _ *call) { r.method = http.MethodHead },
	},

	{name: "image", status: 406, outcome: "not_acceptable", failures: fails("none not_acceptable"), write: func(r *request, c *call) {
		r.send("application/json", c.json(asIs))
		r.path, r.query = membersPath(c.sessionID), ""
		r.header.Set("Accept", "image/png")
	}},
	{name: "unknown format", status: 406, outcome: "not_acceptable", failures: fails("none not_acceptable"), write: func(r *request, c *call) {
		r.send("application/json", c.json(asIs))
		r.path, r.query = membersPath(c.sessionID), "format=pdf"
	}},
	{name: "unknown view", site: "tailored", status: 406, outcome: "not_acceptable", failures: fails("none unknown_view"), write: func(r *request, c *call) {
		r.send("application/json", c.json(asIs))
		r.ask("view=none")
	}},

	{name: "large body", status: 413, outcome: "too_large", failures: fails("none body_too_large"), write: raw("application/json", `{"pad":"`+strings.Repeat("x", 40<<10)+`"}`)},
	{name: "large chunked body", status: 413, outcome: "too_large", failures: fails("none body_too_large"), write: func(r *request, _ *call) {
		r.send("application/json", []byte(`{"pad":"`+strings.Repeat("x", 40<<10)+`"}`))
		r.chunked = true
	}},
	{name: "large unpacked body", status: 413, outcome: "too_large", failures: fails("none body_too_large"), write: func(r *request, _ *call) {
		r.send("application/json", []byte(`{"pad":"`+strings.Repeat("x", 40<<10)+`"}`))
		r.pack("gzip")
	}},

	{name: "image body", status: 415, failures: fails("none content_type"), write: raw("image/png", "png")},
	{name: "Latin-1", status: 415, failures: fails("none charset"), write: raw("application/json; charset=iso-8859-1", "{\"note\":\"\xe9\"}")},
	{name: "brotli", status: 415, failures: fails("none content_encoding"), write: func(r *request, c *call) {
		r.send("application/json", c.json(asIs))
		r.header.Set("Content-Encoding", "br")
	}},

	{name: "no call SID", status: 422, failures: fails("callSid call_sid_format"), write: with(func(c *call) { c.callSID = "CA42" })},
	{name: "emergency", status: 422, failures: fails("destination emergency"), write: with(func(c *call) { c.text = "911" })},
	{name: "two at once", status: 422, failures: fails("callSid call_sid_format", "destination emergency"), write: with(func(c *call) { c.callSID, c.text = "x", "112" })},
	{name: "no destination", status: 422, failures: fails("destination required"), write: raw("application/json", "{}")},
	{name: "no body", status: 422, failures: fails("destination required"), write: raw("", "")},
	{name: "two rows", status: 422, failures: fails("none row_count"), write: raw("text/csv", "destination\n4711\n4712\n")},
	{name: "a list", status: 422, failures: fails("destination wrong_type"), write: raw("application/json", `{"destination":["4711"]}`)},
	{name: "a conflict", status: 422, failures: fails("destination conflict"), write: func(r *request, c *call) {
		r.send("application/json", c.json(asIs))
		r.ask("destination=4712")
	}},
	{name: "a name repeated", status: 422, failures: fails("destination repeated_name"), write: func(r *request, _ *call) {
		r.ask("destination=4711&destination=4711")
	}},
	{name: "no caller ID", status: 422, failures: fails("fromNumber from_number_format"), write: with(func(c *call) { c.from = "ann" })},
	{name: "long text", status: 422, failures: fails("destination text_length"), write: with(func(c *call) { c.text = strings.Repeat("a", 300) })},
	{name: "control character", status: 422, failures: fails("destination control_characters", "destination destination_format"), write: with(func(c *call) { c.text = "Ann\u202eOther" })},
	{name: "calling itself", status: 422, failures: fails("fromNumber distinct"), write: with(func(c *call) { c.text, c.from = "+12025550123", "+12025550123" })},
	{name: "a country", site: "tailored", status: 422, failures: fails("destination country_allowed"), write: with(func(c *call) { c.text = "+390612345678" })},
}

// reported are calls that fail a rule and are still forwarded, by the site report.
var reported = []struct {
	name     string
	failures []failure
	change   func(*call)
}{
	{"no call SID", []failure{{"callSid", "call_sid_format", report}}, func(c *call) { c.callSID = "CA42" }},
	{"calling itself", []failure{{"fromNumber", "distinct", report}}, func(c *call) {
		c.destination = destinations[0]
		c.from = c.text
	}},
	{"unassigned", []failure{{"destination", "validity", warn}}, func(c *call) {
		c.destination = destination{"+120255501", "+120255501", "phone", none}
	}},
}
