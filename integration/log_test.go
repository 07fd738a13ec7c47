package integration

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// loggedSite returns a site with an access log of its name.
func loggedSite(name string, options ...string) string {
	return strings.Replace(site(name, options...), "{\n", "{\n\tlog {\n\t\toutput file {dir}/"+name+".log\n\t}\n", 1)
}

// markHeader names a request in the access log.
const markHeader = "X-Mark"

// accessEntry waits for the one entry of a request in a site's access log.
func (g *gateway) accessEntry(t *testing.T, site, mark string) map[string]any {
	t.Helper()
	var found []map[string]any
	eventually(t, "the access log entry of "+mark, func() bool {
		found = slices.DeleteFunc(g.log(site), func(e map[string]any) bool {
			request, _ := e["request"].(map[string]any)
			header, _ := request["headers"].(map[string]any)
			return fmt.Sprint(header[markHeader]) != "["+mark+"]"
		})
		return len(found) > 0
	})
	if len(found) > 1 {
		t.Errorf("%d entries, want one", len(found))
	}
	return found[0]
}

// membersEntry returns this module's part of the access log entry of a request.
func (g *gateway) membersEntry(t *testing.T, site, mark string) map[string]any {
	t.Helper()
	entry, _ := g.accessEntry(t, site, mark)["conference_members"].(map[string]any)
	return entry
}

// times are the fields whose values differ from run to run.
var times = []string{"duration", "upstream_duration", "transcode_duration"}

