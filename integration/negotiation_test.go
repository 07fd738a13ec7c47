package integration

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// contentTypes are the Content-Types of responses by format.
var contentTypes = map[string]string{
	"json": "application/json; charset=utf-8",
	"csv":  "text/csv; charset=utf-8",
	"xml":  "application/xml",
	"jsv":  "application/jsv",
	"html": "text/html",
}

// mediaTypes are what Accept calls the formats, in the server's own order of
// preference.
var mediaTypes = []struct{ format, typ string }{
	{"json", "application/json"},
	{"csv", "text/csv"},
	{"xml", "application/xml"},
	{"jsv", "application/jsv"},
	{"html", "text/html"},
}

func mediaTypeOf(format string) string {
	for _, m := range mediaTypes {
		if m.format == format {
			return m.typ
		}
	}
	return ""
}

// TestTheSuffixBeatsTheQueryBeatsAccept looks at what the upstream is asked and
// at what the client gets.
func TestTheSuffixBeatsTheQueryBeatsAccept(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	for _, tt := range []struct {
		suffix, query, accept string
		format                string
		forwarded             string // target behind the id
	}{
		{"", "", "", "json", "/conference/members"},
		{"", "", "*/*", "json", "/conference/members"},
		{"", "", "text/csv", "csv", "/conference/members"},
		{"", "", "application/xml", "xml", "/conference/members"},
		{"", "", "application/jsv", "jsv", "/conference/members"},
		{"", "", "text/html", "html", "/conference/members"},
		{"", "?format=csv", "application/json", "csv", "/conference/members"},
		{"", "?FORMAT=Csv", "image/png", "csv", "/conference/members"},
		{"", "?format=json", "text/csv", "json", "/conference/members?format=json"},
		{"", "?format=xml", "text/csv", "xml", "/conference/members?format=xml"},
		{"", "?format=", "text/csv", "csv", "/conference/members"},
		{"", "?format=csv&format=CSV", "text/csv", "csv", "/conference/members"},
		{"", "?f%6frmat=c%73v", "text/html", "csv", "/conference/members"},
		{".csv", "", "application/json", "csv", "/conference/members"},
		{".csv", "?format=json", "application/json", "csv", "/conference/members"},
		{".csv", "?format=bogus", "image/png", "csv", "/conference/members"},
		{".json", "", "text/csv", "json", "/conference/members.json"},
		{".json", "?format=csv", "text/csv", "json", "/conference/members.json?format=csv"},
		{".xml", "?format=csv", "", "xml", "/conference/members.xml?format=csv"},
		{".jsv", "", "text/csv", "jsv", "/conference/members.jsv"},
		{".html", "", "text/csv", "html", "/conference/members.html"},
	} {
		for _, p := range protocols {
			t.Run(fmt.Sprintf("%s%s Accept %q over %s", tt.suffix, tt.query, tt.accept, p.name), func(t *testing.T) {
				u.Forget()
				header := []string{"Content-Type: application/json"}
				if tt.accept != "" {
					header = append(header, "Accept: "+tt.accept)
				}
				got := send(t, p.client, "POST", g.URL("plain")+membersPath+tt.suffix+tt.query, validBody, header...)
				wants(status(200), field("Content-Type", contentTypes[tt.format]), field("Vary", "Accept"), field("X-Transcode-Error", ""))(t, got)
				r, _ := u.Last()
				want := mediaTypeOf(tt.format)
				if tt.format == "csv" {
					want = "application/json"
				}
				if accept := r.Header["Accept"]; !slices.Equal(accept, []string{want}) {
					t.Errorf("forwarded Accept %q, want %q alone", accept, want)
				}
				if r.Target != "/sessions/abc"+tt.forwarded {
					t.Errorf("forwarded %s, want …%s", r.Target, tt.forwarded)
				}
				bound(t, u)
			})
		}
	}
}

