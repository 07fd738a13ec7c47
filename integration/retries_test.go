package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// keyedSites are sites on which a call can be repeated.
const keyedSites = metricsSite + `
{site keyed} {
	conference_members {
		idempotency
		csv {
			view brief {
				columns id callSid
			}
		}
	}
	reverse_proxy UPSTREAM {
		transport http {
			response_header_timeout 10s
		}
	}
}
`

// repeatable returns a request with a key.
func (g *gateway) repeatable(t *testing.T, key, accept, fault string) reply {
	t.Helper()
	header := []string{"Content-Type: application/json", "Accept: " + accept, "Authorization: Bearer me"}
	if key != "" {
		header = append(header, "Idempotency-Key: "+key)
	}
	if fault != "" {
		header = append(header, upstreamtest.FaultHeader+": "+fault)
	}
	return send(t, protocols[0].client, "POST", g.URL("keyed")+membersPath, validBody, header...)
}

// again repeats a call that has ended. Its client can have all of the response a
// moment before it is recorded.
func (g *gateway) again(t *testing.T, key, accept string) (got reply) {
	t.Helper()
	eventually(t, "the call to be recorded", func() bool {
		got = g.repeatable(t, key, accept, "")
		return got.header.Get("X-Refused-By") != "idempotency_in_flight"
	})
	return got
}

// ruleOf returns the rule for which a request was refused.
func ruleOf(r reply) string {
	var p struct{ Type string }
	_ = json.Unmarshal([]byte(r.body), &p)
	_, rule, _ := strings.Cut(p.Type, "#")
	return rule
}

func TestACallIsReplayedInTheFormatThatIsAskedForNow(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, keyedSites)
	inCSV := g.repeatable(t, "of-CSV", "text/csv", "")
	first := g.repeatable(t, "k", "application/json", "")
	u.Forget()
	for _, tt := range []struct{ key, accept, body string }{
		{"k", "application/json", first.body},
		{`"k"`, "application/json", first.body},
		{"k", "text/csv", inCSV.body},
		{"of-CSV", "application/json", first.body},
		{"of-CSV", "text/csv", inCSV.body},
	} {
		got := g.again(t, tt.key, tt.accept)
		if got.status != 200 || got.body != tt.body || got.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s as %s: status %d, %v, replayed %q", tt.key, tt.accept, got.status, got.err, got.header.Get("Idempotent-Replayed"))
		}
		if !strings.HasPrefix(got.header.Get("Content-Type"), tt.accept) {
			t.Errorf("%s as %s: %s", tt.key, tt.accept, got.header.Get("Content-Type"))
		}
	}
	brief := send(t, protocols[0].client, "POST", g.URL("keyed")+membersPath+"?view=brief", validBody,
		"Content-Type: application/json", "Accept: text/csv", "Authorization: Bearer me", "Idempotency-Key: k")
	if !strings.HasPrefix(brief.body, "Id,CallSid\r\n") {
		t.Errorf("in a view: %d %q", brief.status, brief.body)
	}
	if got := g.repeatable(t, "k", "application/xml", ""); got.status != 409 || ruleOf(got) != "response_not_kept" || got.header.Get("X-Call") != "dialled" {
		t.Errorf("as XML: status %d, rule %s, X-Call %s", got.status, ruleOf(got), got.header.Get("X-Call"))
	}
	if n := u.Stats().Requests; n != 0 {
		t.Errorf("%d requests were forwarded", n)
	}
}

