package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// table gathers the figures of all rounds.
type table struct {
	rounds [][]figures
}

func (t *table) add(round []figures) { t.rounds = append(t.rounds, round) }

// column is one column of what is printed: a figure of a gateway, held against
// the bare proxy's of the same round.
type column struct {
	name   string
	value  func(own, bare *figures) float64
	format string
}

var columns = []column{
	{"Throughput, ratio", func(own, bare *figures) float64 { return own.rate / bare.rate }, "%.3f"},
	{"Requests a second", func(own, _ *figures) float64 { return own.rate }, "%.0f"},
	{"Added p50, µs", func(own, bare *figures) float64 { return micros(own.p50 - bare.p50) }, "%+.0f"},
	{"Added p99, µs", func(own, bare *figures) float64 { return micros(own.p99 - bare.p99) }, "%+.0f"},
	{"Added p50 alone, µs", func(own, bare *figures) float64 { return micros(own.alone50 - bare.alone50) }, "%+.0f"},
	{"Added p99 alone, µs", func(own, bare *figures) float64 { return micros(own.alone99 - bare.alone99) }, "%+.0f"},
	{"CPU a request, µs", func(own, _ *figures) float64 { return micros(own.cpu) }, "%.1f"},
	{"Allocations a request", func(own, _ *figures) float64 { return own.mallocs }, "%.0f"},
	{"Bytes allocated a request", func(own, _ *figures) float64 { return own.allocated }, "%.0f"},
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// print prints the medians as a table in Markdown.
func (t *table) print(out io.Writer, all []*contender) {
	fmt.Fprint(out, "\n|")
	for _, c := range all {
		fmt.Fprintf(out, " | %s", c.name)
	}
	fmt.Fprint(out, " |\n|---")
	for range all {
		fmt.Fprint(out, "|---")
	}
	fmt.Fprintln(out, "|")
	for _, col := range columns {
		fmt.Fprintf(out, "| %s", col.name)
		for i := range all {
			values := make([]float64, len(t.rounds))
			for k, round := range t.rounds {
				values[k] = col.value(&round[i], &round[0])
			}
			slices.Sort(values)
			fmt.Fprintf(out, " | "+col.format+" ("+col.format+" to "+col.format+")", median(values), values[0], values[len(values)-1])
		}
		fmt.Fprintln(out, " |")
	}
}

// median is the middle of sorted values.
func median(values []float64) float64 {
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}
