package main

import (
	"strings"
	"testing"
)

// level returns samples of a process that holds little at first and then swings, and
// grows by so much from one sample to the next.
func level(n int, heapBy, goroutinesBy float64) []usage {
	var all []usage
	for i := range n {
		swing := float64(i % 3)
		u := usage{heap: (30 + 2*swing + float64(i)*heapBy) * (1 << 20), goroutines: 20 + 3*swing + float64(i)*goroutinesBy}
		if i == 0 {
			u = usage{heap: 5 << 20, goroutines: 5}
		}
		all = append(all, u)
	}
	return all
}

func TestALeakIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		samples []usage
		want    string
	}{
		"of memory":                     {level(60, 0.5, 0), "the heap grew"},
		"of goroutines":                 {level(60, 0, 1), "goroutines grew"},
		"of memory in a short run":      {level(12, 4, 0), "the heap grew"},
		"of goroutines in a short run":  {level(12, 0, 4), "goroutines grew"},
		"none":                          {level(60, 0, 0), ""},
		"none in a short run":           {level(12, 0, 0), ""},
		"none that too few samples say": {level(4, 100, 100), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(flat(test.samples), "; ")
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}
