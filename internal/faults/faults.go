// Package faults is the table of what an upstream can do wrong with a call, and of what
// the gateway makes of it. The integration tests and the soak check the gateway against
// it, and docs/faults.md is generated from it.
//
// What needs a special configuration, or a client that acts at the right moment, is in
// the integration tests.
package faults

import (
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// Fault is something that the upstream does with a call that it gets once.
type Fault struct {
	// What completes a sentence that begins with "The upstream".
	What string

	// Spec is the fault as [upstreamtest.ParseFault] reads it.
	Spec string

	// JSON and CSV are what becomes of the request by the format asked for.
	// CSV is JSON, transcoded if all went well, unless it is set.
	JSON, CSV Fate
}

// Fate is what a client gets, and how that is counted.
type Fate struct {
	Status     int    // 0 if there is no response
	Transcoded bool   // the body is CSV, made of the upstream's JSON
	Broken     bool   // the response breaks off
	Reason     string // of X-Transcode-Error
	Outcome    string // empty if the process does not live to count it
}

// The usual fates.
var (
	Served     = Fate{Status: 200, Outcome: "ok"}
	NoResponse = Fate{Status: 502, Outcome: "no_response"} // sent, and no response
	BrokenJSON = Fate{Status: 200, Broken: true, Outcome: "aborted"}
	BrokenCSV  = Fate{Status: 200, Broken: true, Reason: "truncated", Outcome: "aborted"}
)

// Unreachable returns the fate of a request that does not reach the upstream at all.
func Unreachable(status int) Fate { return Fate{Status: status, Outcome: "unreachable"} }

// Fallback returns the fate of a response that can't be made CSV.
func Fallback(reason string) Fate { return Fate{Status: 200, Reason: reason, Outcome: "fallback"} }

// failed returns the fate of a request that the upstream fails.
func failed(status int) Fate {
	if status < 500 {
		return Fate{Status: status, Outcome: "upstream_4xx"}
	}
	return Fate{Status: status, Outcome: "upstream_5xx"}
}

// inCSV returns the fate with a body that is made CSV.
func (f Fate) inCSV() Fate { f.Transcoded = true; return f }

// asItCame returns the fate with a body that can't be made CSV.
func (f Fate) asItCame(reason string) Fate { f.Reason = reason; return f }

// Fate returns the fate in a format.
func (f *Fault) Fate(format string) Fate {
	switch {
	case format != "csv":
		return f.JSON
	case f.CSV != (Fate{}):
		return f.CSV
	case f.JSON == Served:
		return Served.inCSV()
	}
	return f.JSON
}

// Fault returns what the upstream is told to do.
func (f *Fault) Fault() *upstreamtest.Fault {
	fault, err := upstreamtest.ParseFault(f.Spec)
	if err != nil {
		panic(err) // a test parses all of them
	}
	return fault
}

// Dialled reports whether the call reaches the service behind the upstream.
func (f *Fault) Dialled() bool { return !f.Fault().Early }

// All are the faults, in the order of the documentation.
var All = []Fault{
	// No response.
	{What: "closes the connection before it has read the request", Spec: "close-early", JSON: NoResponse},
	{What: "resets the connection before it has read the request", Spec: "reset-early", JSON: NoResponse},
	{What: "closes the connection before it responds", Spec: "close", JSON: NoResponse},
	{What: "resets the connection before it responds", Spec: "reset", JSON: NoResponse},
	{What: "sends something that is not HTTP", Spec: "not-http", JSON: NoResponse},

	// A response that breaks off.
	{What: "closes the connection after the header of its response", Spec: `{"drop":"close","cut":-1}`, JSON: BrokenJSON, CSV: BrokenCSV},
	{What: "resets the connection after the header of its response", Spec: "reset-after-header", JSON: BrokenJSON, CSV: BrokenCSV},
	{What: "closes the connection within its response", Spec: "close-mid-body", JSON: BrokenJSON, CSV: BrokenCSV},
	{What: "resets the connection within its response", Spec: "reset-mid-body", JSON: BrokenJSON, CSV: BrokenCSV},
	{What: "announces more than it sends", Spec: `{"length":20000}`, JSON: BrokenJSON, CSV: BrokenCSV},

	// A whole response that is wrong.
	{What: "sends JSON that is cut short", Spec: "truncated-json", JSON: Served, CSV: Fallback("malformed")},
	{What: "sends garbage that it calls JSON", Spec: "garbage", JSON: Served, CSV: Fallback("malformed")},
	{What: "sends HTML that it calls JSON", Spec: "html", JSON: Served, CSV: Fallback("malformed")},
	{What: "sends a number in place of a session", Spec: "scalar", JSON: Served, CSV: Fallback("unexpected_shape")},
	{What: "sends an object that has a name twice", Spec: `{"body":"{\"id\":\"1\",\"id\":\"2\"}"}`, JSON: Served, CSV: Fallback("duplicate_name")},
	{What: "sends JSON that is not UTF-8", Spec: "not-utf8", JSON: Served, CSV: Fallback("invalid_utf8")},
	{What: "sends JSON that is nested too deep", Spec: `{"body":"{\"log\":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}"}`, JSON: Served, CSV: Fallback("too_deep")},
	{What: "sends no body", Spec: "empty", JSON: Served, CSV: Served},
	{What: "sends something other than JSON", Spec: `{"header":{"Content-Type":["text/html"]}}`, JSON: Served, CSV: Fallback("not_json")},
	{What: "sends JSON in another charset", Spec: `{"header":{"Content-Type":["application/json; charset=iso-8859-1"]}}`, JSON: Served, CSV: Fallback("not_json")},
	{What: "sends a coding that was not asked for", Spec: "br", JSON: Served, CSV: Fallback("encoded")},

	// Unusual responses with nothing wrong.
	{What: "sends gzip", Spec: "gzip", JSON: Served},
	{What: "sends zstd", Spec: "zstd", JSON: Served},
	{What: "sends 103 before its response", Spec: "early-hints", JSON: Served},
	{What: "sends a trailer after its response", Spec: "trailer", JSON: Served},
	{What: "sends 204", Spec: "no-content", JSON: Fate{Status: 204, Outcome: "ok"}},
	{What: "sends a redirect", Spec: `{"status":307,"header":{"Content-Type":["text/plain"]},"body":"elsewhere"}`, JSON: Fate{Status: 307, Outcome: "ok"}},

	// An error.
	{What: "sends 404", Spec: `{"status":404,` + errorBody + `}`, JSON: failed(404), CSV: failed(404).inCSV()},
	{What: "sends 400 with a problem (RFC 9457)", Spec: "problem", JSON: failed(400), CSV: failed(400).asItCame("unexpected_shape")},
	{What: "sends 500", Spec: `{"status":500,` + errorBody + `}`, JSON: failed(500), CSV: failed(500).inCSV()},
	{What: "is down for maintenance and says so in HTML", Spec: "maintenance", JSON: failed(503), CSV: failed(503).asItCame("not_json")},
	{What: "sends 502 of a proxy of its own", Spec: "bad-gateway", JSON: failed(502), CSV: failed(502).asItCame("not_json")},
}

// errorBody replaces the body by an error of the API's.
const errorBody = `"body":"{\"responseStatus\":{\"errorCode\":\"NotFound\",\"message\":\"No session, \\\"none\\\"\",\"errors\":[]}}"`
