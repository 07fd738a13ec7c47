package integration

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency/storetest"
	"github.com/evovoice-gateway/caddy-conference-members/internal/gatewaytest"
	_ "github.com/evovoice-gateway/caddy-conference-members/stores/redis" // for two gateways
)

const bulkPath = membersPath + "/bulk"

// phones are an upstream that notes which destinations it dials.
type phones struct {
	*httptest.Server

	mu       sync.Mutex
	dialled  []string
	response func(destination string, w http.ResponseWriter, r *http.Request)
}

// startPhones starts an upstream that responds with a session, or as response does.
func startPhones(t *testing.T, response func(destination string, w http.ResponseWriter, r *http.Request)) *phones {
	t.Helper()
	p := &phones{response: response}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Destination string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.URL.Path != membersPath {
			http.NotFound(w, r)
			return
		}
		p.mu.Lock()
		p.dialled = append(p.dialled, body.Destination)
		p.mu.Unlock()
		if p.response != nil {
			p.response(body.Destination, w, r)
			return
		}
		ring(body.Destination, w)
	}))
	t.Cleanup(p.Close)
	return p
}

// ring responds with a session.
func ring(destination string, w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = fmt.Fprintf(w, `{"destination":%q,"id":"abc"}`, destination)
}

// calls returns the destinations that were dialled, in their order.
func (p *phones) calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.dialled)
}

// guests returns n rows of CSV, to user1, user2 and so on.
func guests(n int) string {
	var b strings.Builder
	b.WriteString("destination\n")
	for i := range n {
		fmt.Fprintf(&b, "user%d\n", i+1)
	}
	return b.String()
}

// users returns the destinations of guests.
func users(n int) []string { return strings.Fields(guests(n))[1:] }

// upload sends rows of CSV under a key and returns the outcomes of the rows, which
// come in CSV as well.
func upload(t *testing.T, client *http.Client, url, key, body string, header ...string) []string {
	t.Helper()
	var got reply
	eventually(t, "the upload to arrive", func() bool { // a server that was just replaced may take its connection, and close it
		got = send(t, client, http.MethodPost, url+bulkPath, body,
			append([]string{"Content-Type: text/csv", "Accept: text/csv", "Idempotency-Key: " + key}, header...)...)
		return got.err == nil
	})
	if got.err != nil || got.status != http.StatusMultiStatus {
		t.Fatalf("status %d, %v: %s", got.status, got.err, got.body)
	}
	return rowOutcomes(t, got.body)
}

// rowOutcomes returns the outcomes in a result in CSV, each with its rules.
func rowOutcomes(t *testing.T, result string) []string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(result)).ReadAll()
	if err != nil {
		t.Fatalf("%v: %s", err, result)
	}
	var outcomes []string
	for i, row := range rows[1:] {
		if row[0] != strconv.Itoa(i+1) {
			t.Errorf("row %d is told as row %s", i+1, row[0])
		}
		outcomes = append(outcomes, strings.TrimSpace(row[3]+" "+row[4]))
	}
	return outcomes
}

// repeated returns an outcome n times.
func repeated(outcome string, n int) []string { return slices.Repeat([]string{outcome}, n) }

// quota is a handler that lets so many requests pass, as a rate limit does, and
// refuses one that has something of another.
type quota struct {
	Most int `json:"most"`

	mu   sync.Mutex
	seen int
}

func (*quota) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.quota", New: func() caddy.Module { return new(quota) }}
}

