package integration

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// TestWhatBecameOfTheCall holds X-Call for what is behind the handler: proxies
// over every version of HTTP, those that read the call before they connect or try
// again, and other handlers. What is not certain is unknown.
func TestWhatBecameOfTheCall(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true, H2C: true})
	plain := startUpstream(t, upstreamtest.Options{AnyID: true})
	mute := startMute(t)
	g := newGateway(t)
	quic := startQUIC(t)
	const buffers = "request_buffers 4KiB\n"
	cases := []struct{ rule, behind, fault, want string }{
		{rule: "a call", behind: "reverse_proxy UPSTREAM", want: "200 dialled"},
		{rule: "a call over HTTP/2", behind: "reverse_proxy h2c://UPSTREAM", want: "200 dialled"},
		{rule: "a redirect", behind: "reverse_proxy UPSTREAM", fault: `{"status":307}`, want: "307 dialled"},
		{rule: "a 4xx", behind: "reverse_proxy UPSTREAM", fault: `{"status":404}`, want: "404 not-dialled"},
		{rule: "a 408", behind: "reverse_proxy UPSTREAM", fault: `{"status":408}`, want: "408 unknown"},
		{rule: "a 500", behind: "reverse_proxy UPSTREAM", fault: `{"status":500}`, want: "500 unknown"},

		{rule: "nobody listens", behind: "reverse_proxy DOWN", want: "502 not-dialled"},
		{rule: "nobody listens, over HTTP/2", behind: "reverse_proxy h2c://DOWN", want: "502 not-dialled"},
		{rule: "nobody listens, and the call is buffered", behind: "reverse_proxy DOWN {\n" + buffers + "}", want: "502 not-dialled"},
		{rule: "no upstream is available", behind: "reverse_proxy UPSTREAM {\n" + buffers + "health_uri /health\nhealth_upstream DOWN\nhealth_interval 1h\n}", want: "503 not-dialled"},
		{rule: "a TLS handshake fails", behind: "reverse_proxy https://PLAIN", want: "502 not-dialled"},
		{rule: "a TLS handshake fails, and the call is buffered", behind: "reverse_proxy https://PLAIN {\n" + buffers + "}", want: "502 unknown"},
		{rule: "a QUIC handshake fails", behind: "reverse_proxy https://QUIC {\ntransport http {\nversions 3\n}\n}", want: "502 not-dialled"},

		{rule: "it closes after it has read", behind: "reverse_proxy UPSTREAM", fault: "close", want: "502 unknown"},
		{rule: "it resets after it has read, over HTTP/2", behind: "reverse_proxy h2c://UPSTREAM", fault: "close", want: "502 unknown"},
		{rule: "it breaks off, over HTTP/3", behind: "reverse_proxy https://QUIC {\ntransport http {\nversions 3\ntls_insecure_skip_verify\n}\n}", want: "502 unknown"},
		{rule: "it takes too long", behind: "reverse_proxy UPSTREAM {\ntransport http {\nresponse_header_timeout 50ms\n}\n}", fault: `{"gate":"never"}`, want: "504 unknown"},
		{rule: "it takes too long, over HTTP/2", behind: "reverse_proxy h2c://MUTE {\ntransport http {\nversions h2c\nresponse_header_timeout 50ms\n}\n}", want: "504 unknown"},
		{
			rule:   "nobody listens the second time, and the first has read",
			behind: "reverse_proxy DOWN UPSTREAM {\n" + buffers + "lb_policy round_robin\nlb_retries 1\nlb_retry_match {\nmethod POST\n}\n}",
			fault:  "close", want: "502 unknown",
		},

		{rule: "a handler sends 403", behind: "respond 403", want: "403 not-dialled"},
		{rule: "a handler sends 503", behind: "respond 503", want: "503 not-dialled"},
		{rule: "a handler fails with 429", behind: "error 429", want: "429 not-dialled"},
		{rule: "a handler fails with 500", behind: "error 500", want: "500 not-dialled"},
		{rule: "nothing is behind", behind: "", want: "200 not-dialled"},
		{rule: "a success is made an error", behind: "reverse_proxy UPSTREAM {\n@ok status 2xx\nhandle_response @ok {\nrespond 404\n}\n}", want: "404 unknown"},
		{rule: "a success fails", behind: "reverse_proxy UPSTREAM {\n@ok status 2xx\nhandle_response @ok {\nerror 404\n}\n}", want: "404 unknown"},
	}
	var config string
	for i, c := range cases {
		config += fmt.Sprintf("{site s%d} {\n\troute {\n\t\tconference_members\n\t\t%s\n\t}\n}\n", i, c.behind)
	}
	g.start("{\n\tgrace_period 10s\n}\n" + strings.NewReplacer("UPSTREAM", u.Addr, "PLAIN", plain.Addr, "DOWN", g.Address("nobody"), "QUIC", quic, "MUTE", mute).Replace(config))
	for i, c := range cases {
		for _, accept := range []string{"application/json", "text/csv"} {
			t.Run(c.rule+", as "+accept, func(t *testing.T) {
				header := []string{"Content-Type: application/json", "Accept: " + accept}
				if c.fault != "" {
					header = append(header, fault(c.fault))
				}
				got := send(t, protocols[0].client, http.MethodPost, g.URL(fmt.Sprint("s", i))+membersPath, validBody, header...)
				if is := fmt.Sprint(got.status, " ", got.header.Get("X-Call")); is != c.want {
					t.Errorf("%s, want %s\n%.300s", is, c.want, got.body)
				}
			})
		}
	}
}