func TestTheAccessLogTellsOfARequest(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, loggedSite("plain", "rule from_number_format report", "correlation_id")+
		strings.Replace(loggedSite("down"), "UPSTREAM", "127.0.0.1:1", 1))
	for i, tt := range []struct {
		rule, site   string
		method, path string
		body         string
		header       []string
		want         string   // JSON, without the hash and the times; empty for no object
		hash         bool     // there is one
		times        []string // that there are
	}{
		{
			rule: "all fields",
			body: `{"callSid":"` + callSID + `","destination":"+12025550123","fromNumber":"+442079460958"}`,
			want: `{"session_id":"abc","call_sid":"` + callSID + `","destination":"+12*******23","destination_kind":"phone","destination_country":"US",
				"from_number":"+44********58","from_country":"GB","format":"json","outcome":"ok","call":"dialled","correlation_id":"me"}`,
			hash: true, times: []string{"duration", "upstream_duration"},
		},
		{
			rule: "a national number, in CSV", body: `{"destination":"2025550123"}`, header: []string{"Accept: text/csv"},
			want: `{"session_id":"abc","destination":"20******23","destination_kind":"phone","format":"csv","outcome":"ok","call":"dialled","correlation_id":"me"}`,
			hash: true, times: times,
		},
		{
			rule: "an address", path: "/sessions/s-1/conference/members.xml", body: `{"destination":"sip:+12025550123@example.com"}`,
			want: `{"session_id":"s-1","destination":"****","destination_kind":"sip","destination_country":"US","format":"xml","outcome":"ok","call":"dialled","correlation_id":"me"}`,
			hash: true, times: []string{"duration", "upstream_duration"},
		},
		{
			rule: "a refusal", body: `{"callSid":"+12025550123","destination":"+0"}`,
			want: `{"session_id":"abc","destination":"****","format":"json","outcome":"refused","call":"not-dialled","violated_rules":["call_sid_format","destination_format"],"warned_rules":["validity"],"correlation_id":"me"}`,
			hash: true, times: []string{"duration"},
		},
		{
			rule: "a rule in report mode", body: `{"destination":"+12025550123","fromNumber":"me"}`,
			want: `{"session_id":"abc","destination":"+12*******23","destination_kind":"phone","destination_country":"US","from_number":"****",
				"format":"json","outcome":"ok","call":"dialled","violated_rules":["from_number_format"],"would_refuse":true,"correlation_id":"me"}`,
			hash: true, times: []string{"duration", "upstream_duration"},
		},
		{
			rule: "a body that can't be read", body: `{`,
			want:  `{"session_id":"abc","format":"json","outcome":"refused","call":"not-dialled","violated_rules":["malformed_json"],"correlation_id":"me"}`,
			times: []string{"duration"},
		},
		{
			rule: "a fallback", body: `{"destination":"+12025550123"}`, header: []string{"Accept: text/csv", upstreamtest.FaultHeader + ": garbage"},
			want: `{"session_id":"abc","destination":"+12*******23","destination_kind":"phone","destination_country":"US","format":"csv",
				"outcome":"fallback","call":"dialled","transcode_error":"malformed","correlation_id":"me"}`,
			hash: true, times: times,
		},
		{
			rule: "an error of the upstream's", path: "/sessions/err404/conference/members", body: `{"destination":"ann"}`,
			want: `{"session_id":"err404","destination":"****","destination_kind":"name","format":"json","outcome":"upstream_4xx","call":"not-dialled","correlation_id":"me"}`,
			hash: true, times: []string{"duration", "upstream_duration"},
		},
		{
			rule: "no upstream", site: "down", body: `{"destination":"+12025550123"}`,
			want: `{"session_id":"abc","destination":"+12*******23","destination_kind":"phone","destination_country":"US","format":"json","outcome":"unreachable","call":"not-dialled"}`,
			hash: true, times: []string{"duration", "upstream_duration"},
		},
		{
			rule: "a method", method: http.MethodDelete,
			want:  `{"format":"json","outcome":"method_not_allowed","call":"not-dialled","violated_rules":["method_not_allowed"],"correlation_id":"me","session_id":"abc"}`,
			times: []string{"duration"},
		},
		{
			rule: "nothing acceptable", body: `{"destination":"+12025550123"}`, header: []string{"Accept: image/png"},
			want:  `{"format":"none","outcome":"not_acceptable","call":"not-dialled","violated_rules":["not_acceptable"],"correlation_id":"me","session_id":"abc"}`,
			times: []string{"duration"},
		},
		{
			rule: "a predefined route", path: "/json/reply/AddConferenceMember[]", body: `{"destination":"+12025550123"}`,
			want:  `{"format":"json","outcome":"predefined_route","call":"not-dialled","violated_rules":["predefined_route"],"correlation_id":"me"}`,
			times: []string{"duration"},
		},
		{
			rule: "what is passed on", method: http.MethodOptions,
			want:  `{"format":"none","outcome":"passed","call":"not-dialled","correlation_id":"me","session_id":"abc"}`,
			times: []string{"duration", "upstream_duration"},
		},
		{rule: "another route", path: "/sessions/abc/conference", body: validBody},
		{rule: "the start page", method: http.MethodGet, path: "/"},
	} {
		for _, p := range protocols {
			t.Run(tt.rule+" over "+p.name, func(t *testing.T) {
				mark := fmt.Sprint(i, p.name)
				header := append([]string{markHeader + ": " + mark, "Content-Type: application/json", "X-Request-ID: me"}, tt.header...)
				send(t, p.client, or(tt.method, http.MethodPost), g.URL(or(tt.site, "plain"))+or(tt.path, membersPath), tt.body, header...)
				got := g.membersEntry(t, or(tt.site, "plain"), mark)
				if tt.want == "" {
					if got != nil {
						t.Errorf("logged %v, want nothing", got)
					}
					return
				}
				hash, _ := got["destination_hash"].(string)
				if raw, err := hex.DecodeString(hash); err != nil || (len(raw) == 16) != tt.hash {
					t.Errorf("destination_hash %q, want one: %v", hash, tt.hash)
				}
				delete(got, "destination_hash")
				checkTimes(t, got, tt.times)
				var want map[string]any
				if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
					t.Fatal(err)
				}
				if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
					t.Errorf("logged %s\nwant   %s", g, w)
				}
			})
		}
	}
}

// checkTimes checks that an entry has just these times, and that parts take no longer
// than the whole, and removes them.
func checkTimes(t *testing.T, entry map[string]any, want []string) {
	t.Helper()
	whole, _ := entry["duration"].(float64)
	for _, name := range times {
		took, ok := entry[name].(float64)
		if ok != slices.Contains(want, name) {
			t.Errorf("%s is logged: %v", name, ok)
		}
		if ok && (took <= 0 || took > whole || took > patience.Seconds()) {
			t.Errorf("%s is %v s of %v s", name, took, whole)
		}
		delete(entry, name)
	}
}

