package integration

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// TestPlaceholdersReachTheHandlersBehind holds that Caddy's header, vars, map,
// log_append and matchers can use the placeholders.
func TestPlaceholdersReachTheHandlersBehind(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, `
{site plain} {
	log {
		output file {dir}/access.log
		format json
	}
	route {
		log_append outcome {http.conference_members.outcome}
		conference_members {
			correlation_id
		}
		log_append country {http.conference_members.destination.country}
		log_append before_the_end {http.conference_members.outcome}
		vars kind {http.conference_members.destination.kind}
		map {http.conference_members.destination.country} {tariff} {
			US cheap
			"" unknown
			default dear
		}
		@dear vars {http.conference_members.destination.country} GB
		header @dear X-Dear yes
		header X-Session {http.conference_members.session_id}
		header X-Call-Sid {http.conference_members.call_sid}
		header X-Kind {vars.kind}
		header X-Tariff {tariff}
		header X-From {http.conference_members.from.country}
		header X-Format {http.conference_members.format}
		header X-Id {http.conference_members.correlation_id}
		reverse_proxy UPSTREAM {
			header_up X-Hash {http.conference_members.destination.hash}
		}
	}
}
`)
	for _, tt := range []struct {
		rule, body, suffix string
		want               map[string]string
		country            string
	}{
		{
			"a number", `{"callSid":"` + callSID + `","destination":"+12025550123","fromNumber":"+442079460018"}`, ".csv",
			map[string]string{
				"X-Session": "abc", "X-Call-Sid": callSID, "X-Kind": "phone", "X-Tariff": "cheap", "X-From": "GB", "X-Format": "csv",
				"X-Id": "id-1", "X-Dear": "",
			},
			"US",
		},
		{"a dear number", `{"destination":"+442079460018"}`, "", map[string]string{"X-Call-Sid": "", "X-Kind": "phone", "X-Tariff": "dear", "X-Dear": "yes", "X-From": "", "X-Format": "json"}, "GB"},
		{"a name", `{"destination":"support"}`, ".html", map[string]string{"X-Kind": "name", "X-Tariff": "unknown", "X-Format": "html"}, ""},
		{"a SIP URI", `{"destination":"sip:jo@example.com"}`, "", map[string]string{"X-Kind": "sip"}, ""},
		{"a client", `{"destination":"client:jo"}`, "", map[string]string{"X-Kind": "client"}, ""},
		{"an address", `{"destination":"jo@example.com"}`, "", map[string]string{"X-Kind": "email"}, ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			logged := len(g.accessLog(t, "access", 0))
			got := g.sendRaw(t, "plain", post(membersPath+tt.suffix, tt.body, "X-Request-ID: id-1"))
			status(200)(t, got)
			for name, want := range tt.want {
				field(name, want)(t, got)
			}
			r, _ := u.Last()
			if h := r.Header.Get("X-Hash"); !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(h) {
				t.Errorf("hash %q", h)
			}
			entries := g.accessLog(t, "access", logged+1)
			last := entries[len(entries)-1]
			if last["country"] != tt.country || last["outcome"] != "ok" {
				t.Errorf("logged country %v and outcome %v, want %q and ok", last["country"], last["outcome"], tt.country)
			}
			if last["before_the_end"] != "" {
				t.Errorf("before the end the outcome is said to be %v", last["before_the_end"])
			}
		})
	}
	t.Run("another route has none", func(t *testing.T) {
		logged := len(g.accessLog(t, "access", 0))
		status(404)(t, g.sendRaw(t, "plain", wire("GET /other", nil, "")))
		entries := g.accessLog(t, "access", logged+1)
		if last := entries[len(entries)-1]; last["outcome"] != "" && last["outcome"] != nil {
			t.Errorf("logged %v", last)
		}
	})
}

// accessLog waits for so many entries of an access log.
func (g *gateway) accessLog(t *testing.T, name string, atLeast int) (entries []map[string]any) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d entries in the access log", atLeast), func() bool {
		entries = g.log(name)
		return len(entries) >= atLeast
	})
	return entries
}

