package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// TestReportLookEnforce sends calls through the first recipe of docs/recipes.md, and
// holds what each of its steps refuses, dials and counts.
func TestReportLookEnforce(t *testing.T) {
	recipes := examples(t, "../docs/recipes.md")
	readme := examples(t, readmeFile)["Put it into your Caddy 1"]
	report, enforceMost := recipes["Start without refusing anything 1"], recipes["Start without refusing anything 2"]
	block := strings.ReplaceAll(strings.TrimSpace(report), "\n", "\n\t")
	if !strings.Contains(readme, "\t"+block+"\n") {
		t.Fatalf("the README and the recipe begin otherwise:\n%s\n%s", readme, report)
	}
	const (
		good      = validBody
		noCallSID = `{"callSid":"CA1","destination":"+12025550123"}`
		noKind    = `{"callSid":"CA1","destination":"*97"}`
		emergency = `{"destination":"911"}`
		lostPlus  = `{"destination":"12025550123"}`
		unread    = `{"destination":`
	)
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := newGateway(t)
	for i, step := range []struct {
		name, config string
		refused      map[string]string // the rules, of those that are
		would        map[string]string // those of requests that would be
		reported     int               // violations, those of refused requests too
	}{
		{"report", block, map[string]string{emergency: "emergency", unread: "malformed_json"}, map[string]string{noCallSID: "call_sid_format", noKind: "call_sid_format destination_format"}, 3},
		{"enforce most", enforceMost, map[string]string{emergency: "emergency", unread: "malformed_json", noKind: "destination_format"}, map[string]string{noCallSID: "call_sid_format"}, 2},
		{"enforce all", "conference_members", map[string]string{emergency: "emergency", unread: "malformed_json", noKind: "call_sid_format, destination_format", noCallSID: "call_sid_format"}, nil, 0},
	} {
		t.Run(step.name, func(t *testing.T) {
			config := strings.NewReplacer(block, step.config, "api.example.com {", "{site api} {\n\tlog {\n\t\toutput file {dir}/"+fmt.Sprint(i)+".log\n\t}", "https://upstream.example.com", u.Addr).Replace(readme) +
				"{site metrics} {\n metrics /metrics\n}\n"
			if i == 0 {
				g.start(config)
			} else {
				g.load(config)
			}
			before := g.metrics(t)
			for _, body := range []string{good, noCallSID, noKind, emergency, lostPlus, unread} {
				u.Forget()
				got := g.sendRaw(t, "api", post(membersPath, body))
				refused := step.refused[body]
				if by := strings.Join(got.header["X-Refused-By"], ""); by != refused || (got.status == 200) != (refused == "") {
					t.Errorf("%s: %d, refused by %q, want %q", body, got.status, by, refused)
				}
				dialled, call := 1, "dialled"
				if refused != "" {
					dialled, call = 0, "not-dialled"
				}
				if n := u.Stats().Dialled; n != dialled || got.header.Get("X-Call") != call {
					t.Errorf("%s: dialled %d times, X-Call %q, want %q", body, n, got.header.Get("X-Call"), call)
				}
			}
			after := before
			eventually(t, "six requests to be counted", func() bool {
				after = g.metrics(t)
				return after.sum("requests_total")-before.sum("requests_total") == 6
			})
			grown := func(name string, labels ...string) int {
				return int(after.sum(name, labels...) - before.sum(name, labels...))
			}
			if n := grown("would_refuse_total"); n != len(step.would) {
				t.Errorf("would refuse %d, want %d", n, len(step.would))
			}
			if n := grown("validation_failures_total", "mode=report"); n != step.reported {
				t.Errorf("%d violations in report mode, want %d", n, step.reported)
			}
			if n := grown("validation_failures_total", "mode=warn", "rule=lost_plus"); n != 1 {
				t.Errorf("warned of %d lost plus signs, want 1", n)
			}
			// What the recipe's jq selects and prints.
			would := make(map[string]int)
			eventually(t, "a line of the access log for each call", func() bool { return len(g.log(fmt.Sprint(i))) == 6 })
			for _, entry := range g.log(fmt.Sprint(i)) {
				request, _ := entry["request"].(map[string]any)
				ours, _ := entry["conference_members"].(map[string]any)
				if ours["would_refuse"] == true && request["client_ip"] == "127.0.0.1" {
					violated, _ := ours["violated_rules"].([]any)
					would[strings.Trim(fmt.Sprint(violated), "[]")]++
				}
			}
			for _, names := range step.would {
				if would[names] != 1 {
					t.Errorf("the log has %v, want %s", would, names)
				}
				delete(would, names)
			}
			if len(would) > 0 {
				t.Errorf("the log has %v too", would)
			}
		})
	}
}
