package integration

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// The session of most scenarios, and its CSV as the upstream makes it.
var (
	sessionJSON = mustRead("testdata/session.json")
	sessionCSV  = mustRead("testdata/session.csv")
)

// mustRead reads a file of this package's testdata.
func mustRead(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

const (
	membersPath = "/sessions/abc/conference/members"
	validBody   = `{"callSid":"CA0123456789abcdef0123456789abcdef","destination":"+12025550123"}`
)

// scenario is one rule that a response to a client of CSV obeys.
type scenario struct {
	rule string
	// upstream responds to the forwarded request.
	upstream http.HandlerFunc
	// site is the gateway's site that is asked; default: plain.
	site string
	// accept is the request's Accept; default: text/csv.
	accept string
	// method is the request's method; default: POST.
	method string
	// header are further request header lines.
	header []string
	// check looks at what the client got.
	check func(*testing.T, reply)
}

// respondJSON responds with a header of "NAME: VALUE" lines and a JSON body.
func respondJSON(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			w.Header().Add(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// raw responds on the bare connection, to send what net/http would not.
func raw(response string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, response)
	}
}

// wants makes a check of parts: each looks at one thing.
func wants(parts ...func(*testing.T, reply)) func(*testing.T, reply) {
	return func(t *testing.T, got reply) {
		t.Helper()
		for _, part := range parts {
			part(t, got)
		}
	}
}

func status(want int) func(*testing.T, reply) {
	return func(t *testing.T, got reply) {
		t.Helper()
		if got.status != want {
			t.Errorf("status = %d (error %v), want %d", got.status, got.err, want)
		}
	}
}

// field checks a header field; an empty value means that it is absent.
func field(name, want string) func(*testing.T, reply) {
	return func(t *testing.T, got reply) {
		t.Helper()
		if value := strings.Join(got.header.Values(name), " | "); value != want {
			t.Errorf("%s: %q, want %q", name, value, want)
		}
	}
}

func body(want string) func(*testing.T, reply) {
	return func(t *testing.T, got reply) {
		t.Helper()
		if got.err != nil {
			t.Errorf("reading the body: %v", got.err)
		}
		if got.body != want {
			t.Errorf("body = %.300q, want %.300q", got.body, want)
		}
	}
}

// informed checks that an informational response came before the final one.
func informed(want int) func(*testing.T, reply) {
	return func(t *testing.T, got reply) {
		t.Helper()
		if !slices.Contains(got.informational, want) {
			t.Errorf("informational responses = %v, want %d", got.informational, want)
		}
	}
}

func trailerField(name, want string) func(*testing.T, reply) {
	return func(t *testing.T, got reply) {
		t.Helper()
		if value := got.trailer.Get(name); value != want {
			t.Errorf("trailer %s: %q, want %q", name, value, want)
		}
	}
}

// isCSV is what every transcoded session has in common.
var isCSV = wants(status(http.StatusOK),
	field("Content-Type", "text/csv; charset=utf-8"),
	field("Content-Disposition", `attachment;filename="AddConferenceMember.csv"`),
	field("X-Transcode-Error", ""),
	body(sessionCSV))

// lengthOfCSV is the Content-Length of the session's CSV.
var lengthOfCSV = field("Content-Length", fmt.Sprint(len(sessionCSV)))

// fallsBack returns what every response that could not be made CSV has in common.
func fallsBack(reason, want string) func(*testing.T, reply) {
	return wants(field("X-Transcode-Error", reason), field("Vary", "Accept"), field("Content-Disposition", ""), body(want))
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

func zstandard(s string) string {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	defer z.Close()
	return string(z.EncodeAll([]byte(s), nil))
}

// large is a session beyond the small site's max_response of 64 KiB.
var large = `{"id":"abc","consoleData":"` + strings.Repeat("x", 100<<10) + `"}`

var scenarios = []scenario{
	{
		rule:     "a session is made CSV",
		upstream: respondJSON(200, sessionJSON),
		check:    wants(isCSV, lengthOfCSV, field("Vary", "Accept")),
	},
	{
		rule:     "a client of JSON gets the upstream's bytes",
		accept:   "application/json",
		upstream: respondJSON(200, sessionJSON, "Etag: \"v1\"", "Last-Modified: Wed, 18 Aug 2021 09:45:12 GMT"),
		check: wants(status(200), body(sessionJSON), field("Content-Type", "application/json; charset=utf-8"),
			field("Etag", `"v1"`), field("Last-Modified", "Wed, 18 Aug 2021 09:45:12 GMT"), field("Vary", "Accept"),
			field("Content-Disposition", ""), field("X-Transcode-Error", "")),
	},
	{
		rule:     "a status of success is kept",
		upstream: respondJSON(201, sessionJSON),
		check:    wants(status(201), body(sessionCSV)),
	},
	{
		rule:     "HEAD is refused without a body",
		method:   http.MethodHead,
		upstream: respondJSON(200, sessionJSON),
		check:    wants(status(405), field("Allow", "POST"), field("Vary", "Accept"), body("")),
	},
	{
		rule: "204 is untouched",
		upstream: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Etag", `"v1"`)
			w.WriteHeader(204)
		},
		check: wants(status(204), field("Etag", `"v1"`), field("Content-Type", ""), field("Content-Length", ""),
			field("Vary", "Accept"), field("X-Transcode-Error", ""), body("")),
	},
	{
		rule:     "304 is untouched",
		upstream: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", `"v1"`); w.WriteHeader(304) },
		check:    wants(status(304), field("Etag", `"v1"`), field("Vary", "Accept"), field("X-Transcode-Error", ""), body("")),
	},
	{
		rule:     "206 is untouched",
		upstream: respondJSON(206, sessionJSON[:10], "Content-Range: bytes 0-9/100", "Accept-Ranges: bytes"),
		check: wants(status(206), field("Content-Range", "bytes 0-9/100"), field("Accept-Ranges", "bytes"),
			field("Content-Type", "application/json; charset=utf-8"), field("X-Transcode-Error", ""), body(sessionJSON[:10])),
	},
	{
		rule:     "a redirect is untouched",
		upstream: respondJSON(303, `{"see":"other"}`, "Location: /elsewhere"),
		check:    wants(status(303), field("Location", "/elsewhere"), field("X-Transcode-Error", ""), body(`{"see":"other"}`)),
	},
	{
		rule: "informational responses pass before the CSV",
		upstream: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Link")
			respondJSON(200, sessionJSON)(w, r)
		},
		check: wants(isCSV, field("Link", ""), informed(http.StatusEarlyHints)),
	},
	{
		rule: "trailers are kept, but for digests of the JSON",
		upstream: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-Took, Repr-Digest")
			respondJSON(200, sessionJSON)(w, r)
			w.Header().Set("X-Took", "12ms")
			w.Header().Set("Repr-Digest", "sha-256=:AAAA:")
		},
		check: wants(isCSV, trailerField("X-Took", "12ms"), trailerField("Repr-Digest", ""), field("X-Took", "")),
	},
	{
		rule: "unannounced trailers are kept",
		upstream: func(w http.ResponseWriter, r *http.Request) {
			respondJSON(200, sessionJSON)(w, r)
			_ = http.NewResponseController(w).Flush()
			w.Header().Set(http.TrailerPrefix+"X-Took", "12ms")
		},
		check: wants(isCSV),
	},
	{
		rule: "trailers of a response that can't be made CSV are all kept",
		upstream: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "Repr-Digest")
			respondJSON(200, `{"id":`)(w, r)
			w.Header().Set("Repr-Digest", "sha-256=:AAAA:")
		},
		check: wants(status(200), fallsBack("malformed", `{"id":`), trailerField("Repr-Digest", "sha-256=:AAAA:")),
	},
	{
		rule: "an event stream is untouched",
		upstream: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {}\n\n")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "data: end\n\n")
		},
		check: wants(status(200), field("Content-Type", "text/event-stream"), field("X-Transcode-Error", ""),
			body("data: {}\n\ndata: end\n\n")),
	},
	{
		rule:     "no-transform leaves the response untouched",
		upstream: respondJSON(200, sessionJSON, "Cache-Control: private", "Cache-Control: max-age=0, No-Transform"),
		check: wants(status(200), field("Content-Type", "application/json; charset=utf-8"), field("Vary", "Accept"),
			field("X-Transcode-Error", ""), body(sessionJSON)),
	},
	{
		rule:     "no body is no CSV",
		upstream: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/json") },
		check: wants(status(200), field("Content-Type", "application/json"), field("X-Transcode-Error", ""),
			field("Content-Disposition", ""), field("Vary", "Accept"), body("")),
	},
	{
		rule: "no body of undeclared length is no CSV",
		upstream: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = http.NewResponseController(w).Flush()
		},
		check: wants(status(200), field("X-Transcode-Error", ""), field("Content-Disposition", ""), body("")),
	},
	{
		rule:     "a gzip response is decoded",
		upstream: respondJSON(200, gzipped(sessionJSON), "Content-Encoding: gzip"),
		check:    wants(isCSV, lengthOfCSV, field("Content-Encoding", "")),
	},
	{
		rule:     "a zstd response is decoded",
		upstream: respondJSON(200, zstandard(sessionJSON), "Content-Encoding: zstd"),
		check:    wants(isCSV, lengthOfCSV, field("Content-Encoding", "")),
	},
	{
		rule:     "a response of unknown coding is delivered as it came",
		upstream: respondJSON(200, "\x0b\x02\x80", "Content-Encoding: br"),
		check:    wants(status(200), field("Content-Encoding", "br"), fallsBack("encoded", "\x0b\x02\x80")),
	},
	{
		rule:     "a response coded twice is delivered as it came",
		upstream: respondJSON(200, "xyz", "Content-Encoding: gzip, zstd"),
		check:    wants(status(200), field("Content-Encoding", "gzip, zstd"), fallsBack("encoded", "xyz")),
	},
	{
		rule:     "broken gzip is delivered as it came",
		upstream: respondJSON(200, gzipped(sessionJSON)[:100], "Content-Encoding: gzip"),
		check:    wants(status(200), field("Content-Encoding", "gzip"), fallsBack("encoded", gzipped(sessionJSON)[:100])),
	},
	{
		rule:     "a length that is stale is set right",
		upstream: respondJSON(200, sessionJSON, fmt.Sprintf("Content-Length: %d", len(sessionJSON))),
		check:    wants(isCSV, lengthOfCSV),
	},
	{
		rule: "a response of undeclared length is made CSV",
		upstream: func(w http.ResponseWriter, r *http.Request) {
			respondJSON(200, sessionJSON[:7])(w, r)
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, sessionJSON[7:])
		},
		check: wants(isCSV, lengthOfCSV),
	},
	{
		rule:     "an entity tag is marked",
		upstream: respondJSON(200, sessionJSON, `Etag: "v1"`),
		check:    wants(isCSV, field("Etag", `"v1-csv"`)),
	},
	{
		rule:     "a weak entity tag is marked",
		upstream: respondJSON(200, sessionJSON, `Etag: W/"v1"`),
		check:    wants(isCSV, field("Etag", `W/"v1-csv"`)),
	},
	{
		rule:     "a malformed entity tag is dropped",
		upstream: respondJSON(200, sessionJSON, `Etag: v1`),
		check:    wants(isCSV, field("Etag", "")),
	},
	{
		rule: "what described the JSON's bytes is dropped",
		upstream: respondJSON(200, sessionJSON, "Accept-Ranges: bytes", "Last-Modified: Wed, 18 Aug 2021 09:45:12 GMT",
			"Content-Md5: Q2hlY2sgSW50ZWdyaXR5IQ==", "Digest: sha-256=AAAA", "Content-Digest: sha-256=:AAAA:",
			"Repr-Digest: sha-256=:AAAA:", "X-Kept: yes"),
		check: wants(isCSV, field("Accept-Ranges", ""), field("Last-Modified", ""), field("Content-Md5", ""),
			field("Digest", ""), field("Content-Digest", ""), field("Repr-Digest", ""), field("X-Kept", "yes")),
	},
	{
		rule:     "Vary is merged",
		upstream: respondJSON(200, sessionJSON, "Vary: Origin, accept"),
		check:    wants(isCSV, field("Vary", "Origin, accept")),
	},
	{
		rule:     "Accept is added to another Vary",
		upstream: respondJSON(200, sessionJSON, "Vary: Origin"),
		check:    wants(isCSV, field("Vary", "Origin | Accept")),
	},
	{
		rule:     "a Vary of * says it all",
		upstream: respondJSON(200, sessionJSON, "Vary: *"),
		check:    wants(isCSV, field("Vary", "*")),
	},
	{
		rule:     "Content-Disposition is the CSV's",
		upstream: respondJSON(200, sessionJSON, `Content-Disposition: inline; filename="a.json"`),
		check:    isCSV,
	},
	{
		rule:     "an error is made CSV",
		upstream: respondJSON(404, `{"responseStatus":{"errorCode":"NotFound","message":"No session nosuch","errors":[]}}`),
		check: wants(status(404), field("Content-Type", "text/csv; charset=utf-8"), field("Content-Disposition", ""),
			field("Vary", "Accept"), field("X-Transcode-Error", ""),
			body("ResponseStatus\r\n\"{errorCode:NotFound,message:No session nosuch,errors:[]}\"\r\n")),
	},
	{
		rule:     "an error stays JSON where errors are json",
		site:     "jsonerrors",
		upstream: respondJSON(404, `{"responseStatus":{"errorCode":"NotFound"}}`),
		check: wants(status(404), field("Content-Type", "application/json; charset=utf-8"),
			field("X-Transcode-Error", ""), body(`{"responseStatus":{"errorCode":"NotFound"}}`)),
	},
	{
		rule:     "JSON that is no error of the API is delivered as it came",
		upstream: respondJSON(500, `{"error":"boom"}`),
		check:    wants(status(500), fallsBack("unexpected_shape", `{"error":"boom"}`)),
	},
	{
		rule: "HTML is delivered as it came",
		upstream: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html></html>")
		},
		check: wants(status(200), field("Content-Type", "text/html"), fallsBack("not_json", "<html></html>")),
	},
	{
		rule:     "HTML that says it is JSON is delivered as it came",
		upstream: respondJSON(200, "<html></html>"),
		check:    wants(status(200), field("Content-Type", "application/json; charset=utf-8"), fallsBack("malformed", "<html></html>")),
	},
	{
		rule:     "a scalar is delivered as it came",
		upstream: respondJSON(200, `"plain string"`),
		check:    wants(status(200), fallsBack("unexpected_shape", `"plain string"`)),
	},
	{
		rule:     "JSON in UTF-16 is delivered as it came",
		upstream: respondJSON(200, "{\x00}\x00", "X-Dummy: 1"),
		check:    wants(status(200), field("X-Transcode-Error", "malformed")),
	},
	{
		rule:     "JSON nested too deeply is delivered as it came",
		upstream: respondJSON(200, strings.Repeat("[", 100_000)),
		check:    wants(status(200), fallsBack("too_deep", strings.Repeat("[", 100_000))),
	},
	{
		rule:     "a name that appears twice is delivered as it came",
		upstream: respondJSON(200, `{"id":"a","id":"b"}`),
		check:    wants(status(200), fallsBack("duplicate_name", `{"id":"a","id":"b"}`)),
	},
	{
		rule:     "invalid UTF-8 is delivered as it came",
		upstream: respondJSON(200, "{\"id\":\"\xff\"}"),
		check:    wants(status(200), fallsBack("invalid_utf8", "{\"id\":\"\xff\"}")),
	},
	{
		rule:     "a response declared larger than max_response is streamed on",
		site:     "small",
		upstream: respondJSON(200, large, fmt.Sprintf("Content-Length: %d", len(large))),
		check:    wants(status(200), field("Content-Length", fmt.Sprint(len(large))), fallsBack("too_large", large)),
	},
	{
		rule:     "a response that grows larger than max_response is streamed on",
		site:     "small",
		upstream: respondJSON(200, large),
		check:    wants(status(200), fallsBack("too_large", large)),
	},
	{
		rule:     "a response that unpacks to more than max_response is delivered packed",
		site:     "small",
		upstream: respondJSON(200, gzipped(large), "Content-Encoding: gzip"),
		check:    wants(status(200), field("Content-Encoding", "gzip"), fallsBack("too_large", gzipped(large))),
	},
	{
		rule:     "a response shorter than declared breaks off where the upstream's did",
		upstream: raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"id\":"),
		check:    brokenOff,
	},
	{
		rule:     "a chunked response that breaks off breaks off",
		upstream: raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{\"id\":\r\n"),
		check:    brokenOff,
	},
	{
		rule:     "an encode outside packs the CSV",
		site:     "encodeoutside",
		header:   []string{"Accept-Encoding: gzip"},
		upstream: respondJSON(200, sessionJSON, `Etag: "v1"`),
		check: func(t *testing.T, got reply) {
			t.Helper()
			wants(status(200), field("Content-Encoding", "gzip"), field("Etag", `"v1-csv-gzip"`),
				field("Content-Type", "text/csv; charset=utf-8"), field("Content-Length", fmt.Sprint(len(got.body))))(t, got)
			z, err := gzip.NewReader(strings.NewReader(got.body))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(z)
			if err != nil || string(plain) != sessionCSV {
				t.Errorf("unpacked body = %.200q (error %v), want the session's CSV", plain, err)
			}
		},
	},
	{
		rule:     "an encode inside leaves the JSON for the CSV",
		site:     "encodeinside",
		header:   []string{"Accept-Encoding: gzip"},
		upstream: respondJSON(200, sessionJSON),
		check:    wants(isCSV, lengthOfCSV, field("Content-Encoding", "")),
	},
	{
		rule:     "handle_response can respond itself",
		site:     "handleresponse",
		upstream: respondJSON(200, sessionJSON, "X-Replace: yes"),
		check:    wants(status(202), fallsBack("not_json", "replaced")),
	},
	{
		rule:     "copy_response is made CSV",
		site:     "handleresponse",
		upstream: respondJSON(200, sessionJSON, "X-Copy: yes"),
		check:    isCSV,
	},
	{
		rule:     "a response without a status and a body is an empty 200",
		site:     "silent",
		upstream: respondJSON(200, sessionJSON),
		check:    wants(status(200), field("Vary", "Accept"), field("X-Transcode-Error", ""), body("")),
	},
	{
		rule:     "handle_errors sees an upstream that is unreachable",
		site:     "unreachable",
		upstream: respondJSON(200, sessionJSON),
		check:    wants(status(502), field("Vary", "Accept"), body("handled 502")),
	},
}

