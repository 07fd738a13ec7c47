package idempotency

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

// Result is what a Ledger found under a key.
type Result int

// The results. Only Claimed permits a call.
const (
	// Claimed: nothing was there. The caller holds the claim now and may dial.
	Claimed Result = iota
	// Replayed: the call was placed before, and its response is there.
	Replayed
	// InFlight: the call is being placed.
	InFlight
	// Reused: the key belongs to another call.
	Reused
	// OutcomeUnknown: the call may have been placed.
	OutcomeUnknown
	// ResponseNotKept: the call was placed, but its response was not kept.
	ResponseNotKept
)

// String returns the result's name.
func (r Result) String() string {
	return [...]string{"claimed", "replayed", "in flight", "reused", "outcome unknown", "response not kept"}[r]
}

// Found is what Begin found.
type Found struct {
	Result Result
	// Claim is there if Result is Claimed, and beside an error of the store: then
	// it may or may not be held, and must be closed either way.
	Claim *Claim
	// Response is there if Result is Replayed. Its body must not be changed.
	Response *Response
	// RetryAfter is the time until the deadline of a call in flight, and else until the
	// record expires.
	RetryAfter time.Duration
}

// Options of a Ledger. Store, Keys, TTL and CallTimeout must be set.
type Options struct {
	Store Store
	Keys  *Keyring
	// TTL is how long an outcome is known.
	TTL time.Duration
	// CallTimeout is how long a call may take: the deadline of its claim.
	CallTimeout time.Duration
	// MaxStored is the largest body in bytes that is kept.
	MaxStored int
	// Seal encrypts responses, for a store that others can read.
	Seal bool
	// OnError is called with the ID of a record when the outcome of its call could not be
	// written, before that is tried again in the background. It may be nil.
	OnError func(ID, error)

	now    func() time.Time
	random func(token []byte)
	later  func(write func(context.Context) error) // repeats what failed in the background
}

// Ledger claims keys before calls are placed, and records what became of the
// calls. It is safe for concurrent use. Close it when it is no longer used.
type Ledger struct {
	Options
	codec codec

	closing   context.Context
	close     context.CancelFunc
	mu        sync.Mutex // no repetition begins once Close waits
	repeating sync.WaitGroup
	room      chan struct{} // holds a token for each outcome that is being repeated
}

// maxRepeating is how many outcomes can wait to be recorded at a time. One beyond that
// is not recorded: it is unknown from its deadline on.
const maxRepeating = 1024

// NewLedger returns a ledger over o.Store.
func NewLedger(o Options) *Ledger {
	if o.now == nil {
		o.now = time.Now
	}
	if o.random == nil {
		o.random = func(token []byte) { _, _ = rand.Read(token) } // it never fails
	}
	l := &Ledger{Options: o, codec: codec{o.Keys, o.Seal}, room: make(chan struct{}, maxRepeating)}
	l.closing, l.close = context.WithCancel(context.Background())
	if l.later == nil {
		l.later = l.repeat
	}
	return l
}

// Close waits until what could not be recorded has been tried once more.
func (l *Ledger) Close() {
	l.mu.Lock()
	l.close()
	l.mu.Unlock()
	l.repeating.Wait()
}

// Begin claims a key for c, or returns what is recorded under it. [ErrUnreadable] means
// that the key is taken by a record that can't be read. Any other error means that the
// store failed and may hold the claim in Found: release it, or place the call and finish
// it.
func (l *Ledger) Begin(ctx context.Context, c *Claim) (Found, error) {
	c.ledger, c.ctx.values, c.deadline = l, ctx, l.now().Add(l.CallTimeout)
	c.record.set(Started, c.deadline)
	copy(c.record[checkAt:], l.Keys.check[:])
	l.random(c.record[tokenAt:fingerprintAt])
	held, err := l.begin(ctx, c)
	switch {
	case err != nil:
		return Found{Claim: c}, err
	case held == nil:
		return Found{Claim: c}, nil
	default:
		return l.read(c.ID, held, c.record.fingerprint())
	}
}

// Find returns what is recorded under the key of c, and claims nothing. It returns false
// if there is no record.
func (l *Ledger) Find(ctx context.Context, c *Claim) (found Found, ok bool, err error) {
	err = l.Store.Scan(ctx, c.ID[:], func(id ID, record []byte) (err error) {
		ok = true
		found, err = l.read(id, record, c.record.fingerprint())
		return err
	})
	return found, ok && err == nil, err
}

// begin asks the store for the claim, a second time if the first reply was lost. A record
// with our token is then our claim.
func (l *Ledger) begin(ctx context.Context, c *Claim) (held []byte, err error) {
	held, err = l.Store.Begin(ctx, c.ID, c.record[:], c.ttl())
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrFull) {
		held, err = l.Store.Begin(ctx, c.ID, c.record[:], c.ttl())
	}
	if bytes.Equal(held, c.record[:]) {
		held = nil
	}
	return held, err
}

