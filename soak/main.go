// Command soak runs a gateway under mixed traffic, with reloads and faults, and checks
// that every client got exactly one right response, that the upstream got each accepted
// request once and no other, that the metrics add up, and that memory and goroutines
// stay flat:
//
//	go run -race ./soak -for 10m
//
// With -intents, it sends calls with an idempotency key instead, each until its outcome is
// known, kills gateways meanwhile, and checks that no call is dialled twice:
//
//	go run ./soak -intents 10000 -kills 200
//
// Everything is on loopback and in one process, except for gateways that are killed. If
// anything was wrong, it prints what, and exits with 1.
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
	beCaddy()
	o := options{out: os.Stdout}
	k := keyedOptions{out: os.Stdout, redis: true}
	flag.DurationVar(&o.length, "for", time.Minute, "how long clients send")
	flag.DurationVar(&o.reload, "reload", 3*time.Second, "how often the gateway loads another configuration")
	flag.IntVar(&o.clients, "clients", 8, "how many clients send at once")
	flag.Uint64Var(&o.seed, "seed", 1, "which traffic they send")
	flag.IntVar(&k.intents, "intents", 0, "how many calls with an idempotency key are sent, in place of mixed traffic")
	flag.IntVar(&k.kills, "kills", 20, "how often a gateway is killed meanwhile")
	flag.Parse()
	if k.intents < 0 || k.kills < 0 || o.length <= 0 || o.reload <= 0 || o.clients <= 0 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	o.rest = restEvery(o.length)
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	o.dir, k.dir, k.seed = dir, dir, o.seed
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	soaked := func() bool { return soakMixed(ctx, o) }
	if k.intents > 0 {
		soaked = func() bool { return soakWithKeys(ctx, k) }
	}
	well := soaked()
	stop()
	_ = os.RemoveAll(dir)
	if !well {
		os.Exit(1)
	}
}

// soakMixed soaks with mixed traffic, and reports whether all went well.
func soakMixed(ctx context.Context, o options) bool {
	s, err := run(ctx, o)
	if s != nil {
		s.summarize()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
	}
	return err == nil && len(s.books.mismatches()) == 0
}

// soakWithKeys soaks with calls that have a key, and reports whether all went well.
func soakWithKeys(ctx context.Context, k keyedOptions) bool {
	wrong, err := soakKeyed(ctx, k)
	for _, w := range wrong {
		fmt.Println("WRONG:", w)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
	}
	if err != nil || len(wrong) > 0 {
		return false
	}
	fmt.Println("no call was dialled twice")
	return true
}