// brokenOff is what a client sees of a response that the upstream did not
// complete: the status, the reason, what there was, and then an error.
func brokenOff(t *testing.T, got reply) {
	t.Helper()
	wants(status(200), field("X-Transcode-Error", "truncated"), field("Content-Type", "application/json"))(t, got)
	if got.body != `{"id":` {
		t.Errorf("body = %q, want what the upstream sent", got.body)
	}
	if got.err == nil {
		t.Error("the client was told that the response is complete")
	}
}

// sites is the gateway of the scenarios, with and without an access log. It
// forwards every request to UPSTREAM.
const sites = `
{site plain} {
	LOG
	conference_members
	reverse_proxy UPSTREAM {
		transport http {
			compression off
		}
	}
}
{site small} {
	LOG
	conference_members {
		csv {
			max_response 64KiB
		}
	}
	reverse_proxy UPSTREAM {
		transport http {
			compression off
		}
	}
}
{site jsonerrors} {
	LOG
	conference_members {
		csv {
			errors json
		}
	}
	reverse_proxy UPSTREAM
}
{site encodeoutside} {
	LOG
	encode {
		gzip
		minimum_length 1
		match header Content-Type text/csv*
	}
	conference_members
	reverse_proxy UPSTREAM
}
{site encodeinside} {
	LOG
	route {
		conference_members
		encode {
			gzip
			minimum_length 1
			match header Content-Type application/json*
		}
		reverse_proxy UPSTREAM
	}
}
{site handleresponse} {
	LOG
	conference_members
	reverse_proxy UPSTREAM {
		@replace header X-Replace *
		handle_response @replace {
			header -Content-Type
			header Content-Type text/plain
			respond replaced 202
		}
		@copy header X-Copy *
		handle_response @copy {
			copy_response
		}
	}
}
{site silent} {
	LOG
	conference_members
	respond 200
}
{site unreachable} {
	LOG
	conference_members
	reverse_proxy 127.0.0.1:1
	handle_errors {
		respond "handled {err.status_code}" {err.status_code}
	}
}
`

