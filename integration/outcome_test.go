package integration

import (
	"context"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
)

// panicking is a handler that panics as one with a mistake in it does.
type panicking struct{}

func (panicking) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.panicking", New: func() caddy.Module { return new(panicking) }}
}

func (panicking) ServeHTTP(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
	panic("a mistake")
}

// registerPanicking makes the directive panicking known, once.
var registerPanicking = sync.OnceFunc(func() {
	caddy.RegisterModule(panicking{})
	httpcaddyfile.RegisterHandlerDirective("panicking", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		return panicking{}, nil
	})
})

// endingSites are sites on which requests can end in every way.
const endingSites = `
{site plain} {
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
{site impatient} {
	conference_members
	reverse_proxy UPSTREAM {
		transport http {
			response_header_timeout 100ms
		}
	}
}
{site passing} {
	conference_members {
		predefined_routes pass
	}
	reverse_proxy UPSTREAM
}
{site routes} {
	conference_members {
		errors_via handle_errors
	}
	reverse_proxy 127.0.0.1:1
	handle_errors {
		respond "{err.message}" {err.status_code}
	}
}
{site keyed} {
	conference_members {
		idempotency
	}
	reverse_proxy UPSTREAM
}
{site down} {
	conference_members
	reverse_proxy 127.0.0.1:1
}
{site none} {
	conference_members
	reverse_proxy UPSTREAM {
		health_uri /health
		health_status 599
		health_interval 1h
	}
}
{site broken} {
	conference_members
	error "broken" 500
}
{site silent} {
	conference_members
	respond 200
}
{site aborting} {
	conference_members
	abort
}
{site panicking} {
	route {
		conference_members
		panicking
	}
}
`

// startEndings starts the gateway of endingSites.
func startEndings(t *testing.T) (*gateway, *upstreamtest.Server) {
	t.Helper()
	registerPanicking()
	u := startUpstream(t, upstreamtest.Options{AnyID: true, Keep: -1})
	g := startFront(t, u, metricsSite+endingSites)
	if got := g.sendRaw(t, "keyed", post(membersPath, validBody, placedBefore)); got.status != 200 {
		t.Fatalf("the call that is to be replayed: status %d, %v", got.status, got.err)
	}
	u.Forget()
	return g, u
}

// placedBefore is the key of a call that was placed before all others.
const placedBefore = "Idempotency-Key: before"

// ending is a way for a request to end.
type ending struct {
	rule, site   string
	method, path string
	body         string // default: validBody
	header       []string
	want         string // format and outcome
}

// fault returns the header line that asks the upstream for a fault.
func fault(name string) string { return upstreamtest.FaultHeader + ": " + name }

// inCSV asks for CSV.
const inCSV = "Accept: text/csv"

