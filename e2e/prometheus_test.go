//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/gatewaytest"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

const (
	rulesFile     = "../ops/prometheus/conference-members.rules.yml"
	rulesTestFile = "../ops/prometheus/conference-members.test.yml"

	// job is the name under which Prometheus scrapes the gateway.
	job = "conference-members"
)

func TestPromtoolAcceptsTheAlerts(t *testing.T) {
	promtool := program(t, "promtool", "prometheus")
	output(t, promtool, "check", "rules", rulesFile)
	output(t, promtool, "test", "rules", rulesTestFile)
}

// shot is a request of the load, and how it must be counted.
type shot struct {
	times int

	method, path, accept, fault string // POST, membersPath, none, none
	header                      string // a header of that name
	destination                 string // of a valid call
	body                        string // instead of a valid call
	leaves                      bool   // the client gives up while the upstream waits

	outcome, format string
	class           string // of the upstream's response, empty if it was not asked
	kind, country   string // of the call, empty if it was not forwarded
	rule            string // the rule that refuses it
	reported        string // the rule in mode report that it violates
	fallback        string // the reason
}

const (
	american = "+12024561111"
	british  = "+442071838750"
	german   = "+493018400"
	unused   = "+12020001111" // no such exchange
)

// load has every outcome, each a different number of times.
var load = []shot{
	{times: 9, destination: american, outcome: "ok", format: "json", class: "2xx", kind: "phone", country: "US"},
	{times: 8, destination: british, accept: "text/csv", outcome: "ok", format: "csv", class: "2xx", kind: "phone", country: "GB"},
	{times: 2, destination: german, accept: "application/xml", outcome: "ok", format: "xml", class: "2xx", kind: "phone", country: "DE"},
	{times: 3, destination: "sip:ann@example.com", outcome: "ok", format: "json", class: "2xx", kind: "sip", country: "none"},
	{times: 2, destination: unused, outcome: "ok", format: "json", class: "2xx", kind: "phone", country: "none", reported: "validity"},
	{times: 4, destination: american, accept: "text/csv", fault: "garbage", outcome: "fallback", format: "csv", class: "2xx", kind: "phone", country: "US", fallback: "malformed"},
	{times: 1, destination: american, accept: "text/csv", fault: "br", outcome: "fallback", format: "csv", class: "2xx", kind: "phone", country: "US", fallback: "encoded"},
	{times: 7, body: `{"callSid":"` + callSID + `"}`, outcome: "refused", format: "json", rule: "required"},
	{times: 6, destination: "911", outcome: "refused", format: "json", rule: "emergency"},
	{times: 3, body: strings.Repeat(" ", 20<<10), outcome: "too_large", format: "json", rule: "body_too_large"},
	{times: 2, destination: american, accept: "image/png", outcome: "not_acceptable", format: "none", rule: "not_acceptable"},
	{times: 4, method: http.MethodGet, outcome: "method_not_allowed", format: "none", rule: "method_not_allowed"},
	{times: 5, path: "/json/reply/AddConferenceMember[]", destination: american, outcome: "predefined_route", format: "none", rule: "predefined_route"},
	{times: 3, method: http.MethodOptions, outcome: "passed", format: "none", class: "4xx"},
	{times: 5, path: "/sessions/err404/conference/members", destination: american, outcome: "upstream_4xx", format: "json", class: "4xx", kind: "phone", country: "US"},
	{times: 6, path: "/sessions/err500/conference/members", destination: american, accept: "text/csv", outcome: "upstream_5xx", format: "csv", class: "5xx", kind: "phone", country: "US"},
	{times: 4, destination: american, fault: "close", outcome: "no_response", format: "json", class: "none", kind: "phone", country: "US"},
	{times: 1, destination: american, fault: `{"gate":"late"}`, outcome: "timeout", format: "json", class: "none", kind: "phone", country: "US"},
	{times: 2, destination: american, fault: `{"gate":"gone"}`, leaves: true, outcome: "client_gone", format: "json", class: "none", kind: "phone", country: "US"},
	{times: 3, destination: american, header: "X-Fail", outcome: "failed", format: "json", class: "none", kind: "phone", country: "US"},
	{times: 2, destination: american, fault: "close-mid-body", outcome: "aborted", format: "json", class: "2xx", kind: "phone", country: "US"},
}

