package integration

import (
	"net/http"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// TestATargetWithoutAPathIsRefused holds that a target such as x:http://host/path is
// refused: proxies send it on unchanged, and the upstream reads a route in it.
func TestATargetWithoutAPathIsRefused(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("strict")+site("pass", "predefined_routes pass"))
	for _, method := range []string{http.MethodPost, http.MethodOptions} {
		for _, target := range []string{
			"x:http://up/sessions/abc/conference/members",
			"x:http://up/sessions/abc/conference/members?destination=%2B19005550123",
			"x:sessions/abc/conference/members",
			"x:http://up/json/reply/AddConferenceMember",
		} {
			for _, at := range []string{"strict", "pass"} {
				t.Run(method+" "+target+" "+at, func(t *testing.T) {
					u.Forget()
					got := g.sendRaw(t, at, wire(method+" "+target, []string{"Content-Type: application/json"}, `{"destination":"112"}`))
					if got.status != http.StatusNotFound {
						t.Errorf("status = %d (error %v), want 404", got.status, got.err)
					}
					for _, r := range u.Received() {
						t.Errorf("forwarded: %s %s %s", r.Method, r.Target, r.Body)
					}
				})
			}
		}
	}
}

// TestPlaceholdersBehindItAreOfWhatWasJudged holds that a rewrite with {uri} behind the
// handler does not bring back what was stripped.
func TestPlaceholdersBehindItAreOfWhatWasJudged(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startGateway(t, strings.ReplaceAll(`
{site route} {
	route {
		conference_members {
			set destination +4930123456
		}
		rewrite * {uri}
		reverse_proxy UPSTREAM
	}
}
{site proxy} {
	conference_members {
		set destination +4930123456
	}
	reverse_proxy UPSTREAM {
		rewrite {uri}
		header_up X-Query {query}
	}
}
{site traced} {
	route {
		tracing
		conference_members {
			set destination +4930123456
		}
		rewrite * {uri}
		reverse_proxy UPSTREAM
	}
}
`, "UPSTREAM", u.Addr))
	for _, at := range []string{"route", "proxy", "traced"} {
		for _, request := range []string{
			"POST " + membersPath + ".csv?kept=1&X-Http-Method-Override=PUT",
			"POST " + membersPath + "?destination=%2B4930123456&kept=1&format=csv",
			"POST //sessions/./abc/conference/MEMBERS.csv?kept=1",
			"OPTIONS " + membersPath + "?destination=%2B19005550123&kept=1&X-Http-Method-Override=POST",
		} {
			t.Run(at+" "+request, func(t *testing.T) {
				u.Forget()
				got := g.sendRaw(t, at, wire(request, []string{"Content-Type: application/json", "Accept: text/csv"}, `{}`))
				if got.err != nil || len(u.Received()) != 1 {
					t.Fatalf("%d requests forwarded (error %v), want 1", len(u.Received()), got.err)
				}
				r := u.Received()[0]
				query := "kept=1"
				if r.Method == "OPTIONS" {
					query = ""
				}
				if want := strings.TrimSuffix(membersPath+"?"+query, "?"); r.Target != want {
					t.Errorf("forwarded to %s, want %s", r.Target, want)
				}
				if q := r.Header.Get("X-Query"); at == "proxy" && q != query {
					t.Errorf("X-Query: %s, want %s", q, query)
				}
			})
		}
	}
}

// TestTheAccessLogHasTheClientsURI holds that the access log has the URI that the
// client sent, not the one that was forwarded.
func TestTheAccessLogHasTheClientsURI(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startGateway(t, "{site plain} {\n\tlog {\n\t\toutput file {dir}/uri.log\n\t}\n\tconference_members\n\treverse_proxy "+u.Addr+"\n}\n")
	target := membersPath + ".csv?kept=1&format=json"
	g.sendRaw(t, "plain", wire("POST "+target, []string{"Content-Type: application/json"}, validBody))
	entries := g.log("uri")
	if len(entries) != 1 {
		t.Fatalf("%d entries, want 1", len(entries))
	}
	request, _ := entries[0]["request"].(map[string]any)
	if request["uri"] != target {
		t.Errorf("logged %v, want %s", request["uri"], target)
	}
}

// TestNoOtherHTTPIsSwitchedTo holds that no connection is upgraded to another version
// of HTTP, on which nothing would judge requests.
func TestNoOtherHTTPIsSwitchedTo(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("strict"))
	for _, method := range []string{http.MethodPost, http.MethodOptions} {
		for _, protocol := range []string{"h2c", "H2C, websocket", "HTTP/2.0", "TLS/1.3"} {
			t.Run(method+" "+protocol, func(t *testing.T) {
				u.Forget()
				g.sendRaw(t, "strict", wire(method+" "+membersPath, []string{
					"Connection: Upgrade, HTTP2-Settings", "Upgrade: " + protocol, "HTTP2-Settings: AAMAAABkAAQAAP__",
					"Content-Type: application/json",
				}, validBody))
				if len(u.Received()) != 1 {
					t.Fatalf("%d requests forwarded, want 1", len(u.Received()))
				}
				for _, name := range []string{"Upgrade", "Connection", "Http2-Settings"} {
					if v := u.Received()[0].Header.Values(name); len(v) > 0 {
						t.Errorf("%s was forwarded: %q", name, v)
					}
				}
			})
		}
	}
}

// TestWhatIsPassedHasTheCorrelationID holds that a request that is passed on has the
// correlation ID that the client got.
func TestWhatIsPassedHasTheCorrelationID(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("strict", "correlation_id"))
	got := g.sendRaw(t, "strict", wire("OPTIONS "+membersPath, []string{"X-Request-Id: not fit"}, ""))
	told, forwarded := got.header.Get("X-Request-Id"), u.Received()[0].Header.Get("X-Request-Id")
	if told == "" || told == "not fit" || forwarded != told {
		t.Errorf("the client was told %q, the upstream got %q", told, forwarded)
	}
}

// TestAViewCanTakeNullBack holds that a view can set null to an empty text where the
// block has another one.
func TestAViewCanTakeNullBack(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("strict", "csv {\nnull NULL\ncolumns heldByUserId id\nheader off\nview plain {\nnull \"\"\n}\n}"))
	for query, want := range map[string]string{"": "US1,", "?view=plain": "US1,"} {
		got := send(t, protocols[0].client, http.MethodPost, g.URL("strict")+"/sessions/full/conference/members.csv"+query, validBody, "Content-Type: application/json")
		if !strings.HasPrefix(got.body, want) {
			t.Errorf("%s: %q, want %s", query, got.body, want)
		}
	}
	for query, want := range map[string]string{"": "NULL,doc-less\r\n", "?view=plain": ",doc-less\r\n"} {
		u.Next(&upstreamtest.Fault{Reply: upstreamtest.Reply{Body: new(`{"id":"doc-less"}`)}})
		got := send(t, protocols[0].client, http.MethodPost, g.URL("strict")+"/sessions/full/conference/members.csv"+query, validBody, "Content-Type: application/json")
		if got.body != want {
			t.Errorf("%s: %q, want %q", query, got.body, want)
		}
	}
}
