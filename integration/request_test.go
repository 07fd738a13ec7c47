package integration

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/request"
)

// multipartType is the Content-Type of bodies that multipartBody makes.
const multipartType = "Content-Type: multipart/form-data; boundary=XX"

// multipartBody makes a form of NAME=VALUE parts.
func multipartBody(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		fmt.Fprintf(&b, "--XX\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, value)
	}
	return b.String() + "--XX--\r\n"
}

// The four fields in the canonical order, and some of them.
var (
	fourFields = `{"sessionId":"abc","callSid":"` + callSID + `","destination":"` + destination + `","fromNumber":"+12025550199"}`
	twoFields  = `{"sessionId":"abc","callSid":"` + callSID + `","destination":"` + destination + `"}`
)

// waysIn are all ways in which a client can send the fields, with the body
// that is forwarded.
var waysIn = []struct {
	rule   string
	target string // default: membersPath
	header []string
	body   string
	want   string
}{
	{"JSON", "", []string{"Content-Type: application/json"}, fourFields, fourFields},
	{
		"JSON with spaces, another case and order", "",
		[]string{"Content-Type: application/json; charset=UTF-8"},
		" {\r\n\t\"DESTINATION\" : \"" + destination + "\" , \"callsid\":\"" + callSID + "\" } ", twoFields,
	},
	{"JSON behind a byte order mark", "", []string{"Content-Type: application/json"}, "\ufeff" + twoFields, twoFields},
	{
		"JSON with escapes", "",
		[]string{"Content-Type: text/json"},
		`{"c\u0061llSid":"CA0123456789abcdef0123456789abcde\u0066","destination":"\u002b12025550123"}`, twoFields,
	},
	{"JSON of a vendor", "", []string{"Content-Type: application/vnd.api+json"}, twoFields, twoFields},
	{"JSON without a type", "", nil, twoFields, twoFields},
	{"JSON without a type behind spaces", "", nil, "  " + twoFields, twoFields},
	{"JSON with an empty type", "", []string{"Content-Type:"}, twoFields, twoFields},
	{
		"JSON with nulls", "",
		[]string{"Content-Type: application/json"},
		`{"sessionId":null,"callSid":"` + callSID + `","destination":"` + destination + `","fromNumber":null}`, twoFields,
	},
	{
		"JSON with a number", "",
		[]string{"Content-Type: application/json"},
		`{"callSid":"` + callSID + `","destination":12025550123}`,
		`{"sessionId":"abc","callSid":"` + callSID + `","destination":"12025550123"}`,
	},
	{
		"JSON with a type hint", "",
		[]string{"Content-Type: application/json"},
		`{"__type":"Voice.Api.Sessions.AddConferenceMember, x","callSid":"` + callSID + `","destination":"` + destination + `"}`, twoFields,
	},
	{
		"JSON with other members", "",
		[]string{"Content-Type: application/json"},
		`{"note":"a \"quoted\" {note}","callSid":"` + callSID + `","tags":[1, 2.50, {"a": null}],"destination":"` + destination + `"}`,
		twoFields,
	},
	{
		"the published sample, which is JSON labelled CSV", "",
		[]string{"Content-Type: text/csv", "Accept: text/csv"},
		`{"sessionId":"abc","callSid":"` + callSID + `","destination":"` + destination + `","fromNumber":"+12025550199"}`, fourFields,
	},
	{
		"CSV", "",
		[]string{"Content-Type: text/csv"},
		"SessionId,CallSid,Destination,FromNumber\r\nabc," + callSID + "," + destination + ",+12025550199\r\n", fourFields,
	},
	{
		"CSV in another case and order, with LF, a mark and no last line end", "",
		[]string{"Content-Type: TEXT/CSV; header=present"},
		"\ufeffDESTINATION, callsid\n\"" + destination + "\"," + callSID, twoFields,
	},
	{"CSV as application/csv", "", []string{"Content-Type: application/csv"}, "callSid,destination\n" + callSID + "," + destination + "\n", twoFields},
	{"CSV with empty cells", "", []string{"Content-Type: text/csv"}, "callSid,destination,fromNumber\n" + callSID + "," + destination + ",\n", twoFields},
	{
		"a form", "",
		[]string{"Content-Type: application/x-www-form-urlencoded"},
		"callSid=" + callSID + "&Destination=%2B12025550123&fromNumber=%2b12025550199", fourFields,
	},
	{"a multipart form", "", []string{multipartType}, multipartBody("CallSID="+callSID, "destination="+destination), twoFields},
	{"the query", membersPath + "?callSid=" + callSID + "&destination=%2B12025550123&fromnumber=%2B12025550199", nil, "", fourFields},
	{"the query and a body", membersPath + "?destination=%2B12025550123", []string{"Content-Type: application/json"}, `{"callSid":"` + callSID + `"}`, twoFields},
	{"one value in several places", membersPath + "?sessionId=abc&Destination=%2B12025550123", []string{"Content-Type: application/json"}, twoFields, twoFields},
	{"a body in gzip", "", []string{"Content-Type: application/json", "Content-Encoding: gzip"}, gzipped(twoFields), twoFields},
	{"a body in gzip by its old name", "", []string{"Content-Type: application/json", "Content-Encoding: X-GZIP"}, gzipped(twoFields), twoFields},
	{"a body in zstd", "", []string{"Content-Type: text/csv", "Content-Encoding: zstd"}, zstandard("callSid,destination\n" + callSID + "," + destination + "\n"), twoFields},
	{"a body in chunks", "", []string{"Content-Type: application/json", "Transfer-Encoding: chunked"}, chunked(twoFields), twoFields},
	{
		"a form in chunks", "",
		[]string{"Content-Type: application/x-www-form-urlencoded", "Transfer-Encoding: chunked"},
		chunked("callSid=" + callSID + "&destination=%2B12025550123"), twoFields,
	},
	{
		"a body in chunks with a trailer", "",
		[]string{"Content-Type: application/json", "Transfer-Encoding: chunked", "Trailer: X-Checksum"},
		chunked(twoFields, "X-Checksum: 1", "Destination: +19005550123"), twoFields,
	},
	{"a body that is waited for", "", []string{"Content-Type: application/json", "Expect: 100-continue"}, twoFields, twoFields},
	{"the canonical form for a path in another spelling", "/SESSIONS//ab%63/./Conference/x/%2e%2e/members/", []string{"Content-Type: application/json"}, twoFields, twoFields},
}

