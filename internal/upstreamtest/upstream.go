package upstreamtest

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
)

// maxBody is how much of a request body is read, in bytes.
const maxBody = 64 << 20

// Options are how an upstream differs from the recorded one. The zero value is
// the recorded one.
type Options struct {
	// AnyID serves any session id that is not recorded with the session
	// full under that id, where the recorded server responds with 404.
	AnyID bool

	// Session returns the JSON of a session whose id is not recorded, nil if
	// there is none. It is sent in all formats, as the recorded ones are.
	// It must be safe for concurrent use, and comes before AnyID.
	Session func(id string) []byte

	// API serves /api/AddConferenceMember[.suffix] too, as hosts newer
	// than the recorded one do.
	API bool

	// Fault chooses the fault of a request, nil for none. It is called when
	// the header has arrived: body and bound values are not known yet. It
	// must be safe for concurrent use. The request's own [FaultHeader] and
	// [Upstream.Next] come first.
	Fault func(*Received) *Fault

	// Ended is called with every request when its handling ends, however it ends. The
	// record is then complete, and [Stats] still count the request as in flight. It
	// must be safe for concurrent use, and change nothing.
	Ended func(*Received)

	// Keep is how many requests [Upstream.Received] remembers, the latest;
	// 0 means all of them, less than 0 none.
	Keep int

	// H2C has [Start] speak HTTP/2 with prior knowledge beside HTTP/1.
	H2C bool
}

// Upstream is the handler. Make one with [New]. It is safe for concurrent use.
type Upstream struct {
	options Options
	store   *store

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when anything below changes
	stats    Stats
	received []*Received
	next     []*Fault
	gates    map[string]*gate
}

// gate lets so many waiters through, or all of them.
type gate struct {
	passes int
	open   bool
}

// New returns an upstream that is not listening anywhere; [Start] does both.
func New(o Options) (*Upstream, error) {
	s, err := newStore(o)
	if err != nil {
		return nil, err
	}
	return &Upstream{
		options: o,
		store:   s,
		changed: make(chan struct{}),
		gates:   make(map[string]*gate),
	}, nil
}

// Received returns the requests that arrived, in order of arrival.
func (u *Upstream) Received() []Received {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := make([]Received, 0, len(u.received))
	for _, r := range u.received {
		all = append(all, r.clone())
	}
	return all
}

// Last returns the request that arrived last, and false if there was none.
func (u *Upstream) Last() (Received, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.received) == 0 {
		return Received{}, false
	}
	return u.received[len(u.received)-1].clone(), true
}

// Stats returns the counts.
func (u *Upstream) Stats() Stats {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stats
}

// Forget starts the counts and the record of requests anew, and drops the
// faults that wait for a request. Gates stay as they are.
func (u *Upstream) Forget() {
	u.change(func() {
		u.stats = Stats{InFlight: u.stats.InFlight, Held: u.stats.Held}
		u.received, u.next = nil, nil
	})
}

// Await waits until the counts are as wanted, and returns the context's error
// if that does not come about in time.
func (u *Upstream) Await(ctx context.Context, wanted func(Stats) bool) error {
	return u.wait(ctx, func() bool { return wanted(u.stats) })
}

// Next queues faults for the requests to come, one for each; nil is none.
func (u *Upstream) Next(faults ...*Fault) {
	u.change(func() { u.next = append(u.next, faults...) })
}

// Release lets n requests through a gate, now or when they come to it; less
// than 0 opens it for good.
func (u *Upstream) Release(name string, n int) {
	u.change(func() {
		g := u.gate(name)
		g.open = g.open || n < 0
		g.passes += max(n, 0)
	})
}

// gate returns the gate of that name. The lock must be held.
func (u *Upstream) gate(name string) *gate {
	g := u.gates[name]
	if g == nil {
		g = new(gate)
		u.gates[name] = g
	}
	return g
}

// pass waits at a gate, if there is a name of one.
func (u *Upstream) pass(ctx context.Context, name string) error {
	if name == "" {
		return nil
	}
	u.change(func() { u.stats.Held++ })
	defer u.change(func() { u.stats.Held-- })
	return u.wait(ctx, func() bool {
		g := u.gate(name)
		if g.open {
			return true
		}
		if g.passes == 0 {
			return false
		}
		g.passes--
		return true
	})
}

// change does f under the lock and wakes all that wait.
func (u *Upstream) change(f func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f()
	close(u.changed)
	u.changed = make(chan struct{})
}

// wait tries f under the lock until it is true.
func (u *Upstream) wait(ctx context.Context, f func() bool) error {
	for {
		u.mu.Lock()
		done, changed := f(), u.changed
		u.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// ServeHTTP responds as recorded, or as a fault says. It panics with
// [http.ErrAbortHandler] where net/http asks for that: to end a request without
// a response on a connection that can't be taken over.
func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec, f := u.arrive(r)
	defer u.end(rec)

	d := &delivery{u: u, w: w, r: r, rec: rec, f: f}
	if f.Early {
		d.send(noRoute(http.StatusNotFound))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	u.change(func() {
		rec.Body = body
		if err != nil {
			rec.BodyError = err.Error()
		}
	})
	if err != nil {
		// A body that does not arrive whole is never bound.
		d.send(noRoute(http.StatusBadRequest))
		return
	}
	a, bound := u.store.serve(r, body, u.options.API)
	if bound != nil {
		u.change(func() {
			rec.Bound = bound
			u.stats.Dialled++
		})
	}
	d.send(a)
}

// end ends a request.
func (u *Upstream) end(rec *Received) {
	if u.options.Ended != nil {
		u.options.Ended(rec)
	}
	u.change(func() { u.stats.InFlight-- })
}

// arrive records a request and chooses its fault.
func (u *Upstream) arrive(r *http.Request) (*Received, *Fault) {
	rec := &Received{
		Method: r.Method, Target: r.RequestURI, Proto: r.Proto, Host: r.Host,
		Header:        r.Header.Clone(),
		ContentLength: r.ContentLength, TransferEncoding: slices.Clone(r.TransferEncoding),
	}
	if c := connOf(r.Context()); c != nil {
		rec.Conn, rec.OnConn = c.n, int(c.requests.Add(1))
	}
	var f *Fault
	u.change(func() {
		u.stats.Requests++
		u.stats.InFlight++
		rec.N = u.stats.Requests
		if u.options.Keep >= 0 {
			u.received = append(u.received, rec)
		}
		if k := u.options.Keep; k > 0 && len(u.received) > k {
			u.received = slices.Delete(u.received, 0, len(u.received)-k)
		}
		if len(u.next) > 0 {
			f, u.next = u.next[0], u.next[1:]
		}
	})
	if s := r.Header.Get(FaultHeader); s != "" {
		var err error
		if f, err = ParseFault(s); err != nil {
			f = body("text/plain", err.Error()).with(599)
		}
	}
	if f == nil && u.options.Fault != nil {
		seen := rec.clone()
		f = u.options.Fault(&seen)
	}
	if f == nil {
		f = new(Fault)
	}
	return rec, f
}
