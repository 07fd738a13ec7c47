package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ledger is by how much each series must have grown. It is a span, because an exchange in
// doubt may or may not have added to it.
type ledger map[string]span

// span is a closed interval.
type span struct{ lo, hi float64 }

// exactly returns the span of one value.
func exactly(n float64) span { return span{n, n} }

func (s span) String() string {
	if s.lo == s.hi {
		return fmt.Sprint(s.lo)
	}
	return fmt.Sprintf("%v to %v", s.lo, s.hi)
}

// post adds to a series, and to the total of its name.
func (l ledger) post(name string, s span, labels ...string) {
	keys := []string{name}
	if len(labels) > 0 {
		keys = append(keys, seriesName(name, labels...))
	}
	for _, key := range keys {
		sum := l[key]
		l[key] = span{sum.lo + s.lo, sum.hi + s.hi}
	}
}

// seriesName returns a name with its labels, which are given in pairs, sorted.
func seriesName(name string, labels ...string) string {
	if len(labels) == 0 {
		return name
	}
	pairs := make([]string, 0, len(labels)/2)
	for pair := range slices.Chunk(labels, 2) {
		pairs = append(pairs, fmt.Sprintf("%s=%q", pair[0], pair[1]))
	}
	slices.Sort(pairs)
	return name + "{" + strings.Join(pairs, ",") + "}"
}

// compare returns how the growth of the metrics differs from the ledger. A series that is
// not in the ledger is as wrong as a missing one.
func (l ledger) compare(before, after metrics) []string {
	var wrong []string
	all := make(map[string]bool)
	for name := range l {
		all[name] = true
	}
	for name := range after {
		all[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		const slack = 1e-6 // of sums of floats
		s, grown := l[name], after[name]-before[name]
		if grown < s.lo-slack || grown > s.hi+slack {
			wrong = append(wrong, fmt.Sprintf("%s grew by %v, the books say %v", name, grown, s))
		}
	}
	return wrong
}
