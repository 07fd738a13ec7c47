package integration

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// routed are the groups of recordings that say which paths and methods reach
// the upstream's handler.
var routed = []string{"path", "suffix", "method", "conflict", "format"}

// TestWhateverReachesTheUpstreamsHandlerIsJudged sends every recorded path and
// method with a body that breaks the rules.
func TestWhateverReachesTheUpstreamsHandlerIsJudged(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("strict"))
	for _, r := range recordings.Exchanges(routed...) {
		t.Run(fmt.Sprintf("%d %s", r.N, r.Name), func(t *testing.T) {
			u.Forget()
			_, reached := r.Bound()
			header := append(r.Header("Content-Type"), "Content-Type: application/json")
			got := g.sendRaw(t, "strict", wire(r.Line(), header, invalidBody))
			if n := u.Stats().Dialled; n != 0 {
				t.Fatalf("%d calls were placed", n)
			}
			if reached {
				nothingDialled(t, u)
				if !isRefusal(got) {
					t.Errorf("status %d (error %v), want a refusal\n%.300s", got.status, got.err, got.body)
				}
			}
		})
	}
}

// TestTheSessionIDIsReadAsTheUpstreamReadsIt sends every recorded path with a
// good body.
func TestTheSessionIDIsReadAsTheUpstreamReadsIt(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("open", "mode off"))
	compared := 0
	for _, r := range recordings.Exchanges(routed...) {
		want, reached := r.Bound()
		method, target, _ := strings.Cut(r.Line(), " ")
		if !reached || method != "POST" || strings.Contains(strings.ToLower(target), "/addconferencemember") {
			continue
		}
		compared++
		t.Run(fmt.Sprintf("%d %s", r.N, r.Name), func(t *testing.T) {
			u.Forget()
			target, _, _ := strings.Cut(target, "?format=") // unknown formats are refused
			header := append(r.Header("Content-Type"), "Content-Type: application/json")
			got := g.sendRaw(t, "open", wire("POST "+target, header, validBody))
			want := map[string]string{"sessionId": want["sessionId"], "callSid": callSID, "destination": destination}
			if b := bound(t, u); !maps.Equal(b, want) {
				t.Errorf("bound %v, want %v", b, want)
			}
			if got.err != nil || isRefusal(got) {
				t.Errorf("status %d (error %v)", got.status, got.err)
			}
		})
	}
	if compared < 80 {
		t.Errorf("%d recordings compared, want 80 at least", compared)
	}
}

