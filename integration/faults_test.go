package integration

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
	"github.com/evovoice-gateway/caddy-conference-members/internal/faults"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// faultSites are sites with TLS, before an upstream that breaks on demand. DOWN
// is an address at which nobody listens, at first.
const faultSites = `{
	grace_period 20s
	skip_install_trust
	storage file_system {dir}/storage
	storage_check off
	storage_clean_interval off
	auto_https disable_redirects
	default_sni 127.0.0.1
	servers {listener metrics} {
		protocols h1
	}
	servers {listener slow} {
		protocols h1 h2 h3
		timeouts {
			read_body 500ms
		}
	}
}
(tls) {
	tls {dir}/cert.pem {dir}/key.pem
}
` + metricsSite + `
{secure plain} {
	import tls
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
{secure slow} {
	import tls
	conference_members
	reverse_proxy UPSTREAM
}
{secure hasty} {
	import tls
	conference_members
	reverse_proxy UPSTREAM {
		transport http {
			response_header_timeout 200ms
			read_timeout 200ms
		}
	}
}
{secure down} {
	import tls
	conference_members
	reverse_proxy DOWN
}
{secure unhealthy} {
	import tls
	conference_members
	reverse_proxy UPSTREAM {
		health_uri /health
		health_upstream DOWN
		health_interval 1h
	}
}
{secure trying} {
	import tls
	conference_members
	reverse_proxy DOWN {
		lb_try_duration 300ms
		lb_try_interval 10ms
	}
}
{secure patient} {
	import tls
	conference_members
	reverse_proxy DOWN {
		lb_try_duration 20s
		lb_try_interval 10ms
	}
}
{secure retrying} {
	import tls
	conference_members
	reverse_proxy UPSTREAM {
		lb_try_duration 20s
		lb_try_interval 10ms
		lb_retries 5
	}
}
{secure second} {
	import tls
	conference_members
	reverse_proxy DOWN UPSTREAM {
		lb_policy round_robin
		lb_try_duration 20s
		lb_try_interval 10ms
	}
}
`

// Whose fault it is. The documentation has a table for each.
const (
	ofUpstream = "upstream"
	ofClient   = "client"
	ofOperator = "operator"
	ofStore    = "store"
)

// faultCase is something that goes wrong with a request, and what comes of it.
type faultCase struct {
	of, what string
	over     []string // the versions of HTTP, all if nil

	site   string // default: plain
	method string // default: POST
	target string // default: membersPath
	body   string // default: validBody
	header []string
	play   func(*scene) reply // default: the client waits for its response

	json, csv faults.Fate // as those of a faults.Fault
	requests  int         // that the upstream gets
	dialled   int         // of them, those that reach its service
	continued bool        // the client gets "100 Continue"
	again     string      // what becomes of the call with the same key, see onceMore; default: what call says
}

// gone is the fate of a request whose client has left.
var gone = faults.Fate{Outcome: "client_gone"}

// The versions of HTTP that some faults belong to.
var (
	overHTTP1   = []string{"HTTP/1.1"}
	overTCP     = []string{"HTTP/1.1", "HTTP/2"}
	overHTTP3   = []string{"HTTP/3"}
	overStreams = []string{"HTTP/2", "HTTP/3"}
)

// expecting makes a client wait for "100 Continue" before it sends its body.
const expecting = "Expect: 100-continue"

// Faults that hold the response back, and the rest of it.
var (
	slowResponse  = fault(`{"gate":"held"}`)
	stuckResponse = fault(`{"gate":"never"}`)
	slowBody      = fault(`{"header":{"Content-Disposition":[]},"parts":["{\"id\":","\"abc\"}"],"partGate":"held"}`)
	stuckBody     = fault(`{"header":{"Content-Disposition":[]},"parts":["{\"id\":","\"abc\"}"],"partGate":"never"}`)
)