// TestTheDecisionIsLoggedAtDebugLevel holds that each decision is logged once, with the
// fields of the access log, even if there is no access log.
func TestTheDecisionIsLoggedAtDebugLevel(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	for _, body := range []string{validBody, invalidBody} {
		g.sendRaw(t, "plain", post(membersPath, body))
	}
	var outcomes []string
	eventually(t, "two decisions", func() bool {
		outcomes = nil
		for _, e := range g.ownEntries() {
			if m, ok := e["conference_members"].(map[string]any); ok && e["level"] == "debug" {
				outcomes = append(outcomes, fmt.Sprint(m["outcome"]))
			}
		}
		return len(outcomes) >= 2
	})
	if !slices.Equal(outcomes, []string{"ok", "refused"}) {
		t.Errorf("logged outcomes %v", outcomes)
	}
}

// ownEntries returns the entries of the process log that this module wrote.
func (g *gateway) ownEntries() []map[string]any {
	g.t.Helper()
	return slices.DeleteFunc(g.log("process"), func(e map[string]any) bool {
		return e["logger"] != "http.handlers.conference_members"
	})
}

// warned returns the warnings with a text.
func (g *gateway) warned(text string) []map[string]any {
	g.t.Helper()
	return slices.DeleteFunc(g.ownEntries(), func(e map[string]any) bool {
		return e["level"] != "warn" || !strings.Contains(fmt.Sprint(e["msg"]), text)
	})
}

// TestFailuresInReportModeAreWarnedOfInSamples holds that ten warnings a minute are
// logged, and every hundredth after them.
func TestFailuresInReportModeAreWarnedOfInSamples(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true, Keep: -1})
	g := startFront(t, u, site("lenient", "rule call_sid_format report"))
	const text = "report mode"
	for n := 1; n <= 210; n++ {
		status(200)(t, send(t, protocols[n%2].client, http.MethodPost, g.URL("lenient")+membersPath,
			`{"callSid":"+12025550123","destination":"+12025550123"}`, "Content-Type: application/json"))
		want := min(n, 10) + max(n-10, 0)/100
		if got := len(g.warned(text)); got != want {
			t.Fatalf("%d warnings of %d failures, want %d", got, n, want)
		}
	}
	for _, e := range g.warned(text) {
		if e["rule"] != "call_sid_format" || e["field"] != "callSid" || e["detail"] == "" {
			t.Errorf("logged %v", e)
		}
	}
	// Each of them is still in the debug log.
	eventually(t, "210 decisions", func() bool { return len(g.ownEntries()) == 210+12 })
}

func TestFallbacksAreWarnedOf(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	for i, tt := range []struct {
		fault, reason, contentType string
		status                     float64
	}{
		{"garbage", "malformed", "application/json; charset=utf-8", 200},
		{"scalar", "unexpected_shape", "application/json; charset=utf-8", 200},
		{"maintenance", "not_json", "text/html", 503},
		{"deflate", "encoded", "application/json; charset=utf-8", 200},
		{"huge", "too_large", "application/json; charset=utf-8", 200},
		{"reset-mid-body", "truncated", "application/json; charset=utf-8", 200},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			got := g.sendRaw(t, "plain", post(membersPath, validBody, "Accept: text/csv", upstreamtest.FaultHeader+": "+tt.fault))
			if reason := got.header.Get("X-Transcode-Error"); reason != tt.reason {
				t.Errorf("X-Transcode-Error: %s, want %s", reason, tt.reason)
			}
			warned := g.warned("transcoding to CSV failed")
			if len(warned) != i+1 {
				t.Fatalf("%d warnings, want %d", len(warned), i+1)
			}
			if e := warned[i]; e["reason"] != tt.reason || e["status"] != tt.status || e["content_type"] != tt.contentType {
				t.Errorf("logged %v", e)
			}
		})
	}
	// A client of JSON gets what the upstream sends, and nobody is warned.
	g.sendRaw(t, "plain", post(membersPath, validBody, upstreamtest.FaultHeader+": garbage"))
	if n := len(g.warned("")); n != 6 {
		t.Errorf("%d warnings, want 6", n)
	}
}

