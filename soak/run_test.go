package main

import (
	"bytes"
	"log"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/faults"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// TestSoak is one short run.
func TestSoak(t *testing.T) {
	var out bytes.Buffer
	s, err := run(t.Context(), options{dir: t.TempDir(), length: 1200 * time.Millisecond, rest: time.Second, reload: 300 * time.Millisecond, clients: 4, seed: 1, out: &out})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range s.books.mismatches() {
		t.Error(w)
	}
	s.summarize()
	if s.books.requests() == 0 || s.gateway.reloads == 0 || !strings.Contains(out.String(), "exactly one right response") {
		t.Errorf("%s", &out)
	}
}

// exchanges returns the first that a client makes.
func exchanges(t *testing.T, seed uint64, client, n int) []*exchange {
	t.Helper()
	shape := []*shape{{name: "full", texts: map[string][]byte{"json": bytes.Repeat([]byte("x"), 1000)}}}
	traffic, err := newTraffic(seed, client, shape, shape)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*exchange, n)
	for i := range all {
		all[i] = traffic.next()
	}
	return all
}

func TestTheSameSeedMakesTheSameTraffic(t *testing.T) {
	lines := func(seed uint64, client int) []string {
		var all []string
		for _, x := range exchanges(t, seed, client, 500) {
			all = append(all, x.kind+" "+x.request.protocol.String()+" "+x.request.site+x.request.path)
		}
		return all
	}
	first := lines(1, 0)
	if !slices.Equal(first, lines(1, 0)) {
		t.Error("it differs")
	}
	if slices.Equal(first, lines(2, 0)) || slices.Equal(first, lines(1, 1)) {
		t.Error("another seed, or another client, makes the same")
	}
}

// TestTrafficIsMixed holds that everything in the tables comes, and that one in twenty
// is a fault.
func TestTrafficIsMixed(t *testing.T) {
	const n = 10000
	kinds, outcomes, protocols := make(map[string]int), make(map[string]int), make(map[protocol]int)
	statuses := make(map[int]bool)
	faulty := 0
	for _, x := range exchanges(t, 1, 0, n) {
		kinds[x.kind]++
		outcomes[x.want.outcome]++
		protocols[x.request.protocol]++
		if x.want.outcome == "refused" || withoutFormat[x.want.outcome] || x.want.outcome == "too_large" {
			statuses[x.want.status] = true
		}
		for _, kind := range []string{"a fault", "a client that leaves", "an upstream that is"} {
			if strings.HasPrefix(x.kind, kind) {
				faulty++
			}
		}
	}
	var want []string
	for _, w := range ways {
		want = append(want, "a call by "+w.name)
	}
	for _, f := range faults.All {
		want = append(want, "a fault: "+f.What)
	}
	for _, r := range refusals {
		want = append(want, "refused: "+r.name)
	}
	for _, r := range reported {
		want = append(want, "in report mode: "+r.name)
	}
	want = append(want, "a call with a key", "a check", "an upload", "refused by an error route", "another route", "OPTIONS", "a predefined route that passes",
		"an upstream that is down", "an upstream that is too slow", "a client that leaves while its response is held back",
		"a client that leaves in its response", "a client that leaves in its request", "a client that leaves at any time")
	for _, kind := range want {
		if kinds[kind] == 0 {
			t.Errorf("there is none of %s", kind)
		}
	}
	delete(kinds, "a call with a key, repeated") // needs a response, which no client has here
	if len(kinds) != len(want) {
		t.Errorf("there are %d kinds, want %d: %v", len(kinds), len(want), slices.Sorted(maps.Keys(kinds)))
	}
	for r := range rules.All() {
		if r.Status == http.StatusConflict || r.Status == http.StatusServiceUnavailable {
			continue // of stores, of which the soak breaks none
		}
		if r != rules.CrossSite && !statuses[r.Status] {
			t.Errorf("nothing is refused with %d", r.Status)
		}
	}
	if share := float64(faulty) / n; share < 0.04 || share > 0.06 {
		t.Errorf("%.1f %% are faults, want 5", 100*share)
	}
	if len(protocols) != 4 {
		t.Errorf("protocols %v", protocols)
	}
}

func TestASecondResponseIsFound(t *testing.T) {
	s := &soak{books: newBooks()}
	stop := s.watchLog()
	log.Print("Unsolicited response received on idle HTTP channel starting with \"HTTP/1.1 200 OK\"; err=<nil>")
	stop()
	if got := strings.Join(s.books.mismatches(), ""); !strings.Contains(got, "a second response") {
		t.Errorf("found %q", got)
	}
}

func TestAReloadClosesNoConnectionThatWasMadeAfterIt(t *testing.T) {
	finished := time.Now()
	for name, test := range map[string]struct {
		finished, dialled time.Time
		want              bool
	}{
		"made before":        {finished, finished.Add(-time.Hour), true},
		"made while closing": {finished, finished.Add(closing / 2), true},
		"made after":         {finished, finished.Add(closing + time.Second), false},
		"made meanwhile":     {time.Time{}, finished, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gateway{finished: test.finished}
			if got := g.mayHaveClosed(test.dialled); got != test.want {
				t.Errorf("%t, want %t", got, test.want)
			}
		})
	}
}
