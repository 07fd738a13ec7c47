package integration

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
)

// metricsSite serves what g.metrics scrapes.
const metricsSite = "{site metrics} {\n\tmetrics\n}\n"

// settled returns the metrics once nothing is in flight. The samples of one page are
// not of one moment, so it scrapes them again then.
func (g *gateway) settled(t *testing.T) scrape {
	t.Helper()
	eventually(t, "no request to be in flight", func() bool { return g.metrics(t).sum("requests_in_flight") == 0 })
	return g.metrics(t)
}

func TestSeveralHandlersShareTheMetrics(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, metricsSite+site("one")+site("two", "route /v2/sessions/{sessionId}/conference/members")+`
{site twice} {
	route /a/* {
		uri strip_prefix /a
		conference_members
		reverse_proxy UPSTREAM
	}
	route {
		conference_members {
			mode report
		}
		reverse_proxy UPSTREAM
	}
}
`)
	g.sendRaw(t, "one", post(membersPath, validBody))
	g.sendRaw(t, "two", post("/v2"+membersPath, validBody))
	g.sendRaw(t, "twice", post("/a"+membersPath, validBody))
	g.sendRaw(t, "twice", post(membersPath, validBody))
	s := g.settled(t)
	if n := s.sum("requests_total"); n != 4 {
		t.Errorf("%v requests counted, want 4", n)
	}
	if n := s.sum("requests_total", "outcome=ok", "format=json"); n != 3 { // the upstream has no /v2
		t.Errorf("%v of them ok, want 3", n)
	}
	for _, name := range []string{"requests_total", "request_duration_seconds", "upstream_duration_seconds", "requests_in_flight"} {
		if n := strings.Count(g.metricsPage(t), "# TYPE "+ours+name+" "); n != 1 {
			t.Errorf("%s stands %d times on the page", name, n)
		}
	}
}

// TestEveryLabelValueExistsFromTheStart holds that counters start at 0: the rate() of a
// counter whose first sample is 1 is 0.
func TestEveryLabelValueExistsFromTheStart(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{})
	g := startFront(t, u, metricsSite+site("plain"))
	s := g.metrics(t)
	var outcomes, formats []string
	for _, o := range metrics.Outcomes() {
		outcomes = append(outcomes, o.String())
	}
	for _, f := range negotiate.Formats() {
		formats = append(formats, f.String())
	}
	slices.Sort(outcomes)
	if got := s.labelValues("requests_total", "outcome"); !slices.Equal(got, outcomes) {
		t.Errorf("outcomes %v, want %v", got, outcomes)
	}
	formats = append(formats, "none")
	slices.Sort(formats)
	if got := s.labelValues("requests_total", "format"); !slices.Equal(got, formats) {
		t.Errorf("formats %v, want %v", got, formats)
	}
	for _, reason := range []string{"not_json", "encoded", "truncated", "malformed", "too_large", "too_deep", "unexpected_shape", "duplicate_name", "invalid_utf8"} {
		if !slices.Contains(s.labelValues("transcode_fallbacks_total", "reason"), reason) {
			t.Errorf("no fallbacks for %s", reason)
		}
	}
	if n := s.sum("requests_total") + s.sum("transcode_fallbacks_total") + s.sum("requests_in_flight"); n != 0 {
		t.Errorf("%v counted before any request", n)
	}
}

// outcomeSites are the sites on which every outcome can be had.
const outcomeSites = metricsSite + `
{site plain} {
	conference_members {
		csv {
			max_response 64KiB
		}
	}
	reverse_proxy UPSTREAM
}
{site hasty} {
	conference_members
	reverse_proxy UPSTREAM {
		transport http {
			response_header_timeout 50ms
		}
	}
}
{site pass} {
	conference_members {
		predefined_routes pass
	}
	reverse_proxy UPSTREAM
}
{site routes} {
	conference_members {
		errors_via handle_errors
	}
	reverse_proxy UPSTREAM
}
{site report} {
	conference_members {
		mode report
	}
	reverse_proxy UPSTREAM
}
{site down} {
	conference_members
	reverse_proxy 127.0.0.1:1
}
{site sick} {
	conference_members
	reverse_proxy {
		dynamic a nosuch.invalid 1 {
			resolvers 127.0.0.1:1
		}
	}
}
{site failing} {
	conference_members
	error 500
}
{site replying} {
	conference_members
	respond "{}" 200
}
`

