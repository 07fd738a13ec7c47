// Package gatewaytest starts a Caddy for tests: in this process with
// [Gateway.Load], or in a separate one with [Gateway.Start]. All that it listens
// on is loopback.
package gatewaytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/evovoice-gateway/caddy-conference-members"
)

// Gateway is a Caddy. Each of its sites listens on its own port.
type Gateway struct {
	// Dir is the directory for what the gateway writes.
	Dir string
	// LogOutput is where the process log goes, as Caddy's log directive takes it,
	// such as "discard". If it is empty, the log goes to a file that Log reads.
	LogOutput string

	mu        sync.Mutex
	addresses map[string]string // of the sites
}

// New returns a gateway that does not run yet.
func New(dir string) *Gateway {
	return &Gateway{Dir: dir, addresses: make(map[string]string)}
}

// Address returns the host and the port of a site. It panics if this machine has no
// port left.
func (g *Gateway) Address(site string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.addresses[site] == "" {
		address := freeAddress()
		taken := false // the same port may be found twice
		for _, other := range g.addresses {
			taken = taken || other == address
		}
		if !taken {
			g.addresses[site] = address
		}
	}
	return g.addresses[site]
}

// URL returns the address of a site without TLS.
func (g *Gateway) URL(site string) string {
	return "http://" + g.Address(site)
}

// freeAddress returns an address on loopback that was free a moment ago, for UDP too,
// over which HTTP/3 comes.
func freeAddress() string {
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
		if err != nil {
			panic(err)
		}
		defer l.Close()
		if c, err := net.ListenPacket("udp", l.Addr().String()); err == nil { //nolint:noctx // closed at once
			_ = c.Close()
			return l.Addr().String()
		}
	}
	panic("no port is free for both TCP and UDP")
}

// usual are global options of a Caddyfile that has none.
const usual = `	grace_period 10s
	servers {
		protocols h1 h2c
	}
}
`

// named finds {KIND NAME} in a Caddyfile.
var named = regexp.MustCompile(`\{(site|secure|listener) (\S+)\}`)

// Expand adds the global options that all gateways have to a Caddyfile. It
// replaces {dir}, and {site NAME} by the address of a site of that name,
// {secure NAME} by the same with TLS, and {listener NAME} by its host and port
// alone.
func (g *Gateway) Expand(caddyfile string) string {
	options, found := strings.CutPrefix(caddyfile, "{\n")
	if !found {
		options = usual + caddyfile
	}
	output := g.LogOutput
	if output == "" {
		output = "file {dir}/process.log"
	}
	config := `{
	admin off
	persist_config off
	default_bind 127.0.0.1
	log {
		output ` + output + `
		level DEBUG
	}
` + options
	config = named.ReplaceAllStringFunc(config, func(found string) string {
		m := named.FindStringSubmatch(found)
		return map[string]string{"site": "http://", "secure": "https://"}[m[1]] + g.Address(m[2])
	})
	return strings.ReplaceAll(config, "{dir}", g.Dir)
}

// Load runs a Caddyfile, see Expand, in this process. It replaces the one that
// runs: a process can run only one. A warning of the adapter is an error, unless
// it is about the formatting.
func (g *Gateway) Load(caddyfile string) error {
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(g.Expand(caddyfile)), nil)
	if err != nil {
		return fmt.Errorf("adapting: %w", err)
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			return fmt.Errorf("adapting: %s", w)
		}
	}
	if err := caddy.Load(adapted, true); err != nil {
		return fmt.Errorf("loading: %w", err)
	}
	return nil
}

// Log returns the entries of a log in {dir}/NAME.log: "process", or the access
// log of a site that logs there.
func (g *Gateway) Log(name string) ([]map[string]any, error) {
	raw, err := os.ReadFile(filepath.Join(g.Dir, name+".log")) //nolint:gosec // in the folder of the test
	if err != nil {
		return nil, err
	}
	var entries []map[string]any
	for line := range bytes.Lines(raw) {
		var e map[string]any
		if json.Unmarshal(line, &e) == nil {
			entries = append(entries, e)
		}
	}
	return entries, nil
}
