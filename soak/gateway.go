package main

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"text/template"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/evovoice-gateway/caddy-conference-members"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// tailoredMaxResponse is the max_response of the site tailored, in bytes.
const tailoredMaxResponse = 64 << 10

// views are how answers are made CSV: by the sites without a csv block, and by
// the site tailored without a view and with each.
var views = map[string]transform.Options{
	"plain": {},
	"":      {Dialect: "rfc4180"},
	"people": {
		Dialect: "excel", Rows: transform.RowsMembers, Columns: []transform.Column{{Name: "fromName"}},
	},
	"short": {
		Dialect: "rfc4180", Header: "off", Delimiter: "semicolon",
		Columns: []transform.Column{{Name: "id"}, {Name: "displayName"}, {Name: "log"}},
		Lists:   map[string]string{"log": "count"},
	},
}

// caddyfile is the configuration of the gateway. A variation is one that makes
// no difference to what a client gets.
//
// What Caddy keeps of a configuration after a reload is to be gone soon, for else
// it looks like a leak: idle connections to the upstream, by default for two
// minutes, and all of the configuration for as long as a write may stall, by
// default a minute, for golang.org/x/net/http2 can start the timer of a stream
// that has ended.
var caddyfile = template.Must(template.New("Caddyfile").Parse(`{
	admin off
	persist_config off
	grace_period 10s
	default_bind 127.0.0.1
	order soak_witness first
	servers {
		protocols h1 h2c
		timeouts {
			read_body_idle 5s
			write_idle 5s
		}
	}
	log {
		output discard
	}
}
(upstream) {
	reverse_proxy {{.Upstream}} {
		{{.Variation.Proxy}}
		transport http {
			dial_timeout 10s
			keepalive 2s
			{{.Variation.Transport}}
		}
	}
}
{{.Sites.metrics}} {
	metrics /metrics
}
{{.Sites.plain}} {
	{{.Variation.Site}}
	soak_witness
	conference_members {
		{{.Variation.Directive}}
	}
	import upstream
}
{{.Sites.tailored}} {
	soak_witness
	conference_members {
		{{.Variation.Directive}}
		numbers {
			region US
			deny_countries IT
		}
		csv {
			dialect rfc4180
			max_response 64KiB
			view people {
				dialect excel
				rows members
				columns fromName
			}
			view short {
				header off
				delimiter semicolon
				columns id displayName log
				list log count
			}
		}
	}
	import upstream
}
{{.Sites.report}} {
	{{.Variation.Site}}
	soak_witness
	conference_members {
		{{.Variation.Directive}}
		mode report
	}
	import upstream
}
{{.Sites.passing}} {
	soak_witness
	conference_members {
		predefined_routes pass
	}
	import upstream
}
{{.Sites.hasty}} {
	soak_witness
	conference_members
	reverse_proxy {{.Upstream}} {
		transport http {
			keepalive 2s
			response_header_timeout 200ms
		}
	}
}
{{.Sites.down}} {
	soak_witness
	conference_members
	reverse_proxy 127.0.0.1:1 {
		transport http {
			dial_timeout 10s
		}
	}
}
{{.Sites.routes}} {
	soak_witness
	conference_members {
		{{.Variation.Directive}}
		errors_via handle_errors
	}
	import upstream
	handle_errors {
		respond refused {err.status_code}
	}
}
`))

// variation is a configuration that differs from the others in what no client
// can tell.
type variation struct{ Site, Directive, Proxy, Transport string }

// variations are what reloads go round. The first is loaded at every rest.
var variations = []variation{
	{},
	{Site: "encode gzip zstd", Directive: "max_body 24KiB", Transport: "compression off"},
	{Directive: "correlation_id X-Soak-Correlation", Proxy: "flush_interval -1"},
	{Directive: "hash_key 0123456789abcdef\n\t\tunknown_fields strip", Proxy: "header_up X-Soak-Variation 3"},
	{Site: "header X-Soak-Variation 4", Directive: "predefined_routes refuse", Proxy: "lb_policy first", Transport: "keepalive_idle_conns 64"},
}

// sites are the names of the sites.
var sites = []string{"metrics", "plain", "tailored", "report", "passing", "hasty", "down", "routes"}

// gateway is a running Caddy.
type gateway struct {
	upstream string
	urls     map[string]string // of the sites

	mu       sync.Mutex
	reloads  int
	started  time.Time // of the latest reload
	finished time.Time // zero while it is under way
}

// startGateway starts a Caddy in front of an upstream.
func startGateway(upstream string) (*gateway, error) {
	registerWitness()
	g := &gateway{upstream: upstream, urls: make(map[string]string)}
	if err := g.findPorts(); err != nil {
		return nil, err
	}
	return g, g.load(0)
}

// findPorts finds a free port on loopback for each site. All are held until there
// are enough, so that no two are the same.
func (g *gateway) findPorts() error {
	for _, name := range sites {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
		if err != nil {
			return fmt.Errorf("finding a free port: %w", err)
		}
		defer l.Close()
		g.urls[name] = "http://" + l.Addr().String()
	}
	return nil
}

// load loads a variation of the configuration in place of the one before.
func (g *gateway) load(i int) error {
	var config bytes.Buffer
	err := caddyfile.Execute(&config, map[string]any{
		"Upstream": g.upstream, "Sites": g.urls, "Variation": variations[i%len(variations)],
	})
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(config.Bytes(), nil)
	if err != nil {
		return fmt.Errorf("adapting the configuration: %w", err)
	}
	g.note(func() { g.started, g.finished = time.Now(), time.Time{} })
	defer g.note(func() { g.finished = time.Now() })
	if err := caddy.Load(adapted, true); err != nil {
		return fmt.Errorf("loading the configuration: %w", err)
	}
	return nil
}

// reload loads the next variation.
func (g *gateway) reload() error {
	n := 0
	g.note(func() { g.reloads++; n = g.reloads })
	return g.load(n)
}

// note does f under the lock.
func (g *gateway) note(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// closing is how long after a reload the listeners of the configuration before
// it may be open still: they are closed in the background.
const closing = time.Second

// mayHaveClosed reports whether a reload may have closed a connection under a
// request. A connection to the configuration before is closed when it is idle,
// and while nobody has accepted it; a client that sends at that moment can't
// know. One that was made after the latest reload is not closed by any.
func (g *gateway) mayHaveClosed(dialled time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.finished.IsZero() || dialled.Before(g.finished.Add(closing))
}