// faultCases are all cases. docs/faults.md is generated from them.
var faultCases = slices.Concat(
	[]faultCase{
		{of: ofUpstream, what: "refuses connections", site: "down", json: faults.Unreachable(502)},
		{of: ofUpstream, what: "fails its health checks", site: "unhealthy", json: faults.Unreachable(503)},
	},
	listedFaults(),
	moreFaults,
)

// listedFaults returns the faults of the table that the soak has too.
func listedFaults() []faultCase {
	var all []faultCase
	for _, f := range faults.All {
		c := faultCase{of: ofUpstream, what: f.What, header: []string{fault(f.Spec)}, json: f.JSON, csv: f.CSV, requests: 1}
		if f.Dialled() {
			c.dialled = 1
		}
		all = append(all, c)
	}
	return all
}

// moreFaults are those that need another site, or a client that acts.
var moreFaults = []faultCase{
	{of: ofUpstream, what: "sends a status that HTTP does not have", header: []string{fault(`{"raw":"HTTP/1.1 042 No\r\nContent-Length: 0\r\n\r\n"}`)}, json: faults.Fate{Outcome: "aborted"}, requests: 1, dialled: 1},
	{of: ofUpstream, what: "announces less than it sends", header: []string{fault("length-short")}, json: faults.Served, csv: faults.Fallback("malformed"), requests: 1, dialled: 1},
	{of: ofUpstream, what: "says gzip where there is none", header: []string{fault(`{"header":{"Content-Encoding":["gzip"]}}`)}, json: faults.Served, csv: faults.Fallback("encoded"), requests: 1, dialled: 1},
	{of: ofUpstream, what: "sends more than `max_response`", header: []string{fault(`{"repeat":100}`)}, json: faults.Served, csv: faults.Fallback("too_large"), requests: 1, dialled: 1},

	// A slow response.
	{of: ofUpstream, what: "is slow to respond, but in time", header: []string{slowResponse}, play: whileHeld(release), json: faults.Served, requests: 1, dialled: 1},
	{of: ofUpstream, what: "does not respond within `response_header_timeout`", site: "hasty", header: []string{stuckResponse}, json: faults.Fate{Status: 504, Outcome: "timeout"}, requests: 1, dialled: 1},
	{of: ofUpstream, what: "is slow within its response", header: []string{slowBody}, play: whileHeld(release), json: faults.Served, requests: 1, dialled: 1},
	{of: ofUpstream, what: "stops within its response for longer than `read_timeout`", site: "hasty", header: []string{stuckBody}, json: faults.BrokenJSON, csv: faults.BrokenCSV, requests: 1, dialled: 1},

	// Flapping, with lb_try_duration.
	{of: ofUpstream, what: "refuses connections, and comes up within `lb_try_duration`", site: "patient", play: untilItComesUp, json: faults.Served, requests: 1, dialled: 1},
	{of: ofUpstream, what: "refuses connections for longer than `lb_try_duration`", site: "trying", json: faults.Unreachable(502)},
	{of: ofUpstream, what: "is one of two, and the other one refuses connections, with `lb_try_duration`", site: "second", json: faults.Served, requests: 1, dialled: 1},
	{of: ofUpstream, what: "closes the connection before it has read the request, with `lb_try_duration`", site: "retrying", header: []string{fault("close-early")}, json: faults.NoResponse, requests: 1},
	{of: ofUpstream, what: "resets the connection before it responds, with `lb_try_duration`", site: "retrying", header: []string{fault("reset")}, json: faults.NoResponse, requests: 1, dialled: 1},

	// A client that leaves.
	{of: ofClient, what: "leaves before the response", header: []string{stuckResponse}, play: whileHeld(leave), json: gone, again: "replayed", requests: 1, dialled: 1},
	{of: ofClient, what: "leaves within the response", header: []string{stuckBody}, play: whileResponding(leave), json: gone, again: "replayed", requests: 1, dialled: 1},
	{of: ofClient, what: "resets the connection within the response, of which it reads nothing", over: overHTTP1, header: []string{fault(`{"repeat":10000}`)}, play: resetUnread, json: gone, csv: faults.Fate{Reason: "too_large", Outcome: "client_gone"}, again: "response_not_kept", requests: 1, dialled: 1},
	{of: ofClient, what: "leaves within its body", over: overHTTP1, play: halfSent(leaveHalfWay), json: faults.Fate{Outcome: "refused"}},
	{of: ofClient, what: "leaves within its body", over: overStreams, play: halfSent(leaveHalfWay), json: gone},
	{of: ofClient, what: "resets the connection within its body", over: overHTTP1, play: resetHalfWay, json: gone},

	// A client whose body is slow, or not whole.
	{of: ofClient, what: "ends its body too early, and waits", over: overHTTP1, play: closeHalfWay, json: faults.Fate{Status: 400, Outcome: "refused"}},
	{of: ofClient, what: "sends chunks that are none", over: overHTTP1, play: breakChunks, json: faults.Fate{Status: 400, Outcome: "refused"}},
	{of: ofClient, what: "sends its body slowly, but in time", play: halfSent(theRest), json: faults.Served, requests: 1, dialled: 1},
	{of: ofClient, what: "stops within its body for longer than `read_body`", site: "slow", play: halfSent(nothingMore), json: faults.Fate{Status: 408, Outcome: "client_gone"}},
	{of: ofClient, what: "sends its body byte by byte (slowloris) for longer than `read_body`", site: "slow", play: halfSent(drops), json: faults.Fate{Status: 408, Outcome: "client_gone"}},

	// A client that waits for "100 Continue".
	{of: ofClient, what: "waits for `100 Continue` with a good request", over: overTCP, header: []string{expecting}, json: faults.Served, requests: 1, dialled: 1, continued: true},
	{of: ofClient, what: "expects `100 Continue`, and does not wait", over: overHTTP3, header: []string{expecting}, json: faults.Served, requests: 1, dialled: 1},
	{of: ofClient, what: "waits for `100 Continue` with a body that breaks a rule", over: overTCP, body: invalidBody, header: []string{expecting}, json: faults.Fate{Status: 422, Outcome: "refused"}, continued: true},
	{of: ofClient, what: "waits for `100 Continue` with a type that is not read", over: overTCP, header: []string{expecting, "Content-Type: image/png"}, json: faults.Fate{Status: 415, Outcome: "refused"}},
	{of: ofClient, what: "waits for `100 Continue` with a body that is too large", over: overTCP, body: strings.Repeat(" ", 20<<10), header: []string{expecting}, json: faults.Fate{Status: 413, Outcome: "too_large"}},
	{of: ofClient, what: "waits for `100 Continue` with another method", over: overTCP, method: http.MethodPut, header: []string{expecting}, json: faults.Fate{Status: 405, Outcome: "method_not_allowed"}},
	{of: ofClient, what: "waits for `100 Continue` for a format that is not known", over: overTCP, target: membersPath + "?format=pdf", header: []string{expecting}, json: faults.Fate{Status: 406, Outcome: "not_acceptable"}},

	// A reload.
	{of: ofOperator, what: "reloads while the upstream thinks", header: []string{slowResponse}, play: whileHeld(reload, release), json: faults.Served, requests: 1, dialled: 1},
	{of: ofOperator, what: "reloads within a response", header: []string{slowBody}, play: whileResponding(reload, release), json: faults.Served, requests: 1, dialled: 1},
	{of: ofOperator, what: "reloads while the client sends its body", play: halfSent(reloadAndTheRest), json: faults.Served, requests: 1, dialled: 1},
}