// TestACallBehindEncodeIsReplayed holds that what a handler in front makes of the header of a
// response does not change what is kept of it.
func TestACallBehindEncodeIsReplayed(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, `
{site packed} {
	encode {
		gzip
		zstd
		minimum_length 1
	}
	conference_members {
		idempotency
		duplicates {
			on_duplicate replay
		}
	}
	reverse_proxy UPSTREAM
}
`)
	ask := func(session, accept string, header ...string) reply {
		return send(t, protocols[0].client, "POST", g.URL("packed")+strings.Replace(membersPath, "abc", session, 1), validBody,
			append([]string{"Content-Type: application/json", "Accept: " + accept}, header...)...)
	}
	for _, coding := range []string{"gzip", "zstd", "identity"} {
		for _, accept := range []string{"application/json", "text/csv"} {
			for name, header := range map[string][]string{"with a key": {"Idempotency-Key: " + coding + accept}, "without one": nil} {
				t.Run(coding+" of "+accept+" "+name, func(t *testing.T) {
					session := strings.NewReplacer("/", "", " ", "").Replace(coding + accept + name) // each is a call of its own
					u.Forget()
					first := ask(session, accept, append(header, "Accept-Encoding: "+coding)...)
					if got := first.header.Get("Content-Encoding"); first.status != 200 || got != strings.TrimPrefix(coding, "identity") {
						t.Fatalf("the first: status %d, Content-Encoding %q", first.status, got)
					}
					second := ask(session, "application/json", append(header, "Accept-Encoding: identity")...)
					if second.status != 200 || second.header.Get("Idempotent-Replayed") != "true" || !json.Valid([]byte(second.body)) {
						t.Errorf("the second: status %d, rule %s, replayed %q", second.status, ruleOf(second), second.header.Get("Idempotent-Replayed"))
					}
					if n := u.Stats().Requests; n != 1 {
						t.Errorf("%d requests were forwarded", n)
					}
				})
			}
		}
	}
}

// TestWhatBecameOfACallDoesNotDependOnLaterRules asks for a call again where the
// rules refuse it.
func TestWhatBecameOfACallDoesNotDependOnLaterRules(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, keyedSites+`
		{site stricter} {
			conference_members {
				idempotency
				destinations client
			}
			reverse_proxy UPSTREAM
		}
	`)
	stricter := func(key, body string) reply {
		return send(t, protocols[0].client, "POST", g.URL("stricter")+membersPath, body,
			"Content-Type: application/json", "Authorization: Bearer me", "Idempotency-Key: "+key)
	}
	if got := stricter("k", validBody); ruleOf(got) != "destination_kind" {
		t.Fatalf("the first request: status %d, rule %s", got.status, ruleOf(got))
	}
	first := g.repeatable(t, "k", "application/json", "")
	g.repeatable(t, "lost", "application/json", `{"status":500}`)
	for _, tt := range []struct{ key, body, want, call string }{
		{"k", validBody, "200 ", "dialled"},
		{"lost", validBody, "409 outcome_unknown", "unknown"},
		{"k", strings.Replace(validBody, "+", "+1", 1), "422 destination_kind", "not-dialled"},
		{"another", validBody, "422 destination_kind", "not-dialled"},
	} {
		var got reply
		eventually(t, "the call to be recorded", func() bool {
			got = stricter(tt.key, tt.body)
			return ruleOf(got) != "idempotency_in_flight"
		})
		if is := fmt.Sprint(got.status, " ", ruleOf(got)); is != tt.want || got.header.Get("X-Call") != tt.call {
			t.Errorf("%s: %s, X-Call %s; want %s, %s", tt.key, is, got.header.Get("X-Call"), tt.want, tt.call)
		}
		if got.status == 200 && got.body != first.body {
			t.Errorf("replayed %q, want %q", got.body, first.body)
		}
	}
	if n := u.Stats().Requests; n != 2 {
		t.Errorf("%d requests were forwarded", n)
	}
}

func TestOfFiftyRequestsWithOneKeyOneIsForwarded(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, keyedSites)
	var all sync.WaitGroup
	replies := make([]reply, 50)
	for i := range replies {
		all.Go(func() { replies[i] = g.repeatable(t, "k", "application/json", `{"gate":"g"}`) })
		if i == 0 {
			await(t, u, "a request", func(s upstreamtest.Stats) bool { return s.Requests == 1 })
		}
	}
	refused := func() float64 {
		return g.metrics(t).sum("idempotency_total", "result=in_flight")
	}
	eventually(t, "49 refusals", func() bool { return refused() == 49 })
	u.Release("g", 1)
	all.Wait()
	counts := make(map[string]int)
	for _, r := range replies {
		counts[fmt.Sprint(r.status, " ", ruleOf(r))]++
		if r.status == 409 && r.header.Get("Retry-After") == "" {
			t.Error("a 409 without Retry-After")
		}
	}
	if counts["200 "] != 1 || counts["409 idempotency_in_flight"] != 49 || u.Stats().Requests != 1 {
		t.Errorf("%v, %d forwarded", counts, u.Stats().Requests)
	}
}