func (q *quota) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	_, placeholder := repl.Get("quota.seen")
	if placeholder || caddyhttp.GetVar(r.Context(), "quota") != nil || r.Header.Get("X-Quota") != "" || w.Header().Get("X-Quota") != "" || r.URL.Fragment != "" {
		return caddyhttp.Error(http.StatusTeapot, fmt.Errorf("something of another request is here"))
	}
	repl.Set("quota.seen", true)
	caddyhttp.SetVar(r.Context(), "quota", true)
	r.Header.Set("X-Quota", "seen")
	w.Header().Set("X-Quota", "seen")
	r.URL.Fragment = "seen"
	q.mu.Lock()
	q.seen++
	full := q.seen > q.Most
	q.mu.Unlock()
	if full {
		return caddyhttp.Error(http.StatusTooManyRequests, fmt.Errorf("too many"))
	}
	return next.ServeHTTP(w, r)
}

// registerQuota makes the directive quota known, once.
var registerQuota = sync.OnceFunc(func() {
	caddy.RegisterModule(new(quota))
	httpcaddyfile.RegisterHandlerDirective("quota", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		most, err := strconv.Atoi(h.RemainingArgs()[0])
		return &quota{Most: most}, err
	})
})

// TestEachRowPassesTheHandlersBehind holds that the handlers behind see each row as a
// separate request.
func TestEachRowPassesTheHandlersBehind(t *testing.T) {
	registerQuota()
	p := startPhones(t, func(destination string, w http.ResponseWriter, _ *http.Request) {
		if destination == "user2" {
			w.WriteHeader(486)
			return
		}
		ring(destination, w)
	})
	const bulk = "conference_members {\n\t\tbulk {\n\t\t\tpace 0\n\t\t}\n\t}\n"
	for _, tt := range []struct {
		rule, behind string
		want         []string
	}{
		{"a proxy", "reverse_proxy UPSTREAM", []string{"dialled", "not-dialled", "dialled", "dialled"}},
		{"handle blocks", "handle /other/* {\n respond 404\n}\n handle /sessions/* {\n reverse_proxy UPSTREAM\n}\n handle {\n respond 410\n}", []string{"dialled", "not-dialled", "dialled", "dialled"}},
		{"handle blocks in handle blocks", "handle /sessions/* {\n @members path */members\n handle @members {\n reverse_proxy UPSTREAM\n}\n handle {\n respond 410\n}\n}", []string{"dialled", "not-dialled", "dialled", "dialled"}},
		{"a route", "route /sessions/* {\n vars a b\n @once vars b c\n respond @once 410\n vars b c\n reverse_proxy UPSTREAM\n}", []string{"dialled", "not-dialled", "dialled", "dialled"}},
		{"handle_response", "reverse_proxy UPSTREAM {\n @busy status 486\n handle_response @busy {\n respond `{\"responseStatus\":{\"message\":\"Busy.\"}}` 409\n}\n}", []string{"dialled", "not-dialled", "dialled", "dialled"}},
		{"an error route", "reverse_proxy UPSTREAM\n handle_errors {\n respond error\n}", []string{"dialled", "not-dialled", "dialled", "dialled"}},
		{"a rewrite", "rewrite * {path}?{query}&x=y\n reverse_proxy UPSTREAM", []string{"dialled", "not-dialled", "dialled", "dialled"}},
		{"a limit of requests", "route {\n quota 3\n reverse_proxy UPSTREAM\n}", []string{"dialled", "not-dialled", "dialled", "not-dialled"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			g := startGateway(t, "{site plain} {\n\troute {\n\t"+bulk+strings.ReplaceAll(strings.Split(tt.behind, "\n handle_errors")[0], "UPSTREAM", p.URL)+"\n}\n"+errorRoute(tt.behind)+"}\n")
			for _, pr := range protocols {
				if got := upload(t, pr.client, g.URL("plain"), pr.name, guests(4)); tt.rule != "a limit of requests" && !slices.Equal(got, tt.want) ||
					pr.name == "HTTP/1.1" && !slices.Equal(got, tt.want) {
					t.Errorf("%s: %q, want %q", pr.name, got, tt.want)
				}
			}
		})
	}
}

// errorRoute returns the error route of a site, if it has one.
func errorRoute(behind string) string {
	if _, route, ok := strings.Cut(behind, "\n handle_errors"); ok {
		return "handle_errors" + route + "\n"
	}
	return ""
}