// shutdownCases are those that end the process. What it grants requests that are
// under way is in each.
var shutdownCases = []struct {
	grace string
	faultCase
}{
	{"20s", faultCase{of: ofOperator, what: "shuts down, and the response comes within the `grace_period`", header: []string{slowResponse}, play: whileHeld(shutDown, release), json: faults.Served, requests: 1, dialled: 1}},
	{"20s", faultCase{of: ofOperator, what: "shuts down within a response that ends within the `grace_period`", header: []string{slowBody}, play: whileHeld(shutDown, release), json: faults.Served, requests: 1, dialled: 1}},
	{"100ms", faultCase{of: ofOperator, what: "shuts down, and the response takes longer than the `grace_period`", header: []string{stuckResponse}, play: whileHeld(shutDown), json: faults.Fate{}, requests: 1, dialled: 1}},
	{"20s", faultCase{of: ofOperator, what: "kills the gateway while the upstream thinks", over: overTCP, header: []string{stuckResponse}, play: whileHeld(kill), json: faults.Fate{}, requests: 1, dialled: 1}},
}

// storeCases are those of the store of keys. What its failure means for a call is in
// each.
var storeCases = []struct {
	onStoreError string
	faultCase
}{
	{"refuse", faultCase{of: ofStore, what: "fails when the key is claimed", play: whileStoreFails, json: faults.Fate{Status: 503, Outcome: "refused"}}},
	{"forward", faultCase{of: ofStore, what: "fails when the key is claimed, with `on_store_error forward`, and is back before `call_timeout`", play: untilTheOutcomeIsRecorded, json: faults.Served, requests: 1, dialled: 1}},
	{"refuse", faultCase{of: ofStore, what: "fails when the outcome is recorded, and is back before `call_timeout`", header: []string{slowResponse}, play: untilStoreIsBack, json: faults.Served, requests: 1, dialled: 1}},
}

