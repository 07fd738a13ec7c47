package main

import (
	"fmt"
	"io"
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

// printTable prints a table in Markdown with a column for each site: medians, and the
// smallest and the largest figure in brackets.
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
			fmt.Fprintf(out, " | "+r.format+" ("+r.format+" to "+r.format+")", median(values), values[0], values[len(values)-1])
		}
		fmt.Fprintln(out, " |")
	}
	fmt.Fprintf(out, "%s |\n", goals)
}

// median returns the median of sorted values.
func median(values []float64) float64 {
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