// noted is the context of the last request that came to the directive noting.
var noted atomic.Pointer[context.Context]

type noting struct{}

func (noting) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.noting", New: func() caddy.Module { return new(noting) }}
}

func (noting) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	ctx := r.Context()
	noted.Store(&ctx)
	return next.ServeHTTP(w, r)
}

// registerNoting makes the directive noting known, once.
var registerNoting = sync.OnceFunc(func() {
	caddy.RegisterModule(noting{})
	httpcaddyfile.RegisterDirectiveOrder("noting", httpcaddyfile.Before, "encode")
	httpcaddyfile.RegisterHandlerDirective("noting", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return noting{}, nil
	})
})

const bulkSite = `{site plain} {
	log {
		output file {dir}/access.log
	}
	conference_members {
		hash_key 0123456789abcdef0123456789abcdef
		bulk {
			pace PACE
			max_rows 1000
		}
		STORE
	}
	reverse_proxy UPSTREAM
}
`

// bulkGateway returns a Caddyfile with bulk.
func bulkGateway(p *phones, pace, store string) string {
	return strings.NewReplacer("UPSTREAM", p.URL, "PACE", pace, "STORE", store).Replace(bulkSite)
}

// TestRowsCountAsCalls holds that metrics and logs have each row as a call.
func TestRowsCountAsCalls(t *testing.T) {
	p := startPhones(t, func(destination string, w http.ResponseWriter, _ *http.Request) {
		if destination == "user2" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		ring(destination, w)
	})
	g := startGateway(t, metricsSite+bulkGateway(p, "0", ""))
	before := g.metrics(t)
	upload(t, freshClient, g.URL("plain"), "k", guests(3))
	after := g.settled(t)
	for name, want := range map[string]float64{
		"calls_total call=dialled": 1, "calls_total call=unknown": 1, "calls_total call=not-dialled": 0,
		"requests_total outcome=ok": 1, "requests_total outcome=upstream_5xx": 1, "requests_total outcome=bulk": 1,
		"bulk_rows_total outcome=dialled": 1, "bulk_rows_total outcome=unknown": 1, "bulk_rows_total outcome=not_attempted": 1,
	} {
		metric, label, _ := strings.Cut(name, " ")
		if got := after.sum(metric, label) - before.sum(metric, label); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	rows := make(map[float64]string)
	for _, e := range g.log("process") {
		if e["msg"] == "row ended" {
			fields, _ := e["conference_members"].(map[string]any)
			row, _ := fields["row"].(float64)
			rows[row], _ = fields["outcome"].(string)
		}
	}
	if len(rows) != 2 || rows[1] != "ok" || rows[2] != "upstream_5xx" {
		t.Errorf("the log has rows %v", rows)
	}
	eventually(t, "the access log to have the upload", func() bool {
		for _, e := range g.log("access") {
			fields, _ := e["conference_members"].(map[string]any)
			if fmt.Sprint(fields["rows"]) == "map[dialled:1 not_attempted:1 unknown:1]" && fields["outcome"] == "bulk" {
				return true
			}
		}
		return false
	})
}

// watched is an upload whose result is read as it comes.
type watched struct {
	lines *bufio.Reader
	leave context.CancelFunc
}

// watch sends an upload and returns when the header of the response has come.
func watch(t *testing.T, client *http.Client, url, key, body string) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+bulkPath, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": "text/csv", "Accept": "text/csv", "Idempotency-Key": key} {
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusMultiStatus {
		t.Fatalf("status %d", res.StatusCode)
	}
	return &watched{bufio.NewReader(res.Body), cancel}
}

// line returns the next line.
func (w *watched) line(t *testing.T) string {
	t.Helper()
	line, err := w.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return line
}