// read says what a record means for a request with a fingerprint.
func (l *Ledger) read(id ID, record []byte, call Fingerprint) (found Found, err error) {
	h, err := readHead(record)
	if err != nil {
		return found, err
	}
	if h.check() != l.Keys.check {
		return found, errors.Join(ErrUnreadable, ErrOtherHashKey)
	}
	now := l.now()
	state, end := h.at(now), h.time()
	if state != Started {
		end = end.Add(l.TTL)
	}
	found.RetryAfter = max(0, end.Sub(now))
	switch {
	case h.fingerprint() != call:
		found.Result = Reused
	case state == Started:
		found.Result = InFlight
	case state == Done:
		found.Result = Replayed
		found.Response, err = l.codec.decode(id, record)
	case state == NotKept:
		found.Result = ResponseNotKept
	default:
		found.Result = OutcomeUnknown
	}
	return found, err
}

// ErrOtherHashKey says that a store or a record was written with another hash_key.
var ErrOtherHashKey = errors.New("it was written with another hash_key")

// Claim is the right to place one call, and the duty to say what became of it,
// whether its client is still there or not. It belongs to one goroutine.
type Claim struct {
	// ID is the key that is claimed.
	ID ID

	ledger   *Ledger
	ctx      endless
	deadline time.Time
	record   head // as it is in the store
	ended    bool
}

// NewClaim returns a claim of the key of a call. Nobody holds it before Begin.
func NewClaim(id ID, call Fingerprint) *Claim {
	c := &Claim{ID: id}
	copy(c.record[fingerprintAt:], call[:])
	return c
}

// endless is a context with the values of another that does not end with it, like that of
// [context.WithoutCancel]. It is part of its claim, so that nothing is allocated.
type endless struct{ values context.Context } //nolint:containedctx // it is a context

func (*endless) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (*endless) Done() <-chan struct{}                   { return nil }
func (*endless) Err() error                              { return nil }
func (e *endless) Value(key any) any                     { return e.values.Value(key) }

// Context returns a context for the call: that of Begin, except that it goes on
// when the client leaves, and ends at the claim's deadline. Call cancel when the call is
// over.
func (c *Claim) Context() (ctx context.Context, cancel context.CancelFunc) {
	return context.WithDeadline(&c.ctx, c.deadline)
}

// ttl is how long the claim is there if nobody replaces it: until its deadline it
// is in flight, and then unknown for as long as any outcome is known.
func (c *Claim) ttl() time.Duration { return c.ledger.CallTimeout + c.ledger.TTL }

// Finish records that the call was placed, with its response. The error says why
// that could not be recorded at once; it is tried again in the background.
func (c *Claim) Finish(r Response) error {
	if len(r.Body) > c.ledger.MaxStored {
		r = Response{Status: r.Status, TooLarge: true}
	}
	record, err := c.ledger.codec.encode(c.ID, &c.record, c.ledger.now(), &r)
	if err != nil {
		return err
	}
	return c.end(record)
}

// Release records that the call was certainly not placed: the key may be used
// again. The error is as that of Finish.
func (c *Claim) Release() error { return c.end(nil) }

// Close records that the outcome of the call is unknown, unless Finish or Release
// was called. The error is as that of Finish.
func (c *Claim) Close() error {
	if c.ended {
		return nil
	}
	unknown := c.record
	unknown.set(Unknown, c.ledger.now())
	return c.end(unknown[:])
}

// Ended reports whether Finish, Release or Close was called.
func (c *Claim) Ended() bool { return c.ended }

// end replaces the claim, once.
func (c *Claim) end(record []byte) error {
	c.ended = true
	l, id := c.ledger, c.ID
	err := l.replace(&c.ctx, id, c.record[:], record)
	if err == nil || errors.Is(err, ErrLost) {
		return err
	}
	if l.OnError != nil {
		l.OnError(id, err)
	}
	held := bytes.Clone(c.record[:]) // the claim holds the request
	l.later(func(ctx context.Context) error { return l.replace(ctx, id, held, record) })
	return err
}

// replace replaces a claim by what became of its call. Where the store has lost the
// claim, as Redis may in a failover, the outcome takes its place, unless another request
// has claimed the key since.
func (l *Ledger) replace(ctx context.Context, id ID, claim, record []byte) error {
	err := l.Store.Replace(ctx, id, claim, record, l.TTL)
	if !errors.Is(err, ErrLost) || record == nil {
		return err
	}
	held, beginErr := l.Store.Begin(ctx, id, record, l.TTL)
	switch {
	case beginErr != nil:
		return beginErr
	case held == nil, bytes.Equal(held, record):
		return nil
	default:
		return err
	}
}

// Pauses between two attempts to record an outcome.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
)

// repeat runs write until it succeeds, for as long as a call may take: until then
// the claim is in flight for everybody else. When the ledger is closed, write has
// one more attempt.
func (l *Ledger) repeat(write func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing.Err() != nil {
		return
	}
	select {
	case l.room <- struct{}{}:
	default:
		return
	}
	l.repeating.Go(func() {
		defer func() { <-l.room }()
		ctx, cancel := context.WithTimeout(context.Background(), max(l.CallTimeout, longPause))
		defer cancel()
		for pause := firstPause; ; pause = min(2*pause, longPause) {
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-l.closing.Done():
			case <-ctx.Done():
			}
			timer.Stop()
			err := write(ctx)
			if err == nil || errors.Is(err, ErrLost) || l.closing.Err() != nil || ctx.Err() != nil {
				return
			}
		}
	})
}