// TestEveryWayInEndsInOneCanonicalBody holds that what was judged is what is forwarded
// and what the upstream binds, and that nothing else in the request would bind
// anything.
func TestEveryWayInEndsInOneCanonicalBody(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	for _, w := range waysIn {
		t.Run(w.rule, func(t *testing.T) {
			u.Forget()
			header := append([]string{"Digest: sha-256=AAAA", "Content-MD5: AAAA", "Content-Digest: sha-256=:AAAA:"}, w.header...)
			got := g.sendRaw(t, "plain", wire("POST "+or(w.target, membersPath), header, w.body))
			status(200)(t, got)
			b := bound(t, u)
			r, _ := u.Last()
			checkCanonical(t, &r, w.want)

			var fields map[string]any
			if err := json.Unmarshal([]byte(w.want), &fields); err != nil {
				t.Fatal(err)
			}
			want := make(map[string]string)
			for _, name := range []string{"sessionId", "callSid", "destination", "fromNumber"} {
				if v, ok := fields[name].(string); ok {
					want[name] = v
				}
			}
			if !maps.Equal(b, want) {
				t.Errorf("bound %v, want %v", b, want)
			}
		})
	}
}

// checkCanonical holds a forwarded request against the body that was wanted.
func checkCanonical(t *testing.T, r *upstreamtest.Received, want string) {
	t.Helper()
	if string(r.Body) != want {
		t.Errorf("forwarded %s\nwant      %s", r.Body, want)
	}
	if r.ContentLength != int64(len(want)) || len(r.TransferEncoding) > 0 || !slices.Equal(r.Header["Content-Length"], []string{strconv.Itoa(len(want))}) {
		t.Errorf("framed by Content-Length %d %q, Transfer-Encoding %q", r.ContentLength, r.Header["Content-Length"], r.TransferEncoding)
	}
	if typ := r.Header["Content-Type"]; !slices.Equal(typ, []string{"application/json"}) {
		t.Errorf("forwarded Content-Type %q", typ)
	}
	if r.Target != membersPath {
		t.Errorf("forwarded to %s, want %s", r.Target, membersPath)
	}
	for _, name := range []string{"Content-Encoding", "Digest", "Content-Md5", "Content-Digest", "Expect", "Trailer"} {
		if v, ok := r.Header[name]; ok {
			t.Errorf("forwarded %s: %q, of a body that is gone", name, v)
		}
	}
}

