package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/gatewaytest"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// The values of validBody, and a body in which both fields break a rule.
const (
	callSID     = "CA0123456789abcdef0123456789abcdef"
	destination = "+12025550123"
	invalidBody = `{"callSid":"nonsense","destination":"no<body>"}`
)

// patience is how long a test waits for a condition that comes at once.
const patience = 20 * time.Second

// What many tests start and wait for.
var (
	startUpstream = upstreamtest.StartFor
	eventually    = gatewaytest.Await // a condition that nothing announces
)

// startFront starts a Caddy in front of an upstream, for whose address UPSTREAM
// is in the Caddyfile.
func startFront(t *testing.T, u *upstreamtest.Server, caddyfile string) *gateway {
	t.Helper()
	return startGateway(t, strings.ReplaceAll(caddyfile, "UPSTREAM", u.Addr))
}

// site returns a site of one directive before a reverse_proxy. The options are the
// lines of its block.
func site(name string, options ...string) string {
	block := ""
	if len(options) > 0 {
		block = " {\n\t\t" + strings.Join(options, "\n\t\t") + "\n\t}"
	}
	return "{site " + name + "} {\n\tconference_members" + block + "\n\treverse_proxy UPSTREAM\n}\n"
}

// await waits for a condition on the counts of an upstream.
func await(t *testing.T, u *upstreamtest.Server, what string, wanted func(upstreamtest.Stats) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := u.Await(ctx, wanted); err != nil {
		t.Fatalf("waiting for %s: %v, counts %+v", what, err, u.Stats())
	}
}

// wire returns an HTTP/1.1 request as it goes over the connection, with a
// Content-Length unless the header has a Transfer-Encoding.
func wire(line string, header []string, body string) string {
	b := line + " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	framed := body == ""
	for _, h := range header {
		b += h + "\r\n"
		framed = framed || strings.HasPrefix(h, "Transfer-Encoding:") || strings.HasPrefix(h, "Content-Length:")
	}
	if !framed {
		b += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return b + "\r\n" + body
}

// post returns wire for a POST of JSON to the route.
func post(target, body string, header ...string) string {
	return wire("POST "+target, append([]string{"Content-Type: application/json"}, header...), body)
}

// chunked returns a body in one chunk, with trailer lines.
func chunked(body string, trailer ...string) string {
	b := "0\r\n"
	if body != "" {
		b = fmt.Sprintf("%x\r\n%s\r\n0\r\n", len(body), body)
	}
	for _, line := range trailer {
		b += line + "\r\n"
	}
	return b + "\r\n"
}

// sendRaw sends bytes to a site and reads one final response.
func (g *gateway) sendRaw(t *testing.T, site, request string) reply {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(g.URL(site), "http://"), patience)
	if err != nil {
		return reply{err: err}
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return reply{err: err}
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return reply{err: err}
	}
	return readReply(bufio.NewReader(conn), request)
}

// readReply reads the final response to a request.
func readReply(r *bufio.Reader, request string) reply {
	method, _, _ := strings.Cut(request, " ")
	for {
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return reply{err: err}
		}
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		b, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		return reply{res.StatusCode, res.Header, res.Trailer, string(b), err, nil}
	}
}

// refusal is what a response of the gateway's own says.
type refusal struct {
	Type, Title, Detail, Instance string
	Status                        int
	Errors                        []struct {
		Pointer, Field, Rule, Detail, Fix string
		Line, Column                      int
	}
	ResponseStatus struct {
		ErrorCode, Message string
		Errors             []struct{ ErrorCode, FieldName, Message string }
	}
}

// rules returns the rules that were broken, in order.
func (f *refusal) rules() []string {
	var all []string
	for _, e := range f.Errors {
		all = append(all, e.Rule)
	}
	return all
}

// refusalOf reads a refusal in JSON. ok is false for any other response.
func refusalOf(r reply) (f refusal, ok bool) {
	typ := r.header.Get("Content-Type")
	predefined := typ == "application/json; charset=utf-8" && r.header.Get("Cache-Control") == "no-store"
	if typ != "application/problem+json" && !predefined || json.Unmarshal([]byte(r.body), &f) != nil {
		return f, false
	}
	return f, len(f.Errors) > 0
}

// isRefusal reports whether a response is a refusal, in any format.
func isRefusal(r reply) bool {
	if _, ok := refusalOf(r); ok {
		return true
	}
	return r.status >= 400 && r.status < 500 && r.header.Get("Cache-Control") == "no-store" &&
		(strings.HasPrefix(r.body, "ResponseStatus\r\n") || r.body == "")
}

// refuses returns a check that the response refuses, with a status and for just these
// rules.
func refuses(want int, rules ...string) func(*testing.T, reply) {
	return func(t *testing.T, got reply) {
		t.Helper()
		f, ok := refusalOf(got)
		if !ok || got.status != want || f.Status != want || !slices.Equal(f.rules(), rules) {
			t.Errorf("status %d, rules %v, want %d, %v (error %v)\n%.1000s", got.status, f.rules(), want, rules, got.err, got.body)
		}
	}
}

// bound returns what the upstream bound of the one request that it got.
func bound(t *testing.T, u *upstreamtest.Server) map[string]string {
	t.Helper()
	got := u.Received()
	if len(got) != 1 || got[0].Bound == nil {
		t.Fatalf("the upstream got %d requests, want one that dials: %+v", len(got), got)
	}
	m := make(map[string]string)
	for _, name := range []string{"sessionId", "callSid", "destination", "fromNumber"} {
		if v, ok := got[0].Bound.Get(name); ok {
			m[name] = v
		}
	}
	return m
}

// nothingDialled fails the test if anything reached the upstream.
func nothingDialled(t *testing.T, u *upstreamtest.Server) {
	t.Helper()
	if got := u.Received(); len(got) != 0 {
		t.Errorf("forwarded %s %s with body %q, want nothing", got[0].Method, got[0].Target, got[0].Body)
	}
}
