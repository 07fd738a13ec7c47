package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/google/pprof/profile"

	"github.com/evovoice-gateway/caddy-conference-members/bench/rig"
)

// clients is the number of connections, each with one request at a time.
const clients = 16

//go:embed calls.lua
var script []byte

// load runs wrk, and h2load for HTTP/2.
type load struct {
	script, body string // paths
	seconds      int
}

// newLoad writes the files that the programs read to dir.
func newLoad(dir string, seconds int) (*load, error) {
	l := &load{filepath.Join(dir, "calls.lua"), filepath.Join(dir, "body.json"), seconds}
	return l, errors.Join(os.WriteFile(l.script, script, 0o600), os.WriteFile(l.body, []byte(body), 0o600))
}

// run loads a site and returns the number of requests. A failed request is an error.
func (l *load) run(ctx context.Context, s *site) (int, error) {
	var args []string
	for name, value := range s.header() {
		args = append(args, "-H", name+": "+value)
	}
	n := strconv.Itoa
	// What precedes the number of all requests and of failed ones.
	program, done, failed := "wrk", "\ndone ", " failed "
	args = append(args, "-c", n(clients), "-t", "1")
	if s.http2 {
		program, done, failed = "h2load", " started, ", " succeeded, "
		args = append(args, "-D", n(l.seconds), "-d", l.body, s.url)
	} else {
		args = append(args, "-d", n(l.seconds)+"s", "--timeout", "10s", "-s", l.script, s.url)
	}
	if s.keyed {
		args = append(args, strconv.FormatInt(time.Now().UnixNano(), 36)+"-")
	}
	text, err := exec.CommandContext(ctx, program, args...).CombinedOutput() //nolint:gosec // one of two programs
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", program, err, text)
	}
	requests, bad := numberAfter(text, done), numberAfter(text, failed)
	if requests <= 0 || bad != 0 {
		return 0, fmt.Errorf("%s: requests failed: %s", program, text)
	}
	return requests, nil
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
func (l *load) measure(ctx context.Context, g *rig.Gateway, s *site) error {
	before, err := g.Usage(ctx)
	if err != nil {
		return err
	}
	requests, err := l.run(ctx, s)
	if err != nil {
		return err
	}
	after, err := g.Usage(ctx)
	if err != nil {
		return err
	}
	n, cpu := float64(requests), (after.CPU - before.CPU).Seconds()
	s.figures = append(s.figures, figures{
		rate: n / float64(l.seconds), cpu: cpu * 1e6 / n, share: cpu / float64(l.seconds),
		mallocs: (after.Mallocs - before.Mallocs) / n, allocated: (after.Allocated - before.Allocated) / n,
	})
	return nil
}

// profile loads a site and adds to its profiles.
func (l *load) profile(ctx context.Context, g *rig.Gateway, s *site) error {
	var taking sync.WaitGroup
	var taken bytes.Buffer
	var failed error
	taking.Go(func() { failed = g.Profile(ctx, l.seconds, &taken) })
	requests, err := l.run(ctx, s)
	taking.Wait()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	p, err := profile.Parse(&taken)
	s.profiles, s.requests = append(s.profiles, p), s.requests+requests
	return err
}