// TestHopByHopHeadersCanNotUndoWhatIsForwarded holds that a client can't have a proxy
// remove fields by naming them in Connection (RFC 9110 section 7.6.1). Without its
// Content-Type, the upstream ignores a body and responds with 200.
func TestHopByHopHeadersCanNotUndoWhatIsForwarded(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain", "correlation_id"))
	for _, connection := range []string{
		"close", "keep-alive", "Content-Type", "content-type, close", "Content-Length", "Accept", "X-Request-ID", "Transfer-Encoding",
		"Upgrade, Content-Type", "Content-Type\r\nConnection: Accept", "X-Http-Method-Override",
	} {
		t.Run(connection, func(t *testing.T) {
			u.Forget()
			got := g.sendRaw(t, "plain", post(membersPath, twoFields, "Accept: text/csv", "Connection: "+connection, "X-Request-ID: fit-id"))
			wants(status(200), field("Content-Type", "text/csv; charset=utf-8"), field("X-Transcode-Error", ""))(t, got)
			if b := bound(t, u); b["destination"] != destination || b["callSid"] != callSID {
				t.Errorf("bound %v", b)
			}
			r, _ := u.Last()
			checkCanonical(t, &r, twoFields)
			if r.Header.Get("Accept") != "application/json" || r.Header.Get("X-Request-Id") != "fit-id" {
				t.Errorf("forwarded Accept %q, X-Request-ID %q", r.Header["Accept"], r.Header["X-Request-Id"])
			}
		})
	}
}