// TestOneNumberHasOneHash holds that whoever has the key can follow a number from
// request to request, across reloads and instances, and that nobody else can.
func TestOneNumberHasOneHash(t *testing.T) {
	t.Setenv("MEMBERS_HASH_KEY", "the key of this test")
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	caddyfile := strings.ReplaceAll(loggedSite("a")+loggedSite("b")+
		loggedSite("keyed", `hash_key "the key of this test"`)+loggedSite("env", "hash_key {env.MEMBERS_HASH_KEY}")+
		loggedSite("national", `hash_key "the key of this test"`, "numbers {", "region US", "}")+
		loggedSite("other", `hash_key "another key of this test"`), "UPSTREAM", u.Addr)
	g := startGateway(t, caddyfile)

	sent := 0
	hash := func(site, number string, header ...string) string {
		t.Helper()
		body := `{"callSid":"` + callSID + `","destination":"` + number + `"}`
		var mark string
		// A connection that the old configuration still took is closed without a response.
		eventually(t, "a response", func() bool {
			sent++
			mark = fmt.Sprint(sent)
			return g.sendRaw(t, site, post(membersPath, body, append(header, markHeader+": "+mark)...)).status == 200
		})
		h, _ := g.membersEntry(t, site, mark)["destination_hash"].(string)
		if len(h) != 32 {
			t.Fatalf("destination_hash is %q", h)
		}
		return h
	}
	const number, another = "+12025550123", "+12025550124"
	random, keyed := hash("a", number), hash("keyed", number)
	for range 2 {
		for _, tt := range []struct {
			rule, got, want string
		}{
			{"of one site", hash("a", number), random},
			{"of one site in CSV", hash("a", number, "Accept: text/csv"), random},
			{"of two sites without a key", hash("b", number), random},
			{"of one key", hash("keyed", number), keyed},
			{"of one key from the environment", hash("env", number), keyed},
			{"of one key and another spelling", hash("national", "(202) 555-0123"), keyed},
		} {
			if tt.got != tt.want {
				t.Errorf("the hash %s is %s, want %s", tt.rule, tt.got, tt.want)
			}
		}
		g.load(caddyfile)
	}
	seen := make(map[string]string)
	for _, h := range []struct{ rule, hash string }{
		{"no key", random},
		{"a key", keyed},
		{"another key", hash("other", number)},
		{"no key and another number", hash("a", another)},
		{"a key and another number", hash("keyed", another)},
		{"another key and another number", hash("other", another)},
	} {
		if before, ok := seen[h.hash]; ok {
			t.Errorf("%s and %s make the same hash", before, h.rule)
		}
		seen[h.hash] = h.rule
	}
}

// TestWhatIsNotShapedLikeAnIDIsNotLogged holds that only what looks like an ID is
// logged as one: in mode report, an ID can be any text.
func TestWhatIsNotShapedLikeAnIDIsNotLogged(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, loggedSite("lenient", "mode report"))
	for i, tt := range []struct {
		sessionID, callSID string
		logged             []string
	}{
		{"abc", callSID, []string{"session_id", "call_sid"}},
		{"abc", "+12025550123", []string{"session_id"}},
		{"abc", "12025550123", []string{"session_id"}},
		{"abc", "(202) 555-0123", []string{"session_id"}},
		{"abc", callSID + "0", []string{"session_id"}},
		{"abc", "CA+12025550123", []string{"session_id"}},
		{"abc", "Ann Other", []string{"session_id"}},
		{"+12025550123", callSID, []string{"call_sid"}},
		{"(202) 555-0123", callSID, []string{"call_sid"}},
		{"Ann Other", callSID, []string{"call_sid"}},
		{"ann@example.com", callSID, []string{"call_sid"}},
		{strings.Repeat("x", 129), callSID, []string{"call_sid"}},
		{"Ann Other", "+12025550123", nil},
	} {
		t.Run(tt.sessionID+" "+tt.callSID, func(t *testing.T) {
			mark := fmt.Sprint(i)
			// Escaped twice, a plus is one to the upstream, too.
			path := "/sessions/" + strings.ReplaceAll(url.PathEscape(tt.sessionID), "+", "%252B") + "/conference/members"
			send(t, protocols[i%2].client, http.MethodPost, g.URL("lenient")+path, `{"callSid":"`+tt.callSID+`","destination":"ann"}`,
				"Content-Type: application/json", markHeader+": "+mark)
			entry := g.membersEntry(t, "lenient", mark)
			var logged []string
			for _, name := range []string{"session_id", "call_sid"} {
				if _, ok := entry[name]; ok {
					logged = append(logged, name)
				}
			}
			if !slices.Equal(logged, tt.logged) {
				t.Errorf("logged %v, want %v: %v", logged, tt.logged, entry)
			}
		})
	}
}

