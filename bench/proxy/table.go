package main

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// row is a row of the table: a figure of a site. It is compared, in the same round, with
// that of the first site that is loaded over the same version of HTTP.
type row struct {
	name   string
	value  func(own, base *figures) float64
	format string
}

var rows = []row{
	{"CPU a request, µs", func(own, _ *figures) float64 { return own.cpu }, "%.1f"},
	{"CPU, ratio", func(own, base *figures) float64 { return own.cpu / base.cpu }, "%.3f"},
	{"Throughput, ratio", func(own, base *figures) float64 { return own.rate / base.rate }, "%.3f"},
	{"Requests a second", func(own, _ *figures) float64 { return own.rate }, "%.0f"},
	{"Share of the core", func(own, _ *figures) float64 { return own.share }, "%.2f"},
	{"Allocations a request", func(own, _ *figures) float64 { return own.mallocs }, "%.0f"},
	{"Bytes allocated a request", func(own, _ *figures) float64 { return own.allocated }, "%.0f"},
}

// printTable prints a table in Markdown with a column for each site: medians, and their
// 95 % confidence intervals in brackets.
func printTable(out io.Writer, all []*site) {
	head, line, goals := "\n| ", "|---", "| Goal for the CPU, ratio"
	for _, s := range all {
		head += " | " + s.name
		line += "|---"
		goals += " | "
		if s.goal > 0 {
			goals += fmt.Sprintf("%.2f", s.goal)
		}
	}
	fmt.Fprintf(out, "%s |\n%s|\n", head, line)
	for _, r := range rows {
		fmt.Fprintf(out, "| %s", r.name)
		for _, s := range all {
			base := all[slices.IndexFunc(all, func(b *site) bool { return b.http2 == s.http2 })]
			values := make([]float64, len(s.figures))
			for i := range values {
				values[i] = r.value(&s.figures[i], &base.figures[i])
			}
			slices.Sort(values)
			low, high := confidence(values)
			fmt.Fprintf(out, " | "+r.format+" ("+r.format+" to "+r.format+")", median(values), low, high)
		}
		fmt.Fprintln(out, " |")
	}
	fmt.Fprintf(out, "%s |\n", goals)
}

// median returns the median of sorted values.
func median(values []float64) float64 {
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// confidence returns the 95 % confidence interval of the median of sorted values. It
// assumes nothing about their distribution: the number of values below the true median
// is binomial, here in its normal approximation.
func confidence(values []float64) (low, high float64) {
	n := float64(len(values))
	k := max(int(n/2-1.96*math.Sqrt(n)/2)-1, 0)
	return values[k], values[len(values)-1-k]
}
