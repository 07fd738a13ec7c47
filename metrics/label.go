package metrics

import (
	"slices"
	"sync"
)

// The values that labels have beside those of their sets.
const (
	none  = "none"  // there is nothing to name
	other = "other" // whatever lies outside a closed set
)

// label is a label with the set of its values. They are numbered, so that a
// series is found without hashing its labels.
type label interface {
	// name is the label's name.
	name() string
	// size is how many values there can be.
	size() int
	// number returns the number of a value, below size.
	number(value string) int
	// value returns the value of a number.
	value(number int) string
}

// closed is a label of a closed set of values.
type closed struct {
	called  string
	values  []string
	numbers map[string]int
	outside int // the number of other
}

// newClosed makes a label whose values are known, and other. If none is among
// those known, it is the value of what is empty too.
func newClosed(called string, known ...string) *closed {
	l := &closed{called: called, values: append(slices.Clone(known), other), numbers: make(map[string]int)}
	for i, v := range l.values {
		l.numbers[v] = i
	}
	l.outside = l.numbers[other]
	if n, ok := l.numbers[none]; ok {
		l.numbers[""] = n
	}
	return l
}

func (l *closed) name() string            { return l.called }
func (l *closed) size() int               { return len(l.values) }
func (l *closed) value(number int) string { return l.values[number] }

func (l *closed) number(value string) int {
	if n, ok := l.numbers[value]; ok {
		return n
	}
	return l.outside
}

// firstSeen is a label whose values are not known beforehand. Its set
// closes after the first few.
type firstSeen struct {
	called string
	most   int

	mu      sync.Mutex
	values  []string
	numbers map[string]int
}

// newFirstSeen makes a label whose values are none, other and the first that are
// seen, no more than most of these.
func newFirstSeen(called string, most int) *firstSeen {
	return &firstSeen{
		called: called, most: most,
		values:  []string{none, other},
		numbers: map[string]int{"": 0, none: 0, other: 1},
	}
}

func (l *firstSeen) name() string { return l.called }
func (l *firstSeen) size() int    { return 2 + l.most }

// value returns other for the numbers of values that are yet to be seen.
func (l *firstSeen) value(number int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number >= len(l.values) {
		return other
	}
	return l.values[number]
}

func (l *firstSeen) number(value string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.numbers[value]
	switch {
	case ok:
		return n
	case len(l.values) == l.size():
		return l.numbers[other]
	}
	n = len(l.values)
	l.values = append(l.values, value)
	l.numbers[value] = n
	return n
}
