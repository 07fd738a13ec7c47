// Command proxy compares the gateway with a bare reverse_proxy, on Linux with two
// cores or more, wrk and h2load (Debian's packages wrk and nghttp2-client):
//
//	cd bench && go run ./proxy
//
// All are sites of one Caddy, because two processes of the same Caddy differ by more than
// the module costs. Caddy is pinned to core 0 with GOMAXPROCS=1, the load and the
// upstream to core 1. Each round loads every site once, in random order. The figure that
// counts is the CPU time of the process, as the kernel accounts it, divided by the
// requests; it is compared with that of the bare proxy in the same round. The first two
// columns are the same site: their difference is noise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/bench/rig"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 100, "how often each site is loaded")
	flag.DurationVar(&o.slot, "slot", 500*time.Millisecond, "how long each site is loaded in a round")
	flag.StringVar(&o.session, "session", "../internal/recordings/testdata/sessions/doc.json", "the `file` that the upstream responds with")
	flag.BoolVar(&o.keys, "keys", false, "compare calls with an idempotency key with calls without")
	flag.StringVar(&o.profiles, "profiles", "", "a `folder` for a CPU profile of each site, taken instead of the table")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // no deferred call matters
	}
}

// options are the flags of the command.
type options struct {
	rounds            int
	slot              time.Duration
	session, profiles string
	keys              bool
}

func run(ctx context.Context, o *options, out io.Writer) (err error) {
	session, err := os.ReadFile(o.session)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "proxy")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := rig.Build(ctx, dir)
	if err != nil {
		return err
	}
	load, err := newLoad(dir, o.slot)
	if err != nil {
		return err
	}
	command := []string{"env", "GOMAXPROCS=1"}
	if text, err := exec.CommandContext(ctx, "taskset", "-acp", "1", strconv.Itoa(os.Getpid())).CombinedOutput(); err != nil { //nolint:gosec // a number of our own
		fmt.Fprintf(out, "NOT PINNED, so that the figures mean little: %v: %s\n", err, text)
	} else {
		command = append(command, "taskset", "-c", "0")
	}
	upstream, err := rig.StartUpstream(map[string][]byte{"S1": session})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, upstream.Close()) }()

	all := sites()
	if o.keys {
		all = keySites()
	}
	directives := make([]string, len(all))
	for i, s := range all {
		directives[i] = s.directives + "\nreverse_proxy " + upstream.Addr
	}
	g, err := rig.StartGateway(ctx, append(command, program), directives...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	load.upstream, load.gateway = upstream, g

	visit := load.measure
	if o.profiles != "" {
		visit = load.profile
	}
	fmt.Fprintf(out, "%d rounds of %s each, %d clients, responses of %d bytes\n", o.rounds, o.slot, clients, len(session))
	for i, s := range all {
		s.url = "http://" + g.Addrs[i] + "/sessions/S1/conference/members"
		defer func() { err = errors.Join(err, s.finish()) }()
		if err := errors.Join(s.check(ctx), load.start(ctx, s)); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for range o.rounds {
		for _, i := range rand.Perm(len(all)) { //nolint:gosec // any order will do
			if err := visit(ctx, all[i]); err != nil {
				return fmt.Errorf("%s: %w", all[i].name, err)
			}
		}
	}
	if o.profiles == "" {
		printTable(out, all)
		return nil
	}
	for _, s := range all {
		if err := s.writeProfile(o.profiles); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "A second in a profile is a microsecond a request. What the last site adds to the first:\n\n\tgo tool pprof -top -cum -diff_base %s %s\n",
		filepath.Join(o.profiles, all[0].file()+".pprof"), filepath.Join(o.profiles, all[len(all)-1].file()+".pprof"))
	return nil
}
