package gatewaytest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// asCaddy is the environment variable with which a test program is a Caddy.
const asCaddy = "GATEWAYTEST_AS_CADDY"

// Main is what TestMain of a package calls whose tests start the gateway in a
// separate process: it runs the tests or, in a process that they start, a
// Caddy.
func Main(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}

// Process is a program that runs no longer than the test that started it.
type Process struct {
	*exec.Cmd
	// Ended is closed when the program has ended.
	Ended <-chan struct{}
}

// StartProcess starts a program, of [exec.CommandContext] with the context of the
// test. At the end of the test it is asked to end, and is killed with all its
// children if it does not within 20 seconds. If the test has failed, what the
// program printed is in its log.
func StartProcess(t testing.TB, c *exec.Cmd) *Process {
	t.Helper()
	var printed bytes.Buffer // read only after the program has ended
	c.Stdout, c.Stderr = &printed, &printed
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 20 * time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait()
	}()
	t.Cleanup(func() { // the context is done by now
		<-ended
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // the children that it left
		if t.Failed() {
			t.Logf("%s printed:\n%s", c.Path, &printed)
		}
	})
	return &Process{Cmd: c, Ended: ended}
}

// Start runs a Caddyfile, see Expand, in a separate process, and waits until
// its sites take connections. The program is a Caddy; if it is empty, it is this
// test program, see Main.
func (g *Gateway) Start(t testing.TB, program, caddyfile string) *Process {
	t.Helper()
	file := filepath.Join(g.Dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(g.Expand(caddyfile)), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "XDG_DATA_HOME="+g.Dir, "XDG_CONFIG_HOME="+g.Dir)
	if program == "" {
		program, env = os.Args[0], append(env, asCaddy+"=1")
	}
	c := exec.CommandContext(t.Context(), program, "run", "--config", file, "--adapter", "caddyfile") //nolint:gosec // the test names it
	c.Env = env
	p := StartProcess(t, c)
	for _, m := range named.FindAllStringSubmatch(caddyfile, -1) {
		if m[1] == "listener" {
			continue // which may be another process's, or nobody's
		}
		p.Await(t, "the gateway to listen at "+m[2], func() bool {
			conn, err := net.Dial("tcp", g.Address(m[2]))
			return err == nil && conn.Close() == nil
		})
	}
	return p
}

// Await waits until ready says yes, for at most a minute, and fails the test if
// the program that is to bring it about ends first.
func (p *Process) Await(t testing.TB, what string, ready func() bool) {
	t.Helper()
	await(t, p.Ended, what, ready)
}

// Await waits until ready says yes, for at most a minute.
func Await(t testing.TB, what string, ready func() bool) {
	t.Helper()
	await(t, nil, what, ready)
}

func await(t testing.TB, ended <-chan struct{}, what string, ready func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
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