// TestNothingElseBindsAField tries all other places from which the upstream, its
// library or a proxy might take a value.
func TestNothingElseBindsAField(t *testing.T) {
	const evil = "%2B19005550123"
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	for _, tt := range []struct {
		rule, request string
	}{
		{"another value in the query", post(membersPath+"?destination="+evil, twoFields)},
		{"another value in the query in another case", post(membersPath+"?dEsTiNaTiOn="+evil, twoFields)},
		{"another value in the query by an encoded name", post(membersPath+"?d%65stination="+evil, twoFields)},
		{"a repeated name in the query", post(membersPath+"?destination=%2B12025550123&destination="+evil, `{"callSid":"`+callSID+`"}`)},
		{"another id in the query", post(membersPath+"?sessionId=other", twoFields)},
		{"another id in the body", post(membersPath, strings.Replace(twoFields, "abc", "other", 1))},
		{"a name with a space in the query", post(membersPath+"?destination+="+evil, twoFields)},
		{"a name with a tab in the query", post(membersPath+"?%09destination="+evil, twoFields)},
		{"a name with a NUL in the query", post(membersPath+"?destination%00="+evil, twoFields)},
		{"a name with a soft hyphen in the query", post(membersPath+"?desti%C2%ADnation="+evil, twoFields)},
		{"a name with a long s in the query", post(membersPath+"?de%C5%BFtination="+evil, twoFields)},
		{"a name with a full-width letter in the query", post(membersPath+"?%EF%BD%84estination="+evil, twoFields)},
		{"a name in the encoding of old hosts", post(membersPath+"?%u0064estination="+evil, twoFields)},
		{"a name with a dotted I in JSON", post(membersPath, strings.Replace(twoFields, "}", `,"dest`+"\u0130"+`nation":"+19005550123"}`, 1))},
		{"a field in the query of an absolute target", post("http://127.0.0.1"+membersPath+"?destination="+evil, twoFields)},
		{"a field in a fragment", post(membersPath+"?x=1#&destination="+evil, twoFields)},
		{"a name twice in JSON", post(membersPath, strings.Replace(twoFields, "}", `,"destination":"+19005550123"}`, 1))},
		{"a name twice in JSON in another case", post(membersPath, strings.Replace(twoFields, "}", `,"Destination":"+19005550123"}`, 1))},
		{"a name twice in JSON by an escape", post(membersPath, strings.Replace(twoFields, "}", `,"d\u0065stination":"+19005550123"}`, 1))},
		{"a second object", post(membersPath, twoFields+`{"destination":"+19005550123"}`)},
		{"a field behind a NUL", post(membersPath, twoFields+"\x00"+`{"destination":"+19005550123"}`)},
		{"a field in a comment", post(membersPath, `{/*"destination":"+19005550123",*/"callSid":"`+callSID+`","destination":"`+destination+`"}`)},
		{"a file in a form", wire("POST "+membersPath, []string{multipartType},
			"--XX\r\nContent-Disposition: form-data; name=\"destination\"; filename=\"x\"\r\n\r\n+19005550123\r\n"+multipartBody("callSid="+callSID, "destination="+destination))},
		{"a part with two names", wire("POST "+membersPath, []string{multipartType},
			"--XX\r\nContent-Disposition: form-data; name=\"x\"; name=\"destination\"\r\n\r\n+19005550123\r\n"+multipartBody("callSid="+callSID, "destination="+destination))},
		{"a second row", wire("POST "+membersPath, []string{"Content-Type: text/csv"},
			"callSid,destination\n"+callSID+","+destination+"\n"+callSID+",+19005550123\n")},
		{"a second column of one name", wire("POST "+membersPath, []string{"Content-Type: text/csv"},
			"callSid,destination,Destination\n"+callSID+","+destination+",+19005550123\n")},
		{"two types", wire("POST "+membersPath, []string{"Content-Type: application/json", "Content-Type: application/x-www-form-urlencoded"}, twoFields)},
		{"a form that looks like JSON", wire("POST "+membersPath, []string{"Content-Type: application/x-www-form-urlencoded"}, twoFields)},
		{"UTF-7", wire("POST "+membersPath, []string{"Content-Type: application/json; charset=utf-7"}, twoFields)},
		{"UTF-16", wire("POST "+membersPath, []string{"Content-Type: application/json; charset=utf-16"}, "\xff\xfe{\x00}\x00")},
		{"two lengths", wire("POST "+membersPath, []string{"Content-Type: application/json", "Content-Length: 2", fmt.Sprintf("Content-Length: %d", len(twoFields))}, twoFields)},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			got := g.sendRaw(t, "plain", tt.request)
			for _, r := range u.Received() {
				target, err := url.QueryUnescape(r.Target)
				if err != nil || strings.Contains(target, "9005550123") || bytes.Contains(r.Body, []byte("9005550123")) {
					t.Errorf("forwarded %s with %s", r.Target, r.Body)
				}
			}
			if got.status < 400 {
				if b := bound(t, u); b["destination"] != destination || b["sessionId"] != "abc" {
					t.Errorf("accepted with %d: %v", got.status, b)
				}
			}
		})
	}
}

