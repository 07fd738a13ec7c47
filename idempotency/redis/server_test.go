package redis

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency/storetest"
)

// server is a redis-server that a test runs.
type server struct {
	t       *testing.T
	address string
	dir     string
	args    []string
	command *exec.Cmd
}

// start runs a redis-server with more arguments, and waits until it replies.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	storetest.RedisServer(t)
	s := &server{t: t, address: freeAddress(t), dir: t.TempDir(), args: args}
	s.run()
	t.Cleanup(s.kill)
	return s
}

// freeAddress returns an address that nothing listens on, nor on the port 10,000 above it,
// where a node of a cluster talks to the others.
func freeAddress(t *testing.T) string {
	t.Helper()
	const bus = 10_000
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // of TCP
		if other, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+bus)); err == nil {
			_ = other.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no two ports are free")
	return ""
}

func (s *server) port() string { return s.address[strings.LastIndexByte(s.address, ':')+1:] }

func (s *server) run() {
	s.t.Helper()
	args := []string{"--port", s.port()}
	if len(s.args) > 0 && strings.HasSuffix(s.args[0], ".conf") {
		args = []string{s.args[0], "--port", s.port()}
		args = append(args, s.args[1:]...)
	} else {
		args = append(args, s.args...)
	}
	args = append(args, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--daemonize", "no", "--logfile", filepath.Join(s.dir, "log"))
	s.command = exec.CommandContext(context.Background(), "redis-server", args...)
	if err := s.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.wait()
}

// wait waits until the server listens.
func (s *server) wait() {
	s.t.Helper()
	eventually(s.t, "redis-server listens", func() bool {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

// kill ends the server as kill -9 does.
func (s *server) kill() {
	if s.command == nil {
		return
	}
	_ = s.command.Process.Signal(syscall.SIGCONT)
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
	s.command = nil
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.command.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// do runs a command.
func (s *server) do(args ...any) string {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.address})
	defer c.Close()
	v, err := c.Do(s.t.Context(), args...).Result()
	if err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
	return fmt.Sprint(v)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	const patience = 30 * time.Second
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if is() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("waited %v in vain until %s", patience, what)
}

// slow skips a test that takes seconds, where it is not required.
func slow(t *testing.T) {
	t.Helper()
	if !storetest.RedisRequired() {
		t.Skip("slow; it runs where REQUIRE_REDIS is set")
	}
}