// TestEachRequestHasTheOutcomeThatItHad holds that each request has one outcome, the
// right one, and that each one that began ends.
func TestEachRequestHasTheOutcomeThatItHad(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true, API: true})
	g := startFront(t, u, outcomeSites)
	fault := func(s string) string { return upstreamtest.FaultHeader + ": " + s }
	csv := membersPath + ".csv"
	for _, tt := range []struct {
		outcome, format string
		site            string
		request         string
	}{
		{"ok", "json", "plain", post(membersPath, validBody)},
		{"ok", "csv", "plain", post(csv, validBody)},
		{"ok", "xml", "plain", post(membersPath+".xml", validBody)},
		{"ok", "csv", "plain", post(csv, validBody, fault("gzip"))},
		{"ok", "csv", "plain", post(csv, validBody, fault("no-content"))},
		{"ok", "json", "report", post(membersPath, invalidBody)},
		{"ok", "json", "replying", post(membersPath, validBody)},
		{"ok", "json", "plain", post(membersPath, validBody, fault("garbage"))},
		{"fallback", "csv", "plain", post(csv, validBody, fault("garbage"))},
		{"fallback", "csv", "plain", post(csv, validBody, fault("html"))},
		{"fallback", "csv", "plain", post(csv, validBody, fault("scalar"))},
		{"fallback", "csv", "plain", post(csv, validBody, fault("deep"))},
		{"fallback", "csv", "plain", post(csv, validBody, fault("truncated-json"))},
		{"fallback", "csv", "plain", post(csv, validBody, fault("huge"))},
		{"fallback", "csv", "plain", post(csv, validBody, fault("br"))},
		{"refused", "json", "plain", post(membersPath, invalidBody)},
		{"refused", "csv", "plain", post(csv, "{")},
		{"refused", "json", "plain", wire("POST "+membersPath, []string{"Content-Type: image/png"}, "x")},
		{"refused", "json", "routes", post(membersPath, invalidBody)},
		{"too_large", "json", "plain", post(membersPath, strings.Repeat(" ", 17<<10))},
		{"too_large", "csv", "plain", post(csv, gzipped(strings.Repeat(" ", 1<<20)), "Content-Encoding: gzip")},
		{"not_acceptable", "none", "plain", post(membersPath, validBody, "Accept: image/png")},
		{"not_acceptable", "none", "routes", post(membersPath+"?format=x", validBody)},
		{"method_not_allowed", "none", "plain", wire("GET "+csv, nil, "")},
		{"method_not_allowed", "none", "plain", wire("post "+membersPath, nil, "")},
		{"predefined_route", "none", "plain", post("/json/reply/AddConferenceMember[]", "[]")},
		{"passed", "none", "pass", post("/json/reply/AddConferenceMember", "{}")},
		{"passed", "none", "plain", wire("OPTIONS "+membersPath, nil, "")},
		{"upstream_4xx", "json", "plain", post("/sessions/err404/conference/members", validBody)},
		{"upstream_4xx", "csv", "plain", post("/sessions/err409/conference/members.csv", validBody)},
		{"upstream_5xx", "json", "plain", post("/sessions/err500/conference/members", validBody)},
		{"upstream_5xx", "csv", "plain", post(csv, validBody, fault("maintenance"))},
		{"upstream_5xx", "csv", "plain", post(csv, validBody, fault("bad-gateway"))},
		{"unreachable", "json", "down", post(membersPath, validBody)},
		{"no_response", "csv", "plain", post(csv, validBody, fault("reset"))},
		{"no_response", "json", "plain", post(membersPath, validBody, fault("close-early"))},
		{"no_response", "json", "plain", post(membersPath, validBody, fault("not-http"))},
		{"unreachable", "csv", "sick", post(csv, validBody)},
		{"timeout", "json", "hasty", post(membersPath, validBody, fault(`{"gate":"never"}`))},
		{"timeout", "csv", "hasty", post(csv, validBody, fault(`{"gate":"never"}`))},
		{"aborted", "json", "plain", post(membersPath, validBody, fault("reset-mid-body"))},
		{"aborted", "csv", "plain", post(csv, validBody, fault("close-mid-body"))},
		{"aborted", "csv", "plain", post(csv, validBody, fault("length-long"))},
		{"failed", "json", "failing", post(membersPath, validBody)},
	} {
		name, _, _ := strings.Cut(tt.request, "\r\n\r\n")
		t.Run(tt.outcome+" "+tt.site+" "+strings.ReplaceAll(name, "\r\n", " "), func(t *testing.T) {
			before := g.settled(t)
			g.sendRaw(t, tt.site, tt.request)
			checkOutcome(t, before, g.settled(t), tt.outcome, tt.format)
		})
	}

	t.Run("other routes are not counted", func(t *testing.T) {
		before := g.settled(t)
		g.sendRaw(t, "plain", wire("GET /", nil, ""))
		g.sendRaw(t, "plain", post("/sessions/abc/conference", validBody))
		g.sendRaw(t, "plain", wire("OPTIONS *", nil, ""))
		if got := g.settled(t); got.sum("requests_total") != before.sum("requests_total") || got.sum("upstream_duration_seconds_count") != before.sum("upstream_duration_seconds_count") {
			t.Error("they were")
		}
	})
}

