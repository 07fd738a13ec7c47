//go:build !race

// The race detector makes sync.Pool forget at random, and regexp allocate.

package rules

import "testing"

// The limits of the benchmarks in words: what is not a phone number costs no
// allocation, and the only ones for a number are libphonenumber's.
func TestJudgingNamesAllocatesNothing(t *testing.T) {
	p := compile(t, Options{Destinations: []string{"sip", "client", "email", "name"}})
	for _, destination := range []string{"sip:alice@example.com;transport=tls", "client:alice", "alice@example.com", "Front desk", "2045"} {
		c := to(destination)
		c[FromNumber] = Value{}
		if n := testing.AllocsPerRun(100, func() { p.Judge(c); p.Normalize(&c) }); n != 0 {
			t.Errorf("%s: %v allocations", destination, n)
		}
	}
}
