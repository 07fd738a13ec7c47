package upstreamtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRequestsBindAsTheUpstreamBinds(t *testing.T) {
	const route = "/sessions/abc/conference/members"
	tests := []struct {
		name, target, contentType, body string
		header                          http.Header
		want                            string // "" where the service is not reached
	}{
		{name: "a name with an escape is not known", body: `{"\u0063allSid":"v"}`, want: `{"sessionId":"abc"}`},
		{
			name: "behind a name with an escape, names and values change places",
			body: `{"destination":"+12025550123","X,\"x":"destination","+19005550123":"y"}`, want: `{"sessionId":"abc","destination":"+19005550123"}`,
		},
		{name: "any one character stands between a name and its value", body: `{"callSid";"v"}`, want: `{"sessionId":"abc","callSid":"v"}`},
		{name: "any one character stands behind a value", body: `{"callSid":"v";"destination":"d"}`, want: `{"sessionId":"abc","callSid":"v","destination":"d"}`},
		{name: "white space is more than JSON's", body: "{\u00a0\"callSid\"\u0085:\v\"v\"\f,\u00a0\"destination\":d\u00a0}", want: `{"sessionId":"abc","callSid":"v","destination":"d"}`},
		{name: "a list is over at its bracket, whatever braces stand in it", body: `{"x":[}],"callSid":"v"}`, want: `{"sessionId":"abc","callSid":"v"}`},
		{name: "a backslash outside of quotes skips the next character", body: `{"x":[\"],"callSid":"v"}`, want: `{"sessionId":"abc","callSid":"v"}`},
		{name: "a text knows more escapes than JSON's", body: `{"callSid":"\x0041\x42\q\a\v\/"}`, want: `{"sessionId":"abc","callSid":"ABq\u0007\u000b/"}`},
		{name: "an escape of four digits may hold a quote", body: `{"callSid":"\u00"2","destination":"d"}`, want: `{"sessionId":"abc","callSid":"u002","destination":"d"}`},
		{name: "the last duplicate wins", body: `{"callSid":"1","CALLSID":"2"}`, want: `{"sessionId":"abc","callSid":"2"}`},
		{name: "null binds nothing", body: `{"callSid":null,"destination":"d"}`, want: `{"sessionId":"abc","destination":"d"}`},
		{name: "an unfinished string is read to the end", body: `{"callSid":"CA`, want: `{"sessionId":"abc","callSid":"CA"}`},
		{name: "nested values are passed over whole", body: `{"x":{"callSid":"}","y":[1,{}]},"callSid":"v"}`, want: `{"sessionId":"abc","callSid":"v"}`},
		{name: "a lone surrogate is replaced", body: `{"callSid":"\ud800"}`, want: `{"sessionId":"abc","callSid":"\ufffd"}`},
		{name: "the path overrides the body", body: `{"sessionId":"other"}`, want: `{"sessionId":"abc"}`},
		{name: "the query overrides the path", target: route + "?SESSIONID=doc", body: `{}`, want: `{"sessionId":"doc"}`},
		{name: "repeated query names are joined", target: route + "?callSid=a&CallSid=b", body: `{"callSid":"c"}`, want: `{"sessionId":"abc","callSid":"a,b"}`},
		{name: "the form overrides the query", target: route + "?callSid=q", contentType: "application/x-www-form-urlencoded", body: "callSid=f", want: `{"sessionId":"abc","callSid":"f"}`},
		{name: "a query binds where the body is of no known type", target: route + "?callSid=q", contentType: "text/plain", body: "callSid=f", want: `{"sessionId":"abc","callSid":"q"}`},
		{name: "the first row alone counts", contentType: "text/csv", body: "callSid\n1\n2\n", want: `{"sessionId":"abc","callSid":"1"}`},
		{name: "dot segments are resolved", target: "/x/../sessions/./abc/conference/members", want: `{"sessionId":"abc"}`},
		{name: "encoded dot segments are resolved", target: "/x/%2e%2E/sessions/%2e/abc/conference/members", want: `{"sessionId":"abc"}`},
		{name: "an encoded lower-case slash splits", target: "/sessions%2fabc%2fconference/members", want: `{"sessionId":"abc"}`},
		{name: "a doubly encoded lower-case slash splits", target: "/sessions/abc/conference%252fmembers", want: `{"sessionId":"abc"}`},
		{name: "an encoded upper-case slash does not split", target: "/sessions/abc/conference%2Fmembers"},
		{name: "dots split off by a slash are no dot segments", target: "/x%2f../sessions/abc/conference/members"},
		{name: "other letters do not fold", target: "/%C5%BFessions/abc/conference/members"},
		{name: "a suffix counts in lower case only", target: route + ".CSV"},
		{name: "the absolute form names the same route", target: "http://upstream" + route, want: `{"sessionId":"abc"}`},
		{name: "a NUL in the path is refused", target: "/sessions/a%00/conference/members"},
		{name: "the method override makes it another method", header: http.Header{"X-Http-Method-Override": {"PUT"}}},
		{name: "the predefined route takes the query", target: "/JSON/Reply/addconferencemember?sessionId=abc", body: `{"callSid":"v"}`, want: `{"sessionId":"abc","callSid":"v"}`},
		{name: "the newer predefined route is not there", target: "/api/AddConferenceMember", body: `{"sessionId":"abc"}`},
	}
	u, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.target == "" {
				test.target = route
			}
			if test.contentType == "" {
				test.contentType = "application/json"
			}
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
			r.RequestURI = test.target
			if test.header != nil {
				r.Header = test.header
			}
			r.Header.Set("Content-Type", test.contentType)
			w := httptest.NewRecorder()
			dialled := u.Stats().Dialled
			u.ServeHTTP(w, r)
			if got := w.Header().Get("X-Bound"); got != test.want {
				t.Errorf("bound %s, want %s", got, test.want)
			}
			last, _ := u.Last()
			if (last.Bound != nil) != (test.want != "") || (u.Stats().Dialled > dialled) != (test.want != "") {
				t.Errorf("bound %v, dialled %d after %d", last.Bound, u.Stats().Dialled, dialled)
			}
			if last.Bound != nil && last.Bound.String() != test.want {
				t.Errorf("recorded as %s", last.Bound)
			}
		})
	}
}

