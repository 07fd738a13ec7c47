package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/evovoice-gateway/caddy-conference-members"
)

// gateway is a running Caddy. Its sites listen on loopback, each on a port of
// its own.
type gateway struct {
	t     *testing.T
	dir   string
	ports map[string]int
}

// startGateway starts a Caddy on a Caddyfile, see expand. What the process logs
// is read by log.
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

// newGateway is a gateway that does not run yet.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	return &gateway{t: t, dir: t.TempDir(), ports: make(map[string]int)}
}

// load adapts and loads a Caddyfile, which replaces the one before it.
func (g *gateway) load(caddyfile string) {
	g.t.Helper()
	if err := g.tryLoad(caddyfile); err != nil {
		g.t.Fatal(err)
	}
}

// tryLoad is load for configurations that may be mistaken.
func (g *gateway) tryLoad(caddyfile string) error {
	g.t.Helper()
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(g.expand(caddyfile)), nil)
	if err != nil {
		return fmt.Errorf("adapting: %w", err)
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			g.t.Errorf("adapting: %s", w)
		}
	}
	if err := caddy.Load(adapted, true); err != nil {
		return fmt.Errorf("loading: %w", err)
	}
	return nil
}

// usual are global options of a Caddyfile that has none of its own.
const usual = `{
	grace_period 10s
	servers {
		protocols h1 h2c
	}
}
`

// address finds {KIND NAME} in a Caddyfile.
var address = regexp.MustCompile(`\{(site|secure|listener) (\S+)\}`)

// expand adds the global options that all gateways have, and replaces {dir},
// {site NAME} by the address of a site of that name, {secure NAME} by the same
// with TLS, and {listener NAME} by its host and port alone.
func (g *gateway) expand(caddyfile string) string {
	g.t.Helper()
	options, found := strings.CutPrefix(caddyfile, "{\n")
	if !found {
		options = strings.TrimPrefix(usual, "{\n") + caddyfile
	}
	config := `{
	admin off
	persist_config off
	default_bind 127.0.0.1
	log {
		output file {dir}/process.log
		level DEBUG
	}
` + options
	config = address.ReplaceAllStringFunc(config, func(found string) string {
		m := address.FindStringSubmatch(found)
		return map[string]string{"site": "http://", "secure": "https://"}[m[1]] + g.listener(m[2])
	})
	return strings.ReplaceAll(config, "{dir}", g.dir)
}

// url returns the address of a site.
func (g *gateway) url(site string) string {
	g.t.Helper()
	return "http://" + g.listener(site)
}

// listener returns host and port of a site, for which it finds a free port.
func (g *gateway) listener(site string) string {
	g.t.Helper()
	for g.ports[site] == 0 {
		port := freePort(g.t)
		if !slices.Contains(slices.Collect(maps.Values(g.ports)), port) { // two sites may be found the same
			g.ports[site] = port
		}
	}
	return "127.0.0.1:" + strconv.Itoa(g.ports[site])
}

// log returns the entries of the process log, or of the access log of a site
// that logs to {dir}/NAME.log.
func (g *gateway) log(name string) []map[string]any {
	g.t.Helper()
	raw, err := os.ReadFile(filepath.Join(g.dir, name+".log"))
	if err != nil {
		g.t.Fatal(err)
	}
	var entries []map[string]any
	for line := range bytes.Lines(raw) {
		var e map[string]any
		if json.Unmarshal(line, &e) == nil {
			entries = append(entries, e)
		}
	}
	return entries
}

// freePort returns a port on loopback that was free a moment ago, for UDP too,
// over which HTTP/3 comes.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if c, err := net.ListenPacket("udp", l.Addr().String()); err == nil {
			_ = c.Close()
			return l.Addr().(*net.TCPAddr).Port
		}
	}
	t.Fatal("no port is free for both TCP and UDP")
	return 0
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

// reply is an answer as the tests compare it.
type reply struct {
	status  int
	header  http.Header
	trailer http.Header
	body    string
	err     error // of reading the body

	informational []int // the 1xx statuses before
}

// send makes a request of "NAME: VALUE" header lines and returns its answer.
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