// TestConformance holds every scenario over each protocol, with and without an
// access log, which wraps the response writer.
func TestConformance(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, sc := range scenarios {
			if sc.rule == r.Header.Get("X-Scenario") {
				sc.upstream(w, r)
				return
			}
		}
		http.Error(w, "no such scenario", http.StatusTeapot)
	}))
	defer upstream.Close()

	for _, logging := range []struct{ name, directive string }{
		{"with access log", "log {\n\t\toutput file {dir}/access.log\n\t}"},
		{"without access log", ""},
	} {
		t.Run(logging.name, func(t *testing.T) {
			g := startGateway(t, strings.NewReplacer(
				"LOG", logging.directive,
				"UPSTREAM", upstream.Listener.Addr().String(),
			).Replace(sites))
			for _, p := range protocols {
				t.Run(p.name, func(t *testing.T) {
					for _, sc := range scenarios {
						t.Run(sc.rule, func(t *testing.T) {
							header := append([]string{
								"X-Scenario: " + sc.rule,
								"Accept: " + or(sc.accept, "text/csv"),
								"Content-Type: application/json",
							}, sc.header...)
							method := or(sc.method, http.MethodPost)
							sc.check(t, send(t, p.client, method, g.URL(or(sc.site, "plain"))+membersPath, validBody, header...))
						})
					}
				})
			}
		})
	}
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// TestUpgradeIsUntouched is not in the table, because HTTP/2 has no upgrade, and
// because the connection then belongs to another protocol.
func TestUpgradeIsUntouched(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, err := rw.ReadString('\n')
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(rw, "echo ", line)
		_ = rw.Flush()
	}))
	defer upstream.Close()
	g := startGateway(t, "{site plain} {\n\tconference_members\n\treverse_proxy "+upstream.Listener.Addr().String()+"\n}\n")

	address := strings.TrimPrefix(g.URL("plain"), "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nAccept: text/csv\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", membersPath, address, len(validBody), validBody)
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("X-Transcode-Error") != "" {
		t.Fatalf("status = %d, X-Transcode-Error = %q", res.StatusCode, res.Header.Get("X-Transcode-Error"))
	}
	fmt.Fprint(conn, "hello\n")
	if line, err := r.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("after the upgrade: %q (error %v), want what the upstream wrote", line, err)
	}
}
