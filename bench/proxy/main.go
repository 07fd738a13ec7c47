// Command proxy compares the gateway with a Caddy that has a bare reverse_proxy
// in its place:
//
//	cd bench && go run ./proxy
//
// All are sites of one Caddy in front of one upstream, so that they have the same
// heap, and nothing differs but what is compared: two processes of the very same
// Caddy differ by more than the module costs. They are loaded in turn, for
// several rounds, in an order that changes with the round. Every figure is held
// against the bare proxy's of the same round; the medians are printed, with the
// smallest and the largest in brackets.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/bench/rig"
)

func main() {
	o := options{repository: ".."}
	flag.IntVar(&o.rounds, "rounds", 15, "how often each gateway is loaded")
	flag.DurationVar(&o.length, "length", 2*time.Second, "how long each gateway is loaded in a round")
	flag.IntVar(&o.clients, "clients", 32, "clients at once")
	flag.StringVar(&o.session, "session", "../internal/recordings/testdata/sessions/doc.json", "the `file` that the upstream answers with")
	flag.StringVar(&o.profiles, "profiles", "", "a `folder` for a CPU profile of each gateway, taken in rounds of their own")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // nothing is left to be done
	}
}

// options are those of the command line.
type options struct {
	rounds, clients   int
	length            time.Duration
	session, profiles string
	repository        string
}

// contender is a gateway that is compared.
type contender struct {
	name       string
	directives string // before reverse_proxy
	accept     string
	answers    string // the Content-Type

	addr string
}

const (
	asJSON = "application/json; charset=utf-8"
	asCSV  = "text/csv; charset=utf-8"
)

// contenders are what is compared, the one that all are held against first.
func contenders() []*contender {
	return []*contender{
		{name: "bare `reverse_proxy`", accept: "application/json", answers: asJSON},
		{name: "the same once more", accept: "application/json", answers: asJSON}, // what differs is noise
		{name: "module, JSON", directives: "conference_members", accept: "application/json", answers: asJSON},
		{name: "module, CSV", directives: "conference_members", accept: "text/csv", answers: asCSV},
		{name: "module with a dial policy, JSON", accept: "application/json", answers: asJSON, directives: `conference_members {
			numbers {
				region US
				allow_countries US CA DE
				deny_types premium_rate shared_cost satellite
				validity enforce
			}
		}`},
	}
}

// numbers are what is dialled: valid numbers of three countries, so many that
// what is remembered of one is of little use for the next.
func numbers() []string {
	all := make([]string, 0, 3*200)
	for i := range 200 {
		all = append(all,
			fmt.Sprintf("+1212%03d%04d", 200+i%700, i*7919%10000),
			fmt.Sprintf("+1416%03d%04d", 200+i%700, i*7919%10000),
			fmt.Sprintf("+4930%08d", 20000000+i*7919%10000000),
		)
	}
	return all
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
	program, err := rig.Build(ctx, dir, o.repository)
	if err != nil {
		return err
	}
	upstream, err := rig.StartUpstream(map[string][]byte{"S1": session})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, upstream.Close()) }()

	all := contenders()
	sites := make([]string, len(all))
	for i, c := range all {
		sites[i] = c.directives + "\nreverse_proxy " + upstream.Addr
	}
	g, err := rig.StartGateway(ctx, program, sites...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	for i, c := range all {
		c.addr = g.Addrs[i]
	}
	fmt.Fprintf(out, "%d rounds of %v each, %d clients, answers of %d bytes; warming up\n", o.rounds, o.length, o.clients, len(session))
	for _, c := range all {
		if _, err := measure(ctx, g, c, o.clients, o.length); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	var t table
	for round := range o.rounds {
		figures := make([]figures, len(all))
		for i := range all {
			k := (i + round) % len(all)
			if figures[k], err = measure(ctx, g, all[k], o.clients, o.length); err != nil {
				return fmt.Errorf("%s: %w", all[k].name, err)
			}
		}
		t.add(figures)
	}
	t.print(out, all)
	if o.profiles == "" {
		return nil
	}
	for _, c := range all {
		if err := profile(ctx, g, c, o); err != nil {
			return fmt.Errorf("profiling %s: %w", c.name, err)
		}
	}
	return nil
}

// figures are those of one gateway in one round.
type figures struct {
	rate               float64 // requests a second, of all clients
	p50, p99           time.Duration
	alone50, alone99   time.Duration // of one client alone
	cpu                time.Duration // of the gateway, a request
	mallocs, allocated float64       // objects and bytes, a request
}

// measure loads a site: by all clients, and by one alone. What has to wake up
// first, after the others had their turns, is not measured.
func measure(ctx context.Context, g *rig.Gateway, c *contender, clients int, length time.Duration) (f figures, err error) {
	q := &rig.Request{Addr: c.addr, Session: "S1", Accept: c.accept, ContentType: c.answers, Numbers: numbers()}
	if _, err := rig.Load(ctx, q, clients, length/4); err != nil {
		return f, err
	}
	before, err := g.Usage(ctx)
	if err != nil {
		return f, err
	}
	crowd, err := rig.Load(ctx, q, clients, length)
	if err != nil {
		return f, err
	}
	after, err := g.Usage(ctx)
	if err != nil {
		return f, err
	}
	alone, err := rig.Load(ctx, q, 1, length/3)
	if err != nil {
		return f, err
	}
	n := float64(len(crowd.Latencies))
	return figures{
		rate: crowd.Rate(),
		p50:  crowd.Quantile(.5), p99: crowd.Quantile(.99),
		alone50: alone.Quantile(.5), alone99: alone.Quantile(.99),
		cpu:     time.Duration(float64(after.CPU-before.CPU) / n),
		mallocs: (after.Mallocs - before.Mallocs) / n, allocated: (after.Allocated - before.Allocated) / n,
	}, nil
}

// profile writes a CPU profile of the gateway while a site is loaded.
func profile(ctx context.Context, g *rig.Gateway, c *contender, o *options) error {
	name := strings.NewReplacer("`", "", ",", "", " ", "-").Replace(c.name) + ".pprof"
	f, err := os.Create(filepath.Join(o.profiles, name)) //nolint:gosec // the folder that the caller names
	if err != nil {
		return err
	}
	defer f.Close()
	var taking sync.WaitGroup
	var taken error
	length := max(o.length, time.Second) // the shortest that can be asked for
	taking.Go(func() { taken = g.Profile(ctx, length, f) })
	_, err = measure(ctx, g, c, o.clients, length)
	taking.Wait()
	return errors.Join(err, taken)
}
