package rig

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Build builds the Caddy of the benchmarks into a directory and returns its path.
func Build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "caddy")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/evovoice-gateway/caddy-conference-members/bench/caddy") //nolint:gosec // a folder of the benchmarks
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("building Caddy: %w", err)
	}
	return program, nil
}

// Gateway is a Caddy in a separate process.
type Gateway struct {
	// Addrs are the hosts and ports of its sites, on loopback.
	Addrs []string

	admin string
	tls   bool // whether its last site is served over TLS
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended, with err
	err   error
	dir   string
}

// options are the global options, with a place for the address of the admin endpoint.
const options = `{
	admin %s
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	default_sni 127.0.0.1
	log {
		level ERROR
	}
	servers {
		protocols h1 h2c h3
	}
}
`

// TLS is the directive of a site that is served over TLS. Its clients may speak HTTP/3.
const TLS = "tls internal\n"

// StartGateway starts a Caddy with a site for each block of directives. The command is the
// program, or one that execs it, with its arguments. Close it.
func StartGateway(ctx context.Context, command []string, sites ...string) (g *Gateway, err error) {
	g = new(Gateway)
	if g.dir, err = os.MkdirTemp("", "gateway"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Close())
		}
	}()
	addrs, err := freeAddrs(ctx, 1+len(sites))
	if err != nil {
		return g, err
	}
	g.admin, g.Addrs = addrs[0], addrs[1:]
	var config strings.Builder
	fmt.Fprintf(&config, options, g.admin)
	for i, directives := range sites {
		scheme := "http"
		if g.tls = strings.Contains(directives, TLS); g.tls {
			scheme = "https"
		}
		fmt.Fprintf(&config, "%s://%s {\n%s\n}\n", scheme, g.Addrs[i], directives)
	}
	caddyfile := filepath.Join(g.dir, "Caddyfile")
	if err := os.WriteFile(caddyfile, []byte(config.String()), 0o600); err != nil {
		return g, err
	}
	command = slices.Concat(command, []string{"run", "--config", caddyfile, "--adapter", "caddyfile"})
	g.cmd = exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // the program that was built
	g.cmd.Env = append(os.Environ(), "HOME="+g.dir, "XDG_CONFIG_HOME="+g.dir, "XDG_DATA_HOME="+g.dir)
	g.cmd.Stderr = os.Stderr
	g.cmd.Cancel = func() error { return g.cmd.Process.Signal(syscall.SIGTERM) }
	if err := g.cmd.Start(); err != nil {
		g.cmd = nil
		return g, fmt.Errorf("starting %s: %w", command, err)
	}
	g.ended = make(chan struct{})
	go func() {
		defer close(g.ended)
		g.err = g.cmd.Wait()
	}()
	return g, g.await(ctx)
}

// await waits until the gateway takes connections.
func (g *Gateway) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	dial := new(net.Dialer).DialContext
	if g.tls { // it takes connections before it has a certificate
		dial = (&tls.Dialer{Config: insecure()}).DialContext
	}
	for {
		c, err := dial(ctx, "tcp", g.Addrs[len(g.Addrs)-1])
		if err == nil {
			return c.Close()
		}
		select {
		case <-g.ended:
			return errors.New("the gateway ended before it served")
		case <-ctx.Done():
			return fmt.Errorf("waiting for the gateway: %w", err)
		case <-retry.C:
		}
	}
}

// Close ends the process and waits for it.
func (g *Gateway) Close() error {
	var err error
	if g.cmd != nil {
		_ = g.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		<-g.ended
		err = g.err
	}
	return errors.Join(err, os.RemoveAll(g.dir))
}

// Usage is what the process has used and holds.
type Usage struct {
	CPU        time.Duration // since its start, as [Gateway.CPU] returns it
	Mallocs    float64       // objects allocated since its start
	Allocated  float64       // bytes allocated since its start
	Resident   float64       // bytes of memory, as the system counts them
	Goroutines float64
}

// CPU is the CPU time of the process since its start, user and system, as the kernel
// accounts it.
func (g *Gateway) CPU() (time.Duration, error) {
	var cpu unix.Timespec
	// The clock of a process, as clock_getcpuclockid(3) makes its number.
	if err := unix.ClockGettime(int32(^g.cmd.Process.Pid<<3|2), &cpu); err != nil {
		return 0, fmt.Errorf("reading the CPU time: %w", err)
	}
	return time.Duration(cpu.Nano()), nil
}

// Usage asks the kernel for the CPU time, and the process for the rest. To respond
// takes a millisecond of its CPU time.
func (g *Gateway) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	wanted := map[string]*float64{
		"go_memstats_mallocs_total":     &u.Mallocs,
		"go_memstats_alloc_bytes_total": &u.Allocated,
		"process_resident_memory_bytes": &u.Resident,
		"go_goroutines":                 &u.Goroutines,
	}
	body, err := g.get(ctx, "/metrics")
	if err != nil {
		return u, err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		value, ok := wanted[name]
		if !ok {
			continue
		}
		if *value, err = strconv.ParseFloat(text, 64); err != nil {
			return u, fmt.Errorf("reading %s: %w", name, err)
		}
		delete(wanted, name)
	}
	if err := lines.Err(); err != nil {
		return u, fmt.Errorf("reading the metrics: %w", err)
	}
	if len(wanted) > 0 {
		return u, fmt.Errorf("the gateway has no metrics %v", slices.Sorted(maps.Keys(wanted)))
	}
	u.CPU, err = g.CPU()
	return u, err
}

// Profile writes a CPU profile of the process over so many seconds.
func (g *Gateway) Profile(ctx context.Context, seconds int, w io.Writer) error {
	body, err := g.get(ctx, "/debug/pprof/profile?seconds="+strconv.Itoa(seconds))
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(w, body)
	return err
}

// get asks the admin endpoint.
func (g *Gateway) get(ctx context.Context, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.admin+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the admin endpoint: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("the admin endpoint responds with %s", res.Status), res.Body.Close())
	}
	return res.Body, nil
}

// freeAddrs returns addresses on loopback that were all free a moment ago.
func freeAddrs(ctx context.Context, n int) (addrs []string, err error) {
	for range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}