// rest returns the outcomes of all rows, some of them read before.
func (w *watched) rest(t *testing.T, read string) []string {
	t.Helper()
	all, err := io.ReadAll(w.lines)
	if err != nil {
		t.Fatalf("%q: %v", all, err)
	}
	return rowOutcomes(t, read+string(all))
}

// gate holds calls of one destination until it is opened.
type gate struct {
	reached, open chan struct{}
}

func newGate() *gate { return &gate{make(chan struct{}, 10), make(chan struct{})} }

// at responds, but holds the call of one destination.
func (g *gate) at(held string) func(string, http.ResponseWriter, *http.Request) {
	return func(destination string, w http.ResponseWriter, _ *http.Request) {
		if destination == held {
			g.reached <- struct{}{}
			<-g.open
		}
		ring(destination, w)
	}
}

// TestResultsComeBeforeTheNextRowIsDialled holds that over every protocol, and through
// a proxy in front that buffers what it may.
func TestResultsComeBeforeTheNextRowIsDialled(t *testing.T) {
	for _, site := range []string{"plain", "front"} {
		for _, pr := range protocols {
			t.Run(site+" over "+pr.name, func(t *testing.T) {
				held := newGate()
				p := startPhones(t, held.at("user3"))
				g := newGateway(t)
				g.start(bulkGateway(p, "0", "") + "{site front} {\n\tencode gzip\n\treverse_proxy " + g.Address("plain") + "\n}\n")
				w := watch(t, pr.client, g.URL(site), "k", guests(5))
				read := w.line(t) + w.line(t) + w.line(t) // while the third call has no response
				<-held.reached
				if got := rowOutcomes(t, read); !slices.Equal(got, repeated("dialled", 2)) || len(p.calls()) != 3 {
					t.Errorf("%q are told, %q dialled", got, p.calls())
				}
				close(held.open)
				if got := w.rest(t, read); !slices.Equal(got, repeated("dialled", 5)) {
					t.Errorf("%q", got)
				}
			})
		}
	}
}

// TestARunStopsAndGoesOn holds that an upload stops when its client leaves, the
// configuration is replaced or Caddy stops: no further call is begun, the one under way
// is finished and recorded, and the same upload dials the rest.
func TestARunStopsAndGoesOn(t *testing.T) {
	for _, pr := range protocols {
		t.Run("a reload over "+pr.name, func(t *testing.T) {
			held := newGate()
			p := startPhones(t, held.at("user3"))
			g := startGateway(t, bulkGateway(p, "0", ""))
			w := watch(t, pr.client, g.URL("plain"), "k", guests(5))
			<-held.reached
			g.load(bulkGateway(p, "1ms", ""))
			close(held.open)
			if got := w.rest(t, ""); !slices.Equal(got, []string{"dialled", "dialled", "dialled", "not_attempted", "not_attempted"}) {
				t.Errorf("%q", got)
			}
			goesOn(t, p, g, 3)
		})
		t.Run("a client that leaves over "+pr.name, func(t *testing.T) {
			held := newGate()
			p := startPhones(t, held.at("user3"))
			registerNoting()
			g := startGateway(t, metricsSite+strings.Replace(bulkGateway(p, "0", ""), "conference_members {", "noting\n\tconference_members {", 1))
			w := watch(t, pr.client, g.URL("plain"), "k", guests(5))
			<-held.reached
			w.leave()
			before := g.metrics(t).sum("bulk_rows_total", "outcome=not_attempted")
			<-(*noted.Load()).Done() // the gateway has seen it
			close(held.open)
			eventually(t, "the run to stop", func() bool {
				return g.metrics(t).sum("bulk_rows_total", "outcome=not_attempted") == before+2
			})
			goesOn(t, p, g, 3)
		})
	}
	t.Run("a shutdown", func(t *testing.T) {
		held := newGate()
		p := startPhones(t, held.at("user3"))
		g := newGateway(t)
		const store = "idempotency {\n store file {dir}/calls.db\n}"
		gw := startProcess(t, g, bulkGateway(p, "0", store))
		w := watch(t, freshClient, g.URL("plain"), "k", guests(5))
		<-held.reached
		gw.shutDown()
		close(held.open)
		if got := w.rest(t, ""); !slices.Equal(got, []string{"dialled", "dialled", "dialled", "not_attempted", "not_attempted"}) {
			t.Errorf("%q", got)
		}
		<-gw.Ended
		startProcess(t, g, bulkGateway(p, "0", store))
		goesOn(t, p, g, 3)
	})
}