// secretNumber is a number as a client sends it, with the digits by which it
// would be known.
type secretNumber struct{ sent, digits string }

// secretNumbers are phone numbers in all the forms that clients send. Each has
// its own digits, none of which are in anything else that a test sends.
var secretNumbers = []secretNumber{
	{"+14155557310", "4155557310"},
	{"14155557321", "4155557321"},
	{"(415) 555-7332", "4155557332"},
	{"+1 415.555.7343", "4155557343"},
	{"415/555 7354", "4155557354"},
	{"+44 20 7946 0862", "2079460862"},
	{"004930901820973", "30901820973"},
	{"+49 (0)30 9018 20984", "3090182098"},
	{"+19005557395", "9005557395"},
	{"0014155557406;ext=7", "4155557406"},
	{"tel:+1-415-555-7417", "4155557417"},
	{"sip:+14155557428@example.com", "4155557428"},
	{"sips:4155557439@example.com;user=phone", "4155557439"},
	{"client:4155557440", "4155557440"},
	{"4155557451@example.com", "4155557451"},
	{"Ann 415-555-7462", "4155557462"},
	{"+14155557473\u200b", "4155557473"},
	{"\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff17\uff14\uff18\uff14", "\uff14\uff11\uff15\uff15\uff15\uff15\uff17\uff14\uff18\uff14"},
	{"+14155557495000000000", "4155557495"},
}

// standsIn returns which of the numbers are in a text: as sent, escaped for a URL or
// for JSON, or with other punctuation.
func standsIn(text string) []string {
	var found []string
	digits := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' || r >= '\uff10' && r <= '\uff19' {
			return r
		}
		return -1
	}, text)
	for _, n := range secretNumbers {
		if strings.Contains(text, n.sent) || strings.Contains(text, n.digits) || strings.Contains(digits, n.digits) {
			found = append(found, n.sent)
		}
	}
	return found
}

// checkSecret fails the test if a number is in a value: in a text, or in any member,
// name or element of JSON.
func checkSecret(t *testing.T, what string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			checkSecret(t, what, name)
			checkSecret(t, what+", "+name, v[name])
		}
	case []any:
		for _, e := range v {
			checkSecret(t, what, e)
		}
	case string:
		for line := range strings.Lines(v) {
			if found := standsIn(line); len(found) > 0 {
				t.Errorf("%s holds %q: %.500s", what, found, line)
			}
		}
	}
}

