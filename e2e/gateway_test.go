//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/gatewaytest"
	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
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

// startUpstream starts the server behind the gateway.
func startUpstream(t *testing.T) *upstreamtest.Server {
	t.Helper()
	return upstreamtest.StartFor(t, upstreamtest.Options{API: true})
}

// startGateway starts a Caddy with a site for each block of subdirectives and
// returns the addresses of the sites.
func startGateway(t *testing.T, upstream string, blocks ...string) []string {
	t.Helper()
	g := gatewaytest.New(t.TempDir())
	g.LogOutput = "stderr"
	var config strings.Builder
	sites := make([]string, len(blocks))
	for i, block := range blocks {
		fmt.Fprintf(&config, "{site %d} {\n\tconference_members {\n%s\n\t}\n\treverse_proxy %s\n}\n", i, block, upstream)
		sites[i] = g.URL(strconv.Itoa(i))
	}
	g.Start(t, caddyProgram, config.String())
	return sites
}

// recordedColumns returns the block of subdirectives that makes the columns that the
// API had when a session was recorded.
func recordedColumns(id string) string {
	return "csv {\ncolumns " + strings.Join(recordings.Columns(id), " ") + "\n}"
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