// fate returns the fate in a format.
func (c *faultCase) fate(format string) faults.Fate {
	return (&faults.Fault{JSON: c.json, CSV: c.csv}).Fate(format)
}

// call returns what becomes of the call: the value of the label, and of X-Call where
// the response's header is sent when it is known.
func (c *faultCase) call(f faults.Fate) string {
	switch f.Outcome {
	case "ok", "fallback":
		return "dialled"
	case "no_response", "timeout", "aborted", "upstream_5xx":
		return "unknown"
	case "client_gone", "":
		if c.requests > 0 {
			return "unknown"
		}
	}
	return "not-dialled"
}

// onceAgain says what a client gets that sends the call again with its key when nothing
// is broken any more.
func (c *faultCase) onceAgain(f faults.Fate) string {
	switch call := c.call(f); {
	case c.again != "":
		return c.again
	case call == "dialled" && c.csv.Reason == "encoded":
		return "response_not_kept"
	case call == "dialled":
		return "replayed"
	case call == "unknown":
		return "outcome_unknown"
	default:
		return "placed"
	}
}

// speaks reports whether the fault is one of a version of HTTP.
func (c *faultCase) speaks(version string) bool {
	return c.over == nil || slices.Contains(c.over, version)
}

// TestFaults holds, for everything that can break, what the client gets, what the
// upstream gets, how it is counted, and that nothing is left behind.
func TestFaults(t *testing.T) {
	noGoroutineIsLeft(t)
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := newGateway(t)
	clients := secureProtocols(t, g.certify())
	down := g.Address("nobody")
	config := strings.NewReplacer("UPSTREAM", u.Addr, "DOWN", down).Replace(faultSites)
	g.start(config)

	for _, c := range faultCases {
		for _, p := range clients {
			if !c.speaks(p.name) {
				continue
			}
			for _, format := range []string{"json", "csv"} {
				t.Run(fmt.Sprintf("%s %s, over %s in %s", c.of, c.what, p.name, format), func(t *testing.T) {
					defer p.client.CloseIdleConnections() // each begins with a new connection
					s := newScene(t, g, u, &c, p, format)
					s.config, s.down = config, down
					s.before, s.warned = g.settled(t), len(g.warnings())
					got := s.play()
					s.checkResponse(got)
					s.checkCounts(g.settled(t))
					s.checkUpstream()
					s.checkWarnings()
					if n := buffer.Taken(); n != 0 {
						t.Errorf("%d buffers are lost", n)
					}
				})
			}
		}
	}
	checkNoPanic(t, g, "invalid WriteHeader code 42") // that of net/http, on which the response breaks off
}