// TestAClientThatDoesNotReadHoldsUpNoReplay has a client that sends a call and does not
// read its response until the call was replayed to another.
func TestAClientThatDoesNotReadHoldsUpNoReplay(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, keyedSites)
	for _, accept := range []string{"application/json", "text/csv"} {
		u.Forget()
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL("keyed"), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		request := post(membersPath, validBody, "Accept: "+accept, "Authorization: Bearer me", "Idempotency-Key: "+accept)
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		await(t, u, "the call", func(s upstreamtest.Stats) bool { return s.Requests == 1 })
		second := g.again(t, accept, accept)
		if second.status != 200 || second.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: status %d, replayed %q: %s", accept, second.status, second.header.Get("Idempotent-Replayed"), second.body)
		}
		first := readReply(bufio.NewReader(conn), request)
		if first.err != nil || first.body != second.body || first.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s: the first got %d, %v: %s\nand the second %s", accept, first.status, first.err, first.body, second.body)
		}
		if n := u.Stats().Requests; n != 1 {
			t.Errorf("%s: %d requests were forwarded", accept, n)
		}
	}
}

func TestACallGoesOnWhenItsClientLeaves(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, keyedSites)
	for i, p := range protocols {
		for _, accept := range []string{"application/json", "text/csv"} {
			key := fmt.Sprint("k", i, accept[:4])
			u.Forget()
			ctx, leave := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, "POST", g.URL("keyed")+membersPath, strings.NewReader(validBody))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = http.Header{
				"Content-Type": {"application/json"}, "Accept": {accept}, "Idempotency-Key": {key}, "Authorization": {"Bearer me"},
				upstreamtest.FaultHeader: {`{"gate":"` + key + `"}`},
			}
			var done sync.WaitGroup
			done.Go(func() {
				if res, err := p.client.Do(r); err == nil {
					res.Body.Close()
					t.Errorf("%s: a response came", key)
				}
			})
			await(t, u, "a request", func(s upstreamtest.Stats) bool { return s.Requests == 1 })
			leave()
			done.Wait()
			if got := g.repeatable(t, key, accept, ""); ruleOf(got) != "idempotency_in_flight" && got.status != 409 {
				t.Errorf("%s: while the call is placed: status %d", key, got.status)
			}
			u.Release(key, 1)
			var got reply
			eventually(t, "the response", func() bool {
				got = g.repeatable(t, key, accept, "")
				return got.status != 409
			})
			if got.status != 200 || got.header.Get("Idempotent-Replayed") != "true" || u.Stats().Requests != 1 {
				t.Errorf("%s: status %d, %d forwarded: %s", key, got.status, u.Stats().Requests, got.body)
			}
		}
	}
}

// TestWhatASecondRequestWithTheKeyGets sends a second request with the same key after
// each way in which the first can end.
func TestWhatASecondRequestWithTheKeyGets(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, keyedSites)
	for i, tt := range []struct {
		fault string
		want  string // of the second: status and rule
		sent  int    // upstream requests of both
	}{
		{`{"status":302,"header":{"Location":["/elsewhere"]}}`, "302 ", 1},
		{`{"status":204,"body":""}`, "204 ", 1},
		{`{"status":404}`, "200 ", 2},
		{`{"status":422}`, "200 ", 2},
		{`{"status":408}`, "409 outcome_unknown", 1},
		{`{"status":500}`, "409 outcome_unknown", 1},
		{`{"status":503}`, "409 outcome_unknown", 1},
		{`{"early":true,"drop":"reset","gate":""}`, "409 outcome_unknown", 1},
	} {
		for _, accept := range []string{"application/json", "text/csv"} {
			u.Forget()
			key := fmt.Sprint("k", i, accept)
			first := g.repeatable(t, key, accept, tt.fault)
			second := g.again(t, key, "application/json")
			if got := fmt.Sprint(second.status, " ", ruleOf(second)); got != tt.want || u.Stats().Requests != tt.sent {
				t.Errorf("after %s (%d) as %s: %s, %d forwarded; want %s, %d", tt.fault, first.status, accept, got, u.Stats().Requests, tt.want, tt.sent)
			}
			call := "dialled"
			if second.status == http.StatusConflict {
				call = "unknown"
			}
			if got := second.header.Get("X-Call"); got != call {
				t.Errorf("after %s as %s: X-Call: %s, want %s", tt.fault, accept, got, call)
			}
			if l := second.header.Get("Location"); second.status == 302 && l != "/elsewhere" {
				t.Errorf("Location %q", l)
			}
		}
	}
}
