package integration

import (
	"syscall"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/gatewaytest"
)

// TestMain runs the tests or, in a process that they start, a Caddy. It takes a process
// that ends to see what becomes of its last requests.
func TestMain(m *testing.M) { gatewaytest.Main(m) }

// process is a gateway in a separate process.
type process struct {
	*gateway
	*gatewaytest.Process
}

// startProcess starts a gateway in a separate process. It is killed at the end of the
// test, even if it has work left.
func startProcess(t *testing.T, g *gateway, caddyfile string) *process {
	t.Helper()
	p := &process{g, g.Start(t, "", caddyfile)}
	t.Cleanup(func() { _ = p.Process.Process.Kill() }) // if it has not ended yet
	return p
}

// shutDown asks the process to end, as service managers do, and returns when it
// no longer takes connections.
func (p *process) shutDown() {
	p.t.Helper()
	if err := p.Process.Process.Signal(syscall.SIGTERM); err != nil {
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
