package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/evovoice-gateway/caddy-conference-members/stores/redis" // for threeOnRedis
)

// asCaddy is the environment variable that makes this program a Caddy.
const asCaddy = "SOAK_AS_CADDY"

// beCaddy runs Caddy and exits, if asCaddy is set.
func beCaddy() {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		os.Exit(0)
	}
}

// listenLoopback listens on a free port.
func listenLoopback(ctx context.Context) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
}

// program is a process that is killed and started again.
type program struct {
	name    string
	make    func(address string) (*exec.Cmd, error)
	mu      sync.Mutex
	address string
	command *exec.Cmd
	ended   chan struct{}
}

// run starts the program, on a new port unless it is to keep its own, and waits until it
// listens. If another process has taken the port, it starts the program again.
func (p *program) run(keep bool) error {
	late := time.Now().Add(time.Minute)
	var err error
	for time.Now().Before(late) {
		p.mu.Lock()
		address := p.address
		p.mu.Unlock()
		if !keep || address == "" {
			l, err := listenLoopback(context.Background())
			if err != nil {
				return err
			}
			address = l.Addr().String()
			_ = l.Close()
		}
		var c *exec.Cmd
		if c, err = p.make(address); err != nil {
			return err
		}
		var printed *os.File
		if printed, err = os.CreateTemp("", "soak-*.log"); err != nil {
			return err
		}
		c.Stdout, c.Stderr = printed, printed
		if err = c.Start(); err != nil {
			return err
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = c.Wait()
		}()
		p.command, p.ended = c, ended
		listens := p.listens(address, late)
		said, _ := os.ReadFile(printed.Name())
		_ = printed.Close()
		_ = os.Remove(printed.Name())
		if listens {
			p.mu.Lock()
			p.address = address
			p.mu.Unlock()
			return nil
		}
		p.kill()
		err = fmt.Errorf("%s does not start: %.2000s", p.name, said)
	}
	return err
}

// listens waits until the program takes connections. It returns false if it ends first.
func (p *program) listens(address string, late time.Time) bool {
	for time.Now().Before(late) {
		select {
		case <-p.ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			// If another process has taken the port, the program ends.
			select {
			case <-p.ended:
				return false
			default:
				return true
			}
		}
	}
	return false
}

// kill ends the program as kill -9 does.
func (p *program) kill() {
	if p.command != nil {
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// at returns where the program listens.
func (p *program) at() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.address
}

// newProcess makes a gateway of its own process, in front of the API of k.
func newProcess(k *keyed, dir, name, store string) *program {
	return &program{name: "gateway " + name, make: func(address string) (*exec.Cmd, error) {
		config := strings.NewReplacer("ADDRESS", address, "STORE", store, "API", k.address, "TIMEOUT", keyedCallTimeout.String()).Replace(`{
	admin off
	persist_config off
	log {
		level ERROR
	}
}
http://ADDRESS {
	conference_members {
		hash_key "of the soak, for every gateway of it"
		idempotency {
			call_timeout TIMEOUT
			store STORE
		}
	}
	reverse_proxy API
}
`)
		file := filepath.Join(dir, name+".caddyfile")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			return nil, err
		}
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		c := exec.CommandContext(context.Background(), self, "run", "--config", file, "--adapter", "caddyfile") //nolint:gosec // it is this program
		c.Env = append(os.Environ(), asCaddy+"=1", "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
		return c, nil
	}}
}

// oneFile is two gateways on one file, of which one runs at a time.
type oneFile struct {
	gateways [2]*program
	mu       sync.Mutex
	serving  int
}

func (f *oneFile) start(k *keyed, dir string) error {
	for i := range f.gateways {
		f.gateways[i] = newProcess(k, dir, fmt.Sprint("file", i), "file "+filepath.Join(dir, "calls.db"))
	}
	return f.gateways[0].run(false)
}

func (f *oneFile) addresses() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []string{f.gateways[f.serving].at()}
}

func (f *oneFile) kill(_ *keyed, n int) error {
	f.gateways[n%2].kill()
	next := (n + 1) % 2
	if err := f.gateways[next].run(false); err != nil {
		return err
	}
	f.mu.Lock()
	f.serving = next
	f.mu.Unlock()
	return nil
}

func (f *oneFile) stop() {
	for _, g := range f.gateways {
		if g != nil {
			g.kill()
		}
	}
}

// threeOnRedis is three gateways on one Redis, which is killed and paused too. Redis
// replies to a write when it is on the disk, so it keeps what it has acknowledged.
type threeOnRedis struct {
	redis    *program
	gateways [3]*program
}

func (t *threeOnRedis) start(k *keyed, dir string) error {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return errors.New("there is no redis-server: apt-get install redis-server")
	}
	t.redis = &program{name: "redis-server", make: func(address string) (*exec.Cmd, error) {
		_, port, err := net.SplitHostPort(address)
		return exec.CommandContext(context.Background(), "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", dir, //nolint:gosec // a port and a folder
			"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no", "--maxmemory-policy", "noeviction"), err
	}}
	if err := t.redis.run(false); err != nil {
		return err
	}
	for i := range t.gateways {
		t.gateways[i] = newProcess(k, dir, fmt.Sprint("redis", i), "redis {\n\t\t\t\taddress "+t.redis.at()+"\n\t\t\t}")
		if err := t.gateways[i].run(false); err != nil {
			return err
		}
	}
	return nil
}

func (t *threeOnRedis) addresses() []string {
	return []string{t.gateways[0].at(), t.gateways[1].at(), t.gateways[2].at()}
}

// kill kills one of the three gateways. Every fifth time it also kills Redis, or pauses it
// for longer than a gateway waits.
func (t *threeOnRedis) kill(k *keyed, n int) error {
	g := t.gateways[n%3]
	g.kill()
	switch n % 10 {
	case 4:
		k.count("redis killed")
		t.redis.kill()
		if err := t.redis.run(true); err != nil {
			return err
		}
	case 9:
		k.count("redis paused")
		pid := t.redis.command.Process
		if err := pid.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		time.Sleep(700 * time.Millisecond)
		if err := pid.Signal(syscall.SIGCONT); err != nil {
			return err
		}
	}
	return g.run(false)
}

func (t *threeOnRedis) stop() {
	for _, p := range append(t.gateways[:], t.redis) {
		if p != nil {
			p.kill()
		}
	}
}
