package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/idempotency/memory"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

// guardedSites are sites with a duplicate guard.
const guardedSites = metricsSite + `
{site refusing} {
	conference_members {
		numbers {
			region US
		}
		duplicates {
			window 1h
		}
	}
	reverse_proxy UPSTREAM
}
{site replaying} {
	conference_members {
		idempotency
		duplicates {
			window 1h
			on_duplicate replay
			include_keyed
		}
	}
	reverse_proxy UPSTREAM
}
{site reporting} {
	conference_members {
		duplicates {
			window 1h
		}
		rule duplicate_call report
	}
	reverse_proxy UPSTREAM
}
`

func TestTheSameCallAMomentLaterIsADuplicate(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, guardedSites)
	call := func(site, number string, header ...string) reply {
		return g.sendRaw(t, site, post(membersPath, `{"destination":"`+number+`"}`, header...))
	}
	for _, tt := range []struct {
		what, site, number string
		header             []string
		want               string // status and rule
		sent               uint64
	}{
		{"a call", "refusing", "+12125550101", nil, "200 ", 1},
		{"the same call", "refusing", "+12125550101", nil, "409 duplicate_call", 0},
		{"in another spelling", "refusing", "(212) 555-0101", nil, "409 duplicate_call", 0},
		{"of somebody else", "refusing", "+12125550101", []string{"Authorization: Bearer other"}, "200 ", 1},
		{"to another number", "refusing", "+12125550102", nil, "200 ", 1},
		{"a call that is not placed", "refusing", "+12125550103", []string{fault(`{"status":404}`)}, "404 ", 1},
		{"and again", "refusing", "+12125550103", nil, "200 ", 1},
		{"a call of unknown outcome", "refusing", "+12125550104", []string{fault(`{"status":500}`)}, "500 ", 1},
		{"and again", "refusing", "+12125550104", nil, "409 duplicate_call", 0},

		{"under a key of its own", "refusing", "+12125550101", []string{"Idempotency-Key: a"}, "200 ", 1},
		{"and the same", "refusing", "+12125550101", []string{`Idempotency-Key: "a"`}, "409 duplicate_call", 0},
		{"under another key", "refusing", "+12125550101", []string{"Idempotency-Key: b"}, "200 ", 1},
		{"under what is no key", "refusing", "+12125550101", []string{"Idempotency-Key: a b"}, "409 duplicate_call", 0},

		{"a call", "replaying", "+12125550111", nil, "200 ", 1},
		{"the same call", "replaying", "+12125550111", nil, "200 ", 0},
		{"the same call as CSV", "replaying", "+12125550111", []string{inCSV}, "200 ", 0},
		{"the same call under a key", "replaying", "+12125550111", []string{"Idempotency-Key: a"}, "200 ", 0},
		{"the same call as XML", "replaying", "+12125550111", []string{"Accept: application/xml"}, "409 duplicate_call", 0},

		{"a call", "reporting", "+12125550101", nil, "200 ", 1},
		{"the same call", "reporting", "+12125550101", nil, "200 ", 1},
	} {
		u.Forget()
		var got reply
		eventually(t, "the call before to be recorded", func() bool {
			got = call(tt.site, tt.number, tt.header...)
			return ruleOf(got) != "idempotency_in_flight"
		})
		if is := fmt.Sprint(got.status, " ", ruleOf(got)); is != tt.want || uint64(u.Stats().Requests) != tt.sent {
			t.Errorf("%s, %s: %s, %d forwarded; want %s, %d", tt.site, tt.what, is, u.Stats().Requests, tt.want, tt.sent)
		}
		if got.status == 409 && got.header.Get("Retry-After") == "" {
			t.Errorf("%s, %s: no Retry-After", tt.site, tt.what)
		}
		if replayed := got.header.Get("Idempotent-Replayed"); (replayed == "true") != (got.status == 200 && tt.sent == 0) {
			t.Errorf("%s, %s: replayed %q", tt.site, tt.what, replayed)
		}
	}
	s := g.settled(t)
	for _, mode := range []string{"enforce", "report"} {
		if s.sum("validation_failures_total", "rule=duplicate_call", "mode="+mode) == 0 {
			t.Errorf("no duplicate is counted in mode %s", mode)
		}
	}
}

// failing is a store that fails on demand.
type failing struct{}

var (
	failingStore = memory.New(0)
	fails        atomic.Bool
	errFails     = errors.New("the store is on fire")
)

func (failing) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: stores.Namespace + ".failing", New: func() caddy.Module { return new(failing) }}
}
func (failing) Durable() bool                                  { return false }
func (failing) Key() string                                    { return "failing" }
func (failing) Open(stores.OpenOptions) (stores.Opened, error) { return failing{}, nil }
func (failing) Verify(stores.Module, [8]byte) error            { return nil }
func (failing) Close() error                                   { return nil }
func (failing) Health(context.Context) error                   { return nil }
func (failing) UnmarshalCaddyfile(*caddyfile.Dispenser) error  { return nil }
func (failing) Scan(ctx context.Context, prefix []byte, visit func(idempotency.ID, []byte) error) error {
	if fails.Load() {
		return errFails
	}
	return failingStore.Scan(ctx, prefix, visit)
}

func (failing) Begin(ctx context.Context, id idempotency.ID, claim []byte, ttl time.Duration) ([]byte, error) {
	if fails.Load() {
		return nil, errFails
	}
	return failingStore.Begin(ctx, id, claim, ttl)
}

func (failing) Replace(ctx context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	if fails.Load() {
		return errFails
	}
	return failingStore.Replace(ctx, id, held, record, ttl)
}