// TestTheQueryIsForwardedInItsOrder holds that nothing is taken from the query except
// the fields and, for CSV, what would change the JSON.
func TestTheQueryIsForwardedInItsOrder(t *testing.T) {
	const query = "z=1&callback=cb&a=%2f%2F+%20&jsconfig=inv&format=FMT&DESTINATION=%2B12025550123&view=x&;&&z=2&jsConfig=edv&Callback=d&q"
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain")+site("views", "csv {", "view x {", "delimiter tab", "}", "}"))
	for _, tt := range []struct{ site, format, want string }{
		{"plain", "csv", "z=1&a=%2f%2F+%20&view=x&;&&z=2&q"},
		{"views", "csv", "z=1&a=%2f%2F+%20&;&&z=2&q"},
		{"plain", "xml", "z=1&callback=cb&a=%2f%2F+%20&jsconfig=inv&format=xml&view=x&;&&z=2&jsConfig=edv&Callback=d&q"},
		{"views", "html", "z=1&callback=cb&a=%2f%2F+%20&jsconfig=inv&format=html&;&&z=2&jsConfig=edv&Callback=d&q"},
	} {
		t.Run(tt.site+" "+tt.format, func(t *testing.T) {
			u.Forget()
			target := membersPath + "?" + strings.Replace(query, "FMT", tt.format, 1)
			status(200)(t, g.sendRaw(t, tt.site, post(target, `{"callSid":"`+callSID+`"}`)))
			r, _ := u.Last()
			if _, got, _ := strings.Cut(r.Target, "?"); got != tt.want {
				t.Errorf("forwarded ?%s, want ?%s", got, tt.want)
			}
			if b := bound(t, u); b["destination"] != destination {
				t.Errorf("bound %v", b)
			}
		})
	}
}

