// The model runs in one goroutine at a time: the race detector would find nothing and take
// minutes.

//go:build !race

package idempotency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"strings"
	"testing"
	"time"
)

// The model explores every interleaving of requests that come to gateways which
// share a store. The requests run the real code of the ledger; the store, the clock
// and the phone are the model's. Every step of a request is a step of the store or a
// dial. Before each of them anything may happen that is left of the budget: another
// request's step, the crash of a gateway, a step of the store whose reply is
// lost, that fails, or that is done after it was reported failed; the passing of
// every deadline, or of every ttl.
//
// A state is explored once: it is what the store, the clock and the phone hold, and
// all that each request has seen.

const (
	modelTimeout = time.Minute
	modelTTL     = time.Hour
	modelKeySize = 32
)

// scenario is what is explored.
type scenario struct {
	name string
	// requests is the gateway of each request, as a digit, and its call, as a letter:
	// "0a 0a 1a 1b".
	requests string
	faults   int  // steps of the store that may go wrong
	crashes  int  // gateways that may crash
	deadline bool // whether all deadlines may pass, once
	expiry   bool // whether all ttls may pass, once
	// inherits says that the store belongs to one process: gateway 1 opens it when
	// gateway 0 has crashed, and interrupts what that had in flight.
	inherits bool

	alike []int // the request that must come before this one; -1 for none
}

var scenarios = []scenario{
	{name: "four requests of one call", requests: "0a 0a 1a 1a", faults: 1, crashes: 2, deadline: true},
	{name: "four requests of two calls", requests: "0a 0b 1a 1b", faults: 1, crashes: 1},
	{name: "a store that fails often", requests: "0a 1a", faults: 4, crashes: 1},
	{name: "records that expire", requests: "0a 0a 1a", faults: 1, deadline: true, expiry: true},
	{name: "a process inherits a store", requests: "0a 0a 1a 1b", faults: 1, crashes: 1, deadline: true, inherits: true},
}

// order finds requests that are alike: of one gateway and one call. Those of the two
// gateways are too, if they get the same calls.
func (s *scenario) order() {
	all := strings.Fields(s.requests)
	for i, text := range all {
		before := -1
		for j := range i {
			if all[j] == text {
				before = j
			}
		}
		half := len(all) / 2
		if before < 0 && i == half && !s.inherits && strings.ReplaceAll(strings.Join(all[half:], " "), "1", "0") == strings.Join(all[:half], " ") {
			before = 0
		}
		s.alike = append(s.alike, before)
	}
}

// step is one thing that happens.
type step struct {
	kind  stepKind
	actor int // a request, a repetition or a gateway
	way   way
}

type stepKind byte

const (
	stepRequest stepKind = iota
	stepRepeat           // a write that failed is tried again
	stepLate             // a write that was reported failed is done
	stepCrash
	stepDeadline
	stepExpiry
)

// way is how a step goes.
type way byte

const (
	works way = iota
	losesReply
	fails
	comesLate
	dialSucceeds way = iota - 4 // the ways of a dial
	dialIsRefused
	dialBreaksOff
)

// fate is what became of a request, as far as its gateway knows.
type fate byte

const (
	pending fate = iota
	noClaim
	refused // the store failed, and nothing was dialled
	dialled
	notDialled
	maybeDialled
)

// request is one request of the model.
type request struct {
	gateway     int
	call        byte
	next        func() (string, bool) // runs to the next step, and names what it is
	stop        func()
	at          string // the step that it is about to take; empty when it has ended
	way         way
	fate        fate
	epoch       int    // when it claimed
	lateClaim   bool   // its claim may be stored after it was released
	history     uint64 // all it has seen; what has ended does nothing with it any more
	interrupted bool   // its gateway crashed
}

// repetition is a write that a ledger tries again.
type repetition struct {
	request int
	gateway int
	write   func(context.Context) error
	way     way
	done    bool
}

