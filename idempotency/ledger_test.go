package idempotency

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// mapStore is the simplest store there can be, in which anything can be put.
type mapStore struct {
	sync.Mutex

	records map[ID][]byte
	fail    error
	fails   int // how many steps fail yet
	steps   int
}

func (m *mapStore) step() error {
	if m.steps++; m.fails > 0 {
		m.fails--
		return m.fail
	}
	return nil
}

func (m *mapStore) Begin(_ context.Context, id ID, claim []byte, _ time.Duration) ([]byte, error) {
	m.Lock()
	defer m.Unlock()
	if err := m.step(); err != nil {
		return nil, err
	}
	if held, ok := m.records[id]; ok {
		return held, nil
	}
	m.records[id] = claim
	return nil, nil
}

func (m *mapStore) Replace(_ context.Context, id ID, held, record []byte, _ time.Duration) error {
	m.Lock()
	defer m.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	if there, ok := m.records[id]; !ok && record != nil || ok && !bytes.Equal(there, held) && !bytes.Equal(there, record) {
		return ErrLost
	}
	if m.records[id] = record; record == nil {
		delete(m.records, id)
	}
	return nil
}

func (m *mapStore) Scan(_ context.Context, prefix []byte, visit func(ID, []byte) error) error {
	if record, ok := m.records[ID(prefix)]; ok {
		return visit(ID(prefix), record)
	}
	return nil
}

func (*mapStore) Health(context.Context) error { return nil }

// wait returns when the store holds what is wanted of a record.
func (m *mapStore) wait(t *testing.T, is func(record []byte) bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		m.Lock()
		ok := is(m.records[ID{}])
		m.Unlock()
		if ok {
			return
		}
	}
	t.Fatal("the record did not change")
}

func newTestLedger(t *testing.T, change func(*Options)) (*Ledger, *mapStore, *time.Time) {
	t.Helper()
	now := time.UnixMilli(1_800_000_000_000)
	store := &mapStore{records: make(map[ID][]byte), fail: errors.New("down")}
	o := Options{
		Store: store, Keys: keyring(t, "key"), TTL: time.Hour, CallTimeout: time.Minute, MaxStored: 10,
		now: func() time.Time { return now },
	}
	if change != nil {
		change(&o)
	}
	l := NewLedger(o)
	t.Cleanup(l.Close)
	return l, store, &now
}

