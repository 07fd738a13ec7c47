package gatewaytest

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestMain(m *testing.M) { Main(m) }

const hello = "{site hello} {\n\trespond \"hello\"\n}\n"

// says fails the test if a site says anything else.
func says(t *testing.T, g *Gateway, site, want string) {
	t.Helper()
	res, err := http.Get(g.URL(site))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != want {
		t.Errorf("the site %s says %q (%v), want %q", site, got, err, want)
	}
}

func TestAGatewayRunsInThisProcess(t *testing.T) {
	g := New(t.TempDir())
	if err := g.Load(hello); err != nil {
		t.Fatal(err)
	}
	says(t, g, "hello", "hello")
	if err := caddy.Stop(); err != nil {
		t.Error(err)
	}
	if entries, err := g.Log("process"); err != nil || len(entries) == 0 {
		t.Errorf("%d entries in the process log, %v", len(entries), err)
	}
}

func TestAGatewayRunsInAProcessOfItsOwn(t *testing.T) {
	g := New(t.TempDir())
	p := g.Start(t, "", hello+"{site other} {\n\trespond \"at {dir}\"\n}\n")
	says(t, g, "hello", "hello")
	says(t, g, "other", "at "+g.Dir)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Ended
	if code := p.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it exited with %d", code)
	}
}

func TestABrokenCaddyfileIsAnError(t *testing.T) {
	for name, caddyfile := range map[string]string{
		"adapting": "{site a} {\n\tnonsense\n}\n",
		"loading":  "{site a} {\n\tconference_members {\n\t\thash_key {env.GATEWAYTEST_NONE}\n\t}\n}\n",
	} {
		if err := New(t.TempDir()).Load(caddyfile); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
