package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/google/pprof/profile"

	"github.com/evovoice-gateway/caddy-conference-members/bench/rig"
)

// clients is the number of connections, each with one request at a time.
const clients = 16

//go:embed calls.lua
var script []byte

// load loads sites with wrk, and with h2load over HTTP/2. Each site has a process of its
// own, which is stopped (SIGSTOP) unless it is the site's turn, because neither program
// can run for less than a second.
type load struct {
	gateway      *rig.Gateway
	upstream     *rig.Upstream
	script, body string // paths
	slot         time.Duration
}

// newLoad writes the files that the programs read to dir.
func newLoad(dir string, slot time.Duration) (*load, error) {
	l := &load{script: filepath.Join(dir, "calls.lua"), body: filepath.Join(dir, "body.json"), slot: slot}
	return l, errors.Join(os.WriteFile(l.script, script, 0o600), os.WriteFile(l.body, []byte(body), 0o600))
}

// start starts a site's program and stops it after a slot, in which it opens its
// connections. End it with [site.finish].
func (l *load) start(ctx context.Context, s *site) error {
	var args []string
	for name, value := range s.header() {
		args = append(args, "-H", name+": "+value)
	}
	args = append(args, "-c", strconv.Itoa(clients), "-t", "1")
	program := "wrk"
	if s.http2 {
		program = "h2load"
		args = append(args, "-D", "86400", "-d", l.body, s.url)
	} else {
		// Longer than a site waits for its turn, so that no response is late.
		args = append(args, "-d", "24h", "--timeout", "1m", "-s", l.script, s.url)
	}
	if s.keyed {
		args = append(args, strconv.FormatInt(time.Now().UnixNano(), 36)+"-")
	}
	s.program = exec.CommandContext(ctx, program, args...) //nolint:gosec // one of two programs
	s.program.Stdout, s.program.Stderr = &s.output, &s.output
	if err := s.program.Start(); err != nil {
		s.program = nil
		return fmt.Errorf("starting %s: %w", program, err)
	}
	return l.stop(s)
}

// stop stops a site's program at the end of a slot, and waits until no more requests
// arrive at the upstream.
func (l *load) stop(s *site) error {
	time.Sleep(l.slot)
	if err := s.program.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stopping %s: %w", s.program.Path, err)
	}
	for before := int64(-1); before != l.upstream.Requests(); {
		before = l.upstream.Requests()
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// run loads a site for a slot and returns the number of requests.
func (l *load) run(s *site) (int64, error) {
	before := l.upstream.Requests()
	if err := s.program.Process.Signal(syscall.SIGCONT); err != nil {
		return 0, fmt.Errorf("continuing %s: %w", s.program.Path, err)
	}
	err := l.stop(s)
	requests := l.upstream.Requests() - before
	if err == nil && requests == 0 {
		err = errors.New("no requests")
	}
	return requests, err
}

// finish ends a site's program. If requests of wrk failed, that is an error. h2load ends
// by itself when one fails.
func (s *site) finish() error {
	if s.program == nil {
		return nil
	}
	signal := os.Interrupt
	if s.http2 {
		signal = os.Kill
	}
	ended := make(chan error)
	go func() { ended <- s.program.Wait() }()
	_ = s.program.Process.Signal(syscall.SIGCONT)
	for {
		// Again and again, because only wrk's main thread heeds it.
		_ = s.program.Process.Signal(signal)
		select {
		case err := <-ended:
			if !s.http2 && (err != nil || numberAfter(s.output.Bytes(), " failed ") != 0) {
				return errors.Join(err, fmt.Errorf("%s: requests failed: %s", s.program.Path, &s.output))
			}
			return nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// numberAfter returns the number after the first mark in text, or -1.
func numberAfter(text []byte, mark string) int {
	_, rest, _ := bytes.Cut(text, []byte(mark))
	n := -1
	_, _ = fmt.Fscan(bytes.NewReader(rest), &n)
	return n
}

// figures are those of one site in one round.
type figures struct {
	rate               float64 // requests a second
	cpu                float64 // microseconds a request
	share              float64 // of one core, 1 on a quiet machine
	allocated, mallocs float64 // bytes and objects a request
}

// measure loads a site and adds to its figures.
func (l *load) measure(ctx context.Context, s *site) error {
	before, err := l.gateway.Usage(ctx)
	if err != nil {
		return err
	}
	started := time.Now()
	requests, err := l.run(s)
	if err != nil {
		return err
	}
	took := time.Since(started).Seconds()
	cpu, err := l.gateway.CPU()
	if err != nil {
		return err
	}
	after, err := l.gateway.Usage(ctx)
	if err != nil {
		return err
	}
	n, used := float64(requests), (cpu - before.CPU).Seconds()
	s.figures = append(s.figures, figures{
		rate: n / took, cpu: used * 1e6 / n, share: used / took,
		mallocs: (after.Mallocs - before.Mallocs) / n, allocated: (after.Allocated - before.Allocated) / n,
	})
	return nil
}

// profile loads a site and adds to its profiles.
func (l *load) profile(ctx context.Context, s *site) error {
	var taking sync.WaitGroup
	var taken bytes.Buffer
	var failed error
	taking.Go(func() { failed = l.gateway.Profile(ctx, int(math.Ceil(l.slot.Seconds())), &taken) })
	requests, err := l.run(s)
	taking.Wait()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	p, err := profile.Parse(&taken)
	s.profiles, s.requests = append(s.profiles, p), s.requests+requests
	return err
}