// TestFaultsOfAShutdown is TestFaults for what ends the gateway. It runs in a separate
// process, whose log tells how requests were counted.
func TestFaultsOfAShutdown(t *testing.T) {
	noGoroutineIsLeft(t)
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	for _, c := range shutdownCases {
		for _, version := range []string{"HTTP/1.1", "HTTP/2", "HTTP/3"} {
			if !c.speaks(version) {
				continue
			}
			for _, format := range []string{"json", "csv"} {
				t.Run(fmt.Sprintf("%s %s, over %s in %s", c.of, c.what, version, format), func(t *testing.T) {
					g := newGateway(t)
					clients := secureProtocols(t, g.certify())
					p := clients[slices.IndexFunc(clients, func(p protocol) bool { return p.name == version })]
					s := newScene(t, g, u, &c.faultCase, p, format)
					s.process = startProcess(t, g, strings.NewReplacer(
						"grace_period 20s", "grace_period "+c.grace, "UPSTREAM", u.Addr, "DOWN", g.Address("nobody"),
					).Replace(faultSites))
					s.checkResponse(s.play())
					<-s.process.Ended
					s.checkUpstream()
					s.checkLog()
				})
			}
		}
	}
}

// withKeys lets each handler of a configuration take keys, kept as options say.
func withKeys(config, options string) string {
	return strings.NewReplacer("conference_members {", "conference_members {\n"+options, "conference_members\n", "conference_members {\n"+options+"\n}\n").Replace(config)
}

// TestFaultsAndTheSameKeyAgain holds what a client gets that repeats its call: what
// may have been dialled is not dialled again.
func TestFaultsAndTheSameKeyAgain(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := newGateway(t)
	clients := secureProtocols(t, g.certify())
	down := g.Address("nobody")
	config := strings.NewReplacer("UPSTREAM", u.Addr, "DOWN", down).Replace(withKeys(faultSites, "idempotency"))
	g.start(config)
	for _, c := range faultCases {
		p := clients[slices.IndexFunc(clients, func(p protocol) bool { return c.speaks(p.name) })]
		for _, format := range []string{"json", "csv"} {
			t.Run(fmt.Sprintf("%s %s, over %s in %s", c.of, c.what, p.name, format), func(t *testing.T) {
				defer p.client.CloseIdleConnections()
				first := c.withKey(t)
				s := newScene(t, g, u, &first, p, format)
				s.config, s.down, s.before = config, down, g.settled(t)
				s.checkResponse(s.play())
				if s.ctx.Err() != nil { // the client is gone, and the call goes on
					u.Release("never", u.Stats().Held)
				}
				u.Forget()
				s.checkAgain(g)
			})
		}
	}
}

// TestAShutdownAndTheSameKeyAgain is TestFaultsAndTheSameKeyAgain for what ends the
// gateway, with a store that outlives it.
func TestAShutdownAndTheSameKeyAgain(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	for _, c := range shutdownCases {
		for _, format := range []string{"json", "csv"} {
			t.Run(c.what+" in "+format, func(t *testing.T) {
				g := newGateway(t)
				p := secureProtocols(t, g.certify())[0]
				config := strings.NewReplacer("grace_period 20s", "grace_period "+c.grace, "UPSTREAM", u.Addr, "DOWN", g.Address("nobody")).
					Replace(withKeys(faultSites, "hash_key 0123456789abcdef0123456789abcdef\nidempotency {\nstore file {dir}/calls.db\n}"))
				first := c.withKey(t)
				s := newScene(t, g, u, &first, p, format)
				s.process = startProcess(t, g, config)
				s.checkResponse(s.play())
				<-s.process.Ended
				u.Forget()
				startProcess(t, g, config)
				s.checkAgain(g)
			})
		}
	}
}

