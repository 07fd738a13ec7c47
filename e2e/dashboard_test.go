//go:build e2e

package e2e

import (
	"encoding/json"
	"math"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notSent finds queries for what the test does not send: keys, uploads, look-alikes, and
// violations in mode report.
var notSent = regexp.MustCompile(`idempotency|bulk_rows|store_duration|lookalikes|would_refuse|mode="report"`)

const dashboardFile = "../ops/grafana/conference-members.json"

// labelValues is how a variable of the dashboard asks for the values of a label.
var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

// checkDashboard holds that the variables of the dashboard find the gateway, and
// that every query of every panel has figures to show.
func checkDashboard(t *testing.T, p *prometheus) {
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Templating struct {
			List []struct {
				Name, Type, AllValue string
				Query                json.RawMessage
			}
		}
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}

	// As Grafana does: the rate interval is at least four scrapes.
	replace := []string{"$__rate_interval", "1m"}
	for _, v := range dashboard.Templating.List {
		if v.Type != "query" {
			continue
		}
		var ask struct{ Query string }
		if err := json.Unmarshal(v.Query, &ask); err != nil {
			t.Fatal(err)
		}
		m := labelValues.FindStringSubmatch(strings.NewReplacer(replace...).Replace(ask.Query))
		if m == nil {
			t.Fatalf("the variable %s asks %s", v.Name, ask.Query)
		}
		var values []string
		p.get(t, "/api/v1/label/"+m[2]+"/values", url.Values{"match[]": {m[1]}}, &values)
		if len(values) != 1 || v.Name == "job" && !slices.Contains(values, job) {
			t.Errorf("the variable %s finds %q", v.Name, values)
		}
		replace = append(replace, "$"+v.Name, v.AllValue)
	}

	variables := strings.NewReplacer(replace...)
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			expr := variables.Replace(target.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%s: there is no such variable: %s", panel.Title, expr)
			}
			samples := p.query(t, expr)
			if len(samples) == 0 && !notSent.MatchString(expr) {
				t.Errorf("%s: no data of %s", panel.Title, expr)
			}
			for _, s := range samples {
				if v := s.value(t); math.IsNaN(v) && len(samples) == 1 || math.IsInf(v, 0) {
					t.Errorf("%s: %v of %v, %s", panel.Title, v, s.Metric, expr)
				}
			}
		}
	}
}
