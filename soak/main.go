// Command soak runs a gateway under mixed traffic for as long as it is told, with
// reloads and faults, and holds that every client got exactly one right answer,
// that the upstream got each accepted request once and no other, that the metrics
// add up, and that memory and goroutines stay flat:
//
//	go run -race ./soak -for 10m
//
// Upstream, gateway and clients are one process, on loopback. It exits with 1 and
// all that was wrong if anything was.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	o := options{out: os.Stdout}
	flag.DurationVar(&o.length, "for", time.Minute, "how long clients send")
	flag.DurationVar(&o.reload, "reload", 3*time.Second, "how often the gateway loads another configuration")
	flag.IntVar(&o.clients, "clients", 8, "how many clients send at once")
	flag.Uint64Var(&o.seed, "seed", 1, "which traffic they send")
	flag.Parse()
	if o.length <= 0 || o.reload <= 0 || o.clients <= 0 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	o.rest = restEvery(o.length)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	s, err := run(ctx, o)
	stop()
	if s != nil {
		s.summarize()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
	}
	if err != nil || len(s.books.mismatches()) > 0 {
		os.Exit(1)
	}
}
