package integration

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// asCaddy is the environment variable with which this test program is a Caddy.
const asCaddy = "CONFERENCE_MEMBERS_TEST_AS_CADDY"

// TestMain runs the tests or, in a process that they start, a Caddy: only a
// process that ends shows what becomes of the requests that it does not end.
func TestMain(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}

// process is a gateway in a process of its own.
type process struct {
	*gateway
	cmd   *exec.Cmd
	ended chan struct{}
}

// startProcess starts a gateway in a process of its own and waits until a site
// of it answers.
func startProcess(t *testing.T, g *gateway, caddyfile, site string) *process {
	t.Helper()
	file := filepath.Join(g.dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(g.expand(caddyfile)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{gateway: g, ended: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0], "run", "--config", file, "--adapter", "caddyfile")
	p.cmd.Env = append(os.Environ(), asCaddy+"=1", "XDG_DATA_HOME="+g.dir, "XDG_CONFIG_HOME="+g.dir)
	var printed bytes.Buffer // read only after the process has ended
	p.cmd.Stdout, p.cmd.Stderr = &printed, &printed
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // if it has not ended yet
		<-p.ended
		if t.Failed() {
			t.Logf("the process printed:\n%s", &printed)
		}
	})
	eventually(t, "the process to listen", func() bool {
		c, err := net.Dial("tcp", g.listener(site))
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	return p
}

// shutDown asks the process to end, as service managers do, and returns when it
// no longer takes connections.
func (p *process) shutDown() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "the shutdown to begin", func() bool {
		for _, e := range p.log("process") {
			if e["msg"] == "servers shutting down; grace period initiated" {
				return true
			}
		}
		return false
	})
}