// TestNoSpellingOfAPathGoesPastTheRules combines spellings of the parts of the route.
// It asks the upstream directly first: what reaches its handler there must not reach it
// unjudged through the gateway.
func TestNoSpellingOfAPathGoesPastTheRules(t *testing.T) {
	var (
		slashes  = []string{"/", "//", "/./", "/x/../", "/x/%2e%2E/", "%2f", "%2F", "%252f", "%5c", `\`, "/%2e/", "%2f..%2f"}
		sessions = []string{"sessions", "SESSIONS", "%73essions", "se%C5%BFsions", "sess%C4%B0ons", "sess%c4%b1ons", "sessions;a=b", "sessions%20", "sessions+", "sessions%00"}
		members  = []string{
			"members", "MEMBERS", "memb%65rs", "members/", "members.csv", "members%2ecsv", "members.CSV", "members..csv",
			"members/.csv", "members.csv/", "members;.csv", "members.json.csv", "members%00.csv", "members%20.csv", "members/.", "members/x/..",
			"members#.csv", "members%23", "members%3f", "members?.csv", "member%C5%BF", "members.",
		}
	)
	var paths []string
	for _, s := range slashes {
		for _, before := range []string{"/", s} {
			paths = append(paths, before+"sessions"+s+"abc/conference/members", before+"sessions/abc"+s+"conference"+s+"members",
				"/sessions/abc/conference"+s+"members.csv", "/json"+s+"reply/AddConferenceMember", "/json/reply"+s+"AddConferenceMember",
				before+"api"+s+"AddConferenceMember.csv")
		}
	}
	for _, s := range sessions {
		for _, m := range members {
			paths = append(paths, "/"+s+"/abc/conference/"+m)
		}
	}
	for _, p := range []string{
		"/json/reply/AddConferenceMember", "/JSON/Reply/addconferencemember", "/jsv/oneway/AddConferenceMember", "/csv/reply/AddConferenceMember%5B%5D",
		"/json/reply/AddConferenceMember[]", "/xml/reply/AddConferenceMember.csv", "/api/AddConferenceMember", "/API/ADDCONFERENCEMEMBER.json",
		"/json/reply/AddConferenceMember/", "/json/reply/AddConferenceMember/x", "/json/reply/%41ddConferenceMember", "/json/reply//AddConferenceMember",
	} {
		paths = append(paths, p, strings.ToUpper(p))
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)

	direct := startUpstream(t, upstreamtest.Options{AnyID: true, API: true})
	u := startUpstream(t, upstreamtest.Options{AnyID: true, API: true})
	g := startFront(t, u, site("strict")+"{site direct} {\n\treverse_proxy "+direct.Addr+"\n}\n")
	reached := 0
	for _, path := range paths {
		direct.Forget()
		u.Forget()
		// The same values in the query, which every way in binds.
		target := path + "?sessionId=abc"
		if strings.Contains(path, "?") {
			target = path + "&sessionId=abc"
		}
		g.sendRaw(t, "direct", post(target, invalidBody))
		got := g.sendRaw(t, "strict", post(target, invalidBody))
		if n := u.Stats().Dialled; n != 0 {
			t.Errorf("%s: %d calls were placed", path, n)
		}
		if direct.Stats().Dialled > 0 {
			reached++
			if !isRefusal(got) {
				t.Errorf("%s: status %d, want a refusal", path, got.status)
			}
		}
	}
	if reached < 100 {
		t.Errorf("%d of %d paths reach the upstream's handler, want 100 at least", reached, len(paths))
	}
}

// TestAbsoluteFormIsJudged holds that the request line of a client of a proxy is
// judged, which has the host too (RFC 9112 section 3.2.2).
func TestAbsoluteFormIsJudged(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("strict"))
	got := g.sendRaw(t, "strict", post("http://127.0.0.1"+membersPath, invalidBody))
	refuses(422, "call_sid_format", "destination_format")(t, got)
	nothingDialled(t, u)
}

func TestOtherMethodsAreRefusedWith405(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("strict"))
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "FOO", "post", "Post", "pOST", "options", "PROPFIND"} {
		for _, path := range []string{membersPath, membersPath + ".csv", "/SESSIONS//abc/conference/members/"} {
			t.Run(method+" "+path, func(t *testing.T) {
				u.Forget()
				got := g.sendRaw(t, "strict", wire(method+" "+path, []string{"Content-Type: application/json", "X-HTTP-Method-Override: POST"}, validBody))
				wants(status(405), field("Allow", "POST"), field("Vary", "Accept"))(t, got)
				nothingDialled(t, u)
			})
		}
	}
}

// overrides are spellings of the header that the upstream takes for the method,
// and of the query and the form field that its library takes for it where there
// is no such header.
var overrides = []struct {
	rule   string
	header []string
	query  string
	body   string
	typ    string
}{
	{rule: "as it is documented", header: []string{"X-HTTP-Method-Override: POST"}},
	{rule: "in lower case", header: []string{"x-http-method-override: POST"}},
	{rule: "in mixed case", header: []string{"x-hTTp-mEthod-oVERRIDE: post"}},
	{rule: "in two lines", header: []string{"X-HTTP-Method-Override: POST", "X-HTTP-Method-Override: POST"}},
	{rule: "in two lines, the first of them empty", header: []string{"X-HTTP-Method-Override:", "X-HTTP-Method-Override: POST"}},
	{rule: "in the query string", query: "X-Http-Method-Override=POST"},
	{rule: "in the query string in lower case", query: "x-http-method-override=POST"},
	{rule: "in the query string, encoded", query: "X%2DHttp-Method-Override=POST"},
	{rule: "in a cookie", header: []string{"Cookie: a=b; x-http-method-override=POST; c=d"}},
	{rule: "in a cookie, encoded", header: []string{"Cookie: X%2DHttp-Method-Override=POST"}},
	{rule: "in a form", typ: "application/x-www-form-urlencoded", body: "X-Http-Method-Override=POST&destination=%2B19005550123"},
}

// TestTheMethodOverrideIsNeverForwarded holds that the upstream handles a request by
// the method that was judged, or passed as OPTIONS.
func TestTheMethodOverrideIsNeverForwarded(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true, API: true})
	g := startFront(t, u, site("strict")+site("pass", "predefined_routes pass"))
	for _, target := range []struct{ site, line string }{
		{"strict", "POST " + membersPath},
		{"strict", "OPTIONS " + membersPath},
		{"strict", "OPTIONS " + membersPath + ".csv"},
		{"pass", "POST /json/reply/AddConferenceMember"},
		{"pass", "OPTIONS /api/AddConferenceMember"},
		{"pass", "GET /csv/reply/AddConferenceMember"},
	} {
		for _, o := range overrides {
			if target.site == "pass" && o.header == nil {
				continue // passed unjudged, whichever method it is
			}
			t.Run(target.line+" "+o.rule, func(t *testing.T) {
				u.Forget()
				typ, body := "application/json", validBody
				if o.typ != "" {
					typ, body = o.typ, o.body
				}
				line := target.line + "?callSid=" + callSID
				if o.query != "" {
					line += "&" + o.query
				}
				g.sendRaw(t, target.site, wire(line, append(o.header, "Content-Type: "+typ), body))
				for _, r := range u.Received() {
					if v := r.Header.Values("X-Http-Method-Override"); len(v) > 0 {
						t.Errorf("the header was forwarded: %q", v)
					}
					if strings.Contains(strings.ToLower(r.Target), "method-override") {
						t.Errorf("the query string was forwarded: %s", r.Target)
					}
					if cookies := strings.ToLower(strings.Join(r.Header["Cookie"], ";")); strings.Contains(cookies, "method-override") {
						t.Errorf("the cookie was forwarded: %q", r.Header["Cookie"])
					} else if target.line == "POST "+membersPath && strings.Contains(o.rule, "cookie") && !strings.Contains(o.rule, "encoded") && cookies != "a=b; c=d" {
						t.Errorf("other cookies were not: %q", r.Header["Cookie"])
					}
					if strings.HasPrefix(target.line, "OPTIONS "+membersPath) && strings.Contains(strings.ToLower(r.Target), "callsid") {
						t.Errorf("a field was forwarded: %s", r.Target)
					}
					isForm := r.Header.Get("Content-Type") == "application/x-www-form-urlencoded"
					if isForm && strings.Contains(strings.ToLower(string(r.Body)), "method-override") {
						t.Errorf("the form was forwarded: %s", r.Body)
					}
				}
				if o.typ == "" && len(u.Received()) != 1 {
					t.Errorf("%d requests forwarded, want 1", len(u.Received()))
				}
			})
		}
	}
}

// TestPredefinedRoutesAreJudged holds that calls on the routes that the API's own
// clients use are judged.
func TestPredefinedRoutesAreJudged(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true, API: true})
	g := startFront(t, u, site("judge"))
	good := `{"sessionId":"abc","callSid":"` + callSID + `","destination":"+12025550123"}`
	for _, tt := range []struct {
		rule, path, body string
		header           []string
		target, accept   string
	}{
		{"JSON", "/json/reply/AddConferenceMember", good, nil, membersPath, "application/json"},
		{"any letter case and slashes", "//JSON/OneWay//addconferencemember/", good, nil, membersPath, "application/json"},
		{"the newer route", "/api/AddConferenceMember", good, []string{"Accept: application/json"}, membersPath, "application/json"},
		{"the session id in the query", "/api/AddConferenceMember?sessionId=abc", strings.Replace(good, `"sessionId":"abc",`, "", 1), nil, membersPath, "application/json"},
		{"the format of the route", "/xml/reply/AddConferenceMember", good, []string{"Accept: application/json"}, membersPath, "application/xml"},
		{"the format of the suffix", "/xml/reply/AddConferenceMember.json", good, nil, membersPath + ".json", "application/json"},
		{"text of a browser", "/api/AddConferenceMember", good, []string{"Content-Type: text/plain;charset=UTF-8"}, membersPath, "application/json"},
		{"a method override", "/api/AddConferenceMember", good, []string{"X-HTTP-Method-Override: GET"}, membersPath, "application/json"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			if tt.header == nil || !strings.HasPrefix(tt.header[0], "Content-Type") {
				tt.header = append(tt.header, "Content-Type: application/json")
			}
			got := g.sendRaw(t, "judge", wire("POST "+tt.path, tt.header, tt.body))
			r, _ := u.Last()
			if got.status != 200 || r.Target != tt.target || r.Header.Get("Accept") != tt.accept || r.Header.Get("X-Http-Method-Override") != "" {
				t.Errorf("status %d, forwarded %s for %s\n%.300s", got.status, r.Target, r.Header.Get("Accept"), got.body)
			}
		})
	}
	for _, tt := range []struct {
		rule, line, body string
		status           int
		violated         string
	}{
		{"a bad call", "POST /json/reply/AddConferenceMember", strings.Replace(good, callSID, "x", 1), 422, "call_sid_format"},
		{"no session id", "POST /json/reply/AddConferenceMember", `{"destination":"+12025550123"}`, 422, "required"},
		{"GET", "GET /json/reply/AddConferenceMember?sessionId=abc", "", 405, "method_not_allowed"},
		{"a batch", "POST /json/reply/AddConferenceMember[]", "[]", 404, "predefined_route"},
		{"SOAP", "POST /Soap12//", "<x/>", 404, "predefined_route"},
		{"SOAP 1.1", "POST /soap11", "<x/>", 404, "predefined_route"},
		{"a suffix of another format", "POST /api/AddConferenceMember.msgpack", good, 404, "unknown_suffix"},
		{"a suffix of another format, on the route", "POST " + membersPath + ".msgpack", good, 404, "unknown_suffix"},
		{"a suffix in capitals", "POST " + membersPath + ".JSON", good, 404, "unknown_suffix"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			got := g.sendRaw(t, "judge", wire(tt.line, []string{"Content-Type: application/json"}, tt.body))
			refuses(tt.status, tt.violated)(t, got)
			nothingDialled(t, u)
		})
	}
}

// TestCallsOffRefusesEveryCall holds that it refuses every call and nothing else.
func TestCallsOffRefusesEveryCall(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("off", "calls off"))
	for _, path := range []string{membersPath, membersPath + ".json", "/json/reply/AddConferenceMember"} {
		got := g.sendRaw(t, "off", post(path, validBody))
		refuses(503, "calls_off")(t, got)
		if got.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	nothingDialled(t, u)
	if got := g.sendRaw(t, "off", wire("OPTIONS "+membersPath, nil, "")); isRefusal(got) {
		t.Errorf("OPTIONS: status %d", got.status)
	}
}

// TestAFormOfAnotherSiteIsRefused holds that a page of another site can't dial with the
// credentials of its reader. A form needs no preflight.
func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("strict"))
	const form = "Content-Type: application/x-www-form-urlencoded"
	for _, header := range [][]string{
		{form, "Sec-Fetch-Site: cross-site"},
		{form, "Origin: null"},
		{form, "Origin: https://evil.example"},
		{"Content-Type: multipart/form-data; boundary=x", "Sec-Fetch-Site: cross-site"},
		{"Content-Type: text/plain", "Sec-Fetch-Site: cross-site"},
		{"Sec-Fetch-Site: cross-site", "Origin: null"},
	} {
		refuses(403, "cross_site")(t, g.sendRaw(t, "strict", wire("POST "+membersPath, header, "destination=%2B12025550123")))
	}
	nothingDialled(t, u)
}

// TestOPTIONSCarriesNothingOn holds that OPTIONS is forwarded without query, body and
// cookies.
func TestOPTIONSCarriesNothingOn(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("strict"))
	for _, path := range []string{membersPath, "/json/reply/AddConferenceMember"} {
		u.Forget()
		g.sendRaw(t, "strict", wire("OPTIONS "+path+"?destinati%C2%ADon=911&x", []string{"Cookie: a=b", "X-HTTP-Method-Override: POST", "Content-Type: application/json"}, validBody))
		if r, ok := u.Last(); !ok || r.Target != path || len(r.Body) != 0 || r.Header.Get("Cookie") != "" || r.Header.Get("X-Http-Method-Override") != "" {
			t.Errorf("forwarded %s %v %q", r.Target, r.Header, r.Body)
		}
	}
	if n := u.Stats().Dialled; n != 0 {
		t.Errorf("%d calls were placed", n)
	}
}

// TestLookAlikesArePassedOn holds that they are forwarded unchanged: they may be anything.
func TestLookAlikesArePassedOn(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("strict"))
	for _, path := range []string{"/v1/sessions/abc/conference/members", "/conference/members.csv/", "/x/AddConferenceMember"} {
		u.Forget()
		g.sendRaw(t, "strict", post(path, "untouched"))
		if r, _ := u.Last(); string(r.Body) != "untouched" || r.Target != path {
			t.Errorf("forwarded %s with %q", r.Target, r.Body)
		}
	}
}

func TestPredefinedRoutesAreClosedUnlessTheyPass(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true, API: true})
	g := startFront(t, u, site("closed", "predefined_routes refuse")+site("pass", "predefined_routes pass"))
	for _, path := range []string{
		"/json/reply/AddConferenceMember", "/XML/OneWay/addconferencemember", "/jsv/reply/AddConferenceMember", "/api/AddConferenceMember", "/api/addconferencemember.json",
	} {
		t.Run(path, func(t *testing.T) {
			body := `{"sessionId":"abc","callSid":"` + callSID + `"}`
			for _, method := range []string{"POST", "GET", "OPTIONS", "PUT"} {
				u.Forget()
				refuses(404, "predefined_route")(t, g.sendRaw(t, "closed", wire(method+" "+path, []string{"Content-Type: application/json"}, body)))
				nothingDialled(t, u)
			}
			u.Forget()
			got := g.sendRaw(t, "pass", post(path, body, "Accept: application/json"))
			if len(u.Received()) != 1 || isRefusal(got) {
				t.Errorf("not passed: status %d, %d forwarded", got.status, len(u.Received()))
			}
			if r, _ := u.Last(); string(r.Body) != body || r.Target != path {
				t.Errorf("passed %s with %q, want it as it came", r.Target, r.Body)
			}
			field("Vary", "Accept")(t, got)
		})
	}
	t.Run("a batch", func(t *testing.T) {
		for _, path := range []string{"/json/reply/AddConferenceMember[]", "/json/reply/AddConferenceMember%5B%5D", "/api/AddConferenceMember[]", "/CSV/REPLY/ADDCONFERENCEMEMBER%5b%5d.json"} {
			u.Forget()
			refuses(404, "predefined_route")(t, g.sendRaw(t, "closed", post(path, `[{"sessionId":"abc"}]`)))
			nothingDialled(t, u)
		}
	})
}

// TestEveryOtherRequestIsUntouched compares what the upstream gets with what it
// gets without the module.
func TestEveryOtherRequestIsUntouched(t *testing.T) {
	with, without := startUpstream(t, upstreamtest.Options{}), startUpstream(t, upstreamtest.Options{})
	g := startGateway(t, `
{site with} {
	conference_members {
		correlation_id
		set region eu
	}
	reverse_proxy `+with.Addr+`
}
{site without} {
	reverse_proxy `+without.Addr+`
}
`)
	for _, r := range []struct {
		line   string
		header []string
		body   string
	}{
		{"GET /", nil, ""},
		{"GET /sessions/abc?format=csv&destination=%2B1&callback=cb&jsconfig=inv&view=x", []string{"Accept: text/csv;q=0", "If-None-Match: \"x\"", "Range: bytes=0-1"}, ""},
		{"POST /sessions/abc/conference/memberss", []string{"Content-Type: text/csv", "Accept: image/png", "X-HTTP-Method-Override: DELETE", "Digest: sha-256=AAAA"}, "not, even\r\nclose"},
		{"POST /sessions/abc/conference", []string{"Content-Encoding: gzip", "Expect: 100-continue"}, "not gzip"},
		{"POST /sessions//conference/members?sessionId=a&SESSIONID=b", []string{"Content-Type: application/json"}, "{"},
		{"PUT /sessions/abc/members/", []string{"Transfer-Encoding: chunked"}, chunked("some body")},
		{"POST /other", []string{"Transfer-Encoding: chunked", "Trailer: X-T"}, chunked("some body", "X-T: 1")},
		{"DELETE /sessions/a%2Fb/%2e%2e/x;y=%zz?a=%zz;b&&c=+%20", nil, ""},
		{"OPTIONS /sessions/abc/conference/memberss", []string{"Access-Control-Request-Method: POST"}, ""},
		{"OPTIONS *", nil, ""},
		{"POST /json/reply/RemoveConferenceMember", []string{"Content-Type: application/json"}, strings.Repeat("x", 100<<10)},
		{"post /sessions/abc/conference/members/x.bogus", nil, "x"},
	} {
		t.Run(r.line, func(t *testing.T) {
			with.Forget()
			without.Forget()
			request := wire(r.line, r.header, r.body)
			got, want := g.sendRaw(t, "with", request), g.sendRaw(t, "without", request)
			if got.status != want.status || got.body != want.body || got.header.Get("Vary") != want.header.Get("Vary") ||
				got.header.Get("X-Request-Id") != "" {
				t.Errorf("response: %d %v, want %d %v", got.status, got.header, want.status, want.header)
			}
			if len(with.Received()) != len(without.Received()) {
				t.Fatalf("%d requests forwarded, %d without the module", len(with.Received()), len(without.Received()))
			}
			for i, a := range with.Received() {
				b := without.Received()[i]
				if a.Method != b.Method || a.Target != b.Target || a.Host != b.Host || a.ContentLength != b.ContentLength ||
					!slices.Equal(a.TransferEncoding, b.TransferEncoding) || string(a.Body) != string(b.Body) || !maps.EqualFunc(a.Header, b.Header, slices.Equal) {
					t.Errorf("forwarded\n%+v, want\n%+v", a, b)
				}
			}
		})
	}
}

// TestTheSuffixOfCSVIsNeverForwarded holds that where the route ends with the ID, in
// which a host could read a suffix behind a dot.
func TestTheSuffixOfCSVIsNeverForwarded(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("last", "route /invite/{sessionId}", "mode off"))
	for _, tt := range []struct{ target, accept, forwarded string }{
		{"/invite/S1.csv", "", "/invite/S1"},
		{"/invite/S1", "text/csv", "/invite/S1"},
		{"/invite/S1.json", "text/csv", "/invite/S1.json"},
		{"/invite/a.b.csv", "", "/invite/a.b.json"},
		{"/invite/a.json.csv", "", "/invite/a.json.json"},
		{"//INVITE/a.b.csv?kept=1", "", "/invite/a.b.json?kept=1"},
		{"/invite/a.b.json", "", "/invite/a.b.json"},
		{"/invite/a.b.xml", "", "/invite/a.b.xml"},
		{"/json/reply/AddConferenceMember?sessionId=a.b", "", "/invite/a.b.json"},
		{"/xml/reply/AddConferenceMember?sessionId=a.b", "", "/invite/a.b.xml"},
		{"/csv/reply/AddConferenceMember?sessionId=a.b", "", "/invite/a.b.json"},
		{"/invite/a%00b.csv", "", ""},
		{"/invite/a%252fb.csv", "", ""},
		{"/invite/a.b", "", ""},
	} {
		t.Run(tt.target, func(t *testing.T) {
			u.Forget()
			got := g.sendRaw(t, "last", post(tt.target, validBody, "Accept: "+cmp.Or(tt.accept, "*/*")))
			switch received := u.Received(); {
			case tt.forwarded == "" && (len(received) > 0 || !isRefusal(got)):
				t.Errorf("forwarded: %v; status %d", received, got.status)
			case tt.forwarded != "" && (len(received) != 1 || received[0].Target != tt.forwarded):
				t.Errorf("forwarded: %v, want %s (status %d: %s)", received, tt.forwarded, got.status, got.body)
			}
		})
	}
}