// TestFaultsOfTheStore is TestFaultsAndTheSameKeyAgain for the store of the keys.
func TestFaultsOfTheStore(t *testing.T) {
	registerFailing()
	t.Cleanup(func() { fails.Store(false) })
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	for _, c := range storeCases {
		g := newGateway(t)
		p := secureProtocols(t, g.certify())[0]
		g.start(strings.NewReplacer("UPSTREAM", u.Addr, "DOWN", g.Address("nobody")).
			Replace(withKeys(faultSites, "idempotency {\nstore failing\non_store_error "+c.onStoreError+"\n}")))
		for _, format := range []string{"json", "csv"} {
			t.Run(c.what+" in "+format, func(t *testing.T) {
				first := c.withKey(t)
				s := newScene(t, g, u, &first, p, format)
				s.before = g.settled(t)
				s.checkResponse(s.play())
				s.checkCounts(g.settled(t))
				s.checkUpstream()
				u.Forget()
				s.checkAgain(g)
			})
		}
	}
}

// withKey returns the fault of a request with a new key.
func (c *faultCase) withKey(t *testing.T) faultCase {
	keyed := *c
	keyed.header = append(slices.Clone(c.header), "Idempotency-Key: "+strings.ReplaceAll(t.Name(), " ", ""))
	return keyed
}

// checkAgain sends the call of a scene again, with its key.
func (s *scene) checkAgain(g *gateway) {
	s.t.Helper()
	key := s.c.header[len(s.c.header)-1]
	second := newScene(s.t, g, s.u, &faultCase{header: []string{key}}, s.p, s.format)
	var got reply
	eventually(s.t, "the first call to be recorded", func() bool {
		got = second.ask(strings.NewReader(validBody))
		return got.err == nil && got.header.Get("X-Refused-By") != "idempotency_in_flight"
	})
	want, is := s.c.onceAgain(s.c.fate(s.format)), got.header.Get("X-Refused-By")
	switch {
	case got.status < 400 && got.header.Get("Idempotent-Replayed") == "true":
		is = "replayed"
	case got.status == 200 && s.u.Stats().Requests == 1:
		is = "placed"
	}
	if is != want || is != "placed" && s.u.Stats().Requests > 0 {
		s.t.Errorf("%s, want %s: status %d, %v, %d requests", is, want, got.status, got.err, s.u.Stats().Requests)
	}
}

// checkLog holds how the request was counted, by what was logged at its end.
func (s *scene) checkLog() {
	s.t.Helper()
	var got, want []string
	for _, e := range s.g.log("process") {
		if fields, ok := e["conference_members"].(map[string]any); ok && e["msg"] == "request ended" {
			got = append(got, fmt.Sprint(fields["format"], " ", fields["outcome"]))
		}
	}
	if outcome := s.c.fate(s.format).Outcome; outcome != "" {
		want = []string{s.format + " " + outcome}
	} else if s.p.name == "HTTP/3" && len(got) > 0 {
		want = []string{s.format + " client_gone"} // Caddy closes these connections before it ends
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("ended as %q, want %q", got, want)
	}
}

