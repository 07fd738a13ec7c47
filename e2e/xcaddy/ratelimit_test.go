//go:build xcaddy

// Package xcaddy tests the gateway with modules of others. It runs the program that
// XCADDY_PROGRAM names; .ci/run xcaddy builds it with them.
package xcaddy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/gatewaytest"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

const members = "/sessions/S1/conference/members"

// recipe returns the configuration of a section of docs/recipes.md.
func recipe(t *testing.T, heading string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## "+heading+"\n")
	block := regexp.MustCompile("(?ms)^```text\n(.*?)^```").FindStringSubmatch(section)
	if block == nil {
		t.Fatalf("docs/recipes.md shows no configuration under %s", heading)
	}
	return block[1]
}

// start starts the program with a configuration for api.example.com and an upstream.
func start(t *testing.T, config string) (site string, u *upstreamtest.Server) {
	t.Helper()
	u = upstreamtest.StartFor(t, upstreamtest.Options{AnyID: true})
	program := os.Getenv("XCADDY_PROGRAM")
	if program == "" {
		t.Fatal("XCADDY_PROGRAM names no program; run .ci/run xcaddy")
	}
	t.Setenv("HASH_KEY", strings.Repeat("k", 32))
	g := gatewaytest.New(t.TempDir())
	g.LogOutput = "stderr"
	g.Start(t, program, strings.NewReplacer("api.example.com", "{site api}", "https://upstream.example.com", u.Addr).Replace(config))
	return g.URL("api") + members, u
}

// result is the result of a row.
type result struct {
	Status  int    `json:"status"`
	Outcome string `json:"outcome"`
}

// upload sends a list of numbers and returns the results, or the status of a refusal.
func upload(t *testing.T, site, key string, numbers ...string) (results []result, status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site+"/bulk", strings.NewReader("destination\n"+strings.Join(numbers, "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/csv")
	r.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode == http.StatusMultiStatus {
		if err := json.Unmarshal(body, &results); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
	}
	return results, response.StatusCode
}

const (
	often = "+12025550123"
	once  = "+12025550124"
)

// TestARateLimitBehindLimitsRows holds, with the recipe's own configuration, that each
// row of an upload is a call to caddy-ratelimit, however its number is spelt, and that
// what it refuses was not dialled.
func TestARateLimitBehindLimitsRows(t *testing.T) {
	config := recipe(t, "Limit how often a number is called")
	const key = "hash_key {env.HASH_KEY}\n"
	if strings.Count(config, key) != 1 {
		t.Fatalf("the recipe has no %q:\n%s", key, config)
	}
	site, u := start(t, strings.Replace(config, key, key+"bulk {\npace 0\n}\nnumbers {\nregion US\n}\n", 1))
	got, _ := upload(t, site, "one", often, "(202) 555-0123", once, "sip:+12025550123@example.com", often, often)
	dialled, limited := result{200, "dialled"}, result{429, "not-dialled"}
	if want := []result{dialled, dialled, dialled, dialled, limited, limited}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if n := u.Stats().Dialled; n != 4 {
		t.Errorf("%d calls were placed, want 4", n)
	}
	response, err := http.Post(site, "application/json", strings.NewReader(fmt.Sprintf(`{"destination":%q}`, often)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if call := response.Header.Get("X-Call"); response.StatusCode != http.StatusTooManyRequests || call != "not-dialled" {
		t.Errorf("a call of its own: status %d, X-Call %s", response.StatusCode, call)
	}
}

// TestARateLimitInFrontSeesOneRequest holds that an upload is one request there, whatever
// its rows are, and that a refused upload dials nothing.
func TestARateLimitInFrontSeesOneRequest(t *testing.T) {
	site, u := start(t, `{
	order rate_limit before conference_members
}

api.example.com {
	rate_limit {
		zone per_client {
			key {http.request.remote.host}
			events 1
			window 1h
		}
	}
	conference_members {
		bulk {
			pace 0
		}
	}
	reverse_proxy https://upstream.example.com
}
`)
	if got, _ := upload(t, site, "one", often, once, often); len(got) != 3 || u.Stats().Dialled != 3 {
		t.Errorf("%v; %d calls were placed, want 3", got, u.Stats().Dialled)
	}
	if _, status := upload(t, site, "two", often); status != http.StatusTooManyRequests || u.Stats().Dialled != 3 {
		t.Errorf("status %d; %d calls were placed, want 3", status, u.Stats().Dialled)
	}
}