// send sends the shot once and reads its response.
func (s *shot) send(t *testing.T, site string, upstream *upstreamtest.Server) {
	t.Helper()
	method, path, body := http.MethodPost, membersPath, s.body
	if s.method != "" {
		method = s.method
	}
	if s.path != "" {
		path = s.path
	}
	if body == "" {
		body = fmt.Sprintf(`{"callSid":%q,"destination":%q}`, callSID, s.destination)
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, method, site+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range map[string]string{"Accept": s.accept, upstreamtest.FaultHeader: s.fault, s.header: "yes"} {
		if name != "" && value != "" {
			r.Header.Set(name, value)
		}
	}
	if s.leaves {
		if err := upstream.Await(ctx, func(st upstreamtest.Stats) bool { return st.Held == 0 }); err != nil {
			t.Fatal(err)
		}
		go func() {
			_ = upstream.Await(ctx, func(st upstreamtest.Stats) bool { return st.Held > 0 })
			leave()
		}()
	}
	res, err := http.DefaultClient.Do(r)
	if s.leaves != (err != nil) {
		t.Fatalf("%s: %v", s.outcome, err)
	}
	if err == nil {
		_, _ = io.Copy(io.Discard, res.Body) // some responses break off
		_ = res.Body.Close()
	}
}

// figures are counts by the value of a label.
type figures map[string]float64

// TestPrometheusCountsWhatWasSent sends a load with every outcome, and holds that
// Prometheus, the recording rules and the dashboard show it.
func TestPrometheusCountsWhatWasSent(t *testing.T) {
	upstream := startUpstream(t)
	site := startGateway(t, upstream.URL+` {
		transport http {
			response_header_timeout 2s
		}
	}
	@fail header X-Fail *
	error @fail 418
	metrics /metrics`, "")[0]
	p := startPrometheus(t, strings.TrimPrefix(site, "http://"))
	gatewaytest.Await(t, "the first scrape", func() bool { return len(p.query(t, "caddy_conference_members_requests_in_flight")) > 0 })

	want, phones := map[string]figures{}, figures{}
	count := func(metric, label, value string, n int) {
		of := metric + " by " + label
		if want[of] == nil {
			want[of] = figures{}
		}
		if value != "" {
			want[of][value] += float64(n)
		}
	}
	// The first round creates the series, the second raises them.
	const rounds = 2
	total := 0
	for range rounds {
		for _, s := range load {
			for range s.times {
				s.send(t, site, upstream)
			}
			total += s.times
			count("requests_total", "outcome", s.outcome, s.times)
			count("requests_total", "format", s.format, s.times)
			count("request_duration_seconds_count", "outcome", s.outcome, s.times)
			count("upstream_duration_seconds_count", "code_class", s.class, s.times)
			count("destinations_total", "kind", s.kind, s.times)
			count("destinations_total", "country", s.country, s.times)
			count("validation_failures_total", "rule", s.rule, s.times)
			count("validation_failures_total", "rule", s.reported, s.times)
			if s.kind == "phone" {
				phones[s.country] += float64(s.times)
			}
			count("transcode_fallbacks_total", "reason", s.fallback, s.times)
		}
		gatewaytest.Await(t, "all requests to be scraped", func() bool {
			got := p.sum(t, "sum by (job) (caddy_conference_members_requests_total)", "job")
			return got[job] == float64(total)
		})
	}
	for of, figures := range want {
		metric, label, _ := strings.Cut(of, " by ")
		expr := fmt.Sprintf(`sum by (%s) (caddy_conference_members_%s{job=%q}) > 0`, label, metric, job)
		if got := p.sum(t, expr, label); !maps.Equal(got, figures) {
			t.Errorf("%s:\n%v, want\n%v", of, got, figures)
		}
	}
	if got := p.sum(t, "caddy_conference_members_requests_in_flight", "job"); got[job] != 0 {
		t.Errorf("%v requests are in flight", got)
	}

	t.Run("dashboard", func(t *testing.T) { checkDashboard(t, p) })
	t.Run("rules", func(t *testing.T) { checkRules(t, p, want["validation_failures_total by rule"], phones) })
}

// checkRules holds that Prometheus evaluates every rule, and that what it records of a new
// process is all that the process counted.
func checkRules(t *testing.T, p *prometheus, failures, phones figures) {
	var all struct {
		Groups []struct {
			Rules []struct {
				Name, Health, LastError string
			}
		}
	}
	gatewaytest.Await(t, "every rule to be evaluated", func() bool {
		all.Groups = nil
		p.get(t, "/api/v1/rules", nil, &all)
		for _, g := range all.Groups {
			for _, r := range g.Rules {
				if r.Health == "unknown" {
					return false
				}
			}
		}
		return len(all.Groups) > 0
	})
	for _, g := range all.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" {
				t.Errorf("%s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	for _, test := range []struct {
		expr, label string
		want        figures
	}{
		{`sum by (rule) (job_rule_mode:caddy_conference_members_validation_failures:increase15m) > 0`, "rule", failures},
		{`job_country:caddy_conference_members_destinations:increase15m`, "country", phones},
	} {
		gatewaytest.Await(t, test.expr, func() bool { return maps.Equal(p.sum(t, test.expr, test.label), test.want) })
	}
	for _, name := range []string{"5m", "30m", "1h", "6h"} {
		expr := "job:caddy_conference_members_errors:ratio_rate" + name
		if share := p.sum(t, expr, "job")[job]; share <= 0 || share >= 1 {
			t.Errorf("%s is %v", expr, share)
		}
	}
}

// prometheus is a running Prometheus.
type prometheus struct{ url string }

// startPrometheus starts a Prometheus that scrapes a target every second and
// evaluates the rules.
func startPrometheus(t *testing.T, target string) *prometheus {
	t.Helper()
	path, dir := program(t, "prometheus", "prometheus"), t.TempDir()
	rules, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`{
		"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
		"rule_files": [%q],
		"scrape_configs": [{"job_name": %q, "static_configs": [{"targets": [%q]}]}]
	}`, rules, job, target)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}

	address := gatewaytest.New(dir).Address("prometheus")
	p := &prometheus{"http://" + address}
	server := gatewaytest.StartProcess(t, exec.CommandContext(t.Context(), path, "--config.file="+file,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn"))
	server.Await(t, "Prometheus", func() bool {
		res, err := http.Get(p.url + "/-/ready")
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
	})
	return p
}

// get asks the API and decodes the data of its response.
func (p *prometheus) get(t *testing.T, path string, query url.Values, data any) {
	t.Helper()
	res, err := http.Get(p.url + path + "?" + query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	response := struct {
		Error string
		Data  any
	}{Data: data}
	if err := json.NewDecoder(res.Body).Decode(&response); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %v: %s, %v %s", path, query, res.Status, err, response.Error)
	}
}

// sample is a series of the response to a query, and its value.
type sample struct {
	Metric map[string]string
	Value  [2]any // time and value
}

// value returns the value of the series.
func (s *sample) value(t *testing.T) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(fmt.Sprint(s.Value[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// query asks for the value of an expression now.
func (p *prometheus) query(t *testing.T, expr string) []sample {
	t.Helper()
	var data struct{ Result []sample }
	p.get(t, "/api/v1/query", url.Values{"query": {expr}}, &data)
	return data.Result
}

// sum returns an expression's value for each value of a label.
func (p *prometheus) sum(t *testing.T, expr, label string) figures {
	t.Helper()
	f := figures{}
	for _, s := range p.query(t, expr) {
		f[s.Metric[label]] = s.value(t)
	}
	return f
}