// TestWhatCanNotBeReadIsRefused holds that it is refused with the rule, the field and
// the position, before anything is forwarded.
func TestWhatCanNotBeReadIsRefused(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain")+site("reject", "unknown_fields reject")+site("off", "mode off")+`
{site capped} {
	request_body {
		max_size 10
	}
	conference_members
	reverse_proxy UPSTREAM
}
`)
	j, c := []string{"Content-Type: application/json"}, []string{"Content-Type: text/csv"}
	withEncoding := func(coding string) []string { return append([]string{"Content-Encoding: " + coding}, j...) }
	type place struct {
		field, pointer string
		line, column   int
	}
	for _, tt := range []struct {
		rule   string
		site   string
		target string
		header []string
		body   string
		status int
		broken []string
		at     place
	}{
		{rule: "truncated JSON", header: j, body: "{\"callSid\":\n\"CA", status: 400, broken: []string{"malformed_json"}, at: place{line: 2, column: 4}},
		{rule: "a trailing comma", header: j, body: `{"callSid":"x",}`, status: 400, broken: []string{"malformed_json"}, at: place{line: 1, column: 16}},
		{rule: "something behind the object", header: j, body: "{}\n\n x", status: 400, broken: []string{"malformed_json"}, at: place{line: 3, column: 2}},
		{rule: "invalid UTF-8", header: j, body: "{\"callSid\":\"\xff\"}", status: 400, broken: []string{"malformed_json"}, at: place{line: 1, column: 13}},
		{rule: "a lone surrogate", header: j, body: `{"callSid":"\ud800"}`, status: 400, broken: []string{"malformed_json"}, at: place{line: 1, column: 13}},
		{rule: "a duplicate", header: j, body: `{"callSid":"a","CALLSID":"b","destination":"x"}`, status: 400, broken: []string{"duplicate_name"}, at: place{field: "callSid", pointer: "#/callSid", line: 1, column: 16}},
		{rule: "a bool", header: j, body: `{"destination":true}`, status: 422, broken: []string{"wrong_type"}, at: place{field: "destination", pointer: "#/destination"}},
		{rule: "a list", header: j, body: `{"destination":["+12025550123"]}`, status: 422, broken: []string{"wrong_type"}, at: place{field: "destination", pointer: "#/destination"}},
		{rule: "a body that is a list", header: j, body: `[]`, status: 422, broken: []string{"wrong_type"}},
		{rule: "a body that is text", header: j, body: `"x"`, status: 422, broken: []string{"wrong_type"}},
		{rule: "white space", header: j, body: " \r\n", status: 400, broken: []string{"malformed_json"}},
		{rule: "33 levels", header: j, body: `{"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, status: 400, broken: []string{"body_too_deep"}},
		{rule: "a depth bomb", header: j, body: `{"x":` + strings.Repeat("[", 16000), status: 400, broken: []string{"body_too_deep"}},
		{rule: "more than 16 KiB", header: j, body: strings.Repeat(" ", 16<<10) + "{}", status: 413, broken: []string{"body_too_large"}},
		{rule: "more than 16 KiB in chunks", header: append([]string{"Transfer-Encoding: chunked"}, j...), body: chunked(strings.Repeat(" ", 17<<10)), status: 413, broken: []string{"body_too_large"}},
		{rule: "more than the server takes", site: "capped", header: append([]string{"Transfer-Encoding: chunked"}, j...), body: chunked(validBody), status: 413, broken: []string{"body_too_large"}},
		{rule: "a gzip bomb", header: withEncoding("gzip"), body: gzipped(strings.Repeat(" ", 10<<20) + "{}"), status: 413, broken: []string{"body_too_large"}},
		{rule: "a zstd bomb", header: withEncoding("zstd"), body: zstandard(strings.Repeat(" ", 100<<20)), status: 413, broken: []string{"body_too_large"}},
		{rule: "a bomb of many gzip members", header: withEncoding("gzip"), body: strings.Repeat(gzipped(strings.Repeat(" ", 1000)), 100), status: 413, broken: []string{"body_too_large"}},
		{rule: "broken gzip", header: withEncoding("gzip"), body: gzipped(validBody)[:30], status: 400, broken: []string{"malformed_encoding"}},
		{rule: "something behind the gzip", header: withEncoding("gzip"), body: gzipped(validBody) + "x", status: 400, broken: []string{"malformed_encoding"}},
		{rule: "gzip in gzip", header: withEncoding("gzip, gzip"), body: gzipped(gzipped(validBody)), status: 415, broken: []string{"content_encoding"}},
		{rule: "brotli", header: withEncoding("br"), body: "x", status: 415, broken: []string{"content_encoding"}},
		{rule: "XML", header: []string{"Content-Type: application/xml"}, body: "<x/>", status: 415, broken: []string{"content_type"}},
		{rule: "JSV", header: []string{"Content-Type: text/jsv"}, body: "{callSid:x}", status: 415, broken: []string{"content_type"}},
		{rule: "a type that is none", header: []string{"Content-Type: /"}, body: validBody, status: 415, broken: []string{"content_type"}},
		{rule: "text without a type", body: "callSid\nx\n", status: 415, broken: []string{"content_type"}},
		{rule: "another charset", header: []string{"Content-Type: text/csv; charset=utf-16"}, body: "callSid\nx\n", status: 415, broken: []string{"charset"}},
		{rule: "two types", header: append([]string{"Content-Type: text/csv"}, j...), body: validBody, status: 400, broken: []string{"multiple_content_types"}},
		{rule: "two types in one line", header: []string{"Content-Type: application/json, text/csv"}, body: validBody, status: 400, broken: []string{"multiple_content_types"}},
		{rule: "two rows", header: c, body: "callSid\na\nb\n", status: 422, broken: []string{"row_count"}},
		{rule: "a header alone", header: c, body: "callSid,destination\r\n", status: 422, broken: []string{"row_count"}},
		{rule: "a short row", header: c, body: "callSid,destination\r\nx\r\n", status: 400, broken: []string{"row_length"}, at: place{line: 2}},
		{rule: "a long row", header: c, body: "callSid\r\nx,y\r\n", status: 400, broken: []string{"row_length"}, at: place{line: 2}},
		{rule: "an unclosed quote", header: c, body: "callSid\n\"x\n", status: 400, broken: []string{"malformed_csv"}},
		{rule: "a repeated name in a form", header: []string{"Content-Type: application/x-www-form-urlencoded"}, body: "callSid=a&CallSid=b&destination=%2B12025550123", status: 422, broken: []string{"repeated_name"}, at: place{field: "callSid", pointer: "#/callSid"}},
		{rule: "a multipart form without a boundary", header: []string{"Content-Type: multipart/form-data"}, body: multipartBody("a=b"), status: 400, broken: []string{"malformed_form"}},
		{rule: "a multipart form that is cut short", header: []string{multipartType}, body: "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb", status: 400, broken: []string{"malformed_form"}},
		{rule: "a conflict of query and body", target: membersPath + "?callSid=CA00000000000000000000000000000000", header: j, body: validBody, status: 422, broken: []string{"conflict"}, at: place{field: "callSid", pointer: "#/callSid"}},
		{rule: "a conflict of path and body", header: j, body: `{"sessionId":"other","destination":"+12025550123"}`, status: 422, broken: []string{"conflict"}, at: place{field: "sessionId", pointer: "#/sessionId"}},
		{rule: "a malformed query", target: membersPath + "?%zz=1", header: j, body: validBody, status: 400, broken: []string{"malformed_query"}},
		{rule: "an unknown field", site: "reject", header: j, body: `{"callSid":"` + callSID + `","destination":"+12025550123","x":1}`, status: 422, broken: []string{"unknown_field"}, at: place{line: 1, column: 78}},
		{rule: "rules of reading hold with mode off", site: "off", header: j, body: `{"callSid":"a","callSid":"b"}`, status: 400, broken: []string{"duplicate_name"}, at: place{field: "callSid", pointer: "#/callSid", line: 1, column: 16}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			got := g.sendRaw(t, or(tt.site, "plain"), wire("POST "+or(tt.target, membersPath), tt.header, tt.body))
			f, ok := refusalOf(got)
			if !ok {
				t.Fatalf("status %d (error %v), want a refusal\n%.500s", got.status, got.err, got.body)
			}
			if got.status != tt.status || len(f.Errors) == 0 || !slices.Equal(f.rules()[:len(tt.broken)], tt.broken) {
				t.Errorf("status %d, rules %v, want %d, %v first\n%s", got.status, f.rules(), tt.status, tt.broken, got.body)
			}
			e := f.Errors[0]
			if at := (place{e.Field, e.Pointer, e.Line, e.Column}); tt.at != (place{}) && at != tt.at {
				t.Errorf("placed at %+v, want %+v", at, tt.at)
			}
			if got.status == 415 && tt.broken[0] == "content_type" && !strings.Contains(got.header.Get("Accept-Post"), "text/csv") {
				t.Errorf("Accept-Post: %q", got.header.Get("Accept-Post"))
			}
			nothingDialled(t, u)
		})
	}
}