// secretRequests returns requests with a number in every place where a client can put
// one, except a session ID of digits alone and a correlation ID: those are IDs, and are
// logged.
func secretRequests(n, from secretNumber) []string {
	quote := func(s string) string {
		b, _ := json.Marshal(s) // a string always can be
		return string(b)
	}
	inCSV := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	escaped, fromEscaped := url.QueryEscape(n.sent), url.QueryEscape(from.sent)
	object := `{"callSid":"` + callSID + `","destination":` + quote(n.sent) + `,"fromNumber":` + quote(from.sent) + `}`
	form := "Content-Type: application/x-www-form-urlencoded"
	labelled := "Content-Type: text/csv"
	to := "POST " + membersPath
	return []string{
		// The ways in.
		post(membersPath, object),
		post(membersPath, `{"DESTINATION":`+quote(n.sent)+`,"fromnumber":null}`),
		wire(to, nil, object),
		wire(to, []string{labelled}, object),
		wire(to, []string{labelled}, "callSid,destination,fromNumber\r\n"+callSID+","+inCSV(n.sent)+","+inCSV(from.sent)+"\r\n"),
		wire(to, []string{form}, "destination="+escaped+"&fromNumber="+fromEscaped),
		wire(to, []string{multipartType}, multipartBody("destination="+n.sent, "fromNumber="+from.sent)),
		wire(to+"?destination="+escaped+"&fromNumber="+fromEscaped, nil, ""),
		wire(to, []string{"Content-Type: application/json", "Content-Encoding: gzip"}, gzipped(object)),
		wire(to, []string{"Content-Type: application/json", "Content-Encoding: zstd"}, zstandard(object)),
		wire(to, []string{"Content-Type: application/json", "Transfer-Encoding: chunked"}, chunked(object)),
		wire("POST /csv/reply/AddConferenceMember?destination="+escaped, []string{"Content-Type: application/json"}, object),
		wire("OPTIONS "+membersPath+"?destination="+escaped, nil, ""),

		// Where it does not belong.
		post(membersPath, `{"callSid":`+quote(n.sent)+`,"destination":`+quote(from.sent)+`}`),
		post(membersPath, `{"sessionId":`+quote("x "+n.sent)+`,"destination":`+quote(from.sent)+`}`),
		post("/sessions/"+strings.ReplaceAll(url.PathEscape(" "+n.sent), "%2F", "_")+"/conference/members", object),
		post(membersPath, `{"note":`+quote(n.sent)+`,`+quote(from.sent)+`:1,"destination":"ann"}`),
		post(membersPath, `{`+quote(n.sent)+`:1,`+quote(n.sent)+`:2}`),
		post(membersPath, `{"destination":[`+quote(n.sent)+`],"fromNumber":{`+quote(from.sent)+`:1}}`),
		post(membersPath, `{"destination":`+quote(n.sent)+` `+quote(from.sent)+`}`),
		post(membersPath, quote(n.sent)),
		post(membersPath, `{"destination":`+quote(n.sent)),
		post(membersPath, `{"destination":`+quote(n.sent)+`,"Destination":`+quote(from.sent)+`}`),
		post(membersPath+"?destination="+escaped+"&destination="+fromEscaped, object),
		post(membersPath+"?destination="+fromEscaped, object),
		wire(to, []string{labelled}, inCSV(n.sent)+","+inCSV(from.sent)+"\r\n"+inCSV(from.sent)+"\r\n"),
		wire(to, []string{labelled}, "destination\r\n"+inCSV(n.sent)+"\r\n"+inCSV(from.sent)+"\r\n"),
		wire(to, []string{form}, "destination="+escaped+"&destination="+fromEscaped+"&%zz="+escaped),
		wire(to, []string{"Content-Type: text/x" + escaped}, object),
		wire(to, []string{"Content-Type: application/json; charset=" + escaped}, object),
		wire(to, []string{"Content-Type: application/json", "Content-Encoding: " + escaped}, object),
		post(membersPath+"?format="+escaped, object),
		post(membersPath+"?view="+escaped, object),
		post(membersPath, object, "Accept: text/"+strings.ReplaceAll(escaped, "%", "")),
		post(membersPath, object, "X-HTTP-Method-Override: "+escaped),
		wire("M"+strings.TrimRight(n.digits, "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")+" "+membersPath, nil, ""),
		post(membersPath, `{"pad":"`+strings.Repeat("x", 20<<10)+`","destination":`+quote(n.sent)+`}`),
	}
}

// secretSites are gateways that together take every decision about numbers.
const secretSites = `
{site strict} {
	LOG
	tracing
	conference_members {
		unknown_fields reject
		numbers {
			deny_countries US
			deny_types premium_rate
			validity enforce
		}
		destinations phone sip
	}
	reverse_proxy UPSTREAM
}
{site lenient} {
	LOG
	tracing
	conference_members {
		mode report
		predefined_routes pass
		csv {
			view short {
				columns id
			}
		}
	}
	reverse_proxy UPSTREAM
}
{site national} {
	LOG
	tracing
	conference_members {
		correlation_id
		numbers {
			region US
			allow_countries US
			allow_from +12025550123
		}
	}
	reverse_proxy UPSTREAM
}
{site routes} {
	LOG
	tracing
	conference_members {
		errors_via handle_errors
	}
	reverse_proxy UPSTREAM
	handle_errors {
		header Cache-Control no-store
		respond "{err.status_code} {err.message} {http.conference_members.destination.hash}"
	}
}
{site down} {
	LOG
	tracing
	conference_members
	reverse_proxy 127.0.0.1:1
}
{site aborting} {
	LOG
	tracing
	conference_members
	abort
}
{site metrics} {
	metrics
}
`

// siteLine is the line that opens a site, with its name.
var siteLine = regexp.MustCompile(`(?m)^(\{site ([a-z]+)\} \{\n)\tLOG`)

