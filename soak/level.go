package main

import (
	"fmt"
	"slices"
)

// usage is what the process holds at rest.
type usage struct {
	heap       float64 // bytes in use after a collection
	goroutines float64
}

// The growth that is not a leak: of the heap, two or three configurations that are
// replaced and not released yet, which is 2 MiB each, and of goroutines, the idle
// connections of such a one. They do not depend on how long it runs, so the longer
// it does, the smaller the leak that shows.
const (
	heapSlack      = 6 << 20
	heapShare      = 0.10
	goroutineSlack = 12
)

// trend is the median of the first and of the last third of the samples that are
// left without the warm-up, which is the first quarter: pools fill, tables are
// made on first use, and every configuration is loaded once.
type trend struct{ first, last float64 }

// trendOf returns the trend of a figure of the samples, and false for too few of
// them.
func trendOf(samples []usage, figure func(usage) float64) (trend, bool) {
	const fewest = 6
	rest := samples[len(samples)/4:]
	if len(rest) < fewest {
		return trend{}, false
	}
	third := len(rest) / 3
	return trend{median(rest[:third], figure), median(rest[len(rest)-third:], figure)}, true
}

// median of a figure. There is at least one sample.
func median(samples []usage, figure func(usage) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	slices.Sort(values)
	mid := len(values) / 2
	if len(values)%2 == 0 {
		return (values[mid-1] + values[mid]) / 2
	}
	return values[mid]
}

// flat returns what grew: a leak of memory or of goroutines.
func flat(samples []usage) []string {
	var wrong []string
	heap, enough := trendOf(samples, func(u usage) float64 { return u.heap })
	if !enough {
		return nil
	}
	if heap.last > heap.first+heapSlack+heapShare*heap.first {
		wrong = append(wrong, fmt.Sprintf("the heap grew from %s to %s", mebibytes(heap.first), mebibytes(heap.last)))
	}
	goroutines, _ := trendOf(samples, func(u usage) float64 { return u.goroutines })
	if goroutines.last > goroutines.first+goroutineSlack {
		wrong = append(wrong, fmt.Sprintf("goroutines grew from %v to %v", goroutines.first, goroutines.last))
	}
	return wrong
}

// mebibytes is a size for people.
func mebibytes(n float64) string { return fmt.Sprintf("%.1f MiB", n/(1<<20)) }
