//go:build e2e

package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestThePythonClient runs the example of docs/clients.md with a call that is placed, one
// that is refused, and one whose upstream is down.
func TestThePythonClient(t *testing.T) {
	text, err := os.ReadFile("../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(text)
	if example == nil {
		t.Fatal("there is no example")
	}
	upstream := startUpstream(t)
	sites := startGateway(t, upstream.URL, "", "calls off")
	down := startGateway(t, "127.0.0.1:1", "")[0]
	for _, tt := range []struct{ name, site, destination, want string }{
		{"placed", sites[0], destination, "the session full"},
		{"refused", sites[0], "911", "destination emergency Call emergency services from a phone"},
		{"calls off", sites[1], destination, "None calls_off Try again later"},
		{"not placed", down, destination, "502 not-dialled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code := string(example[1]) + `
try:
    session = add_member("` + tt.site + `", "full", {"callSid": "` + callSID + `", "destination": "` + tt.destination + `"})
    if session:
        print("the session", session["id"])
except urllib.error.HTTPError as failure:
    print(failure.code, failure.headers["X-Call"])
`
			if got := output(t, program(t, "python3", "python3"), "-c", code); !strings.HasPrefix(got, tt.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("it printed %q, want %q", got, tt.want)
			}
		})
	}
	if n := upstream.Stats().Dialled; n != 1 {
		t.Errorf("%d calls were placed, want 1", n)
	}
}
