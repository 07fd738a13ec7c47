package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// forwardedBody returns the body of the one request that the upstream got.
func forwardedBody(t *testing.T, u *upstreamtest.Server) map[string]any {
	t.Helper()
	bound(t, u)
	r, _ := u.Last()
	var fields map[string]any
	if err := json.Unmarshal(r.Body, &fields); err != nil {
		t.Fatalf("forwarded %s: %v", r.Body, err)
	}
	return fields
}

func TestFieldsAreFilledInFromTheConfiguration(t *testing.T) {
	t.Setenv("MEMBERS_FROM", "+12025550111")
	t.Setenv("MEMBERS_EMPTY", "")
	file := filepath.Join(t.TempDir(), "caller")
	if err := os.WriteFile(file, []byte("+12025550144"), 0o600); err != nil {
		t.Fatal(err)
	}
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("default", "unknown_fields pass", "default fromNumber {env.MEMBERS_FROM}", `default note "of {http.request.header.X-Tenant}"`)+
		site("set", "unknown_fields pass", "set fromNumber +12025550122", "set Note fixed")+
		site("both", "default fromNumber +12025550133", "set FROMNUMBER {http.request.header.X-From}")+
		site("file", "set fromNumber {file."+file+"}")+
		site("empty", "set fromNumber {env.MEMBERS_EMPTY}", "set callSid {http.request.header.X-None}", "default destination {env.MEMBERS_EMPTY}")+
		site("region", "numbers {", "region US", "}", "set fromNumber {http.request.header.X-From}")+
		site("id", "set sessionId {http.request.header.X-Session}"))
	for _, tt := range []struct {
		rule, site string
		header     []string
		body       string
		want       map[string]string
	}{
		{"a default stands in for what is absent", "default", []string{"X-Tenant: acme"}, validBody, map[string]string{"fromNumber": "+12025550111", "note": "of acme"}},
		{"a default stands in for null", "default", nil, `{"fromNumber":null,"destination":"+12025550123","note":null}`, map[string]string{"fromNumber": "+12025550111", "note": "of "}},
		{"a default stands in for empty text", "default", nil, `{"fromNumber":"","destination":"+12025550123","NOTE":""}`, map[string]string{"fromNumber": "+12025550111", "note": "of "}},
		{"a default leaves what was sent", "default", nil, `{"FromNumber":"+12025550199","destination":"+12025550123","Note":"mine"}`, map[string]string{"fromNumber": "+12025550199", "Note": "mine", "note": ""}},
		{"a set replaces what was sent", "set", nil, `{"fromNumber":"+12025550199","destination":"+12025550123","note":"mine"}`, map[string]string{"fromNumber": "+12025550122", "Note": "fixed", "note": ""}},
		{"a set replaces another type", "set", nil, `{"fromNumber":"x","destination":"+12025550123","NOTE":{"a":[1]}}`, map[string]string{"fromNumber": "+12025550122", "Note": "fixed", "NOTE": ""}},
		{"a set beats a default", "both", []string{"X-From: +12025550155"}, validBody, map[string]string{"fromNumber": "+12025550155"}},
		{"a set that comes out empty leaves the default", "both", nil, validBody, map[string]string{"fromNumber": "+12025550133"}},
		{"a file", "file", nil, validBody, map[string]string{"fromNumber": "+12025550144"}},
		{"what comes out empty leaves a field alone", "empty", nil, validBody, map[string]string{"callSid": callSID, "destination": destination, "fromNumber": ""}},
		{"a number is rewritten in its region", "region", []string{"X-From: (202) 555-0188"}, `{"destination":"202-555-0123"}`, map[string]string{"destination": "+12025550123", "fromNumber": "+12025550188"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			got := g.sendRaw(t, tt.site, post(membersPath, tt.body, tt.header...))
			status(200)(t, got)
			fields := forwardedBody(t, u)
			for name, want := range tt.want {
				if v, _ := fields[name].(string); v != want {
					t.Errorf("%s = %q, want %q in %v", name, v, want, fields)
				}
			}
		})
	}
	// The upstream prefers what is in the query.
	for query, want := range map[string]string{
		"?note=mine": "", "?NOTE=mine&b=1": "?b=1", "?no%74e=": "", "?notes=mine": "?notes=mine",
	} {
		t.Run("a set replaces what was sent in the query: "+query, func(t *testing.T) {
			u.Forget()
			status(200)(t, g.sendRaw(t, "set", post(membersPath+query, validBody)))
			if r, _ := u.Last(); !strings.HasSuffix(r.Target, "/members"+want) || forwardedBody(t, u)["Note"] != "fixed" {
				t.Errorf("forwarded to %s: %s", r.Target, r.Body)
			}
		})
	}
	t.Run("a set sessionId is that of the path too", func(t *testing.T) {
		u.Forget()
		status(200)(t, g.sendRaw(t, "id", post("/SESSIONS/abc/conference/members.json", validBody, "X-Session: other.1")))
		r, _ := u.Last()
		if b := bound(t, u); b["sessionId"] != "other.1" || r.Target != "/sessions/other.1/conference/members.json" {
			t.Errorf("bound %v by %s", b, r.Target)
		}
	})
}