// TestAcceptPostListsWhatIsRead holds that a refused Content-Type is told the types that its
// path reads, all of them and no others.
func TestAcceptPostListsWhatIsRead(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain", "idempotency", "bulk"))
	for _, path := range []string{membersPath, membersPath + "/check", membersPath + "/bulk"} {
		send := func(contentType string) (status int, acceptPost []string) {
			got := g.sendRaw(t, "plain", wire("POST "+path, []string{contentType, "Idempotency-Key: 1"}, "x"))
			return got.status, strings.Split(got.header.Get("Accept-Post"), ", ")
		}
		status, listed := send("Content-Type: image/png")
		if status != http.StatusUnsupportedMediaType {
			t.Errorf("%s: image/png has status %d", path, status)
		}
		for known := range strings.SplitSeq(request.AcceptPostEither(), ", ") {
			contentType := "Content-Type: " + known
			if known == "multipart/form-data" {
				contentType = multipartType
			}
			if status, _ := send(contentType); (status == http.StatusUnsupportedMediaType) == slices.Contains(listed, known) {
				t.Errorf("%s: %s has status %d, and Accept-Post lists %q", path, known, status, listed)
			}
		}
	}
}

// TestABodyThatEndsEarlyIsNotForwarded holds that half of a request is refused.
func TestABodyThatEndsEarlyIsNotForwarded(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	for _, tt := range []struct {
		rule   string
		header []string
		body   string
	}{
		{"by its chunks", []string{"Transfer-Encoding: chunked"}, fmt.Sprintf("%x\r\n%s\r\nzz\r\n", len(validBody), validBody)},
		{"by a chunk's length", []string{"Transfer-Encoding: chunked"}, "ffffffffffffffff0\r\n" + validBody},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			got := g.sendRaw(t, "plain", wire("POST "+membersPath, append(tt.header, "Content-Type: application/json"), tt.body))
			if got.err == nil && got.status != 400 {
				t.Errorf("status %d", got.status)
			}
			nothingDialled(t, u)
		})
	}
}

