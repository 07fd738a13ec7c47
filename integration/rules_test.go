package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

func TestModesOfRules(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("enforce")+
		site("report", "mode report")+
		site("off", "mode off")+
		site("one", "rule call_sid_format report")+
		site("none", "rule call_sid_format off", "rule destination_format off")+
		site("back", "mode off", "rule emergency enforce", "rule distinct report")+
		"{site metrics} {\n\tmetrics\n}\n")
	const emergency = `{"callSid":"` + callSID + `","destination":"911"}`
	for _, tt := range []struct {
		rule, site, body string
		refused          []string
		reported         []string
	}{
		{"enforce refuses", "enforce", invalidBody, []string{"call_sid_format", "destination_format"}, nil},
		{"enforce refuses emergencies", "enforce", emergency, []string{"emergency"}, nil},
		{"report forwards", "report", invalidBody, nil, []string{"call_sid_format", "destination_format"}},
		{"report forwards what lacks a field", "report", `{}`, nil, []string{"required"}},
		{"off forwards", "off", invalidBody, nil, nil},
		{"one rule reports, others refuse", "one", invalidBody, []string{"destination_format"}, []string{"call_sid_format"}},
		{"one rule reports and the request goes on", "one", `{"callSid":"x","destination":"+12025550123"}`, nil, []string{"call_sid_format"}},
		{"rules that are off are not judged", "none", invalidBody, nil, nil},
		{"a rule can be enforced where the others are off", "back", emergency, []string{"emergency"}, nil},
		{"a rule can report where the others are off", "back", `{"destination":"+12025550123","fromNumber":"+12025550123"}`, nil, []string{"distinct"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			before := g.metrics(t)
			warned := len(g.warnings())
			got := g.sendRaw(t, tt.site, post(membersPath, tt.body))
			if tt.refused == nil {
				status(200)(t, got)
				if n := u.Stats().Dialled; n != 1 {
					t.Errorf("%d calls were placed, want 1", n)
				}
			} else {
				refuses(422, tt.refused...)(t, got)
				nothingDialled(t, u)
			}
			after := g.metrics(t)
			for _, mode := range []struct {
				name  string
				rules []string
			}{{"enforce", tt.refused}, {"report", tt.reported}} {
				for r := range rules.All() {
					want := 0.0
					if slices.Contains(mode.rules, r.Name) {
						want = 1
					}
					labels := []string{"mode=" + mode.name, "rule=" + r.Name}
					if n := after.sum("validation_failures_total", labels...) - before.sum("validation_failures_total", labels...); n != want {
						t.Errorf("%s counted %v times as %s, want %v", r.Name, n, mode.name, want)
					}
				}
			}
			if logged, want := len(g.warnings()) > warned, len(tt.reported) > 0 && tt.refused == nil; logged != want {
				t.Errorf("logged that it was forwarded: %t, want %t", logged, want)
			}
			wouldRefuse := 0.0
			if len(tt.reported) > 0 && tt.refused == nil {
				wouldRefuse = 1
			}
			if n := after.sum("would_refuse_total") - before.sum("would_refuse_total"); n != wouldRefuse {
				t.Errorf("would_refuse_total grew by %v, want %v", n, wouldRefuse)
			}
		})
	}
}

// warnings returns the entries that ask for an operator's attention.
func (g *gateway) warnings() []map[string]any {
	g.t.Helper()
	return slices.DeleteFunc(g.log("process"), func(e map[string]any) bool {
		return e["level"] != "warn" || !strings.Contains(fmt.Sprint(e["logger"]), "conference_members")
	})
}

// TestAllViolationsAreInOneResponse holds that one response has all violations, with
// everything that clients of RFC 9457 and of the API's library need.
func TestAllViolationsAreInOneResponse(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain", "numbers {", "deny_countries FR", "deny_types premium_rate", "allow_from +12025550199", "}", "require destination fromNumber callSid"))
	const body = `{"callSid":"nonsense","destination":"+33899123456","fromNumber":"+12025550123"}`
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			got := send(t, p.client, "POST", g.URL("plain")+"/sessions/a%20b/conference/members", body, "Content-Type: application/json", "Accept: application/json")
			wants(status(422), refuses(422, "session_id_format", "call_sid_format", "allow_from", "country_allowed", "number_type"),
				field("Vary", "Accept"), field("Cache-Control", "no-store"), field("Content-Length", fmt.Sprint(len(got.body))))(t, got)
			f, _ := refusalOf(got)
			if f.Type == "" || f.Title == "" || f.Detail == "" || !strings.HasPrefix(f.Instance, "urn:uuid:") || f.ResponseStatus.ErrorCode != "InvalidSessionId" ||
				f.ResponseStatus.Message != f.Detail || len(f.ResponseStatus.Errors) != len(f.Errors) {
				t.Errorf("got %s", got.body)
			}
			for i, e := range f.Errors {
				r := rules.ByName(e.Rule)
				if e.Fix == "" || e.Detail == "" || e.Pointer != "#/"+e.Field || !strings.EqualFold(f.ResponseStatus.Errors[i].FieldName, e.Field) ||
					r == nil || f.ResponseStatus.Errors[i].ErrorCode != r.ErrorCode {
					t.Errorf("error %d: %+v, %+v", i, e, f.ResponseStatus.Errors[i])
				}
			}
		})
	}
	nothingDialled(t, u)
}

