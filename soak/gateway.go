package main

import (
	"crypto/x509"
	"fmt"
	"strings"
	"sync"
	"text/template"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/evovoice-gateway/caddy-conference-members"
	"github.com/evovoice-gateway/caddy-conference-members/internal/gatewaytest"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// tailoredMaxResponse is the max_response of the site tailored, in bytes.
const tailoredMaxResponse = 64 << 10

// keyTTL is how long a key is kept. It is short, so that the keys of a run take no more
// and more memory.
const keyTTL = 20 * time.Second

// views are the options of CSV: "plain" of the sites without a csv block, and the others
// of the site tailored, without a view and with each.
var views = map[string]transform.Options{
	"plain": {},
	"":      {Dialect: "rfc4180"},
	"people": {
		Dialect: "excel", Rows: transform.RowsMembers,
		Columns: []transform.Column{{Name: transform.AllColumns}, {Name: "session.fromName"}},
	},
	"short": {
		Dialect: "rfc4180", Header: "off", Delimiter: "semicolon",
		Columns: []transform.Column{{Name: "id"}, {Name: "displayName"}, {Name: "log"}},
		Lists:   map[string]string{"log": "count"},
	},
}

// caddyfile is the configuration of the gateway.
//
// Timeouts are short, because what Caddy keeps of a replaced configuration looks like a
// leak: by default, idle connections to the upstream for two minutes, and the whole
// configuration for a minute, as long as a write may stall, because
// golang.org/x/net/http2 can start the timer of a stream that has ended.
var caddyfile = template.Must(template.New("Caddyfile").Parse(`{
	grace_period 10s
	order soak_witness first
	servers {
		protocols h1 h2 h2c h3
		timeouts {
			read_body_idle 5s
			write_idle 5s
		}
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
{site metrics} {
	metrics /metrics
}
(plain) {
	{{.Variation.Site}}
	soak_witness
	conference_members {
		{{.Variation.Directive}}
	}
	import upstream
}
(tailored) {
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
				columns * session.fromName
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
{site plain} {
	import plain
}
{site tailored} {
	import tailored
}
{secure plain-tls} {
	tls {dir}/cert.pem {dir}/key.pem
	import plain
}
{secure tailored-tls} {
	tls {dir}/cert.pem {dir}/key.pem
	import tailored
}
{site keyed} {
	{{.Variation.Site}}
	soak_witness
	conference_members {
		hash_key 00112233445566778899aabbccddeeff
		idempotency {
			ttl {{.TTL}}
		}
		bulk {
			pace 0
		}
	}
	import upstream
}
{site report} {
	{{.Variation.Site}}
	soak_witness
	conference_members {
		{{.Variation.Directive}}
		mode report
	}
	import upstream
}
{site passing} {
	soak_witness
	conference_members {
		predefined_routes pass
	}
	import upstream
}
{site hasty} {
	soak_witness
	conference_members
	reverse_proxy {{.Upstream}} {
		transport http {
			keepalive 2s
			response_header_timeout 200ms
		}
	}
}
{site down} {
	soak_witness
	conference_members
	reverse_proxy 127.0.0.1:1 {
		transport http {
			dial_timeout 10s
		}
	}
}
{site routes} {
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

// variation is what configurations differ in. No client can tell one from another.
type variation struct{ Site, Directive, Proxy, Transport string }

// variations are loaded in turn. The first is loaded at every rest.
var variations = []variation{
	{},
	{Site: "encode gzip zstd", Directive: "max_body 24KiB", Transport: "compression off"},
	{Directive: "correlation_id X-Soak-Correlation", Proxy: "flush_interval -1"},
	{Directive: "hash_key 0123456789abcdef\n\t\tunknown_fields pass", Proxy: "header_up X-Soak-Variation 3"},
	{Site: "header X-Soak-Variation 4", Directive: "predefined_routes refuse", Proxy: "lb_policy first", Transport: "keepalive_idle_conns 64"},
}

// gateway is a running Caddy.
type gateway struct {
	*gatewaytest.Gateway
	upstream string
	trusted  *x509.CertPool // for its certificate

	mu       sync.Mutex
	reloads  int
	finished time.Time // when the latest reload ended; zero while one is under way
}

// startGateway starts a Caddy in front of an upstream. Its certificate is in dir.
func startGateway(dir, upstream string) (*gateway, error) {
	registerWitness()
	g := &gateway{Gateway: gatewaytest.New(dir), upstream: upstream}
	g.LogOutput = "discard"
	var err error
	if g.trusted, err = g.Certify(); err != nil {
		return nil, err
	}
	return g, g.load(0)
}

// url returns the address of a site over a protocol.
func (g *gateway) url(site string, p protocol) string {
	if p == http3 {
		return "https://" + g.Address(site+"-tls")
	}
	return g.URL(site)
}

// load loads a variation of the configuration in place of the one before.
func (g *gateway) load(i int) error {
	var config strings.Builder
	err := caddyfile.Execute(&config, map[string]any{"Upstream": g.upstream, "Variation": variations[i%len(variations)], "TTL": keyTTL})
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	g.note(func() { g.finished = time.Time{} })
	defer g.note(func() { g.finished = time.Now() })
	return g.Load(config.String())
}

// reload loads the next variation.
func (g *gateway) reload() error {
	n := 0
	g.note(func() { g.reloads++; n = g.reloads })
	return g.load(n)
}

// note calls f under the lock.
func (g *gateway) note(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// closing is how long after a reload the listeners of the replaced configuration may
// still be open: they are closed in the background.
const closing = time.Second

// mayHaveClosed reports whether a reload may have closed a connection under a request. A
// connection to the replaced configuration is closed when it is idle or not yet accepted,
// and a client may send at that moment. No reload closes a connection that was made after
// it.
func (g *gateway) mayHaveClosed(dialled time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.finished.IsZero() || dialled.Before(g.finished.Add(closing))
}
