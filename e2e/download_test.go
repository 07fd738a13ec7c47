//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/gatewaytest"
	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

// formPage is a page with a form that submits itself. It is on the host of the gateway: from
// another one, the request would be refused.
const formPage = `<!doctype html>
<meta charset="utf-8">
<title>Add a member</title>
<form method="post" action="%s">
<input name="callSid" value="` + callSID + `">
<input name="destination" value="` + destination + `">
<button>Add and download</button>
</form>
<script>document.querySelector("button").click()</script>
`

// TestABrowserDownloadsTheCSVUnderItsName holds that a browser uses the configured name.
func TestABrowserDownloadsTheCSVUnderItsName(t *testing.T) {
	chromium := program(t, "chromium", "chromium")
	tests := []struct{ name, filename, want string }{
		{"the default", "", "AddConferenceMember.csv"},
		{"a plain name", `filename "members of {http.conference_members.session_id}.csv"`, "members of full.csv"},
		{"a name beyond ASCII", `filename "Konferenz Müller 名簿.csv"`, "Konferenz Müller 名簿.csv"},
		{"a name that tries to leave the folder", `filename "../../evil\".csv"`, "_.._evil_.csv"},
	}
	upstream := startUpstream(t)
	blocks := make([]string, len(tests))
	for i, test := range tests {
		blocks[i] = strings.TrimSuffix(recordedColumns("full"), "}") + test.filename + "\n}"
	}
	sites := startGateway(t, upstream.URL, blocks...)
	want := recordings.Session("full", ".csv")
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			upstream.Forget()
			page := httptest.NewServer(pageBefore(t, sites[i]))
			defer page.Close()
			folder, browser := browse(t, chromium, page.URL)
			browser.Await(t, "the whole of "+test.want, func() bool {
				got, err := os.ReadFile(filepath.Join(folder, test.want))
				return err == nil && bytes.Equal(got, want)
			})
			if n := upstream.Stats().Dialled; n != 1 {
				t.Errorf("%d calls were dialled, want 1", n)
			}
		})
	}
}

// pageBefore serves the page and forwards everything else to the gateway, so that the
// browser sees one host.
func pageBefore(t *testing.T, site string) http.Handler {
	t.Helper()
	to, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", httputil.NewSingleHostReverseProxy(to))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, formPage, to.Path+membersPath+".csv")
	})
	return mux
}

// browse opens a page in a browser that lives until the end of the test. It
// returns the folder into which the browser downloads.
func browse(t *testing.T, chromium, url string) (folder string, browser *gatewaytest.Process) {
	t.Helper()
	// The paths of t.TempDir are too long for the socket of the browser.
	profile, err := os.MkdirTemp("", "e2e")
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	preferences := fmt.Sprintf(`{"download":{"default_directory":%q,"prompt_for_download":false}}`, folder)
	if err := os.Mkdir(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(preferences), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the browser has ended; its children may still write
		gatewaytest.Await(t, "the removal of "+profile, func() bool { return os.RemoveAll(profile) == nil })
	})
	c := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-dev-shm-usage", "--user-data-dir="+profile, url)
	c.Env = append(os.Environ(), "HOME="+profile, "TMPDIR="+profile)
	return folder, gatewaytest.StartProcess(t, c)
}