// lateWrite is a step of the store that was reported failed, and is done later.
type lateWrite struct {
	request int
	record  []byte // what it writes
	do      func() error
}

// world is a state of the model, at the end of a path of steps.
type world struct {
	scenario *scenario
	ledgers  []*Ledger
	requests []*request
	repeats  []*repetition
	late     []*lateWrite
	running  int // the request whose code runs
	repeated *repetition

	now                      time.Time
	record                   []byte
	expires                  time.Time
	faults, crashes          int
	deadlinePassed, expiryIn bool
	crashed                  [2]bool

	epoch     int
	dials     map[int]int    // by epoch
	responses map[int][]byte // the first of an epoch
	broken    error
}

// modelCalls are the fingerprints of the calls a and b.
var modelCalls = [...]Fingerprint{{'a'}, {'b'}}

var (
	errModel   = errors.New("the store failed")
	errCrashed = errors.New("the gateway crashed")
	modelSeed  = maphash.MakeSeed()
)

func newWorld(s *scenario, keys *Keyring) *world {
	w := &world{
		scenario: s, now: time.UnixMilli(1_800_000_000_000), dials: make(map[int]int), responses: make(map[int][]byte),
	}
	for g := range 2 {
		w.ledgers = append(w.ledgers, NewLedger(Options{
			Store: w, Keys: keys, TTL: modelTTL, CallTimeout: modelTimeout, MaxStored: 1 << 10,
			now:    func() time.Time { return w.now },
			random: w.token,
			later: func(write func(context.Context) error) {
				w.repeats = append(w.repeats, &repetition{request: w.running, gateway: g, write: write})
			},
		}))
	}
	for text := range strings.FieldsSeq(s.requests) {
		r := &request{gateway: int(text[0] - '0'), call: text[1], at: "arrive", epoch: -1}
		w.requests = append(w.requests, r)
	}
	return w
}

// start makes the code of a request run, up to its first step.
func (w *world) start(i int, r *request) {
	r.next, r.stop = iter.Pull(func(yield func(string) bool) {
		defer func() {
			if p := recover(); p != nil && p != errCrashed { //nolint:err113 // what pause panics with
				panic(p)
			}
		}()
		w.serve(i, r, yield)
	})
}

// close ends the requests that have not ended.
func (w *world) close() {
	for i, r := range w.requests {
		if r.stop != nil {
			w.running = i
			r.stop()
		}
	}
}

// token makes the token of a claim: the request's number.
func (w *world) token(b []byte) {
	clear(b)
	b[0] = byte(w.running) + 1
}

// serve does what a handler does.
func (w *world) serve(n int, r *request, yield func(string) bool) {
	pauseForStep := func(at string) {
		if !yield(at) {
			panic(errCrashed)
		}
	}
	ctx := context.WithValue(context.Background(), pauseKey{}, pauseForStep)
	found, err := w.ledgers[r.gateway].Begin(ctx, NewClaim(ID{}, modelCalls[r.call-'a']))
	if err != nil {
		r.fate = refused
		_ = found.Claim.Release()
		return
	}
	switch found.Result {
	case Claimed:
	case Replayed:
		r.fate = noClaim
		if call := w.owner().call; call != r.call {
			w.fail("request %d of call %c got the response to call %c", n, r.call, call)
		}
		if !bytes.Equal(found.Response.Body, w.responses[w.epoch]) || found.Response.Status != 201 || found.Response.Location != "here" {
			w.fail("request %d got a response that is not the first one: %+v", n, found.Response)
		}
		return
	default:
		r.fate = noClaim
		return
	}
	defer func() { _ = found.Claim.Close() }()
	pauseForStep("dial")
	switch r.way {
	case dialIsRefused:
		r.fate = notDialled
		_ = found.Claim.Release()
	case dialBreaksOff:
		w.dial(n, r)
		r.fate = maybeDialled
	default:
		w.dial(n, r)
		r.fate = dialled
		body := fmt.Appendf(nil, "response to request %d", n)
		if w.responses[r.epoch] == nil {
			w.responses[r.epoch] = body
		}
		_ = found.Claim.Finish(Response{Status: 201, ContentType: "text/plain", Location: "here", Body: body})
	}
}

