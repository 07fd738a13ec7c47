package integration

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/evovoice-gateway/caddy-conference-members"
	"github.com/evovoice-gateway/caddy-conference-members/internal/gatewaytest"
)

// gateway is a Caddy of a test, which fails when something goes wrong with it.
type gateway struct {
	*gatewaytest.Gateway
	t *testing.T
}

// newGateway returns a gateway that does not run yet.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	return &gateway{gatewaytest.New(t.TempDir()), t}
}

// startGateway starts a Caddy on a Caddyfile, see [gatewaytest.Gateway.Expand].
// What the process logs is read by log.
func startGateway(t *testing.T, caddyfile string) *gateway {
	t.Helper()
	g := newGateway(t)
	g.start(caddyfile)
	return g
}

// start is load for the time of the test.
func (g *gateway) start(caddyfile string) {
	g.t.Helper()
	g.load(caddyfile)
	g.t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			g.t.Errorf("stopping Caddy: %v", err)
		}
	})
}

// load loads a Caddyfile in place of the one before it.
func (g *gateway) load(caddyfile string) {
	g.t.Helper()
	if err := g.Load(caddyfile); err != nil {
		g.t.Fatal(err)
	}
}

// log returns the entries of the process log, or of the access log of a site
// that logs to {dir}/NAME.log.
func (g *gateway) log(name string) []map[string]any {
	g.t.Helper()
	entries, err := g.Log(name)
	if err != nil {
		g.t.Fatal(err)
	}
	return entries
}

// protocol is a version of HTTP and a client that speaks just that.
type protocol struct {
	name   string
	client *http.Client
}

// protocols are the HTTP versions over which the tests talk to the gateway.
var protocols = []protocol{
	{"HTTP/1.1", newClient(func(p *http.Protocols) { p.SetHTTP1(true) })},
	{"HTTP/2", newClient(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) })},
}

// newClient returns a client that asks for no coding, follows no redirect and
// gives up long before the test would.
func newClient(set func(*http.Protocols)) *http.Client {
	protocols := new(http.Protocols)
	set(protocols)
	return &http.Client{
		Transport:     &http.Transport{Protocols: protocols, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}
}

// reply is a response as the tests compare it.
type reply struct {
	status  int
	header  http.Header
	trailer http.Header
	body    string
	err     error // of reading the body

	informational []int // the 1xx statuses before
}

// send makes a request of "NAME: VALUE" header lines and returns its response.
func send(t *testing.T, client *http.Client, method, url, body string, header ...string) reply {
	t.Helper()
	var informational []int
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			informational = append(informational, code)
			return nil
		},
	})
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		return reply{err: err, informational: informational}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, res.Trailer, string(b), err, informational}
}