// TestARefusalIsNotMuchLargerThanItsRequest holds that a refusal does not list
// thousands of violations, with which a small request would make the gateway send a
// lot.
func TestARefusalIsNotMuchLargerThanItsRequest(t *testing.T) {
	const most = 128 << 10
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain")+site("reject", "unknown_fields reject"))
	var many, form, csv []string
	for i := range 1500 {
		many = append(many, fmt.Sprintf(`"a%d":1`, i))
		form = append(form, fmt.Sprintf("a%d=", i))
		csv = append(csv, fmt.Sprintf("a%d", i))
	}
	for _, tt := range []struct{ rule, site, typ, body string }{
		{"duplicate names", "plain", "application/json", "{" + strings.Repeat(`"a":1,`, 2500) + `"a":1}`},
		{"duplicate fields", "plain", "application/json", "{" + strings.Repeat(`"callSid":1,`, 1300) + `"a":1}`},
		{"unknown members", "reject", "application/json", "{" + strings.Join(many, ",") + "}"},
		{"unknown names of a form", "reject", "application/x-www-form-urlencoded", strings.Join(form, "&")},
		{"repeated names of a form", "plain", "application/x-www-form-urlencoded", strings.Repeat("a&", 8000)},
		{"unknown columns", "reject", "text/csv", strings.Join(csv, ",") + "\n" + strings.Repeat(",", 1499) + "\n"},
		{"names of a query", "plain", "application/json", "{}"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			target := membersPath
			if tt.rule == "names of a query" {
				target += "?" + strings.Repeat("%zz&", 3000)
			}
			got := g.sendRaw(t, tt.site, wire("POST "+target, []string{"Content-Type: " + tt.typ}, tt.body))
			if !isRefusal(got) {
				t.Fatalf("status %d (error %v), want a refusal", got.status, got.err)
			}
			if len(got.body) > most {
				t.Errorf("%d bytes in response to %d, want %d at most", len(got.body), len(tt.body), most)
			}
		})
	}
}

// TestABombIsNotUnpackedWhole holds that 16 KiB of request that unpack to gigabytes
// take little memory.
func TestABombIsNotUnpackedWhole(t *testing.T) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(make([]byte, 12<<20)); err != nil {
		t.Fatal(err)
	}
	_ = z.Close()
	window, err := zstd.NewWriter(nil, zstd.WithWindowSize(512<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer window.Close()
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	for coding, body := range map[string]string{"gzip": b.String(), "zstd": string(window.EncodeAll(make([]byte, 64<<20), nil))} {
		t.Run(coding, func(t *testing.T) {
			u.Forget()
			if len(body) > 16<<10 {
				t.Fatalf("the bomb itself is larger than the limit: %d", len(body))
			}
			runs := testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					got := g.sendRaw(t, "plain", post(membersPath, body, "Content-Encoding: "+coding))
					if got.status != 413 && got.status != 400 {
						b.Fatalf("status %d", got.status)
					}
				}
			})
			if n := runs.AllocedBytesPerOp(); n > 2<<20 {
				t.Errorf("%d bytes are allocated for %d", n, len(body))
			}
			nothingDialled(t, u)
		})
	}
}