// TestWhatIsFilledInIsJudged holds that a value that a placeholder takes from a request
// is judged. The configuration is trusted, the request is not.
func TestWhatIsFilledInIsJudged(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("set", "set destination {http.request.header.X-Dest}")+
		site("default", "default fromNumber {http.request.header.X-From}")+
		site("id", "set sessionId {http.request.header.X-Session}")+
		site("loose", "set sessionId {http.request.header.X-Session}", "rule session_id_format off"))
	for _, tt := range []struct{ rule, site, header, broken string }{
		{"an emergency number", "set", "X-Dest: +1911", "emergency"},
		{"no number", "default", "X-From: nobody", "from_number_format"},
		{"an id that is another path", "id", "X-Session: ../x", "session_id_format"},
		{"an id with an encoded slash", "id", "X-Session: a%2fb", "session_id_format"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			refuses(422, tt.broken)(t, g.sendRaw(t, tt.site, post(membersPath, validBody, tt.header)))
			nothingDialled(t, u)
		})
	}
	for _, id := range []string{"a/b", "a%2fb", "..", "a+b", "x/conference/members?destination=1#"} {
		t.Run("an id that no path conveys is never another: "+id, func(t *testing.T) {
			u.Forget()
			g.sendRaw(t, "loose", post(membersPath, validBody, "X-Session: "+id))
			for _, r := range u.Received() {
				if b := r.Bound; b != nil {
					if got, _ := b.Get("sessionId"); got != id {
						t.Errorf("judged %q, bound %q by %s", id, got, r.Target)
					}
				}
			}
		})
	}
}

// TestAPlaceholdersValueCanNotBreakOut holds that a placeholder's value stays one text,
// in which no placeholder is replaced.
func TestAPlaceholdersValueCanNotBreakOut(t *testing.T) {
	t.Setenv("MEMBERS_SECRET", "s3cret")
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain", `set note "<{http.request.header.X-Note}{http.request.uri.query.note}>"`))
	for _, value := range []string{
		`","destination":"+19005550123`, `\",\"destination\":\"+19005550123`, `\`, `"`, `\u0022,`, `}{"destination":"+19005550123"}`,
		`{env.MEMBERS_SECRET}`, `{{env.MEMBERS_SECRET}}`, `\{env.MEMBERS_SECRET\}`, `{http.request.header.X-Note}`, "\u2028\u202e", "\xff", `</script>`, "{$MEMBERS_SECRET}",
	} {
		for _, in := range []string{"header", "query"} {
			t.Run(in+" "+value, func(t *testing.T) {
				u.Forget()
				target, header := membersPath, "X-Note: "+value
				if in == "query" {
					target, header = target+"?note="+percent(value+"\r\n\x00"), "X-Other: 1"
				}
				status(200)(t, g.sendRaw(t, "plain", post(target, validBody, header)))
				want := "<" + strings.ToValidUTF8(value, "\ufffd") + ">"
				if in == "query" {
					want = "<" + strings.ToValidUTF8(value, "\ufffd") + "\r\n\x00>"
				}
				fields := forwardedBody(t, u)
				if fields["note"] != want || fields["destination"] != destination || len(fields) != 4 {
					t.Errorf("forwarded %q, want note %q", fields, want)
				}
				if b := bound(t, u); b["destination"] != destination {
					t.Errorf("bound %v", b)
				}
			})
		}
	}
}

