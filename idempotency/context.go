package idempotency

import (
	"context"
	"sync"
	"time"
)

// endless is a context with the values of another, that does not end with it. It is
// what context.WithoutCancel makes, as a part of its claim: nothing is allocated.
type endless struct{ values context.Context } //nolint:containedctx // it is a context

func (*endless) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (*endless) Done() <-chan struct{}                   { return nil }
func (*endless) Err() error                              { return nil }
func (e *endless) Value(key any) any                     { return e.values.Value(key) }

// lasting is a context that ends with one, and has the values of another.
type lasting struct {
	context.Context //nolint:containedctx // it is a context

	values *endless
}

// Value asks the first one too: package context finds by a value where it can attach
// contexts that are made of this one.
func (l *lasting) Value(key any) any {
	if v := l.Context.Value(key); v != nil {
		return v
	}
	return l.values.Value(key)
}

// deadlines makes contexts that end at a deadline. A timer for each call costs more than
// all else in a ledger, so calls that begin one shortly after the other share a context.
type deadlines struct {
	mu   sync.Mutex
	last context.Context
	ends time.Time // the last one
}

// until returns a context that ends at a deadline, or earlier by slack at most.
func (d *deadlines) until(deadline time.Time, slack time.Duration) context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if later := deadline.Sub(d.ends); later < 0 || later > slack {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		context.AfterFunc(ctx, cancel) // not earlier: it belongs to many calls
		d.last, d.ends = ctx, deadline
	}
	return d.last
}
