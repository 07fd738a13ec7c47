package integration

import (
	"net/http"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// TestErrorRoutesCanNotDial holds that an error route that proxies dials nothing. Some
// people write them so that the upstream makes their error pages; it gets what is left
// of the refused request.
func TestErrorRoutesCanNotDial(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true, API: true})
	const failing = `
	handle_errors {
		REWRITE
		reverse_proxy UPSTREAM
	}
}
`
	var sites strings.Builder
	for _, s := range []struct{ name, handler, rewrite string }{
		{"plain", "conference_members {\n\t\terrors_via handle_errors\n\t}\n\treverse_proxy UPSTREAM", ""},
		{"original", "conference_members {\n\t\terrors_via handle_errors\n\t}\n\treverse_proxy UPSTREAM", "rewrite {http.request.orig_uri}"},
		{"traced", "tracing\n\tconference_members {\n\t\terrors_via handle_errors\n\t}\n\treverse_proxy UPSTREAM", ""},
		{"failing", "conference_members\n\treverse_proxy DOWN", ""},
		{"behind", "conference_members\n\terror 503", ""},
	} {
		sites.WriteString("{site " + s.name + "} {\n\t" + s.handler + strings.ReplaceAll(failing, "REWRITE", s.rewrite))
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
	g := newGateway(t)
	g.start(strings.NewReplacer("UPSTREAM", u.Addr, "DOWN", g.Address("nobody")).Replace(sites.String()))

	const query = "?destination=911&d%65stination=912&X-HTTP-Method-Override=POST&destinati%C2%ADon=913&%u0064estination=914&+destination=915&a=1"
	form := "Content-Type: application/x-www-form-urlencoded"
	for _, tt := range []struct {
		rule, method, target, body string
		header                     []string
	}{
		{"a rule", http.MethodPost, membersPath, invalidBody, nil},
		{"a rule, with the fields in the query", http.MethodPost, membersPath + query, "", nil},
		{"what can't be read", http.MethodPost, membersPath, `{"destination":"911"`, nil},
		{"a format, before the body is read", http.MethodPost, membersPath, validBody, []string{"Accept: image/png"}},
		{"a format, of a form", http.MethodPost, membersPath, "destination=%2B12025550123", []string{"Accept: image/png", form}},
		{"a method", http.MethodPut, membersPath + query, validBody, []string{"X-HTTP-Method-Override: POST", "Cookie: X-HTTP-Method-Override=POST"}},
		{"a method, of a client that awaits 100 Continue", http.MethodPut, membersPath, validBody, []string{expecting, "X-HTTP-Method-Override: POST"}},
		{"another suffix", http.MethodPost, membersPath + ".msgpack" + query, validBody, nil},
		{"a type", http.MethodPost, membersPath, validBody, []string{"Content-Type: image/png"}},
		{"a body that is too large", http.MethodPost, membersPath, `{"destination":"911"` + strings.Repeat(" ", 20<<10) + "}", nil},
		{"the batch form", http.MethodPost, "/api/AddConferenceMember[]" + query, `[{"destination":"911"}]`, nil},
		{"nothing", http.MethodPost, membersPath, validBody, nil},
	} {
		for _, p := range protocols {
			for _, site := range []string{"plain", "original", "traced", "failing", "behind"} {
				t.Run(tt.rule+", "+site+" over "+p.name, func(t *testing.T) {
					u.Forget()
					header := append([]string{"Content-Type: application/json"}, tt.header...)
					if len(tt.header) > 0 && strings.HasPrefix(tt.header[len(tt.header)-1], "Content-Type") {
						header = tt.header
					}
					send(t, p.client, tt.method, g.URL(site)+tt.target, tt.body, header...)
					judged := 0 // what an earlier error route sent may still arrive, so it need not be the first
					if tt.rule == "nothing" && (site == "plain" || site == "original" || site == "traced") {
						judged = 1
					}
					for _, r := range u.Received() {
						if judged > 0 && r.Bound != nil && r.Bound.Destination != nil {
							judged--
						} else if len(r.Body) > 0 || strings.Contains(r.Target, "=91") || r.Bound != nil && (r.Bound.Destination != nil || r.Bound.CallSID != nil) {
							t.Errorf("an error route sends %s %s with %q, which binds %s", r.Method, r.Target, r.Body, r.Bound)
						}
					}
					if judged > 0 {
						t.Error("the call that was judged is not forwarded")
					}
				})
			}
		}
	}
}

// TestErrorPagesSayWhatIsWrong holds that error routes get everything that a refusal
// says.
func TestErrorPagesSayWhatIsWrong(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, `
{site routes} {
	conference_members {
		errors_via handle_errors
	}
	reverse_proxy UPSTREAM
	handle_errors {
		respond "{http.conference_members.rule}|{http.conference_members.detail}|{http.conference_members.fix}|{http.conference_members.call}"
	}
}
`)
	got := g.sendRaw(t, "routes", post(membersPath, invalidBody))
	parts := strings.Split(got.body, "|")
	if len(parts) != 4 || parts[0] != "call_sid_format, destination_format" || parts[3] != "not-dialled" ||
		!strings.HasPrefix(parts[1], "callSid is not ") || !strings.HasPrefix(parts[2], "Send ") {
		t.Errorf("the page is %q", got.body)
	}
	field("X-Refused-By", "call_sid_format, destination_format")(t, got)
}
