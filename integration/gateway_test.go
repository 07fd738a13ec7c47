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

// startGateway starts a Caddy on a Caddyfile in which {site NAME} stands for
// the address of a site of that name. What the process logs is read by log.
func startGateway(t *testing.T, caddyfile string) *gateway {
	t.Helper()
	g := &gateway{t: t, dir: t.TempDir(), ports: make(map[string]int)}
	g.load(caddyfile)
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	return g
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
	config := `{
	admin off
	persist_config off
	grace_period 10s
	default_bind 127.0.0.1
	servers {
		protocols h1 h2c
	}
	log {
		output file ` + filepath.Join(g.dir, "process.log") + `
		level DEBUG
	}
}
` + g.expand(caddyfile)
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config), nil)
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

// expand replaces {site NAME} and {dir}.
func (g *gateway) expand(caddyfile string) string {
	g.t.Helper()
	var b strings.Builder
	rest := caddyfile
	for {
		before, after, ok := strings.Cut(rest, "{site ")
		b.WriteString(before)
		if !ok {
			break
		}
		name, after, ok := strings.Cut(after, "}")
		if !ok {
			g.t.Fatalf("unclosed {site in %q", caddyfile)
		}
		b.WriteString(g.url(name))
		rest = after
	}
	return strings.ReplaceAll(b.String(), "{dir}", g.dir)
}

// url returns the address of a site, for which it finds a free port.
func (g *gateway) url(site string) string {
	g.t.Helper()
	for g.ports[site] == 0 {
		port := freePort(g.t)
		if !slices.Contains(slices.Collect(maps.Values(g.ports)), port) { // two sites may be found the same
			g.ports[site] = port
		}
	}
	return "http://127.0.0.1:" + strconv.Itoa(g.ports[site])
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

// freePort returns a port on loopback that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// protocols are the HTTP versions over which the tests talk to the gateway.
var protocols = []struct {
	name   string
	client *http.Client
}{
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
		return reply{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, res.Trailer, string(b), err, informational}
}