// dial makes the phone ring.
func (w *world) dial(n int, r *request) {
	if w.dials[r.epoch]++; w.dials[r.epoch] > 1 {
		w.fail("request %d dialled, though the call was placed before", n)
	}
}

func (w *world) fail(format string, args ...any) {
	if w.broken == nil {
		w.broken = fmt.Errorf(format, args...)
	}
}

type pauseKey struct{}

// pause waits until the step of the store is due, and says how it goes.
func (w *world) pause(ctx context.Context, at string) (way, *request) {
	if w.repeated != nil {
		return w.repeated.way, nil
	}
	r := w.requests[w.running]
	ctx.Value(pauseKey{}).(func(string))(at)
	return r.way, r
}

// take does a step of the store, in the way that it goes.
func (w *world) take(how way, record []byte, do func() error) error {
	switch how {
	case losesReply:
		_ = do()
		return errModel
	case fails:
		return errModel
	case comesLate:
		w.late = append(w.late, &lateWrite{w.running, record, do})
		return errModel
	default:
		return do()
	}
}

// Begin implements Store.
func (w *world) Begin(ctx context.Context, _ ID, claim []byte, ttl time.Duration) (held []byte, err error) {
	how, seen := w.pause(ctx, "begin")
	r := seen
	if r == nil {
		r = w.requests[w.repeated.request]
	}
	if how == comesLate {
		r.lateClaim = true
	}
	err = w.take(how, claim, func() error {
		if w.expire(); w.record != nil {
			held = w.record
			return nil
		}
		w.record, w.expires = claim, w.now.Add(ttl)
		if before := r.epoch; before != w.epoch {
			// A late claim, of a call that may have been placed already.
			w.dials[w.epoch], w.responses[w.epoch] = w.dials[before], w.responses[before]
		}
		r.epoch = w.epoch
		return nil
	})
	if err != nil {
		return nil, err
	}
	if seen != nil {
		w.see(seen, held)
	}
	return held, nil
}

// Replace implements Store.
func (w *world) Replace(ctx context.Context, _ ID, held, record []byte, ttl time.Duration) error {
	how, r := w.pause(ctx, "replace")
	err := w.take(how, record, func() error {
		w.expire()
		switch {
		case w.record == nil && record == nil:
			return nil
		case w.record == nil, !bytes.Equal(w.record, held) && !bytes.Equal(w.record, record):
			return ErrLost
		case record == nil:
			if owner := w.owner(); owner.fate == dialled || owner.fate == maybeDialled {
				w.fail("a call was released that may have been dialled")
			}
		}
		w.record, w.expires = record, w.now.Add(ttl)
		return nil
	})
	if r != nil && err != nil {
		w.see(r, []byte(err.Error()))
	}
	return err
}

func (w *world) Scan(context.Context, []byte, func(ID, []byte) error) error { return nil }
func (w *world) Health(context.Context) error                               { return nil }

// see adds to what a request has seen.
func (w *world) see(r *request, what []byte) {
	var h maphash.Hash
	h.SetSeed(modelSeed)
	maphash.WriteComparable(&h, r.history)
	_, _ = h.Write(what)
	r.history = h.Sum64()
}

// expire forgets a record whose ttl is over.
func (w *world) expire() {
	if w.record != nil && !w.now.Before(w.expires) {
		w.record = nil
		w.epoch++
	}
}

// owner returns the request whose claim or outcome is in the store.
func (w *world) owner() *request { return w.requests[w.record[tokenAt]-1] }