// TestForCSVTheWholeJSONIsAskedFor holds that no coding, range or condition is
// forwarded, which would get something else.
func TestForCSVTheWholeJSONIsAskedFor(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, `
{site plain} {
	conference_members
	reverse_proxy UPSTREAM {
		transport http {
			compression off
		}
	}
}
`)
	header := []string{
		"Accept-Encoding: br", "Range: bytes=0-9", "If-None-Match: *", "If-Match: \"x\"", "If-Modified-Since: Wed, 18 Aug 2021 09:45:12 GMT",
		"If-Unmodified-Since: Wed, 18 Aug 2021 09:45:12 GMT", "If-Range: \"x\"", "X-Kept: yes", "Authorization: Bearer t",
	}
	for _, accept := range []string{"text/csv", "application/json"} {
		t.Run(accept, func(t *testing.T) {
			u.Forget()
			g.sendRaw(t, "plain", post(membersPath, validBody, append(header, "Accept: "+accept)...))
			r, _ := u.Last()
			for _, line := range header {
				name, value, _ := strings.Cut(line, ": ")
				want := value
				switch {
				case accept != "text/csv" || name == "X-Kept" || name == "Authorization":
				case name == "Accept-Encoding":
					want = "gzip, zstd" // what the handler decodes itself
				default:
					want = ""
				}
				if got := r.Header.Get(name); got != want {
					t.Errorf("forwarded %s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestWhatIsNotAcceptableIsNotForwarded holds that 406 is sent before a call is placed.
func TestWhatIsNotAcceptableIsNotForwarded(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain")+site("views", "csv {", "view sales {", "delimiter tab", "}", "}")+site("off", "mode off"))
	for _, tt := range []struct {
		site, target string
		accept       []string
		rule         string
	}{
		{"plain", membersPath, []string{"image/png"}, "not_acceptable"},
		{"off", membersPath, []string{"image/png"}, "not_acceptable"},
		{"plain", membersPath, []string{"text/csv;q=0"}, "not_acceptable"},
		{"plain", membersPath, []string{"*/*;q=0"}, "not_acceptable"},
		{"plain", membersPath, []string{"text/csvx"}, "not_acceptable"},
		{"plain", membersPath, []string{"image/png", "audio/*;q=0.1"}, "not_acceptable"},
		{"plain", membersPath, []string{"text/csv;header=absent"}, "not_acceptable"},
		{"plain", membersPath + "?format=bogus", []string{"*/*"}, "not_acceptable"},
		{"plain", membersPath + "?format=csv.json", nil, "not_acceptable"},
		{"plain", membersPath + "?format=csv&format=json", nil, "not_acceptable"},
		{"plain", membersPath + "?format=csv,json", nil, "not_acceptable"},
		{"plain", membersPath + "?format=text/csv", nil, "not_acceptable"},
		{"views", membersPath + ".csv?view=nosuch", nil, "unknown_view"},
		{"views", membersPath + "?view=SALES", []string{"text/csv"}, "unknown_view"},
		{"views", membersPath + "?view=sales&view=other", nil, "unknown_view"},
	} {
		t.Run(fmt.Sprintf("%s %s %q", tt.site, tt.target, tt.accept), func(t *testing.T) {
			u.Forget()
			var header []string
			for _, line := range tt.accept {
				header = append(header, "Accept: "+line)
			}
			got := g.sendRaw(t, tt.site, post(tt.target, validBody, header...))
			wants(status(406), field("Vary", "Accept"))(t, got)
			if !strings.Contains(got.body, "csv") && tt.rule == "not_acceptable" {
				t.Errorf("the response does not list the formats: %s", got.body)
			}
			if !strings.HasPrefix(got.body, "ResponseStatus") {
				refuses(406, tt.rule)(t, got)
			}
			nothingDialled(t, u)
		})
	}
}

// TestVaryIsOnEveryResponseOfTheRoute holds that every response, refusals too, says
// that it depends on Accept, so that no cache gives it to a request for another format.
func TestVaryIsOnEveryResponseOfTheRoute(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true, API: true})
	g := startFront(t, u, site("plain")+site("pass", "predefined_routes pass")+site("routes", "errors_via handle_errors")+`
{site down} {
	conference_members
	reverse_proxy 127.0.0.1:1
}
{site nowhere} {
	conference_members
	error 503
}
`)
	fault := func(name string) string { return upstreamtest.FaultHeader + ": " + name }
	for _, tt := range []struct {
		rule, site, request string
		status              int
	}{
		{"a session", "plain", post(membersPath, validBody), 200},
		{"a session in CSV", "plain", post(membersPath+".csv", validBody), 200},
		{"a session in HTML", "plain", post(membersPath+".html", validBody), 200},
		{"an error of the upstream", "plain", post(membersPath, validBody, fault("maintenance")), 503},
		{"a response that varies otherwise", "plain", post(membersPath, validBody, fault(`{"header":{"Vary":["Origin"]}}`)), 200},
		{"a response that does not vary", "plain", post(membersPath, validBody, fault(`{"header":{"Vary":null}}`)), 200},
		{"no content", "plain", post(membersPath+".csv", validBody, fault("no-content")), 204},
		{"a fallback", "plain", post(membersPath+".csv", validBody, fault("garbage")), 200},
		{"a refusal", "plain", post(membersPath, invalidBody), 422},
		{"a refusal in CSV", "plain", post(membersPath+".csv", invalidBody), 422},
		{"a refusal by way of error routes", "routes", post(membersPath, invalidBody), 422},
		{"malformed JSON", "plain", post(membersPath, "{"), 400},
		{"another type", "plain", wire("POST "+membersPath, []string{"Content-Type: image/png"}, "x"), 415},
		{"too large", "plain", post(membersPath, strings.Repeat(" ", 20<<10)+validBody), 413},
		{"not acceptable", "plain", post(membersPath, validBody, "Accept: image/png"), 406},
		{"another method", "plain", wire("GET "+membersPath, nil, ""), 405},
		{"OPTIONS", "plain", wire("OPTIONS "+membersPath, nil, ""), 404},
		{"a predefined route", "plain", post("/api/AddConferenceMember[]", validBody), 404},
		{"a predefined route that passes", "pass", post("/api/AddConferenceMember", validBody), 404},
		{"an upstream that is down", "down", post(membersPath, validBody), 502},
		{"an upstream that resets", "plain", post(membersPath, validBody, fault("reset")), 502},
		{"an error of another handler", "nowhere", post(membersPath, validBody), 503},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got := g.sendRaw(t, tt.site, tt.request)
			status(tt.status)(t, got)
			var names []string
			for name := range strings.SplitSeq(strings.Join(got.header.Values("Vary"), ","), ",") {
				names = append(names, strings.TrimSpace(name))
			}
			if n := len(slices.DeleteFunc(names, func(s string) bool { return !strings.EqualFold(s, "Accept") })); n != 1 {
				t.Errorf("Vary: %q, want Accept once", got.header.Values("Vary"))
			}
		})
	}
}

// TestRecordedAcceptsFollowRFC9110 sends every recorded Accept. The upstream's own
// reading of it is wrong; function acceptable reads it as section 12.5.1 says.
func TestRecordedAcceptsFollowRFC9110(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	for _, r := range recordings.Exchanges("accept", "accept-ct", "accept-split", "format", "conflict") {
		t.Run(fmt.Sprintf("%d %s", r.N, r.Name), func(t *testing.T) {
			_, target, _ := strings.Cut(r.Line(), " ")
			header := r.Header("Content-Type")
			want, ok := wantedFormat(t, target, r)
			if !ok {
				u.Forget()
				got := g.sendRaw(t, "plain", post(target, validBody, header...))
				status(406)(t, got)
				nothingDialled(t, u)
				return
			}
			if want == "" { // not the route, here or there
				u.Forget()
				status(404)(t, g.sendRaw(t, "plain", post(target, validBody, header...)))
				if got := u.Received(); len(got) > 1 || len(got) == 1 && got[0].Bound != nil {
					t.Errorf("received %+v, want no request but one that is nobody's", got)
				}
				return
			}
			got := g.sendRaw(t, "plain", post(target, validBody, header...))
			status(200)(t, got)
			if strings.Contains(target, "callback=c") && want == "json" {
				return // a script, by the upstream's own choice
			}
			field("Content-Type", contentTypes[want])(t, got)
		})
	}
}

// wantedFormat returns the format that a recorded request asks for, empty for another
// route, and false if it asks for none that exists.
func wantedFormat(t *testing.T, target string, r *recordings.Exchange) (format string, ok bool) {
	t.Helper()
	path, query, _ := strings.Cut(target, "?")
	_, suffix, _ := strings.Cut(path, "/conference/members")
	if suffix != "" {
		if f := strings.TrimPrefix(suffix, "."); mediaTypeOf(f) != "" {
			return f, true
		}
		return "", true
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range q {
		if strings.EqualFold(name, "format") && values[0] != "" {
			f := strings.ToLower(values[0])
			return f, mediaTypeOf(f) != ""
		}
	}
	var lines []string
	for _, h := range r.Request.Headers {
		if http.CanonicalHeaderKey(h[0]) == "Accept" {
			lines = append(lines, h[1])
		}
	}
	return acceptable(lines)
}

// acceptable reads Accept as RFC 9110 section 12.5.1 says: the most specific range says
// how much a format is wanted; of formats that are wanted as much, the one with the
// more specific range wins, then the one whose range is listed first.
func acceptable(lines []string) (format string, ok bool) {
	if len(lines) == 0 {
		return "json", true
	}
	type wish struct {
		specific int // 0 for */*, 1 for type/*, 2 for type/subtype, and one more for each parameter
		at       int
		q        float64
	}
	best, bestWish := "", wish{}
	for _, m := range mediaTypes {
		found, is := wish{}, false
		for at, member := range strings.Split(strings.Join(lines, ","), ",") {
			typ, params, _ := strings.Cut(member, ";")
			typ = strings.ToLower(strings.TrimSpace(typ))
			w := wish{at: at, q: 1}
			switch main, _, _ := strings.Cut(m.typ, "/"); typ {
			case "*/*", "*":
			case main + "/*":
				w.specific = 1
			case m.typ:
				w.specific = 2
			default:
				continue
			}
			for p := range strings.SplitSeq(params, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
				if name == "q" {
					w.q, _ = strconv.ParseFloat(value, 64)
				} else if name != "" {
					w.specific++ // charset=utf-8 and header=present are what is sent
				}
			}
			if !is || w.specific > found.specific {
				found, is = w, true
			}
		}
		better := cmp.Or(cmp.Compare(found.q, bestWish.q), found.specific-bestWish.specific, bestWish.at-found.at) > 0
		if is && found.q > 0 && (best == "" || better) {
			best, bestWish = m.format, found
		}
	}
	return best, best != ""
}

// TestAClientOfCSVMayAskForProblemDetails holds that a client that names the type of
// problem details gets them, whatever its format is.
func TestAClientOfCSVMayAskForProblemDetails(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	for accept, want := range map[string]string{
		"text/csv":                           "text/csv; charset=utf-8",
		"text/csv, application/problem+json": "application/problem+json",
	} {
		got := g.sendRaw(t, "plain", post(membersPath, `{"destination":"911"}`, "Accept: "+accept))
		if got.status != http.StatusUnprocessableEntity || got.header.Get("Content-Type") != want {
			t.Errorf("Accept: %s: %d, Content-Type %q, want %q", accept, got.status, got.header.Get("Content-Type"), want)
		}
	}
}
