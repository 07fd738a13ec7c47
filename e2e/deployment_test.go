//go:build e2e

package e2e

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/gatewaytest"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// healthcheck finds the command of the image's health check.
var healthcheck = regexp.MustCompile(`(?m)^HEALTHCHECK (?:.*\\\n)*\s*CMD (.*)$`)

// TestAGatewayThatIsStoppedIsUnhealthyAndEndsItsCalls starts the gateway with the image's
// Caddyfile, runs the image's health check with the shell and wget of Alpine, and stops
// the gateway during a call.
func TestAGatewayThatIsStoppedIsUnhealthyAndEndsItsCalls(t *testing.T) {
	upstream := startUpstream(t)
	dir := t.TempDir()

	config, err := os.ReadFile("../ops/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	const admin = "\tadmin localhost:2019\n" // it may be taken on this machine
	if !strings.Contains(string(config), admin) {
		t.Fatalf("there is no %q", admin)
	}
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(strings.Replace(string(config), admin, "\tadmin off\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}

	ports := gatewaytest.New(dir)
	gateway, metrics := ports.Address("gateway"), ports.Address("metrics")
	port := func(address string) string {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		return port
	}
	c := exec.CommandContext(t.Context(), caddyProgram, "run", "--config", file, "--adapter", "caddyfile")
	c.Env = append(os.Environ(), "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir,
		"EVO_UPSTREAM="+upstream.URL, "PORT="+port(gateway), "METRICS_PORT="+port(metrics))
	p := gatewaytest.StartProcess(t, c)

	healthy := alpineHealthcheck(t, port(gateway))
	p.Await(t, "the gateway to be healthy", healthy)
	if res, err := http.Get("http://" + metrics + "/metrics"); err != nil {
		t.Error(err)
	} else if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("metrics: %d, %v", res.StatusCode, err)
	}

	upstream.Next(&upstreamtest.Fault{Gate: "call"})
	type response struct {
		status int
		err    error
	}
	responses := make(chan response, 1)
	go func() {
		res, err := http.Post("http://"+gateway+membersPath, "application/json",
			strings.NewReader(`{"callSid":"CA0123456789abcdef0123456789abcdef","destination":"+12025550123"}`))
		if err != nil {
			responses <- response{err: err}
			return
		}
		responses <- response{res.StatusCode, res.Body.Close()}
	}()
	if err := upstream.Await(t.Context(), func(s upstreamtest.Stats) bool { return s.Held == 1 }); err != nil {
		t.Fatal(err)
	}

	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.Await(t, "the gateway to be unhealthy", func() bool { return !healthy() })
	res, err := http.Get("http://" + gateway + "/healthz")
	if err != nil {
		t.Fatalf("it serves no more, while its load balancer has to see that: %v", err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("its health is %d, %v", res.StatusCode, err)
	}
	gatewaytest.Await(t, "the gateway to take no more connections", func() bool {
		conn, err := net.Dial("tcp", gateway)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	select {
	case <-p.Ended:
		t.Error("it ended before its call")
	default:
	}
	upstream.Release("call", 1)
	if a := <-responses; a.err != nil || a.status != http.StatusOK {
		t.Errorf("the call got %d, %v", a.status, a.err)
	}
	<-p.Ended
	if code := c.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it exited with %d", code)
	}
}

// alpineHealthcheck returns a function that runs the image's health check on a port with
// the shell and wget of BusyBox, which Alpine has.
func alpineHealthcheck(t *testing.T, port string) (healthy func() bool) {
	t.Helper()
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	command := healthcheck.FindStringSubmatch(string(text))
	if command == nil {
		t.Fatal("the image has no health check")
	}
	bin := t.TempDir()
	busybox := program(t, "busybox", "busybox")
	for _, name := range []string{"sh", "wget"} {
		if err := os.Symlink(busybox, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return func() bool {
		c := exec.CommandContext(t.Context(), filepath.Join(bin, "sh"), "-c", command[1])
		c.Env = []string{"PATH=" + bin, "PORT=" + port}
		return c.Run() == nil
	}
}
