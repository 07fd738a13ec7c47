//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// caddyProgram is the path of the program under test.
var caddyProgram string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// run builds the program and runs the tests with it.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	caddyProgram = filepath.Join(dir, "caddy")
	if out, err := exec.Command("go", "build", "-o", caddyProgram, "../cmd/caddy").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building cmd/caddy: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// startUpstream starts the server that the gateway stands in front of.
func startUpstream(t *testing.T) *upstreamtest.Server {
	t.Helper()
	u, err := upstreamtest.Start(upstreamtest.Options{API: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Errorf("stopping the upstream: %v", err)
		}
	})
	return u
}

// startGateway starts a Caddy with a site for each block of subdirectives and
// returns the addresses of the sites.
func startGateway(t *testing.T, upstream string, blocks ...string) []string {
	t.Helper()
	dir := t.TempDir()
	var config strings.Builder
	config.WriteString("{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n}\n")
	sites := make([]string, len(blocks))
	for i, block := range blocks {
		sites[i] = "http://" + freeAddress(t)
		fmt.Fprintf(&config, "%s {\n\tbind 127.0.0.1\n\tconference_members {\n%s\n\t}\n\treverse_proxy %s\n}\n",
			sites[i], block, upstream)
	}
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}

	c := exec.CommandContext(t.Context(), caddyProgram, "run", "--config", file, "--adapter", "caddyfile")
	c.Env = append(os.Environ(), "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	ended := start(t, c)
	for _, site := range sites {
		awaitOf(t, ended, "the gateway at "+site, func() bool {
			res, err := http.Get(site)
			if err != nil {
				return false
			}
			return res.Body.Close() == nil
		})
	}
	return sites
}

// start starts a program that runs until the test ends, and returns a channel
// that is closed when the program has ended. What it prints is in the log of a
// test that fails.
func start(t *testing.T, c *exec.Cmd) (ended <-chan struct{}) {
	t.Helper()
	var printed bytes.Buffer // read only after the program has ended
	c.Stdout, c.Stderr = &printed, &printed
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 20 * time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Wait()
	}()
	t.Cleanup(func() { // the context is done by now
		<-done
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // the children that it left
		if t.Failed() {
			t.Logf("%s printed:\n%s", c.Path, &printed)
		}
	})
	return done
}

// freeAddress returns an address on loopback that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await asks again and again until ready says yes.
func await(t *testing.T, what string, ready func() bool) {
	t.Helper()
	awaitOf(t, nil, what, ready)
}

// awaitOf is await that gives up when the program has ended that is to bring it
// about.
func awaitOf(t *testing.T, ended <-chan struct{}, what string, ready func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	late := time.After(time.Minute)
	for !ready() {
		select {
		case <-again.C:
		case <-ended:
			t.Fatalf("waited for %s, but the program ended", what)
		case <-late:
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// program returns the path of a program of a Debian package.
func program(t *testing.T, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: apt-get install %s", name, debianPackage)
	}
	return path
}

// output runs a program and returns what it prints on its standard output.
func output(t *testing.T, path string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(t.Context(), path, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	c.WaitDelay = 10 * time.Second
	if err := c.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", path, args, err, &stdout, &stderr)
	}
	return stdout.String()
}