// percent encodes every byte.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// TestWhatAClientSendsIsNeverExpanded holds that a placeholder in a client's text stays
// as it is, here, in the handlers behind, and in their logs.
func TestWhatAClientSendsIsNeverExpanded(t *testing.T) {
	t.Setenv("MEMBERS_SECRET", "s3cret")
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, `
{site plain} {
	route {
		conference_members {
			mode off
			default fromNumber +12025550111
			set region eu
			correlation_id
			csv {
				filename {http.conference_members.session_id}.csv
			}
		}
		vars seen {http.conference_members.session_id}
		map {http.conference_members.call_sid} {mapped} {
			default "{http.conference_members.call_sid}"
		}
		header X-Session {http.conference_members.session_id}
		header X-Call {http.conference_members.call_sid}
		header X-Vars {vars.seen}
		header X-Mapped {mapped}
		header X-Id {http.conference_members.correlation_id}
		reverse_proxy UPSTREAM
	}
}
`)
	const secret = "{env.MEMBERS_SECRET}"
	for _, tt := range []struct{ rule, request string }{
		{"in JSON", post(membersPath, `{"callSid":"`+secret+`","destination":"`+secret+`","x":"`+secret+`"}`)},
		{"in a name", post(membersPath, `{"`+secret+`":"x","callSid":"{$MEMBERS_SECRET}"}`)},
		{"in CSV", wire("POST "+membersPath, []string{"Content-Type: text/csv"}, "callSid,destination,"+secret+"\n"+secret+","+secret+",x\n")},
		{"in the query", post(membersPath+"?callSid="+secret+"&x="+secret, "{}")},
		{"in the path", post("/sessions/"+secret+"/conference/members", validBody)},
		{"in the path, for CSV", post("/sessions/"+percent(secret)+"/conference/members.csv", validBody)},
		{"in the correlation id", post(membersPath, validBody, "X-Request-ID: "+secret)},
		{"in Accept", post(membersPath+"?format="+secret, validBody, "Accept: "+secret)},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			got := g.sendRaw(t, "plain", tt.request)
			if got.err != nil {
				t.Fatal(got.err)
			}
			if s := fmt.Sprint(got.header, got.body); strings.Contains(s, "s3cret") {
				t.Errorf("got %s", s)
			}
			for _, r := range u.Received() {
				if s := fmt.Sprint(r.Target, r.Header, string(r.Body)); strings.Contains(s, "s3cret") {
					t.Errorf("forwarded %s", s)
				}
			}
		})
	}
	if logs := fmt.Sprint(g.log("process")); strings.Contains(logs, "s3cret") {
		t.Error("the secret is in the log")
	}
}

// TestTheCorrelationIDIsTheClientsIfItIsFit holds that a client's ID is taken if it is
// there once and is 1 to 128 visible ASCII characters.
func TestTheCorrelationIDIsTheClientsIfItIsFit(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("default", "correlation_id")+site("named", "correlation_id X-Trace")+site("off"))
	made := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, tt := range []struct {
		rule, site, name string
		header           []string
		kept             string // empty for one that is made
	}{
		{"fit", "default", "X-Request-ID", []string{"X-Request-ID: abc-123_{}~!"}, "abc-123_{}~!"},
		{"fit under another name", "named", "X-Trace", []string{"x-trace: T1", "X-Request-ID: not this"}, "T1"},
		{"128 characters", "default", "X-Request-ID", []string{"X-Request-ID: " + strings.Repeat("x", 128)}, strings.Repeat("x", 128)},
		{"129 characters", "default", "X-Request-ID", []string{"X-Request-ID: " + strings.Repeat("x", 129)}, ""},
		{"none", "default", "X-Request-ID", nil, ""},
		{"empty", "default", "X-Request-ID", []string{"X-Request-ID:"}, ""},
		{"a space", "default", "X-Request-ID", []string{"X-Request-ID: a b"}, ""},
		{"beyond ASCII", "default", "X-Request-ID", []string{"X-Request-ID: \u00e9"}, ""},
		{"a tab", "default", "X-Request-ID", []string{"X-Request-ID: a\tb"}, ""},
		{"twice", "default", "X-Request-ID", []string{"X-Request-ID: a", "X-Request-ID: b"}, ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			for _, body := range []string{validBody, invalidBody} {
				u.Forget()
				got := g.sendRaw(t, tt.site, post(membersPath, body, tt.header...))
				id := strings.Join(got.header.Values(tt.name), " | ")
				if tt.kept != "" && id != tt.kept || tt.kept == "" && !made.MatchString(id) {
					t.Errorf("echoed %q", id)
				}
				if r, ok := u.Last(); ok && (r.Header.Get(tt.name) != id || len(r.Header.Values(tt.name)) != 1) {
					t.Errorf("forwarded %q, echoed %q", r.Header.Values(tt.name), id)
				}
			}
		})
	}
	t.Run("off", func(t *testing.T) {
		u.Forget()
		field("X-Request-ID", "")(t, g.sendRaw(t, "off", post(membersPath, validBody, "X-Request-ID: mine")))
		if r, _ := u.Last(); r.Header.Get("X-Request-Id") != "mine" {
			t.Error("the client's header was not forwarded")
		}
	})
}