// enabled returns the steps that can be taken now.
func (w *world) enabled() (steps []step) {
	faulty := w.faults < w.scenario.faults
	storeWays := func(kind stepKind, actor int) {
		steps = append(steps, step{kind, actor, works})
		if faulty {
			steps = append(steps, step{kind, actor, losesReply}, step{kind, actor, fails})
		}
	}
	alive := false
	for i, r := range w.requests {
		if r.at == "" || w.scenario.inherits && r.gateway == 1 && !w.crashed[0] {
			continue
		}
		alive = true
		switch r.at {
		case "dial":
			for _, how := range []way{dialSucceeds, dialIsRefused, dialBreaksOff} {
				steps = append(steps, step{stepRequest, i, how})
			}
		case "arrive":
			// Requests that are alike come in order.
			if i == 0 || w.scenario.alike[i] < 0 || w.requests[w.scenario.alike[i]].at != "arrive" {
				steps = append(steps, step{stepRequest, i, works})
			}
		default:
			storeWays(stepRequest, i)
			if faulty {
				steps = append(steps, step{stepRequest, i, comesLate})
			}
		}
	}
	for i, r := range w.repeats {
		if !r.done && !w.crashed[r.gateway] {
			alive = true
			storeWays(stepRepeat, i)
		}
	}
	for i, late := range w.late {
		if late != nil {
			alive = true
			steps = append(steps, step{stepLate, i, works})
		}
	}
	if !alive {
		return nil
	}
	for g := range w.crashed {
		if w.crashes < w.scenario.crashes && !w.crashed[g] && (!w.scenario.inherits || g != 1) {
			steps = append(steps, step{stepCrash, g, works})
		}
	}
	if w.scenario.deadline && !w.deadlinePassed {
		steps = append(steps, step{kind: stepDeadline})
	}
	if w.scenario.expiry && !w.expiryIn {
		steps = append(steps, step{kind: stepExpiry})
	}
	return steps
}

// do takes a step.
func (w *world) do(s step) {
	switch s.kind {
	case stepRequest:
		r := w.requests[s.actor]
		if s.way == losesReply || s.way == fails || s.way == comesLate {
			if r.at != "dial" {
				w.faults++
			}
		}
		r.way, w.running = s.way, s.actor
		if r.at == "dial" {
			w.see(r, []byte{byte(s.way)})
		}
		if r.at == "arrive" {
			w.start(s.actor, r)
		}
		r.at, _ = r.next()
	case stepRepeat:
		r := w.repeats[s.actor]
		if s.way != works {
			w.faults++
		}
		r.way, w.repeated = s.way, r
		err := r.write(context.Background())
		r.done = err == nil || errors.Is(err, ErrLost)
		w.repeated = nil
	case stepLate:
		late := w.late[s.actor]
		w.running, w.late[s.actor] = late.request, nil
		_ = late.do()
	case stepCrash:
		w.crashes++
		w.crashed[s.actor] = true
		for i, r := range w.requests {
			if r.gateway == s.actor {
				if r.stop != nil {
					w.running = i
					r.stop()
				}
				r.interrupted = true
				r.at = ""
			}
		}
		if w.scenario.inherits && w.record != nil {
			if record, ok := Interrupt(w.record); ok {
				w.record = record
			}
		}
	case stepDeadline:
		w.deadlinePassed = true
		w.now = w.now.Add(modelTimeout)
	case stepExpiry:
		w.expiryIn = true
		w.now = w.now.Add(modelTimeout + modelTTL)
	}
	if w.record != nil && w.now.Before(w.expires) {
		w.checkRecord()
	}
}

// checkRecord holds what is in the store to what happened.
func (w *world) checkRecord() {
	h, err := readHead(w.record)
	if err != nil {
		w.fail("%v", err)
		return
	}
	if owner := w.owner(); h.state() == Done && owner.fate != dialled {
		w.fail("a call is done that was not placed")
	}
}