// dial connects to a site.
func (g *gateway) dial(t *testing.T, site string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL(site), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// checkOutcome fails the test unless just one request was counted in between,
// and timed, with an outcome and a format.
func checkOutcome(t *testing.T, before, after scrape, outcome, format string) {
	t.Helper()
	for _, name := range []string{"requests_total", "request_duration_seconds_count"} {
		if n := after.sum(name) - before.sum(name); n != 1 {
			t.Errorf("%s: %v requests, want 1", name, n)
		}
		labels := []string{"outcome=" + outcome}
		if name == "requests_total" {
			labels = append(labels, "format="+format)
		}
		if after.sum(name, labels...)-before.sum(name, labels...) == 1 {
			continue
		}
		for _, s := range after.series(name) {
			if n := s.value - before.sum(name, s.labels...); n != 0 {
				t.Errorf("%s%v: counted, want %s %s", name, s.labels, outcome, format)
			}
		}
	}
}

// TestAReloadUnderLoadLosesNothing holds that everything that the old configuration
// still counts is counted, that nothing panics, and that no counter starts again.
func TestAReloadUnderLoadLosesNothing(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true, Keep: -1})
	config := strings.ReplaceAll(outcomeSites, "UPSTREAM", u.Addr)
	g := startGateway(t, config)
	const reloads = 6
	for i := range reloads {
		g.URL(fmt.Sprintf("extra%d", i)) // a new port, before the load begins
	}
	stop := make(chan struct{})
	var load sync.WaitGroup
	end := sync.OnceFunc(func() {
		close(stop)
		u.Release("reload", -1)
		load.Wait()
	})
	defer end()
	var mu sync.Mutex
	responses := make(map[int]int)
	noResponse := 0
	requests := []string{
		post(membersPath, validBody), post(membersPath+".csv", validBody), post(membersPath, invalidBody), wire("GET "+membersPath, nil, ""),
		post(membersPath+".csv", validBody, upstreamtest.FaultHeader+": garbage"),
		post(membersPath, validBody, upstreamtest.FaultHeader+`: {"gate":"reload"}`),
	}
	for range 6 {
		load.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				got := g.sendRaw(t, "plain", strings.Replace(requests[i%len(requests)], "\r\n", "\r\nConnection: close\r\n", 1))
				mu.Lock()
				if got.err != nil {
					// The kernel resets connections that the old listener had not accepted.
					noResponse++
				} else {
					responses[got.status]++
				}
				mu.Unlock()
			}
		})
	}
	last := 0.0
	for i := range reloads {
		await(t, u, "requests to be held", func(s upstreamtest.Stats) bool { return s.Held > 0 })
		g.load(fmt.Sprintf("%s# reload %d\n{site extra%d} {\n\trespond ok\n}\n", config, i, i))
		u.Release("reload", 20)
		n := g.metrics(t).sum("requests_total")
		if n < last {
			t.Errorf("%v requests counted after reload %d, %v before", n, i, last)
		}
		last = n
	}
	end()

	s := g.settled(t)
	total := 0
	for _, n := range responses {
		total += n
	}
	if noResponse > total/10 {
		t.Errorf("%d requests got no response, %d did", noResponse, total)
	}
	if n := s.sum("requests_total"); n != float64(total) {
		t.Errorf("%v requests counted, %d responses: %v", n, total, responses)
	}
	if n := s.sum("requests_total", "outcome=ok") + s.sum("requests_total", "outcome=fallback"); n != float64(u.Stats().Requests) {
		t.Errorf("%v forwarded requests counted, %d arrived", n, u.Stats().Requests)
	}
	for status, outcome := range map[int]string{422: "refused", 405: "method_not_allowed"} {
		if n := s.sum("requests_total", "outcome="+outcome); n != float64(responses[status]) {
			t.Errorf("%v counted as %s, %d responses with %d", n, outcome, responses[status], status)
		}
	}
	for _, e := range g.log("process") {
		if text := fmt.Sprint(e); strings.Contains(text, "panic") {
			t.Errorf("logged %.500s", text)
		}
	}
}