func TestTheNewerPredefinedRouteIsServedOnRequest(t *testing.T) {
	u, err := New(Options{API: true})
	if err != nil {
		t.Fatal(err)
	}
	for target, contentType := range map[string]string{
		"/api/AddConferenceMember":     "application/json; charset=utf-8",
		"/API/addconferencemember.csv": "text/csv",
	} {
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(`{"sessionId":"abc"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		u.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != contentType {
			t.Errorf("%s: %d %s", target, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

// FuzzBindsWhatStrictJSONSays holds that the upstream for tests binds what
// strict JSON says.
func FuzzBindsWhatStrictJSONSays(f *testing.F) {
	f.Add("CA1", "+1555", `a"b\c`, "\u2028\U0001f600\x00")
	f.Fuzz(func(t *testing.T, callSID, destination, fromNumber, sessionID string) {
		want := map[string]string{
			"callSid": callSID, "destination": destination, "fromNumber": fromNumber, "sessionId": sessionID,
		}
		body, err := json.Marshal(want)
		if err != nil {
			t.Skip(err)
		}
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatal(err)
		}
		var b Bound
		if why := bindJSON(&b, string(body)); why != "" {
			t.Fatalf("%s: %s", body, why)
		}
		for name, v := range want {
			if got, ok := b.Get(name); !ok || got != v {
				t.Errorf("%s: %s is %q (%v), want %q", body, name, got, ok, v)
			}
		}
	})
}

// FuzzBodiesNeverPanic holds that the upstream for tests reads any body.
func FuzzBodiesNeverPanic(f *testing.F) {
	for _, s := range []string{`{"callSid":"CA1"`, "a,b\r\n\"c", "{a:{b:[", "<a><CallSid>x", "\ufeff", `{"a" "b`, `{"a":{"b":`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, read := range bodyReaders {
			var b Bound
			_ = read(&b, body)
			if s := b.String(); !json.Valid([]byte(s)) {
				t.Errorf("bound as %s", s)
			}
		}
	})
}