// TestNothingHoldsANumberInFull sends numbers in every form, place and format, with an
// upstream that fails in every way, and then looks for them in everything that this
// module wrote or sent.
func TestNothingHoldsANumberInFull(t *testing.T) {
	c := startCollector(t)
	u := startUpstream(t, upstreamtest.Options{AnyID: true, Keep: -1})
	g := startFront(t, u, siteLine.ReplaceAllString(secretSites, "$1\tlog {\n\t\toutput file {dir}/$2.log\n\t}"))

	logged := []string{"strict", "lenient", "national", "routes", "down", "aborting"}
	formats := []string{"", "Accept: application/json", "Accept: text/csv", "Accept: application/xml", "Accept: application/jsv", "Accept: text/html", "Accept: image/png"}
	faults := slices.DeleteFunc(upstreamtest.Names(), func(name string) bool { return name == "upgrade" || name == "huge" })
	refused, sent := 0, 0
	// ask sends a request with one more header line.
	ask := func(site, request, line string) {
		sent++
		if line != "" {
			request = strings.Replace(request, "\r\n", "\r\n"+line+"\r\n", 1)
		}
		got := g.sendRaw(t, site, request)
		if isRefusal(got) || site == "routes" && got.header.Get("Cache-Control") == "no-store" {
			refused++
			checkSecret(t, "the response of "+site+" to "+request, got.body)
			checkSecret(t, "the header of the response of "+site+" to "+request, fmt.Sprint(got.header))
		}
	}
	for i, n := range secretNumbers {
		from := secretNumbers[(i+1)%len(secretNumbers)]
		for j, request := range secretRequests(n, from) {
			for k := range logged {
				ask(logged[k], request, formats[(i+j+k)%len(formats)])
			}
		}
	}
	object := post(membersPath, `{"callSid":"`+callSID+`","destination":"`+secretNumbers[0].sent+`","fromNumber":"`+secretNumbers[5].sent+`"}`)
	for _, fault := range faults {
		for _, accept := range formats[1:3] {
			ask("lenient", object, accept+"\r\n"+upstreamtest.FaultHeader+": "+fault)
		}
	}

	counted := func() float64 { return g.metrics(t).sum("requests_total") }
	eventually(t, "all requests to be counted", func() bool { return counted() >= float64(sent) })
	if n := counted(); n != float64(sent) {
		t.Errorf("%v requests were counted, want %d", n, sent)
	}
	if refused < sent/4 {
		t.Errorf("only %d of %d requests were refused", refused, sent)
	}
	checkSecret(t, "the metrics", g.metricsPage(t))

	entries, byCaddy := 0, 0
	eventually(t, "all requests to be logged", func() bool {
		entries = 0
		for _, name := range logged {
			entries += len(g.log(name))
		}
		return entries >= sent
	})
	for _, name := range logged {
		for _, e := range g.log(name) {
			checkSecret(t, "the access log", e["conference_members"])
			request, _ := e["request"].(map[string]any)
			byCaddy += len(standsIn(fmt.Sprint(request["uri"])))
		}
	}
	if byCaddy == 0 {
		t.Error("no number was found where Caddy logs the query, so that none would be found elsewhere")
	}
	own := g.ownEntries()
	for _, e := range own {
		checkSecret(t, "the log", e)
	}
	for _, text := range []string{"report mode", "transcoding to CSV failed"} {
		if len(g.warned(text)) == 0 {
			t.Errorf("nothing was logged about %s", text)
		}
	}
	if len(own) < sent {
		t.Errorf("%d entries of ours at debug level, want at least %d", len(own), sent)
	}
	// Caddy logs the error that is handed to its error routes, next to the
	// request as it came.
	for _, e := range g.log("process") {
		if strings.HasPrefix(fmt.Sprint(e["logger"]), "http.log.error") {
			delete(e, "request")
			checkSecret(t, "the error log", e)
		}
	}

	eventually(t, "spans", func() bool { return len(c.all()) >= sent })
	for _, s := range c.all() {
		for name, value := range attributesOf(s.GetAttributes()) {
			checkSecret(t, "the attribute "+name, value)
		}
		for _, event := range eventsOf(s) {
			checkSecret(t, "an event", event)
		}
	}
}