// TestNoClientMakesNewSeries holds that no text of a client becomes the value of a
// label.
func TestNoClientMakesNewSeries(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, metricsSite+site("plain", "unknown_fields reject")+site("report", "mode report"))
	for i := range 300 {
		odd := fmt.Sprintf("odd%d", i)
		g.sendRaw(t, "plain", wire(odd+" "+membersPath, nil, ""))
		g.sendRaw(t, "plain", post(membersPath+"?format="+odd, validBody, "Accept: "+odd+"/x"))
		g.sendRaw(t, "plain", post(membersPath, `{"`+odd+`":1,"destination":"+1"}`))
		g.sendRaw(t, "report", post(membersPath, fmt.Sprintf(`{"destination":"+%d2025550123","callSid":"%s"}`, 200+i*2, odd)))
	}
	s := g.settled(t)
	if strings.Contains(g.metricsPage(t), "odd1") {
		t.Error("a client's text is on the page")
	}
	series := make(map[string]struct{})
	for _, m := range s {
		if strings.HasSuffix(m.name, "_bucket") || strings.HasSuffix(m.name, "_sum") {
			continue // a histogram is one series of the library's
		}
		series[fmt.Sprint(m.name, m.labels)] = struct{}{}
	}
	if len(series) > metrics.MaxLabelSets {
		t.Errorf("%d series, want %d at most", len(series), metrics.MaxLabelSets)
	}
}

// TestTheResponseToAHEADHasNoSize holds that the response to a HEAD request counts no
// bytes, although it says how long a body would be.
func TestTheResponseToAHEADHasNoSize(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{})
	g := startFront(t, u, metricsSite+site("plain"))
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			before := g.settled(t)
			if got := send(t, p.client, "HEAD", g.URL("plain")+membersPath, ""); got.status != 405 || got.header.Get("Content-Length") == "0" {
				t.Fatalf("status %d, Content-Length %s", got.status, got.header.Get("Content-Length"))
			}
			after := g.settled(t)
			if n := after.sum("response_body_bytes_count") - before.sum("response_body_bytes_count"); n != 1 {
				t.Errorf("%v responses were measured, want 1", n)
			}
			if n := after.sum("response_body_bytes_sum") - before.sum("response_body_bytes_sum"); n != 0 {
				t.Errorf("%v bytes were counted, want none", n)
			}
		})
	}
}