func begin(t *testing.T, l *Ledger, call Fingerprint) Found {
	t.Helper()
	found, err := l.Begin(t.Context(), NewClaim(ID{}, call))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestWhatIsFound is the table of what a second request finds.
func TestWhatIsFound(t *testing.T) {
	call, other := Fingerprint{1}, Fingerprint{2}
	for _, test := range []struct {
		name  string
		end   func(*Claim) error
		after time.Duration
		call  Fingerprint
		want  Result
		retry time.Duration
	}{
		{name: "in flight", after: 10 * time.Second, call: call, want: InFlight, retry: 50 * time.Second},
		{name: "in flight, another call", call: other, want: Reused, retry: time.Minute},
		{name: "past its deadline", after: time.Minute, call: call, want: OutcomeUnknown, retry: time.Hour},
		{name: "unknown", end: func(c *Claim) error { return c.Close() }, call: call, want: OutcomeUnknown, retry: time.Hour},
		{name: "unknown, another call", end: func(c *Claim) error { return c.Close() }, call: other, want: Reused, retry: time.Hour},
		{name: "done", end: finish("body"), after: time.Minute, call: call, want: Replayed, retry: 59 * time.Minute},
		{name: "done, another call", end: finish("body"), call: other, want: Reused, retry: time.Hour},
		{name: "as large as is kept", end: finish("ten bytes."), call: call, want: Replayed, retry: time.Hour},
		{name: "too large", end: finish("longer than ten"), call: call, want: ResponseNotKept, retry: time.Hour},
		{name: "too large, another call", end: finish("longer than ten"), call: other, want: Reused, retry: time.Hour},
		{name: "cut off by who recorded it", end: func(c *Claim) error { return c.Finish(Response{Status: 200, TooLarge: true}) }, call: call, want: ResponseNotKept, retry: time.Hour},
		{name: "released", end: func(c *Claim) error { return c.Release() }, call: call, want: Claimed},
		{name: "released, another call", end: func(c *Claim) error { return c.Release() }, call: other, want: Claimed},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, _, now := newTestLedger(t, nil)
			first := begin(t, l, call)
			if first.Result != Claimed || first.Claim == nil {
				t.Fatalf("%+v", first)
			}
			if test.end != nil {
				if err := test.end(first.Claim); err != nil {
					t.Fatal(err)
				}
				if err := first.Claim.Close(); err != nil {
					t.Errorf("Close of a claim that has ended: %v", err)
				}
			}
			*now = now.Add(test.after)
			found, ok, err := l.Find(t.Context(), NewClaim(ID{}, test.call))
			if err != nil || ok != (test.want != Claimed) || ok && (found.Result != test.want || found.RetryAfter != test.retry) {
				t.Errorf("Find: %v, retry after %v, %t, %v", found.Result, found.RetryAfter, ok, err)
			}
			got := begin(t, l, test.call)
			if got.Result != test.want || got.RetryAfter != test.retry {
				t.Errorf("%v, retry after %v; want %v, %v", got.Result, got.RetryAfter, test.want, test.retry)
			}
			if (got.Response != nil) != (test.want == Replayed) || (got.Claim != nil) != (test.want == Claimed) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func finish(body string) func(*Claim) error {
	return func(c *Claim) error {
		return c.Finish(Response{Status: 200, Body: []byte(body)})
	}
}

func TestAClaimWhoseReplyWasLostIsKnownByItsToken(t *testing.T) {
	l, _, _ := newTestLedger(t, func(o *Options) { o.Store = &lossyStore{Store: o.Store} })
	if found := begin(t, l, Fingerprint{}); found.Result != Claimed {
		t.Errorf("%+v", found)
	}
	if found := begin(t, l, Fingerprint{}); found.Result != InFlight {
		t.Errorf("the second request: %+v", found)
	}
}

// lossyStore loses every other reply of Begin.
type lossyStore struct {
	Store

	n int
}

func (s *lossyStore) Begin(ctx context.Context, id ID, claim []byte, ttl time.Duration) ([]byte, error) {
	held, err := s.Store.Begin(ctx, id, claim, ttl)
	if s.n++; s.n%2 == 1 {
		return nil, errors.New("lost")
	}
	return held, err
}

func TestAStoreThatFailsIsAnErrorWithAClaimToRelease(t *testing.T) {
	l, store, _ := newTestLedger(t, nil)
	store.fails = 2
	found, err := l.Begin(t.Context(), new(Claim))
	if !errors.Is(err, store.fail) || found.Claim == nil {
		t.Fatalf("%+v, %v", found, err)
	}
	if err := found.Claim.Release(); err != nil {
		t.Error(err)
	}
	store.fail, store.fails = ErrFull, 1
	if _, err := l.Begin(t.Context(), new(Claim)); !errors.Is(err, ErrFull) {
		t.Error("a full store is asked twice")
	}
}

func TestNothingUnreadableIsAbsent(t *testing.T) {
	for name, test := range map[string]struct {
		change func(record []byte) []byte
		says   string
	}{
		"of a later version":  {func(r []byte) []byte { r[0] = version + 1; return r }, "later release"},
		"empty":               {func([]byte) []byte { return []byte{} }, "empty"},
		"cut off":             {func(r []byte) []byte { return r[:HeadSize-1] }, "damaged"},
		"in a strange state":  {func(r []byte) []byte { r[stateAt] = 9; return r }, "damaged"},
		"of another hash_key": {func(r []byte) []byte { r[checkAt] ^= 1; return r }, "another hash_key"},
		"with a broken body":  {func(r []byte) []byte { r[len(r)-1] ^= 1; return r }, "decrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			l, store, _ := newTestLedger(t, func(o *Options) { o.Seal = true })
			if err := finish("body")(begin(t, l, Fingerprint{}).Claim); err != nil {
				t.Fatal(err)
			}
			store.records[ID{}] = test.change(store.records[ID{}])
			found, err := l.Begin(t.Context(), new(Claim))
			if !errors.Is(err, ErrUnreadable) || found.Claim != nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%+v, %v", found, err)
			}
		})
	}
}

func TestAnOutcomeThatCouldNotBeRecordedIsRecordedLater(t *testing.T) {
	var told []error
	l, store, _ := newTestLedger(t, func(o *Options) {
		o.OnError = func(_ ID, err error) { told = append(told, err) }
	})
	claim := begin(t, l, Fingerprint{}).Claim
	store.fails = 2
	if err := finish("body")(claim); !errors.Is(err, store.fail) {
		t.Errorf("Finish: %v", err)
	}
	store.wait(t, func(record []byte) bool { return len(record) > HeadSize })
	if found := begin(t, l, Fingerprint{}); found.Result != Replayed || len(told) != 1 {
		t.Errorf("%+v, told %v", found, told)
	}
}

// TestAnOutcomeIsRecordedThoughTheStoreLostTheClaim holds that a failover in which Redis
// forgets the claims of calls in flight dials none of them again.
func TestAnOutcomeIsRecordedThoughTheStoreLostTheClaim(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*Claim) error
		want Result
	}{
		"a call that was placed":     {finish("body"), Replayed},
		"one of unknown outcome":     {(*Claim).Close, OutcomeUnknown},
		"one that was not placed":    {(*Claim).Release, Claimed},
		"one whose body is not kept": {finish("a long body"), ResponseNotKept},
	} {
		t.Run(name, func(t *testing.T) {
			l, store, _ := newTestLedger(t, nil)
			claim := begin(t, l, Fingerprint{}).Claim
			clear(store.records)
			if err := test.end(claim); err != nil {
				t.Errorf("the outcome: %v", err)
			}
			if found := begin(t, l, Fingerprint{}); found.Result != test.want {
				t.Errorf("%v, want %v", found.Result, test.want)
			}
		})
	}
	t.Run("but not in the place of another claim", func(t *testing.T) {
		l, store, _ := newTestLedger(t, nil)
		claim := begin(t, l, Fingerprint{}).Claim
		clear(store.records)
		begin(t, l, Fingerprint{})
		if err := finish("body")(claim); !errors.Is(err, ErrLost) {
			t.Errorf("the outcome: %v", err)
		}
		if found := begin(t, l, Fingerprint{}); found.Result != InFlight {
			t.Errorf("%v", found.Result)
		}
	})
	t.Run("and later, if the store fails", func(t *testing.T) {
		l, store, _ := newTestLedger(t, nil)
		claim := begin(t, l, Fingerprint{}).Claim
		clear(store.records)
		store.fails = 1
		if err := finish("body")(claim); !errors.Is(err, store.fail) {
			t.Errorf("the outcome: %v", err)
		}
		store.wait(t, func(record []byte) bool { return len(record) > HeadSize })
	})
}

