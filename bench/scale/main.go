// Command scale measures what the gateway costs as work grows: with the size of
// the response, the number of clients at once, the number of handlers in a
// configuration, of keys in the store, and of rows of an upload.
//
//	cd bench && go run ./scale -plots ../docs
//	cd bench && go run ./scale -plots ../docs -series keys,rows
//
// It prints tables of each and the exponent with which the cost grows: 1 is linear. It
// fails where a cost grows faster than that, and faster than it does without the module.
// Every point is measured in a new process, so that none inherits the memory of another.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/bench/rig"
)

func main() {
	plots := flag.String("plots", "", "a `folder` for a plot of each series, as SVG")
	names := flag.String("series", "", "the `names` of the series to measure, with commas; all if empty")
	length := flag.Duration("length", 3*time.Second, "how long each point is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *plots, *names, *length); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // no deferred call matters
	}
}

func run(ctx context.Context, plots, names string, length time.Duration) (err error) {
	dir, err := os.MkdirTemp("", "scale")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := rig.Build(ctx, dir)
	if err != nil {
		return err
	}
	upstream, err := rig.StartUpstream(responses())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, upstream.Close()) }()

	chosen, err := choose(all(upstream.Addr), names)
	if err != nil {
		return err
	}
	var tooSteep []error
	for _, s := range chosen {
		if err := s.measure(ctx, program, length); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := s.print(os.Stdout); err != nil {
			tooSteep = append(tooSteep, err)
		}
		if plots != "" {
			if err := s.plot(plots); err != nil {
				return fmt.Errorf("plotting %s: %w", s.name, err)
			}
		}
	}
	return errors.Join(tooSteep...)
}

// choose returns the series of these names, or all if there are none.
func choose(all []*series, names string) ([]*series, error) {
	if names == "" {
		return all, nil
	}
	var chosen []*series
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(s *series) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no series %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
