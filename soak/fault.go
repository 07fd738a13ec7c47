package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// fault is what the upstream does wrong, and what clients of JSON and of CSV get
// for it.
type fault struct {
	name        string
	fault       *upstreamtest.Fault
	asJSON, csv effect
}

// effect is what comes of a fault.
type effect struct {
	status     int
	outcome    string
	class      string // of the upstream's status
	delivers   delivery
	fallback   string
	transcoded bool
}

// delivery is what the body of the answer is.
type delivery uint8

const (
	asUsual   delivery = iota // the session in the format asked for
	asSent                    // what the upstream sent, as it came
	asError                   // the upstream's error in CSV
	noBody                    // nothing
	brokenOff                 // a part of what the upstream sent
	notPlaced                 // that the call was not placed
	notKnown                  // that the call may have been placed
)

// Some effects are those of several faults.
var (
	usual       = effect{200, "ok", "2xx", asUsual, "", false}
	usualCSV    = effect{200, "ok", "2xx", asUsual, "", true}
	verbatim    = effect{200, "ok", "2xx", asSent, "", false}
	noContent   = effect{204, "ok", "2xx", noBody, "", false}
	redirected  = effect{307, "ok", "3xx", asSent, "", false}
	unreachable = effect{502, "unreachable", none, notPlaced, "", false}
	unanswered  = effect{502, "no_response", none, notKnown, "", false}
	aborted     = effect{200, "aborted", "2xx", brokenOff, "", false}
	truncated   = effect{200, "aborted", "2xx", brokenOff, "truncated", false}
)

// fellBack is the effect of an answer that can't be made CSV; tried says that
// its body had to be looked at.
func fellBack(reason string, tried bool) effect {
	return effect{200, "fallback", "2xx", asSent, reason, tried}
}

const (
	errorBody = `{"responseStatus":{"errorCode":"NotFound","message":"No session, \"none\"","errors":[]}}`
	jsonType  = "application/json; charset=utf-8"
)

// answers is a fault that answers with another body.
func answers(status int, contentType, body string) *upstreamtest.Fault {
	return &upstreamtest.Fault{Reply: upstreamtest.Reply{
		Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: &body,
	}}
}

// labels is a fault that answers with the session under another header.
func labels(header http.Header) *upstreamtest.Fault {
	return &upstreamtest.Fault{Reply: upstreamtest.Reply{Header: header}}
}

// faults are the faults of the upstream.
var faults = []fault{
	{"reset", upstreamtest.Named("reset"), unanswered, unanswered},
	{"reset before the body is read", upstreamtest.Named("reset-early"), unanswered, unanswered},
	{"close", upstreamtest.Named("close"), unanswered, unanswered},
	{"close before the body is read", upstreamtest.Named("close-early"), unanswered, unanswered},
	{"not HTTP", upstreamtest.Named("not-http"), unanswered, unanswered},

	{"reset after the header", upstreamtest.Named("reset-after-header"), aborted, truncated},
	{"reset in the body", upstreamtest.Named("reset-mid-body"), aborted, truncated},
	{"close in the body", upstreamtest.Named("close-mid-body"), aborted, truncated},
	{
		"shorter than declared", &upstreamtest.Fault{Reply: upstreamtest.Reply{Length: new(int64(20000))}}, aborted, truncated,
	},

	{"truncated", upstreamtest.Named("truncated-json"), verbatim, fellBack("malformed", true)},
	{"garbage", upstreamtest.Named("garbage"), verbatim, fellBack("malformed", true)},
	{"HTML labelled JSON", upstreamtest.Named("html"), verbatim, fellBack("malformed", true)},
	{"a scalar", upstreamtest.Named("scalar"), verbatim, fellBack("unexpected_shape", true)},
	{"a name twice", answers(200, jsonType, `{"id":"1","id":"2"}`), verbatim, fellBack("duplicate_name", true)},
	{"not UTF-8", answers(200, jsonType, "{\"id\":\"\xff\"}"), verbatim, fellBack("invalid_utf8", true)},
	{
		"too deep", answers(200, jsonType, `{"log":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`),
		verbatim, fellBack("too_deep", true),
	},
	{"empty", upstreamtest.Named("empty"), verbatim, effect{200, "ok", "2xx", noBody, "", false}},
	{"another type", answers(200, "text/plain", "ok"), verbatim, fellBack("not_json", false)},
	{"another charset", labels(http.Header{"Content-Type": {"application/json; charset=iso-8859-1"}}), usual, fellBack("not_json", false)},
	{"an unknown coding", labels(http.Header{"Content-Encoding": {"br"}}), usual, fellBack("encoded", false)},

	{"gzip", upstreamtest.Named("gzip"), usual, usualCSV},
	{"zstd", upstreamtest.Named("zstd"), usual, usualCSV},
	{"early hints", upstreamtest.Named("early-hints"), usual, usualCSV},
	{"a trailer", upstreamtest.Named("trailer"), usual, usualCSV},
	{"slow", &upstreamtest.Fault{Delay: 50 * time.Millisecond}, usual, usualCSV},

	{"no content", upstreamtest.Named("no-content"), noContent, noContent},
	{"a redirect", answers(307, "text/plain", "elsewhere"), redirected, redirected},
	{
		"not found", answers(404, jsonType, errorBody),
		effect{404, "upstream_4xx", "4xx", asSent, "", false},
		effect{404, "upstream_4xx", "4xx", asError, "", true},
	},
	{
		"a problem", upstreamtest.Named("problem"),
		effect{400, "upstream_4xx", "4xx", asSent, "", false},
		effect{400, "upstream_4xx", "4xx", asSent, "unexpected_shape", true},
	},
	{
		"an error", answers(500, jsonType, errorBody),
		effect{500, "upstream_5xx", "5xx", asSent, "", false},
		effect{500, "upstream_5xx", "5xx", asError, "", true},
	},
	{
		"maintenance", upstreamtest.Named("maintenance"),
		effect{503, "upstream_5xx", "5xx", asSent, "", false},
		effect{503, "upstream_5xx", "5xx", asSent, "not_json", false},
	},
	{
		"a gateway's error", upstreamtest.Named("bad-gateway"),
		effect{502, "upstream_5xx", "5xx", asSent, "", false},
		effect{502, "upstream_5xx", "5xx", asSent, "not_json", false},
	},
}