// attemptStore notes when it was asked to replace a record, which always fails, and for
// how long a claim was to be there.
type attemptStore struct {
	Store

	claim    time.Duration
	started  time.Time
	attempts []time.Duration
}

func (s *attemptStore) Begin(ctx context.Context, id ID, claim []byte, ttl time.Duration) ([]byte, error) {
	s.claim = ttl
	return s.Store.Begin(ctx, id, claim, ttl)
}

func (s *attemptStore) Replace(context.Context, ID, []byte, []byte, time.Duration) error {
	s.attempts = append(s.attempts, time.Since(s.started))
	return errors.New("down")
}

func TestAnOutcomeIsTriedAgainAtGrowingPausesUntilItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &attemptStore{started: time.Now()}
		l, _, _ := newTestLedger(t, func(o *Options) {
			store.Store, o.Store, o.CallTimeout = o.Store, store, 12*time.Second
		})
		if err := begin(t, l, Fingerprint{}).Claim.Release(); err == nil {
			t.Fatal("the store did not fail")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		const ms = time.Millisecond
		if want := []time.Duration{0, 100 * ms, 300 * ms, 700 * ms, 1500 * ms, 3100 * ms, 6300 * ms, 11300 * ms, 12000 * ms}; !slices.Equal(store.attempts, want) {
			t.Errorf("attempts at %v, want %v", store.attempts, want)
		}
		if store.claim != time.Hour+12*time.Second {
			t.Errorf("the claim is there for %v", store.claim)
		}
	})
}

func TestCloseRecordsWhatIsLeftToRecord(t *testing.T) {
	l, store, _ := newTestLedger(t, nil)
	claim := begin(t, l, Fingerprint{}).Claim
	store.fails = 1
	if err := claim.Release(); err == nil {
		t.Fatal("the store did not fail")
	}
	l.Close()
	if len(store.records) != 0 {
		t.Error("the release was not repeated")
	}
	store.fails = 1
	late := begin(t, l, Fingerprint{}).Claim // the first reply is lost
	store.fails = 1
	_ = late.Close()
	l.Close() // nothing hangs, and nothing is begun any more
}

func TestACallGoesOnWhenItsClientLeaves(t *testing.T) {
	l, _, _ := newTestLedger(t, func(o *Options) { o.now = time.Now })
	type keyOfValue struct{}
	client, leave := context.WithCancel(context.WithValue(t.Context(), keyOfValue{}, "kept"))
	found, err := l.Begin(client, new(Claim))
	if err != nil {
		t.Fatal(err)
	}
	claim := found.Claim
	ctx, cancel := claim.Context()
	leave()
	if ctx.Err() != nil {
		t.Error("the call ended with its client")
	}
	if ctx.Value(keyOfValue{}) != "kept" {
		t.Error("the call has lost the values of its request")
	}
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Minute {
		t.Errorf("the call has the deadline %v", deadline)
	}
	if err := claim.Finish(Response{Status: 200}); err != nil {
		t.Errorf("Finish after the client left: %v", err)
	}
	other, cancelOther := claim.Context() // at the same deadline
	defer cancelOther()
	cancel()
	if ctx.Err() == nil || other.Err() != nil {
		t.Errorf("the call that is over: %v, another one: %v", ctx.Err(), other.Err())
	}
}

func TestACallEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _, _ := newTestLedger(t, func(o *Options) { o.now = time.Now })
		started := time.Now()
		found, err := l.Begin(t.Context(), new(Claim))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := found.Claim.Context()
		defer cancel()
		<-ctx.Done()
		if took := time.Since(started); took != time.Minute || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("the call ended after %v: %v", took, ctx.Err())
		}
	})
}

func TestAShortIDIs16HexDigits(t *testing.T) {
	id := ID{0xab, 0xcd}
	if short, err := ParseShortID(id.String()); err != nil || string(short) != string(id[:8]) {
		t.Errorf("%x, %v", short, err)
	}
	for _, s := range []string{"", "abcd", "zz00000000000000", id.String() + "00"} {
		if _, err := ParseShortID(s); err == nil {
			t.Errorf("%q is an id", s)
		}
	}
}