// TestAFlappingUpstreamGetsNoRequestTwice holds that no request reaches an upstream
// twice that comes and goes while reverse_proxy tries again for as long as it may.
func TestAFlappingUpstreamGetsNoRequestTwice(t *testing.T) {
	noGoroutineIsLeft(t)
	const clients, each = 6, 20
	g := newGateway(t)
	secure := secureProtocols(t, g.certify())
	addr := g.Address("nobody")
	g.start(strings.NewReplacer("UPSTREAM", addr, "DOWN", addr).Replace(faultSites))

	var sending sync.WaitGroup
	var mu sync.Mutex
	seen := make(map[string]int) // by outcome
	for i := range clients {
		sending.Go(func() {
			p := secure[i%len(secure)]
			for j := range each {
				path := fmt.Sprintf("/sessions/s%d-%d/conference/members", i, j)
				got := send(t, p.client, http.MethodPost, "https://"+g.Address("patient")+path, validBody,
					"Content-Type: application/json", "Accept: "+[]string{"application/json", "text/csv"}[i/len(secure)])
				mu.Lock()
				switch {
				case got.status == 200 && got.err == nil:
					seen["ok"]++
				case got.status == 502 && got.header.Get("X-Call") == "not-dialled":
					seen["unreachable"]++
				case got.status == 502:
					seen["no_response"]++
				default:
					seen["aborted"]++
				}
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		sending.Wait()
	}()

	arrived := make(map[string]int)
	starts := 0
	for sent := false; !sent; starts++ {
		u, err := upstreamtest.StartAt(addr, upstreamtest.Options{AnyID: true})
		if err != nil {
			t.Fatal(err)
		}
		some, enough := context.WithTimeout(t.Context(), patience)
		go func() { // it leaves after a few requests, or when there are no more
			defer enough()
			select {
			case <-done:
			case <-some.Done():
			}
		}()
		_ = u.Await(some, func(st upstreamtest.Stats) bool { return st.Requests >= 8 })
		enough()
		if err := u.Close(); err != nil {
			t.Errorf("closing the upstream: %v", err)
		}
		for _, r := range u.Received() {
			arrived[r.Target]++
		}
		select {
		case <-done:
			sent = true
		default:
		}
	}

	for _, p := range secure {
		p.client.CloseIdleConnections()
	}
	for target, n := range arrived {
		if n > 1 {
			t.Errorf("%s arrived %d times", target, n)
		}
	}
	if starts < 5 || seen["ok"] < clients*each/2 {
		t.Errorf("the upstream was started %d times, and clients saw %v", starts, seen)
	}
	s := g.settled(t)
	for outcome, n := range seen {
		if counted := s.sum("requests_total", "outcome="+outcome); counted != float64(n) {
			t.Errorf("%v counted as %s, %d clients saw it", counted, outcome, n)
		}
	}
	if n := s.sum("requests_total"); n != clients*each {
		t.Errorf("%v requests were counted, %d were sent", n, clients*each)
	}
	if n := buffer.Taken(); n != 0 {
		t.Errorf("%d buffers are lost", n)
	}
}

// noGoroutineIsLeft checks at the end of the test, when everything that it starts from
// here on has stopped, that none of their goroutines is left.
func noGoroutineIsLeft(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		var left error
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); { // Find waits between its looks
			left = goleak.Find(before,
				// Caddy's log to a file has one for old files, which nothing ends.
				goleak.IgnoreTopFunction("github.com/DeRuina/timberjack.(*Logger).millRun"))
			if left == nil {
				return
			}
		}
		t.Error(left)
	})
}