// checkEnd holds that no key is wedged when all has been done that will be done.
func (w *world) checkEnd() {
	w.expire()
	if w.record == nil {
		return
	}
	owner := w.owner()
	h, _ := readHead(w.record)
	known := owner.fate == dialled && h.state() != Done || owner.fate != dialled && owner.fate != maybeDialled
	if known && !owner.interrupted && !owner.lateClaim {
		w.fail("the key is wedged: its call is %v, though its outcome is known: %d", h.state(), owner.fate)
	}
}

// sum identifies the state.
func (w *world) sum() uint64 {
	var h maphash.Hash
	h.SetSeed(modelSeed)
	_, _ = h.Write(w.record)
	type flat struct {
		now, expires             int64
		faults, crashes, epoch   int
		dials, dialsNext         int
		deadlinePassed, expiryIn bool
		crashed                  [2]bool
	}
	maphash.WriteComparable(&h, flat{
		w.now.UnixMilli(), w.expires.UnixMilli(), w.faults, w.crashes, w.epoch, w.dials[w.epoch], w.dials[w.epoch-1],
		w.deadlinePassed, w.expiryIn, w.crashed,
	})
	matters := make([]bool, len(w.requests)) // though it has ended
	if w.record != nil {
		matters[w.record[tokenAt]-1] = true
	}
	for _, r := range w.repeats {
		matters[r.request] = matters[r.request] || !r.done
	}
	for _, late := range w.late {
		if late != nil {
			matters[late.request] = true
		}
	}
	for i, r := range w.requests {
		_, _ = h.WriteString(r.at)
		type flat struct {
			history                uint64
			fate                   fate
			epoch                  int
			lateClaim, interrupted bool
		}
		if r.at == "" && !matters[i] {
			maphash.WriteComparable(&h, i)
			continue
		}
		if r.at == "" {
			r.history = 0
		}
		maphash.WriteComparable(&h, flat{r.history, r.fate, r.epoch, r.lateClaim, r.interrupted})
	}
	for _, r := range w.repeats {
		if !r.done && !w.crashed[r.gateway] {
			maphash.WriteComparable(&h, r.request)
		}
	}
	for _, late := range w.late {
		if late != nil {
			maphash.WriteComparable(&h, late.request)
			_, _ = h.Write(late.record)
		}
	}
	return h.Sum64()
}

// explorer explores a scenario.
type explorer struct {
	scenario *scenario
	keys     *Keyring
	seen     map[uint64]struct{}
	ends     int
	path     []step
}

// explore explores all that can follow the path, at the end of which w is. It closes
// w.
func (e *explorer) explore(w *world) error {
	for {
		if w.broken != nil {
			w.close()
			return fmt.Errorf("%w, after %+v", w.broken, e.path)
		}
		sum := w.sum()
		if _, ok := e.seen[sum]; ok {
			w.close()
			return nil
		}
		e.seen[sum] = struct{}{}
		steps := w.enabled()
		if len(steps) == 0 {
			e.ends++
			if w.checkEnd(); w.broken != nil {
				continue
			}
			w.close()
			return nil
		}
		depth := len(e.path)
		for _, s := range steps[1:] {
			e.path = append(e.path[:depth], s)
			again := newWorld(e.scenario, e.keys)
			for _, s := range e.path {
				again.do(s)
			}
			if err := e.explore(again); err != nil {
				w.close()
				return err
			}
		}
		e.path = append(e.path[:depth], steps[0])
		w.do(steps[0])
	}
}

// TestEveryInterleavingDialsOnce explores the scenarios, and holds in every state:
// at most one dial while the record is known; a replay is byte for byte the first
// response; nothing is released that may have been dialled; no key is wedged whose
// outcome is known.
func TestEveryInterleavingDialsOnce(t *testing.T) {
	t.Parallel()
	keys, err := NewKeyring([]byte("a key of the model"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.order()
			e := &explorer{scenario: &s, keys: keys, seen: make(map[uint64]struct{})}
			if err := e.explore(newWorld(&s, keys)); err != nil {
				t.Error(err)
			}
			t.Logf("%d states explored, %d of them ends", len(e.seen), e.ends)
		})
	}
}