// TestTheHashTellsNumbersApartAndNothingElse holds that a number has the same hash
// however it is written, and that another number, or another key, makes another hash.
func TestTheHashTellsNumbersApartAndNothingElse(t *testing.T) {
	t.Setenv("HASH_KEY", "other other other other")
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	hashed := func(name string, options ...string) string {
		s := strings.Replace(site(name, options...), "\treverse_proxy", "\theader X-Hash {http.conference_members.destination.hash}\n\treverse_proxy", 1)
		s = strings.Replace(s, "\tconference_members", "\troute {\n\tconference_members", 1)
		return s + "}\n"
	}
	config := hashed("random") + hashed("key", "hash_key secretsecretsecret", "require") + hashed("same", "hash_key secretsecretsecret") + hashed("env", "hash_key {env.HASH_KEY}") +
		hashed("region", "hash_key secretsecretsecret", "numbers {", "region US", "}")
	g := startFront(t, u, config)
	hash := func(site, request string) string {
		t.Helper()
		got := g.sendRaw(t, site, request)
		status(200)(t, got)
		return got.header.Get("X-Hash")
	}
	number := func(n string) string { return post(membersPath, `{"destination":"`+n+`"}`) }

	first := hash("key", number("+12025550123"))
	for rule, same := range map[string]string{
		"again":                  hash("key", number("+12025550123")),
		"under the same key":     hash("same", number("+12025550123")),
		"as CSV":                 hash("key", wire("POST "+membersPath+".csv", []string{"Content-Type: text/csv"}, "destination\n+12025550123\n")),
		"in the query":           hash("key", wire("POST "+membersPath+"?destination=%2B12025550123", nil, "")),
		"for another session":    hash("key", post("/sessions/other/conference/members", `{"destination":"+12025550123"}`)),
		"as a number of region":  hash("region", number("(202) 555-0123")),
		"as a number with a +1 ": hash("region", number("+1 202 555 0123")),
		"in a SIP URI":           hash("key", number("sip:+12025550123@x.example;a=1")),
		"in another SIP URI":     hash("key", number("sip:%2B1-202-555-0123@y.example;a=2")),
		"without its plus sign":  hash("key", number("12025550123")),
	} {
		if same != first {
			t.Errorf("%s: %q, want %q", rule, same, first)
		}
	}
	for rule, other := range map[string]string{
		"another number":         hash("key", number("+12025550124")),
		"another key":            hash("env", number("+12025550123")),
		"a key made at start":    hash("random", number("+12025550123")),
		"a user":                 hash("key", number("sip:bob@example.com")),
		"the number as a prefix": hash("key", number("+120255501230")),
	} {
		if other == first || len(other) != 32 {
			t.Errorf("%s: %q, that of the number is %q", rule, other, first)
		}
	}
	if h := hash("key", post(membersPath, `{}`)); h != "" {
		t.Errorf("without a destination: %q, want none", h)
	}
	random := hash("random", number("+12025550123"))
	g.load(strings.ReplaceAll(config, "UPSTREAM", u.Addr) + "# reloaded\n")
	if again := hash("random", number("+12025550123")); again != random {
		t.Errorf("after a reload %q, was %q", again, random)
	}
}

func TestAHashKeyThatComesOutEmptyIsAMistake(t *testing.T) {
	t.Setenv("HASH_KEY", "")
	u := startUpstream(t, upstreamtest.Options{})
	g := startFront(t, u, site("plain"))
	if err := g.Load(strings.ReplaceAll(site("plain", "hash_key {env.HASH_KEY}"), "UPSTREAM", u.Addr)); err == nil || !strings.Contains(err.Error(), "hash_key") {
		t.Errorf("loading: %v", err)
	}
	status(404)(t, g.sendRaw(t, "plain", post("/sessions/nosuch/conference/members", validBody)))
}