func TestClientsOfCSVGetErrorsInCSV(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain")+site("json", "csv {", "errors json", "}")+site("headless", "csv {", "header off", "}"))
	for _, target := range []struct{ rule, target, accept string }{
		{"by suffix", membersPath + ".csv", "application/json"},
		{"by query", membersPath + "?format=csv", "application/json"},
		{"by Accept", membersPath, "text/csv"},
	} {
		t.Run(target.rule, func(t *testing.T) {
			got := g.sendRaw(t, "plain", post(target.target, `{"callSid":"x"}`, "Accept: "+target.accept))
			wants(status(422), field("Content-Type", "text/csv; charset=utf-8"), field("Content-Disposition", ""), field("X-Transcode-Error", ""))(t, got)
			rows := strings.Split(got.body, "\r\n")
			if len(rows) != 3 || rows[0] != "ResponseStatus" || rows[2] != "" || !strings.HasPrefix(rows[1], `"{errorCode:NotEmpty,message:`) ||
				!strings.Contains(rows[1], "errorCode:InvalidCallSid,fieldName:CallSid,") {
				t.Errorf("got %q", got.body)
			}
			refuses(422, "required", "call_sid_format")(t, g.sendRaw(t, "json", post(target.target, `{"callSid":"x"}`, "Accept: "+target.accept)))
		})
	}
	t.Run("for what is refused before a format is known", func(t *testing.T) {
		refuses(406, "not_acceptable")(t, g.sendRaw(t, "plain", post(membersPath, validBody, "Accept: image/png")))
	})
	t.Run("and clients of other formats get problem details", func(t *testing.T) {
		for _, suffix := range []string{".json", ".xml", ".jsv", ".html"} {
			refuses(422, "call_sid_format", "destination_format")(t, g.sendRaw(t, "plain", post(membersPath+suffix, invalidBody)))
		}
	})
	nothingDialled(t, u)
}

// TestErrorRoutesTakeOver holds that the site's error routes get the status, and what
// is wrong.
func TestErrorRoutesTakeOver(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, `
{site routes} {
	conference_members {
		errors_via handle_errors
	}
	reverse_proxy UPSTREAM
	handle_errors {
		header Content-Type text/plain
		respond "own page {err.status_code}: {err.message} ({http.conference_members.outcome})" {err.status_code}
	}
}
`+site("bare", "errors_via handle_errors"))
	for _, tt := range []struct {
		rule, request string
		status        int
		message       string
	}{
		{"a rule", post(membersPath, invalidBody), 422, "refused: call_sid_format (callSid), destination_format (destination) (refused)"},
		{"reading", post(membersPath, "{"), 400, "refused: malformed_json (refused)"},
		{"a method", wire("GET "+membersPath, nil, ""), 405, "refused: method_not_allowed (method_not_allowed)"},
		{"a predefined route", post("/api/AddConferenceMember[]", "[]"), 404, "refused: predefined_route (predefined_route)"},
		{"a format", post(membersPath, "{}", "Accept: image/png"), 406, "refused: not_acceptable (not_acceptable)"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got := g.sendRaw(t, "routes", tt.request)
			wants(status(tt.status), body(fmt.Sprintf("own page %d: %s", tt.status, tt.message)), field("Vary", "Accept"))(t, got)
			wants(status(tt.status), body(""), field("Vary", "Accept"))(t, g.sendRaw(t, "bare", tt.request))
			if tt.status == 405 {
				field("Allow", "POST")(t, got)
			}
		})
	}
	nothingDialled(t, u)
}

