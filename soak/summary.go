package main

import (
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"
)

// summarize prints what was done, and what was wrong.
func (s *soak) summarize() {
	b := s.books
	race := "without the race detector"
	if raceDetector() {
		race = "with the race detector"
	}
	fmt.Fprintf(s.out, "\nSoaked for %s, seed %d, %s:\n", time.Since(s.started).Round(time.Second), s.seed, race)
	fmt.Fprintf(s.out, "  %d requests of %d clients, %d reloads, %d series of metrics\n",
		b.requests(), len(s.clients), s.gateway.reloads, len(b.ledger))
	for _, what := range []string{"protocol", "connection", "format", "outcome", "kind"} {
		fmt.Fprintf(s.out, "\n  By %s:\n", what)
		for _, which := range slices.Sorted(maps.Keys(b.counts[what])) {
			fmt.Fprintf(s.out, "  %8d  %s\n", b.counts[what][which], which)
		}
	}
	if heap, ok := trendOf(s.usage, func(u usage) float64 { return u.heap }); ok {
		goroutines, _ := trendOf(s.usage, func(u usage) float64 { return u.goroutines })
		fmt.Fprintf(s.out, "\n  At rest, first and last third of %d samples after warm-up:\n", len(s.usage)-len(s.usage)/4)
		fmt.Fprintf(s.out, "  heap %s and %s, goroutines %v and %v\n",
			mebibytes(heap.first), mebibytes(heap.last), goroutines.first, goroutines.last)
	}
	wrong := b.mismatches()
	if len(wrong) == 0 {
		fmt.Fprintln(s.out, "\nEvery client got exactly one right response, the upstream got what was accepted,\nand the metrics say the same.")
		return
	}
	fmt.Fprintln(s.out, "\nWrong:")
	for _, w := range wrong {
		fmt.Fprintln(s.out, "  "+w)
	}
}

// raceDetector reports whether the race detector is built in.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
