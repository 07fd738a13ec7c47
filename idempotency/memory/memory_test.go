package memory

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/idempotency/storetest"
)

func TestConformance(t *testing.T) {
	var now time.Duration
	storetest.Run(t, storetest.Subject{
		Open: func(*testing.T) idempotency.Store {
			return newStore(0, func() time.Duration { return now })
		},
		Pass: func(d time.Duration) { now += d },
	})
}

// TestTheClockMovesOn holds that a store as it is used has a clock.
func TestTheClockMovesOn(t *testing.T) {
	s := New(0)
	before := s.now()
	for s.now() == before {
		runtime.Gosched()
	}
}

// place claims a key and finishes it with a body of size bytes.
func place(t *testing.T, s *Store, n, size int, ttl time.Duration) {
	t.Helper()
	claim := storetest.Record(idempotency.Started, byte(n))
	if held, err := s.Begin(t.Context(), storetest.ID(n), claim, ttl); held != nil || err != nil {
		t.Fatalf("Begin of %d: %x, %v", n, held, err)
	}
	done := storetest.Record(idempotency.Done, byte(n), make([]byte, size)...)
	if err := s.Replace(t.Context(), storetest.ID(n), claim, done, ttl); err != nil {
		t.Fatal(err)
	}
}

// states returns the states of the first keys, in order.
func states(t *testing.T, s *Store, keys int) (all []idempotency.State) {
	t.Helper()
	for n := range keys {
		held, _ := s.Begin(t.Context(), storetest.ID(n), storetest.Record(idempotency.Started, 0xff), time.Hour)
		state, err := idempotency.StateOf(held, time.Now())
		if err != nil {
			t.Fatalf("key %d: %v", n, err)
		}
		all = append(all, state)
	}
	return all
}

func TestAFullStoreDropsTheOldestBodiesAndNoKey(t *testing.T) {
	const keys, body = 5, 1000
	s := newStore((keys+1)*KeySize+2*body, func() time.Duration { return 0 })
	claim := storetest.Record(idempotency.Started, 9)
	if _, err := s.Begin(t.Context(), storetest.ID(keys), claim, time.Hour); err != nil {
		t.Fatal(err)
	}
	for n := range keys {
		place(t, s, n, body, time.Hour)
	}
	want := []idempotency.State{idempotency.NotKept, idempotency.NotKept, idempotency.NotKept, idempotency.Done, idempotency.Done, idempotency.Started}
	got := states(t, s, keys+1)
	for n := range want {
		if got[n] != want[n] {
			t.Errorf("key %d is %v, want %v", n, got[n], want[n])
		}
	}
	if s.Size() != (keys+1)*KeySize+2*body {
		t.Errorf("size %d", s.Size())
	}
}

func TestABodyThatCanNotFitDropsNoOther(t *testing.T) {
	s := newStore(2*KeySize+1000, func() time.Duration { return 0 })
	place(t, s, 0, 900, time.Hour)
	place(t, s, 1, 1001, time.Hour)
	if got := states(t, s, 2); got[0] != idempotency.Done || got[1] != idempotency.NotKept {
		t.Errorf("got %v", got)
	}
}

func TestAStoreFullOfKeysTakesNoMoreUntilOneExpires(t *testing.T) {
	const keys = 3
	var now time.Duration
	s := newStore(keys*KeySize, func() time.Duration { return now })
	for n := range keys {
		place(t, s, n, 100, time.Duration(n+1)*time.Minute)
	}
	claim := storetest.Record(idempotency.Started, 9)
	if _, err := s.Begin(t.Context(), storetest.ID(9), claim, time.Hour); !errors.Is(err, idempotency.ErrFull) {
		t.Errorf("Begin: %v", err)
	}
	if err := s.Health(t.Context()); !errors.Is(err, idempotency.ErrFull) {
		t.Errorf("Health: %v", err)
	}
	if held, err := s.Begin(t.Context(), storetest.ID(0), claim, time.Hour); held == nil || err != nil {
		t.Errorf("a key that is there: %x, %v", held, err)
	}
	now = time.Minute
	if err := s.Health(t.Context()); err != nil {
		t.Errorf("Health with room for just one key: %v", err)
	}
	if held, err := s.Begin(t.Context(), storetest.ID(9), claim, time.Hour); held != nil || err != nil {
		t.Errorf("Begin when a key has expired: %x, %v", held, err)
	}
}

func TestASmallerSizeDropsBodiesAndKeepsKeys(t *testing.T) {
	s := newStore(0, func() time.Duration { return 0 })
	for n := range 4 {
		place(t, s, n, 1000, time.Hour)
	}
	s.Resize(2 * KeySize)
	for n, state := range states(t, s, 4) {
		if state != idempotency.NotKept {
			t.Errorf("key %d is %v", n, state)
		}
	}
	if s.Size() != 4*KeySize {
		t.Errorf("size %d", s.Size())
	}
}

// TestKeySizeIsWhatAKeyTakes holds the size that is counted against the memory that
// is really used.
func TestKeySizeIsWhatAKeyTakes(t *testing.T) {
	const keys = 100_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := New(keys * KeySize)
	for n := range keys {
		place(t, s, n*0x9e3779b97f4a7c, 0, time.Hour)
	}
	perKey := int(heap()-before) / keys
	t.Logf("%d bytes a key", perKey)
	if perKey > KeySize || perKey < KeySize/2 {
		t.Errorf("a key takes %d bytes, counted as %d", perKey, KeySize)
	}
	runtime.KeepAlive(s)
}

func BenchmarkKeyedCall(b *testing.B) {
	keys, _ := idempotency.NewKeyring([]byte("key"))
	l := idempotency.NewLedger(idempotency.Options{Store: New(1 << 30), Keys: keys, TTL: time.Hour, CallTimeout: time.Minute, MaxStored: 1 << 18})
	defer l.Close()
	response := idempotency.Response{Status: 200, ContentType: "application/json", Body: bytes.Repeat([]byte("x"), 4096)}
	fields := []idempotency.Field{{Name: "destination", Value: "+12025550123"}, {Name: "sessionId", Value: "s"}}
	var key [8]byte
	b.ReportAllocs()
	for b.Loop() {
		for i := range key {
			if key[i]++; key[i] != 0 {
				break
			}
		}
		found, _ := l.Begin(b.Context(), idempotency.NewClaim(keys.CallID("scope", "route", string(key[:])), keys.Fingerprint(fields)))
		if err := found.Claim.Finish(response); err != nil {
			b.Fatal(err)
		}
	}
}