// checkResponse compares the response with the fate that the client must get.
func (s *scene) checkResponse(got reply) {
	s.t.Helper()
	want := s.c.fate(s.format)
	if s.ctx.Err() != nil {
		return // the client has left
	}
	if want.Broken && s.p.name == "HTTP/3" && got.status == 0 && got.err != nil {
		return // what a reset stream still holds is lost (RFC 9000 section 3.5)
	}
	if got.status != want.Status || (got.err != nil) != (want.Broken || want.Status == 0) {
		s.t.Errorf("status %d, error %v, want status %d, broken off: %t\n%.300s", got.status, got.err, want.Status, want.Broken, got.body)
	}
	if got.status == 0 {
		return
	}
	if reason := got.header.Get("X-Transcode-Error"); reason != want.Reason {
		s.t.Errorf("X-Transcode-Error: %s, want %q", reason, want.Reason)
	}
	call := s.c.call(want)
	if want.Broken && want.Reason == "" {
		call = "dialled" // the header was sent before the response broke off
	}
	if got := got.header.Get("X-Call"); got != call {
		s.t.Errorf("X-Call: %s, want %s", got, call)
	}
	if problem := strings.Contains(got.body, "may be ringing") || strings.Contains(got.body, "Nothing was dialled"); problem != (want.Outcome == "unreachable" || want.Outcome == "no_response" || want.Outcome == "timeout") && s.c.of != ofStore {
		s.t.Errorf("the body is %.300s", got.body)
	}
	if made := strings.HasPrefix(got.header.Get("Content-Type"), "text/csv"); (want.Status == 200 || want.Transcoded) && made != want.Transcoded {
		s.t.Errorf("Content-Type: %s", got.header.Get("Content-Type"))
	}
	if made := strings.HasPrefix(got.body, "DialState,"); want.Outcome == "ok" && made != want.Transcoded {
		s.t.Errorf("the body is %.300s", got.body)
	}
	if !slices.Contains(got.header["Vary"], "Accept") {
		s.t.Errorf("Vary: %q", got.header["Vary"])
	}
	if continued := slices.Contains(got.informational, http.StatusContinue); continued != s.c.continued {
		s.t.Errorf("%v came before the response", got.informational)
	}
}

// checkCounts holds that one request was counted, as what it was.
func (s *scene) checkCounts(after scrape) {
	s.t.Helper()
	want := s.c.fate(s.format)
	format := s.format
	if want.Outcome == "method_not_allowed" || want.Outcome == "not_acceptable" {
		format = "none"
	}
	checkOutcome(s.t, s.before, after, want.Outcome, format)
	for _, count := range []struct {
		name, label string
		want        int
	}{
		{"calls_total", "call=" + s.c.call(want), 1},
		{"calls_total", "", 1},
		{"destinations_total", "", s.c.requestsCounted()},
		{"upstream_duration_seconds_count", "", s.c.requestsCounted()},
		{"transcode_fallbacks_total", "reason=" + want.Reason, min(len(want.Reason), 1)},
		{"transcode_fallbacks_total", "", min(len(want.Reason), 1)},
	} {
		var labels []string
		if count.label != "" {
			labels = []string{count.label}
		}
		if n := after.sum(count.name, labels...) - s.before.sum(count.name, labels...); n != float64(count.want) {
			s.t.Errorf("%s%v: %v were counted, want %d", count.name, labels, n, count.want)
		}
	}
}

// checkWarnings holds that operators are warned of what they can change: a response
// that came and could not be made CSV.
func (s *scene) checkWarnings() {
	s.t.Helper()
	if all := s.g.warnings(); s.c.fate(s.format).Reason == "" && len(all) > s.warned {
		s.t.Errorf("logged %v", all[s.warned:])
	}
}

// requestsCounted returns how many requests count as forwarded, including those for
// which there was no upstream.
func (c *faultCase) requestsCounted() int {
	if c.requests > 0 || c.json.Outcome == "unreachable" {
		return 1
	}
	return 0
}

// checkUpstream holds what the upstream got, once it is done with it.
func (s *scene) checkUpstream() {
	s.t.Helper()
	await(s.t, s.u, "the upstream to be done", func(st upstreamtest.Stats) bool { return st.InFlight == 0 })
	if st := s.u.Stats(); st.Requests != s.c.requests || st.Dialled != s.c.dialled {
		s.t.Errorf("the upstream got %d requests and dialled %d times, want %d and %d", st.Requests, st.Dialled, s.c.requests, s.c.dialled)
	}
	for _, r := range s.u.Received() {
		if r.Bound == nil && s.c.dialled > 0 {
			s.t.Errorf("bound nothing of %q", r.Body)
		}
	}
}

// readAll reads a response.
func readAll(res *http.Response, informational []int) reply {
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, res.Trailer, string(b), err, informational}
}