// TestABrokenCodingIsNoWholeResponse holds that a response that Go's transport can't
// unpack breaks off, so that no client takes a part for the whole, and that the outcome
// of the call is unknown. The transport asks for gzip itself if the client names no
// coding.
func TestABrokenCodingIsNoWholeResponse(t *testing.T) {
	whole := gzipped(`{"id":"S1","note":"` + strings.Repeat("y", 20000) + `"}`)
	bodies := []string{`{"id":"S1"}`, whole[:len(whole)/2], whole[:len(whole)-8] + "checksum", whole[:len(whole)-8]}
	u := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		n, _ := strconv.Atoi(r.Header.Get("X-Body"))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, bodies[n])
	}))
	defer u.Close()
	g := startGateway(t, "{site coding} {\n conference_members\n reverse_proxy "+u.Listener.Addr().String()+"\n}\n{site metrics} {\n metrics /metrics\n}\n")
	before := g.metrics(t).sum("calls_total", "call=unknown")
	for _, p := range protocols {
		for n := range bodies {
			got := send(t, p.client, http.MethodPost, g.URL("coding")+membersPath, validBody, "Content-Type: application/json", "X-Body: "+strconv.Itoa(n))
			if got.err == nil {
				t.Errorf("%s, body %d: %d %.100s", p.name, n, got.status, got.body)
			}
		}
	}
	want := float64(len(protocols) * len(bodies))
	eventually(t, "every call to be unknown", func() bool {
		return g.metrics(t).sum("calls_total", "call=unknown")-before == want
	})
}

// startQUIC starts an HTTP/3 server that reads every request and breaks off. Nobody
// trusts its certificate. It returns the address.
func startQUIC(t *testing.T) string {
	t.Helper()
	pair := httptest.NewTLSServer(nil) // it comes with a certificate
	defer pair.Close()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0") //nolint:noctx // closed with the test
	if err != nil {
		t.Fatal(err)
	}
	s := &http3.Server{
		TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: pair.TLS.Certificates, MinVersion: tls.VersionTLS13}),
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}),
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(conn) // ends with Close
	}()
	t.Cleanup(func() {
		_ = s.Close()
		_ = conn.Close()
		<-served
	})
	return conn.LocalAddr().String()
}

// startMute listens on a port and never responds. It returns the address.
func startMute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}
