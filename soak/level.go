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

// The growth that is no leak: of the heap, two or three replaced configurations that are
// not released yet, of 2 MiB each, and of goroutines, the idle connections of one. It does
// not depend on how long the soak runs, so a longer soak finds a smaller leak.
const (
	heapSlack      = 6 << 20
	heapShare      = 0.10
	goroutineSlack = 12
)

// trend is the median of the first and of the last third of the samples. The first
// quarter of them is left out as warm-up: pools fill, tables are made on first use, and
// every configuration is loaded once.
type trend struct{ first, last float64 }

// trendOf returns the trend of a figure, and false if there are too few samples.
func trendOf(samples []usage, figure func(usage) float64) (trend, bool) {
	const fewest = 6
	rest := samples[len(samples)/4:]
	if len(rest) < fewest {
		return trend{}, false
	}
	third := len(rest) / 3
	return trend{median(rest[:third], figure), median(rest[len(rest)-third:], figure)}, true
}

// median returns the median of a figure of one sample or more.
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

// flat returns what grew: memory or goroutines.
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

// mebibytes writes a size in MiB.
func mebibytes(n float64) string { return fmt.Sprintf("%.1f MiB", n/(1<<20)) }
