package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// books hold what the clients, the witness in the gateway and the upstream report about
// each exchange. One that all are done with is judged, counted and forgotten, so the
// books hold only what is under way.
type books struct {
	mu      sync.Mutex
	open    map[string]*exchange
	changes int // how many reports there were
	ledger  ledger
	counts  map[string]map[string]int // for the summary: how many, by what and which
	wrong   mismatches
}

func newBooks() *books {
	return &books{
		open:   make(map[string]*exchange),
		ledger: make(ledger),
		counts: make(map[string]map[string]int),
		wrong:  mismatches{seen: make(map[string]int)},
	}
}

// mismatches are what was found wrong, the first of each kind in full.
type mismatches struct {
	all  []string
	seen map[string]int
}

// mostOfAKind is how many mismatches of a kind are printed in full.
const mostOfAKind = 5

// add adds a mismatch.
func (m *mismatches) add(kind, what string) {
	m.seen[kind]++
	if m.seen[kind] <= mostOfAKind {
		m.all = append(m.all, kind+": "+what)
	}
}

// list returns the mismatches, and how many more of each kind there are.
func (m *mismatches) list() []string {
	all := slices.Clone(m.all)
	for _, kind := range slices.Sorted(maps.Keys(m.seen)) {
		if more := m.seen[kind] - mostOfAKind; more > 0 {
			all = append(all, fmt.Sprintf("%s: %d more of this kind", kind, more))
		}
	}
	return all
}

// found notes something wrong that belongs to no single exchange.
func (b *books) found(kind string, what ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range what {
		b.wrong.add(kind, w)
	}
}

// mismatches returns all that is wrong so far.
func (b *books) mismatches() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wrong.list()
}

// begin opens the books for an exchange, before anything of it is sent.
func (b *books) begin(x *exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x.reached = make(chan struct{})
	b.open[x.id] = x
}

// report notes something about an open exchange.
func (b *books) report(id, who string, note func(*exchange)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes++
	x := b.open[id]
	if x == nil {
		b.wrong.add(who, id+" is reported, which has ended or never began")
		return
	}
	note(x)
	b.settle(x)
}

// entered notes that the gateway got a request.
func (b *books) entered(id string) {
	b.report(id, "at the gateway", func(x *exchange) {
		if x.entered++; x.entered == 1 && (!x.want.arrives || x.leave == inTheRequest) {
			close(x.reached)
		}
	})
}

// left notes that the gateway is done with a request, and with what outcome.
func (b *books) left(id, outcome string, panicked bool) {
	b.report(id, "at the gateway", func(x *exchange) {
		x.left++
		x.outcome = outcome
		x.panicked = x.panicked || panicked
	})
}

// arrived notes that the upstream got a request, and returns what it shall do.
func (b *books) arrived(r *upstreamtest.Received) *upstreamtest.Fault {
	var f *upstreamtest.Fault
	b.report(r.Header.Get(markHeader), "at the upstream", func(x *exchange) {
		f = x.want.fault
		if x.arrived++; x.arrived == 1 && x.want.arrives && x.leave != inTheRequest {
			close(x.reached)
		}
	})
	return f
}

// session returns the session that the upstream sends for an exchange.
func (b *books) session(id string) []byte {
	b.mu.Lock()
	x := b.open[id]
	b.mu.Unlock()
	if x == nil || x.want.shape == nil {
		return nil
	}
	return x.want.shape.in("json", id)
}

// ended notes that the upstream is done with a request.
func (b *books) ended(r *upstreamtest.Received) {
	b.report(r.Header.Get(markHeader), "at the upstream", func(x *exchange) {
		x.ended++
		if r.Bound != nil {
			bound := *r.Bound
			x.bound = &bound
			x.rows = append(x.rows, &bound)
		}
	})
}

// done notes what the client got. It is the last report of a client.
func (b *books) done(x *exchange, resp *response) {
	b.report(x.id, "at the client", func(x *exchange) { x.response = resp })
}

// settle judges an exchange that everybody is done with. The lock must be held.
func (b *books) settle(x *exchange) {
	if x.response == nil || x.entered != x.left || x.arrived != x.ended {
		return
	}
	if x.entered == 0 && x.inDoubt() {
		return // it may still be on its way to the gateway
	}
	for _, w := range x.judge() {
		b.wrong.add(x.kind, fmt.Sprintf("%s over %s: %s", x.id, x.request.protocol, w))
	}
	if !x.settled {
		x.settled = true
		x.post(b.ledger)
		b.summarize(x)
	}
	if x.inDoubt() && x.want.arrives && x.arrived == 0 {
		return // the gateway gave up, and it may still be on its way to the upstream
	}
	delete(b.open, x.id)
}

// summarize counts an exchange for the summary. The lock must be held.
func (b *books) summarize(x *exchange) {
	b.count("kind", x.kind)
	b.count("protocol", x.request.protocol.String())
	if x.response.closed && x.inDoubt() {
		b.count("connection", "closed by a reload before the response")
	}
	if x.entered == 0 {
		b.count("outcome", "none: not read, for the client left or a reload closed the connection")
		return
	}
	if x.outcome == "" {
		b.count("outcome", "not on the route")
		return
	}
	b.count("outcome", x.outcome)
	b.count("format", x.want.format)
}

// count counts one of something.
func (b *books) count(what, which string) {
	if b.counts[what] == nil {
		b.counts[what] = make(map[string]int)
	}
	b.counts[what][which]++
}

// pending reports whether an exchange has not ended and is sure to reach the gateway.
func (x *exchange) pending() bool {
	return !x.settled && (x.response == nil || x.entered > 0 || !x.inDoubt())
}

// atRest returns how many reports there were, and whether no exchange is pending.
func (b *books) atRest() (changes int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.open {
		if x.pending() {
			return b.changes, false
		}
	}
	return b.changes, true
}

// patience is after how many rests a request that is in doubt is given up.
const patience = 3

// rest gives up requests that have been in doubt for too long.
func (b *books) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, x := range b.open {
		if x.rests++; x.rests > patience {
			delete(b.open, id)
			if !x.settled {
				b.summarize(x)
			}
		}
	}
}

// stuck lists the pending exchanges.
func (b *books) stuck() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, x := range b.open {
		if x.pending() {
			all = append(all, fmt.Sprintf("%s (%s): got a response %t, at the gateway %d of %d, at the upstream %d of %d",
				x.id, x.kind, x.response != nil, x.left, x.entered, x.ended, x.arrived))
		}
	}
	slices.Sort(all)
	return all
}

// compare holds the growth of the metrics against the ledger.
func (b *books) compare(before, after metrics) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.ledger.compare(before, after) {
		b.wrong.add("metrics", w)
	}
}

// requests returns how many exchanges were settled.
func (b *books) requests() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	total := 0
	for _, n := range b.counts["protocol"] {
		total += n
	}
	return total
}