// goesOn uploads again: rows that were dialled are replayed, the others are dialled.
func goesOn(t *testing.T, p *phones, g *gateway, done int) {
	t.Helper()
	want := append(repeated("replayed", done), repeated("dialled", 5-done)...)
	if got := upload(t, freshClient, g.URL("plain"), "k", guests(5)); !slices.Equal(got, want) {
		t.Errorf("again: %q, want %q", got, want)
	}
	if got := p.calls(); !slices.Equal(got, users(5)) {
		t.Errorf("dialled %q", got)
	}
}

// TestASlowReaderLosesNothing holds that an upload waits for a slow reader and goes on.
func TestASlowReaderLosesNothing(t *testing.T) {
	const rows = 200
	p := startPhones(t, func(destination string, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"destination":%q,"displayName":%q}`, destination, strings.Repeat("x", 64<<10))
	})
	g := startGateway(t, bulkGateway(p, "0", ""))
	w := watch(t, freshClient, g.URL("plain"), "k", guests(rows))
	eventually(t, "results to be there that nobody reads", func() bool { return len(p.calls()) > 10 })
	if got := w.rest(t, ""); !slices.Equal(got, repeated("dialled", rows)) {
		t.Errorf("%d rows are told", len(got))
	}
}

// killsVariable is how many times the gateway is killed.
const killsVariable = "BULK_KILLS"

// TestAGatewayThatIsKilledDialsEachRowOnce kills the gateway during an upload of 30
// rows, uploads again until the upload ends, and repeats all that.
func TestAGatewayThatIsKilledDialsEachRowOnce(t *testing.T) {
	kills, err := strconv.Atoi(or(os.Getenv(killsVariable), "3"))
	if err != nil {
		t.Fatal(err)
	}
	const rows = 30
	const store = "idempotency {\n store file {dir}/calls.db\n}"
	var mu sync.Mutex
	at, kill := -1, func() {} // how many calls before the kill
	p := startPhones(t, func(destination string, w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		now, late := at == 0, kills%2 == 0
		at--
		if now && !late {
			kill()
		}
		mu.Unlock()
		ring(destination, w)
		if now && late {
			_ = http.NewResponseController(w).Flush()
			kill()
		}
	})
	g := newGateway(t)
	config := bulkGateway(p, "0", store)
	for round := 0; kills > 0; round++ {
		unknown, before := make(map[string]bool), len(p.calls())
		key := fmt.Sprintf("upload-%d", round)
		for {
			gw := startProcess(t, g, config)
			mu.Lock()
			at = -1
			if kills > 0 {
				at = (kills*7 + round) % 11 // some moment
				kill = func() { _ = gw.Process.Process.Kill() }
			}
			mu.Unlock()
			got := send(t, freshClient, http.MethodPost, g.URL("plain")+bulkPath, guests(rows),
				"Content-Type: text/csv", "Accept: text/csv", "Idempotency-Key: "+key)
			if got.err != nil {
				kills--
				<-gw.Ended
				continue
			}
			for i, outcome := range rowOutcomes(t, got.body) {
				switch outcome {
				case "dialled", "replayed":
				case "unknown outcome_unknown":
					unknown[users(rows)[i]] = true
				default:
					t.Errorf("row %d is %s", i+1, outcome)
				}
			}
			_ = gw.Process.Process.Kill()
			<-gw.Ended
			break
		}
		calls := p.calls()[before:]
		slices.Sort(calls)
		if twice := len(calls) - len(slices.Compact(slices.Clone(calls))); twice > 0 {
			t.Errorf("round %d: %d rows were dialled twice", round, twice)
		}
		for _, user := range users(rows) {
			if !slices.Contains(calls, user) && !unknown[user] {
				t.Errorf("round %d: %s is said to be dialled and was not", round, user)
			}
		}
	}
}

// freshClient uses no connection twice: one that a replaced configuration closes would
// fail an upload that never arrived.
var freshClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// TestTwoGatewaysOnOneRedisDialEachRowOnce sends the same upload to both at once.
func TestTwoGatewaysOnOneRedisDialEachRowOnce(t *testing.T) {
	address := startRedis(t)
	p := startPhones(t, nil)
	const rows = 30
	config := bulkGateway(p, "0", "idempotency {\n store redis {\n address "+address+"\n}\n}")
	var gateways [2]*gateway
	for i := range gateways {
		gateways[i] = newGateway(t)
		startProcess(t, gateways[i], config)
	}
	var both sync.WaitGroup
	for _, g := range gateways {
		both.Go(func() { upload(t, freshClient, g.URL("plain"), "k", guests(rows)) })
	}
	both.Wait()
	// The second one may have stopped where the other one was.
	if got := upload(t, freshClient, gateways[0].URL("plain"), "k", guests(rows)); slices.Contains(got, "not_attempted") || slices.Contains(got, "unknown outcome_unknown") {
		t.Errorf("again: %q", got)
	}
	calls := p.calls()
	slices.Sort(calls)
	want := users(rows)
	slices.Sort(want)
	if !slices.Equal(calls, want) {
		t.Errorf("dialled %q", calls)
	}
}

// startRedis runs a redis-server for the time of the test and returns its address.
func startRedis(t *testing.T) string {
	t.Helper()
	path := storetest.RedisServer(t)
	address := newGateway(t).Address("redis")
	_, port, _ := net.SplitHostPort(address)
	ctx, stop := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, path, "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--maxmemory-policy", "noeviction")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = server.Wait() // it was killed
	})
	eventually(t, "redis-server to listen", func() bool {
		c, err := net.Dial("tcp", address)
		return err == nil && c.Close() == nil
	})
	return address
}

// BenchmarkBulk compares 1,000 rows of one upload with as many requests on one
// connection, each with a key.
func BenchmarkBulk(b *testing.B) {
	const rows = 1000
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		ring("user", w)
	}))
	defer upstream.Close()
	g := gatewaytest.New(b.TempDir())
	g.LogOutput = "discard"
	err := g.Load(strings.NewReplacer("UPSTREAM", upstream.URL, "PACE", "0", "STORE", "idempotency").Replace(bulkSite))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = caddy.Stop() }()
	client := &http.Client{Transport: new(http.Transport)}
	ask := func(path, contentType, key, body string, status int) {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, g.URL("plain")+path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Idempotency-Key", key)
		res, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != status {
			b.Fatalf("status %d, %v", res.StatusCode, err)
		}
	}
	calls := users(rows)
	body := guests(rows)
	var single, bulk time.Duration
	run := 0
	for b.Loop() { // one after the other, so that both see the same machine
		run++
		began := time.Now()
		for i, user := range calls {
			ask(membersPath, "application/json", fmt.Sprintf("%d-%d", run, i), `{"destination":"`+user+`"}`, http.StatusOK)
		}
		single += time.Since(began)
		began = time.Now()
		ask(bulkPath, "text/csv", fmt.Sprintf("many-%d", run), body, http.StatusMultiStatus)
		bulk += time.Since(began)
	}
	b.ReportMetric(single.Seconds()/bulk.Seconds(), "bulk/single")
	b.ReportMetric(float64(run*rows)/bulk.Seconds(), "rows/s")
}