// endings are all ways that need nothing of the client but to wait.
var endings = []ending{
	{rule: "JSON", want: "json ok"},
	{rule: "CSV", header: []string{inCSV}, want: "csv ok"},
	{rule: "XML", path: membersPath + ".xml", want: "xml ok"},
	{rule: "JSV", path: membersPath + "?format=jsv", want: "jsv ok"},
	{rule: "HTML", header: []string{"Accept: text/html"}, want: "html ok"},
	{rule: "no content", header: []string{inCSV, fault("no-content")}, want: "csv ok"},
	{rule: "a response without a body", site: "silent", header: []string{inCSV}, want: "csv ok"},
	{rule: "garbage as JSON", header: []string{fault("garbage")}, want: "json ok"},

	{rule: "a call placed before", site: "keyed", header: []string{placedBefore}, want: "json replayed"},
	{rule: "a call placed before, as CSV", site: "keyed", header: []string{placedBefore, inCSV}, want: "csv replayed"},
	{rule: "another call under the key of one", site: "keyed", body: `{"destination":"+12025550124"}`, header: []string{placedBefore}, want: "json refused"},

	{rule: "garbage as CSV", header: []string{inCSV, fault("garbage")}, want: "csv fallback"},
	{rule: "another type as CSV", header: []string{inCSV, fault(`{"header":{"Content-Type":["text/html"]}}`)}, want: "csv fallback"},
	{rule: "an unknown coding as CSV", header: []string{inCSV, fault("br")}, want: "csv fallback"},
	{rule: "too large for CSV", header: []string{inCSV, fault(`{"repeat":100}`)}, want: "csv fallback"},

	{rule: "a broken rule", body: invalidBody, want: "json refused"},
	{rule: "a broken rule in CSV", body: invalidBody, header: []string{inCSV}, want: "csv refused"},
	{rule: "a broken rule and an error route", site: "routes", body: invalidBody, want: "json refused"},
	{rule: "malformed JSON", body: "{", want: "json refused"},
	{rule: "an unknown type", header: []string{"Content-Type: image/png"}, want: "json refused"},
	{rule: "an ambiguous path", path: "/sessions/abc%2fx%5c../conference/members", want: "json refused"},
	{rule: "a body too large", body: `{"pad":"` + strings.Repeat("x", 20<<10) + `"}`, want: "json too_large"},
	{rule: "a body too large in CSV", body: `{"pad":"` + strings.Repeat("x", 20<<10) + `"}`, header: []string{inCSV}, want: "csv too_large"},
	{rule: "nothing acceptable", header: []string{"Accept: image/png"}, want: "none not_acceptable"},
	{rule: "an unknown format", path: membersPath + "?format=pdf", want: "none not_acceptable"},
	{rule: "a method", method: http.MethodPut, want: "none method_not_allowed"},
	{rule: "HEAD", method: http.MethodHead, want: "none method_not_allowed"},
	{rule: "a predefined route", path: "/json/reply/AddConferenceMember[]", want: "none predefined_route"},

	{rule: "a check", path: membersPath + "/check", want: "none checked"},
	{rule: "a check in CSV of what would be refused", path: membersPath + "/check", body: "{}", header: []string{inCSV}, want: "none checked"},
	{rule: "a check of what can't be read", path: membersPath + "/check", body: "{", want: "json refused"},
	{rule: "a flag for a dry run", path: membersPath + "?dry_run", want: "json refused"},

	{rule: "OPTIONS", method: http.MethodOptions, want: "none passed"},
	{rule: "OPTIONS and an error", method: http.MethodOptions, header: []string{fault(`{"status":500}`)}, want: "none upstream_5xx"},
	{rule: "a predefined route that passes", site: "passing", path: "/json/reply/AddConferenceMember?sessionId=abc", want: "none passed"},

	{rule: "not found", path: "/sessions/err404/conference/members", want: "json upstream_4xx"},
	{rule: "not found in CSV", path: "/sessions/err404/conference/members", header: []string{inCSV}, want: "csv upstream_4xx"},
	{rule: "an error that can't be made CSV", header: []string{inCSV, fault(`{"status":400,"body":"no"}`)}, want: "csv upstream_4xx"},
	{rule: "499 of the upstream's", header: []string{fault(`{"status":499}`)}, want: "json upstream_4xx"},
	{rule: "an error of the upstream's", path: "/sessions/err500/conference/members", want: "json upstream_5xx"},
	{rule: "maintenance", header: []string{inCSV, fault("maintenance")}, want: "csv upstream_5xx"},
	{rule: "504 of the upstream's", header: []string{fault(`{"status":504}`)}, want: "json upstream_5xx"},

	{rule: "nobody listens", site: "down", want: "json unreachable"},
	{rule: "nobody listens to OPTIONS", site: "down", method: http.MethodOptions, want: "none unreachable"},
	{rule: "a reset", header: []string{fault("reset")}, want: "json no_response"},
	{rule: "a close", header: []string{inCSV, fault("close")}, want: "csv no_response"},
	{rule: "not HTTP", header: []string{fault("not-http")}, want: "json no_response"},
	{rule: "no response in time", site: "impatient", header: []string{fault(`{"gate":"never"}`)}, want: "json timeout"},
	{rule: "no response in time for CSV", site: "impatient", header: []string{inCSV, fault(`{"gate":"never"}`)}, want: "csv timeout"},
	{rule: "an error of another handler's", site: "broken", want: "json failed"},

	{rule: "a reset in the response", header: []string{fault("reset-mid-body")}, want: "json aborted"},
	{rule: "a reset in the response for CSV", header: []string{inCSV, fault("reset-mid-body")}, want: "csv aborted"},
	{rule: "a reset before the response's body", header: []string{inCSV, fault("reset-after-header")}, want: "csv aborted"},
	{rule: "a declared length not reached", header: []string{fault("length-long")}, want: "json aborted"},
	{rule: "a handler that gives up", site: "aborting", want: "json aborted"},
	{rule: "a handler that panics", site: "panicking", header: []string{inCSV}, want: "csv aborted"},
}