// TestNoValueIsEchoed holds that a refusal has at most the first and last two digits of
// a number, and no other text of the client's.
func TestNoValueIsEchoed(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain", "unknown_fields reject", "numbers {", "deny_countries US", "deny_types toll_free", "allow_from +12025550100", "validity enforce", "}", "destinations phone"))
	const digits, word = "4938571620", "hush-secret-word"
	j := "Content-Type: application/json"
	for _, tt := range []struct{ rule, request string }{
		{"a denied country", post(membersPath, `{"destination":"+1`+digits+`","fromNumber":"+1`+digits+`"}`)},
		{"a denied type", post(membersPath, `{"destination":"+1800`+digits[:7]+`"}`)},
		{"too many digits", post(membersPath, `{"destination":"+`+digits+digits+`","fromNumber":"`+digits+digits+`"}`)},
		{"punctuation", post(membersPath, `{"destination":"(493) 857-1620","fromNumber":"493.857.1620"}`)},
		{"a kind that is not allowed", post(membersPath, `{"destination":"sip:`+digits+`@`+word+`.example"}`)},
		{"a name", post(membersPath, `{"destination":"`+word+`"}`)},
		{"a call SID", post(membersPath, `{"callSid":"`+word+digits+`"}`)},
		{"a session id", post("/sessions/"+word+"%20"+digits+"/conference/members", `{}`)},
		{"control characters", post(membersPath, `{"destination":"+1`+digits+`\u0000\n","callSid":"`+word+`\r\n"}`)},
		{"a conflict", post(membersPath+"?destination=%2B1"+digits, `{"destination":"`+word+`"}`)},
		{"a repeated name", post(membersPath+"?destination=%2B1"+digits+"&destination="+word, `{}`)},
		{"an unknown field", post(membersPath, `{"`+word+`":"`+digits+`","n`+digits+`":1}`)},
		{"a duplicate", post(membersPath, `{"+1`+digits+`":1,"+1`+digits+`":1,"destination":"`+digits+`","destination":"`+word+`"}`)},
		{"malformed JSON", post(membersPath, `{"destination":"+1`+digits+`" "`+word+`"}`)},
		{"JSON that is a text", post(membersPath, `"+1`+digits+`"`)},
		{"CSV without a header", wire("POST "+membersPath, []string{"Content-Type: text/csv"}, "abc,"+word+",+1"+digits+","+digits+"\r\n")},
		{"CSV with a broken quote", wire("POST "+membersPath, []string{"Content-Type: text/csv"}, "callSid,destination\n"+word+",\"+1"+digits+"\n")},
		{"CSV with two rows", wire("POST "+membersPath, []string{"Content-Type: text/csv"}, "callSid,destination\n"+word+",+1"+digits+"\n"+word+",+1"+digits+"\n")},
		{"a form", wire("POST "+membersPath, []string{"Content-Type: application/x-www-form-urlencoded"}, "destination=%2B1"+digits+"&DESTINATION="+word+"&%zz="+digits)},
		{"a multipart form", wire("POST "+membersPath, []string{multipartType}, multipartBody(word+digits+"=x", "destination=+1"+digits))},
		{"a type", wire("POST "+membersPath, []string{"Content-Type: " + word + "/x" + digits}, "x")},
		{"a charset", wire("POST "+membersPath, []string{j + "; charset=" + word}, "{}")},
		{"a coding", wire("POST "+membersPath, []string{j, "Content-Encoding: " + word}, "{}")},
		{"a format", post(membersPath+"?format="+word+digits, `{}`)},
		{"an Accept", post(membersPath, `{}`, "Accept: "+word+"/"+digits)},
		{"a method", wire(word+digits+" "+membersPath, nil, "")},
	} {
		for _, suffix := range []string{"", ".csv"} {
			t.Run(tt.rule+" "+suffix, func(t *testing.T) {
				request := strings.Replace(tt.request, "/conference/members", "/conference/members"+suffix, 1)
				got := g.sendRaw(t, "plain", request)
				if !isRefusal(got) && (suffix != ".csv" || got.status != 200) {
					t.Fatalf("status %d (error %v), want a refusal", got.status, got.err)
				}
				checkPrivate(t, "the response", fmt.Sprint(got.header, got.body), digits, word)
			})
		}
	}
}

// checkPrivate fails the test if a text has more than a little of a value: five
// characters in a row, with or without punctuation between them.
func checkPrivate(t *testing.T, what, text string, values ...string) {
	t.Helper()
	strip := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "")
	for _, s := range []string{text, strip.Replace(text)} {
		for _, v := range values {
			for i := 0; i+5 <= len(v); i++ {
				if at := strings.Index(s, v[i:i+5]); at >= 0 {
					t.Errorf("%s holds %q: …%s…", what, v[i:i+5], s[max(0, at-40):min(len(s), at+40)])
					break
				}
			}
		}
	}
}
