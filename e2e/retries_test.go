//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// startLossy starts a proxy that loses the first response of each client.
func startLossy(t *testing.T, site string, requests *atomic.Int32) string {
	t.Helper()
	target, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(*http.Response) error {
			if requests.Add(1) == 1 {
				panic(http.ErrAbortHandler)
			}
			return nil
		},
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL
}

// TestTheExamplesOfRetriesPlaceOneCall runs the examples of docs/retries.md, with the
// response to the first request lost.
func TestTheExamplesOfRetriesPlaceOneCall(t *testing.T) {
	text, err := os.ReadFile("../docs/retries.md")
	if err != nil {
		t.Fatal(err)
	}
	upstream := startUpstream(t)
	site := startGateway(t, upstream.URL, "idempotency")[0]
	const call = `{"callSid": "` + callSID + `", "destination": "` + destination + `"}`
	for _, tt := range []struct {
		language, program, debianPackage, flag string
		run                                    string // appended to the example
	}{
		{"sh", "bash", "bash", "-c", ""},
		{"js", "node", "nodejs", "-e", `place("URL", "js", ` + call + `).then(async (r) => console.log(await r.text()))`},
		{"python", "python3", "python3", "-c", `print(json.dumps(place("URL", "python", ` + call + `)))`},
	} {
		t.Run(tt.language, func(t *testing.T) {
			example := regexp.MustCompile("(?s)```" + tt.language + "\n(.*?)```").FindSubmatch(text)
			if example == nil {
				t.Fatal("there is no example")
			}
			var requests atomic.Int32
			address := startLossy(t, site, &requests)
			upstream.Forget()
			code := string(example[1]) + "\n" + strings.Replace(tt.run, "URL", address+membersPath, 1)
			code = strings.Replace(code, "http://localhost:8080/sessions/S1/conference/members", address+membersPath, 1)
			got := output(t, program(t, tt.program, tt.debianPackage), tt.flag, code)
			if !strings.Contains(got, `"callSid"`) {
				t.Errorf("it got %q", got)
			}
			if n := requests.Load(); n != 2 || upstream.Stats().Dialled != 1 {
				t.Errorf("%d requests, %d dialled; want 2 and 1", n, upstream.Stats().Dialled)
			}
		})
	}
}
