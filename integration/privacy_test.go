package integration

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// decimal is a time or a duration in seconds, whose digits are those of a number by
// chance.
var decimal = regexp.MustCompile(`\b\d+\.\d+(e[+-]?\d+)?\b`)

// TestABusyRunTellsNobodysNumber searches everything that the gateway writes by itself
// at level debug (its log, the access log, metrics and refusals) for the numbers and
// names that went through it. The client may read what the upstream says, and the query
// is in Caddy's own access log, so the numbers are in bodies, paths and header fields.
func TestABusyRunTellsNobodysNumber(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, metricsSite+`
{site plain} {
	log {
		output file {dir}/access.log
		level DEBUG
	}
	conference_members {
		correlation_id
		numbers {
			deny_countries FR
			deny_types premium_rate
			validity enforce
		}
		rule distinct report
		csv {
			max_response 64KiB
		}
	}
	reverse_proxy UPSTREAM
}
{site report} {
	log {
		output file {dir}/access.log
		level DEBUG
	}
	conference_members {
		mode report
		set fromNumber {http.request.header.X-From}
	}
	reverse_proxy UPSTREAM
}
{site routes} {
	log {
		output file {dir}/access.log
		level DEBUG
	}
	conference_members {
		errors_via handle_errors
		unknown_fields reject
	}
	reverse_proxy UPSTREAM
	handle_errors {
		respond "{err.status_code} {err.message}" {err.status_code}
	}
}
{site down} {
	log {
		output file {dir}/access.log
		level DEBUG
	}
	conference_members
	reverse_proxy 127.0.0.1:1
}
`)
	// Numbers of every outcome, and what is not a number but as private.
	values := map[string]string{
		"good":       "+12125550187",
		"french":     "+33612345679",
		"premium":    "+19005558123",
		"not in use": "+15559876543",
		"punctuated": "+1 (646) 555-0176",
		"long":       "+4915112345678901234",
		"emergency":  "+44999876543",
		"name":       "wilhelmina.harker",
		"address":    "jonathan.harker@example.com",
		"sip":        "sip:+12125550165@pbx.example.net;transport=tls",
		"from":       "+16465550132",
	}
	var secrets []string
	for _, v := range slices.Sorted(maps.Values(values)) {
		v = strings.NewReplacer(" ", "", "(", "", ")", "", "-", "").Replace(v)
		for _, cut := range []string{"+", "sip:+"} {
			v = strings.TrimPrefix(v, cut)
		}
		if len(v) > 12 {
			v = v[:12]
		}
		secrets = append(secrets, v[2:len(v)-2]) // the first and last two may be shown
	}

	responses := 0
	for kind, v := range values {
		for _, body := range []string{
			fmt.Sprintf(`{"callSid":%q,"destination":%q,"fromNumber":%q}`, callSID, v, values["from"]),
			fmt.Sprintf(`{"callSid":%q,"destination":%q,"fromNumber":%q,"note":%q}`, v, v, v, v),
			fmt.Sprintf(`{"callSid":%q,"destination":%q,"destination":%q,%q:1,%q:2}`, callSID, v, v, v, v),
			fmt.Sprintf(`{"callSid":%q,"destination":%q `, callSID, v),
			"callSid,destination\n" + callSID + "," + v + "\n",
			callSID + "," + v + "," + v + "\n" + v + "," + v + "," + v + "\n",
		} {
			for _, name := range []string{"plain", "report", "routes", "down"} {
				for i, fault := range []string{"", "garbage", "reset", "not-http", "reset-mid-body", "br", `{"status":500,"body":"{\"error\":\"x\"}"}`} {
					suffix := []string{"", ".csv"}[i%2]
					typ := "application/json"
					if !strings.HasPrefix(body, "{") {
						typ = "text/csv"
					}
					header := []string{"Content-Type: " + typ, "X-From: " + v}
					if fault != "" {
						header = append(header, upstreamtest.FaultHeader+": "+fault)
					}
					got := g.sendRaw(t, name, wire("POST "+membersPath+suffix, header, body))
					if isRefusal(got) {
						responses++
						checkSecrets(t, "a refusal of "+kind, fmt.Sprint(got.header, got.body), secrets)
					}
				}
			}
		}
	}
	if responses < 100 {
		t.Errorf("%d refusals, want 100 at least", responses)
	}
	checkSecrets(t, "the metrics", decimal.ReplaceAllString(g.metricsPage(t), "0"), secrets)
	_ = g.settled(t)
	for _, name := range []string{"process.log", "access.log"} {
		raw, err := os.ReadFile(filepath.Join(g.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) < 10_000 {
			t.Errorf("%s has only %d bytes", name, len(raw))
		}
		for line := range strings.Lines(string(raw)) {
			// Caddy logs header fields at level debug: those of the test itself.
			line = decimal.ReplaceAllString(dropHeader(dropHeader(line, "X-From"), "X-Bound"), "0")
			checkSecrets(t, name, line, secrets)
			if t.Failed() {
				return
			}
		}
	}
}

// dropHeader cuts a header field out of a log line.
func dropHeader(line, name string) string {
	for {
		before, after, found := strings.Cut(line, `"`+name+`":[`)
		if !found {
			return line
		}
		_, after, _ = strings.Cut(after, "]")
		line = before + after
	}
}

// checkSecrets fails the test if a text holds one.
func checkSecrets(t *testing.T, what, text string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%s tells %s: …%s…", what, secret, text[max(0, at-300):min(len(text), at+100)])
		}
	}
}

// TestWarningsAreForOperators holds that a fallback and a violation in mode report are
// logged as warnings, with what one needs to look into them.
func TestWarningsAreForOperators(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain", "mode report"))
	for _, tt := range []struct {
		rule, request string
		want          map[string]any
	}{
		{"a fallback", post(membersPath+".csv", validBody, upstreamtest.FaultHeader+": html"), map[string]any{"reason": "malformed", "status": 200.0}},
		{"a reported rule", post(membersPath, `{"callSid":"`+callSID+`"}`), map[string]any{"rule": "required", "field": "destination"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			before := len(g.warnings())
			status(200)(t, g.sendRaw(t, "plain", tt.request))
			all := g.warnings()
			if len(all) != before+1 {
				t.Fatalf("%d warnings, want 1", len(all)-before)
			}
			for key, want := range tt.want {
				if got := all[before][key]; got != want {
					t.Errorf("%s: %v, want %v", key, got, want)
				}
			}
		})
	}
	t.Run("a client that fails in a loop does not fill the log", func(t *testing.T) {
		before := len(g.warnings())
		for range 300 {
			g.sendRaw(t, "plain", post(membersPath, `{}`))
		}
		if n := len(g.warnings()) - before; n > 50 {
			t.Errorf("%d warnings for 300 requests", n)
		}
	})
}