// ask sends the request of an ending.
func (e *ending) ask(t *testing.T, g *gateway, client *http.Client) {
	t.Helper()
	header := e.header
	if !strings.Contains(strings.Join(header, "\n"), "Content-Type: image") {
		header = append([]string{"Content-Type: application/json"}, header...)
	}
	send(t, client, or(e.method, http.MethodPost), g.URL(or(e.site, "plain"))+or(e.path, membersPath), or(e.body, validBody), header...)
}

// ended returns how many requests ended between two scrapes, by "FORMAT OUTCOME".
func ended(before, after scrape) map[string]float64 {
	all := make(map[string]float64)
	for _, m := range after.series("requests_total") {
		if n := m.value - before.sum(m.name, m.labels...); n != 0 {
			format, _ := strings.CutPrefix(m.labels[0], "format=")
			outcome, _ := strings.CutPrefix(m.labels[1], "outcome=")
			all[format+" "+outcome] = n
		}
	}
	return all
}

// checkEnded checks that one request ended, in one way, and was timed as such.
func checkEnded(t *testing.T, before, after scrape, want string) {
	t.Helper()
	format, outcome, _ := strings.Cut(want, " ")
	checkOutcome(t, before, after, outcome, format)
}

func TestARequestHasOneOutcome(t *testing.T) {
	g, _ := startEndings(t)
	for _, e := range endings {
		for _, p := range protocols {
			t.Run(e.rule+" over "+p.name, func(t *testing.T) {
				before := g.metrics(t)
				e.ask(t, g, p.client)
				checkEnded(t, before, g.settled(t), e.want)
			})
		}
	}
}

// leavable starts a request that ends when its client leaves.
func leavable(t *testing.T, g *gateway, client *http.Client, body io.Reader, header ...string) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL("plain")+membersPath, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	go func() {
		if res, err := client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	}()
	return cancel
}

// TestEveryOutcomeIsProvoked holds that the tests of this package leave out no outcome.
func TestEveryOutcomeIsProvoked(t *testing.T) {
	provoked := map[string]bool{
		metrics.ClientGone.String(): true,
		metrics.Bulk.String():       true, // of more than one request, see TestRowsCountAsCalls
	}
	for _, e := range endings {
		_, outcome, _ := strings.Cut(e.want, " ")
		provoked[outcome] = true
	}
	for _, o := range metrics.Outcomes() {
		if !provoked[o.String()] {
			t.Errorf("no request here ends as %s", o)
		}
	}
	if len(provoked) != len(metrics.Outcomes()) {
		t.Errorf("%d outcomes are provoked, there are %d", len(provoked), len(metrics.Outcomes()))
	}
}

// TestOutcomesAddUp mixes requests that end in all ways, over both protocols,
// from many clients at once, and counts them on both sides.
func TestOutcomesAddUp(t *testing.T) {
	g, u := startEndings(t)
	const rounds, clients, leaving = 4, 16, 10

	type job struct {
		*ending
		client *http.Client
	}
	var jobs []job
	want := make(map[string]float64)
	for range rounds {
		for i := range endings {
			for _, p := range protocols {
				jobs = append(jobs, job{&endings[i], p.client})
				want[endings[i].want]++
			}
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })

	before := g.metrics(t)
	queue := make(chan job)
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			for j := range queue {
				j.ask(t, g, j.client)
			}
		})
	}
	// Some clients wait all the time, and leave when all others are done.
	var leave []func()
	for i := range leaving {
		format := []string{"json", "csv"}[i/2%2]
		leave = append(leave, leavable(t, g, protocols[i%2].client, strings.NewReader(validBody),
			fault(`{"gate":"never"}`), "Accept: "+mediaTypeOf(format)))
		want[format+" client_gone"]++
	}
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	working.Wait()
	await(t, u, "those who wait to be held", func(s upstreamtest.Stats) bool { return s.Held == leaving && s.InFlight == leaving })
	eventually(t, "just those to be in flight", func() bool { return g.metrics(t).sum("requests_in_flight") == leaving })
	for _, cancel := range leave {
		cancel()
	}

	after := g.settled(t)
	if got := ended(before, after); !maps.Equal(got, want) {
		t.Errorf("ended %v\nwant  %v", got, want)
	}
	for _, name := range []string{"requests_total", "request_duration_seconds_count"} {
		if n := after.sum(name) - before.sum(name); n != float64(len(jobs)+leaving) {
			t.Errorf("%s grew by %v, want %d", name, n, len(jobs)+leaving)
		}
	}
}