var registerFailing = sync.OnceFunc(func() { caddy.RegisterModule(failing{}) })

func TestWhileTheStoreFails(t *testing.T) {
	registerFailing()
	t.Cleanup(func() { fails.Store(false) })
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, metricsSite+`
{site refusing} {
	conference_members {
		idempotency {
			store failing
		}
	}
	reverse_proxy UPSTREAM
}
{site forwarding} {
	conference_members {
		idempotency {
			store failing
			on_store_error forward
		}
	}
	reverse_proxy UPSTREAM
}
{site guarding} {
	conference_members {
		idempotency {
			store failing
		}
		duplicates
	}
	reverse_proxy UPSTREAM
}
`)
	fails.Store(true)
	for site, want := range map[string]string{"refusing": "503 store_unavailable 0", "forwarding": "200  2", "guarding": "200  2"} {
		u.Forget()
		var key []string
		if site != "guarding" {
			key = []string{"Idempotency-Key: " + site}
		}
		first, second := g.sendRaw(t, site, post(membersPath, validBody, key...)), g.sendRaw(t, site, post(membersPath, validBody, key...))
		if got := fmt.Sprint(second.status, " ", ruleOf(second), " ", u.Stats().Requests); got != want || first.status != second.status {
			t.Errorf("%s: %s (first %d), want %s", site, got, first.status, want)
		}
		if (second.header.Get("Retry-After") != "") != (second.status == 503) {
			t.Errorf("%s: Retry-After %q", site, second.header.Get("Retry-After"))
		}
	}
	s := g.settled(t)
	if s.sum("idempotency_total", "result=store_error") != 4 || s.sum("idempotency_total", "result=guard_error") != 2 {
		t.Errorf("counted %v", s.series("idempotency_total"))
	}
	fails.Store(false)
	u.Forget()
	if got := g.sendRaw(t, "refusing", post(membersPath, validBody, "Idempotency-Key: refusing")); got.status != 200 || u.Stats().Requests != 1 {
		t.Errorf("once it is back: status %d", got.status)
	}
}

// TestAReloadKeepsCallsInFlight holds that a key is in flight in the configuration
// that comes while its call is placed, and done once it is.
func TestAReloadKeepsCallsInFlight(t *testing.T) {
	for name, options := range map[string]string{
		"memory": "idempotency",
		"file":   "hash_key 0123456789abcdef0123456789abcdef\n\t\tidempotency {\n\t\t\tstore file {dir}/calls.db\n\t\t}",
	} {
		t.Run(name, func(t *testing.T) {
			u := startUpstream(t, upstreamtest.Options{AnyID: true})
			config := "{\n\tgrace_period 20s\n}\n" + metricsSite + strings.ReplaceAll(site("keyed", options), "UPSTREAM", u.Addr)
			g := startGateway(t, config)
			var first reply
			var placing sync.WaitGroup
			placing.Go(func() { first = g.repeatable(t, "k", "application/json", `{"gate":"g"}`) })
			await(t, u, "a request", func(s upstreamtest.Stats) bool { return s.Requests == 1 })
			g.load(config + "# another\n" + "{site another} {\n\trespond hello\n}\n")
			var second reply
			eventually(t, "a response of the new configuration", func() bool { // and not the end of a connection to the old one
				second = g.repeatable(t, "k", "application/json", "")
				return second.err == nil
			})
			if ruleOf(second) != "idempotency_in_flight" {
				t.Errorf("in the new configuration: %d %s", second.status, ruleOf(second))
			}
			u.Release("g", 1)
			placing.Wait()
			if first.status != 200 {
				t.Errorf("the call: status %d, %v", first.status, first.err)
			}
			if got := g.again(t, "k", "application/json"); got.status != 200 || got.body != first.body || u.Stats().Requests != 1 {
				t.Errorf("the call again: status %d, %d forwarded", got.status, u.Stats().Requests)
			}
		})
	}
}

// TestAKeyThatCanNotBeReadIsRefused sends all mistakes that a key can have.
func TestAKeyThatCanNotBeReadIsRefused(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, metricsSite+site("plain", "idempotency {\n\t\t\trequire\n\t\t}"))
	for rule, lines := range map[string][]string{
		"idempotency_key_missing":       nil,
		"idempotency_key_malformed ":    {"Idempotency-Key: a", "Idempotency-Key: b"},
		"idempotency_key_malformed":     {"Idempotency-Key: two words"},
		"idempotency_key_malformed  ":   {"Idempotency-Key: "},
		"idempotency_key_malformed   ":  {"Idempotency-Key: " + strings.Repeat("x", 256)},
		"idempotency_key_malformed    ": {`Idempotency-Key: "open`},
	} {
		got := g.sendRaw(t, "plain", post(membersPath, validBody, lines...))
		if want := strings.TrimSpace(rule); got.status != http.StatusBadRequest || ruleOf(got) != want {
			t.Errorf("%q: %d %s, want %s", lines, got.status, ruleOf(got), want)
		}
		if strings.Contains(got.body, "open") || strings.Contains(got.body, "xxx") {
			t.Errorf("%q: the key is shown: %s", lines, got.body)
		}
	}
	if got := g.sendRaw(t, "plain", post(membersPath, `{"destination":"911"}`, "Idempotency-Key: two words")); got.status != 400 || !strings.Contains(got.body, "emergency") {
		t.Errorf("with another mistake: %d %s", got.status, got.body)
	}
	if n := u.Stats().Requests; n != 0 {
		t.Errorf("%d forwarded", n)
	}
}
