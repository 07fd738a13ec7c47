// Package storetest tests that a store of idempotency does what the interface demands.
package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
)

// Subject is a store under test.
type Subject struct {
	// Open returns an empty store, which is closed when t ends.
	Open func(t *testing.T) idempotency.Store
	// Pass lets time pass for every store that is open. Nil waits.
	Pass func(d time.Duration)
	// Seal says that responses are encrypted.
	Seal bool
}

const (
	long     = time.Hour
	short    = 300 * time.Millisecond
	patience = 10 * time.Second // how long a step may take before it counts as hanging
)

// Run runs every test of the suite.
func Run(t *testing.T, s Subject) {
	if s.Pass == nil {
		s.Pass = func(d time.Duration) { <-time.After(d) }
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, Subject, idempotency.Store)
	}{
		{"what is absent is claimed, and then held", claimsWhatIsAbsent},
		{"a claim that is repeated finds itself", repeatedClaim},
		{"one of many claims at a time wins", oneOfMany},
		{"only what is held is replaced", replacesOnlyWhatIsHeld},
		{"a step whose reply was lost can be repeated", repeatedReplace},
		{"only what is held is removed", removesOnlyWhatIsHeld},
		{"a claim expires", claimExpires},
		{"a record expires by its own ttl", recordExpires},
		{"records come back byte for byte", byteForByte},
		{"a scan visits all records of a prefix", scans},
		{"a scan stops at an error", scanStops},
		{"an unknown call is settled by its short id, and no other", settles},
		{"a ledger places each of many calls once", ledgerUnderLoad},
		{"it is healthy", healthy},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s, s.Open(t)) })
	}
}

// ID returns an ID made of a number.
func ID(n int) (id idempotency.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n))
	return id
}

// Record returns a record in a state, with a token made of a number.
func Record(state idempotency.State, token byte, response ...byte) []byte {
	r := make([]byte, idempotency.HeadSize, idempotency.HeadSize+len(response))
	r[0], r[1] = 1, byte(state)
	binary.BigEndian.PutUint64(r[12:], uint64(time.Now().Add(long).UnixMilli()))
	r[20] = token
	return append(r, response...)
}

// bounded returns a context that ends before a step could hang.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// begin claims, and fails unless what is held then is as wanted.
func begin(t *testing.T, store idempotency.Store, n int, claim, want []byte, ttl time.Duration) {
	t.Helper()
	held, err := store.Begin(bounded(t), ID(n), claim, ttl)
	if err != nil || !bytes.Equal(held, want) {
		t.Fatalf("Begin of %d: %x, %v; want %x", n, held, err, want)
	}
}

func claimsWhatIsAbsent(t *testing.T, _ Subject, store idempotency.Store) {
	first, second := Record(idempotency.Started, 1), Record(idempotency.Started, 2)
	begin(t, store, 1, first, nil, long)
	begin(t, store, 1, second, first, long)
	begin(t, store, 2, second, nil, long)
	begin(t, store, 1, second, first, long)
}

func repeatedClaim(t *testing.T, _ Subject, store idempotency.Store) {
	claim := Record(idempotency.Started, 1)
	begin(t, store, 1, claim, nil, long)
	begin(t, store, 1, claim, claim, long)
}

func oneOfMany(t *testing.T, _ Subject, store idempotency.Store) {
	const rounds, clients = 10, 32
	for n := range rounds {
		var wg sync.WaitGroup
		var won atomic.Int32
		start := make(chan struct{})
		for i := range clients {
			wg.Go(func() {
				<-start
				held, err := store.Begin(bounded(t), ID(n), Record(idempotency.Started, byte(i)), long)
				if err != nil {
					t.Error(err)
				} else if held == nil {
					won.Add(1)
				}
			})
		}
		close(start)
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of %d claims of one key won", won.Load(), clients)
		}
	}
}

func replacesOnlyWhatIsHeld(t *testing.T, _ Subject, store idempotency.Store) {
	mine, other, done := Record(idempotency.Started, 1), Record(idempotency.Started, 2), Record(idempotency.Done, 1, 'o', 'k')
	if err := store.Replace(bounded(t), ID(1), mine, done, long); !errors.Is(err, idempotency.ErrLost) {
		t.Errorf("Replace of what is absent: %v", err)
	}
	begin(t, store, 1, mine, nil, long)
	if err := store.Replace(bounded(t), ID(1), other, Record(idempotency.Done, 2), long); !errors.Is(err, idempotency.ErrLost) {
		t.Errorf("Replace of another's claim: %v", err)
	}
	begin(t, store, 1, other, mine, long)
	if err := store.Replace(bounded(t), ID(1), mine, done, long); err != nil {
		t.Fatal(err)
	}
	begin(t, store, 1, other, done, long)
	if err := store.Replace(bounded(t), ID(1), mine, Record(idempotency.Unknown, 1), long); !errors.Is(err, idempotency.ErrLost) {
		t.Errorf("Replace of what was replaced: %v", err)
	}
	begin(t, store, 1, other, done, long)
}

func repeatedReplace(t *testing.T, _ Subject, store idempotency.Store) {
	claim, done := Record(idempotency.Started, 1), Record(idempotency.Done, 1, 'o', 'k')
	begin(t, store, 1, claim, nil, long)
	for range 2 {
		if err := store.Replace(bounded(t), ID(1), claim, done, long); err != nil {
			t.Fatal(err)
		}
	}
	begin(t, store, 1, claim, done, long)
	begin(t, store, 2, claim, nil, long)
	for range 2 {
		if err := store.Replace(bounded(t), ID(2), claim, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	begin(t, store, 2, claim, nil, long)
}

func removesOnlyWhatIsHeld(t *testing.T, _ Subject, store idempotency.Store) {
	mine, other := Record(idempotency.Started, 1), Record(idempotency.Started, 2)
	begin(t, store, 1, mine, nil, long)
	if err := store.Replace(bounded(t), ID(1), other, nil, 0); !errors.Is(err, idempotency.ErrLost) {
		t.Errorf("removing another's claim: %v", err)
	}
	begin(t, store, 1, other, mine, long)
	if err := store.Replace(bounded(t), ID(1), mine, nil, 0); err != nil {
		t.Fatal(err)
	}
	begin(t, store, 1, other, nil, long)
}

func claimExpires(t *testing.T, s Subject, store idempotency.Store) {
	first, second := Record(idempotency.Started, 1), Record(idempotency.Started, 2)
	begin(t, store, 1, first, nil, short)
	begin(t, store, 2, first, nil, long)
	s.Pass(short + short/4)
	if err := store.Replace(bounded(t), ID(1), first, Record(idempotency.Done, 1), long); !errors.Is(err, idempotency.ErrLost) {
		t.Errorf("Replace of what has expired: %v", err)
	}
	if n := count(t, store, nil); n != 1 {
		t.Errorf("a scan visits %d records, of which one has not expired", n)
	}
	begin(t, store, 1, second, nil, long)
	begin(t, store, 2, second, first, long)
}

func recordExpires(t *testing.T, s Subject, store idempotency.Store) {
	claim, done := Record(idempotency.Started, 1), Record(idempotency.Done, 1)
	begin(t, store, 1, claim, nil, short)
	begin(t, store, 2, claim, nil, long)
	for n, ttl := range map[int]time.Duration{1: long, 2: short} {
		if err := store.Replace(bounded(t), ID(n), claim, done, ttl); err != nil {
			t.Fatal(err)
		}
	}
	s.Pass(short + short/4)
	begin(t, store, 1, claim, done, long)
	begin(t, store, 2, claim, nil, long)
}

func byteForByte(t *testing.T, _ Subject, store idempotency.Store) {
	const largest = 300 << 10
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same bytes in each run
	claim := Record(idempotency.Started, 1)
	for n, size := range []int{0, 1, 255, 4096, largest} {
		response := make([]byte, size)
		for i := range response {
			response[i] = byte(random.Uint32())
		}
		done := Record(idempotency.Done, 1, response...)
		begin(t, store, n, claim, nil, long)
		if err := store.Replace(bounded(t), ID(n), claim, done, long); err != nil {
			t.Fatal(err)
		}
		begin(t, store, n, claim, done, long)
	}
}

// count returns how many records of a prefix a scan visits.
func count(t *testing.T, store idempotency.Store, prefix []byte) (n int) {
	t.Helper()
	err := store.Scan(bounded(t), prefix, func(id idempotency.ID, record []byte) error {
		if !bytes.HasPrefix(id[:], prefix) || len(record) < idempotency.HeadSize {
			t.Errorf("prefix %x: visited %x with %d bytes", prefix, id, len(record))
		}
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func scans(t *testing.T, _ Subject, store idempotency.Store) {
	const all = 300
	for n := range all {
		begin(t, store, n, Record(idempotency.Started, byte(n)), nil, long)
	}
	if n := count(t, store, nil); n != all {
		t.Errorf("visited %d of %d records", n, all)
	}
	one := ID(7)
	if n := count(t, store, one[:8]); n != 1 {
		t.Errorf("visited %d records with a prefix that one has", n)
	}
	if n := count(t, store, one[:]); n != 1 {
		t.Errorf("visited %d records of one ID", n)
	}
	absent := ID(all)
	if n := count(t, store, absent[:]); n != 0 {
		t.Errorf("visited %d records of an ID that is absent", n)
	}
	if n := count(t, store, []byte{0xff}); n != 0 {
		t.Errorf("visited %d records with a prefix that none has", n)
	}
}

func scanStops(t *testing.T, _ Subject, store idempotency.Store) {
	for n := range 3 {
		begin(t, store, n, Record(idempotency.Started, 1), nil, long)
	}
	enough, visited := errors.New("enough"), 0
	err := store.Scan(bounded(t), nil, func(idempotency.ID, []byte) error {
		visited++
		return enough
	})
	if !errors.Is(err, enough) || visited != 1 {
		t.Errorf("visited %d, %v", visited, err)
	}
}

func settles(t *testing.T, _ Subject, store idempotency.Store) {
	claim := Record(idempotency.Started, 1)
	states := []idempotency.State{idempotency.Started, idempotency.Unknown, idempotency.Done, idempotency.NotKept}
	for n, state := range states {
		begin(t, store, n, claim, nil, long)
		if state != idempotency.Started {
			if err := store.Replace(bounded(t), ID(n), claim, Record(state, 1), long); err != nil {
				t.Fatal(err)
			}
		}
	}
	now := time.Now()
	got, unknown, err := idempotency.Count(bounded(t), store, now, 10)
	if want := (idempotency.Counts{Started: 1, Unknown: 1, Done: 1, NotKept: 1}); err != nil || got != want || len(unknown) != 1 || unknown[0] != ID(1) {
		t.Errorf("counted %+v, unknown %v, %v", got, unknown, err)
	}
	for n, state := range states {
		id := ID(n)
		err := idempotency.Settle(bounded(t), store, id[:8], now)
		if state == idempotency.Unknown && err != nil || state != idempotency.Unknown && !errors.Is(err, idempotency.ErrNotUnknown) {
			t.Errorf("settling one that is %s: %v", state, err)
		}
	}
	absent := ID(99)
	if err := idempotency.Settle(bounded(t), store, absent[:8], now); !errors.Is(err, idempotency.ErrNoRecord) {
		t.Errorf("settling what is absent: %v", err)
	}
	begin(t, store, 1, claim, nil, long)
	late := ID(0)
	if err := idempotency.Settle(bounded(t), store, late[:8], now.Add(2*long)); err != nil {
		t.Errorf("settling a claim past its deadline: %v", err)
	}
}

func ledgerUnderLoad(t *testing.T, s Subject, store idempotency.Store) {
	const calls, clients = 40, 8
	keys, err := idempotency.NewKeyring([]byte("a key of the suite"))
	if err != nil {
		t.Fatal(err)
	}
	ledger := idempotency.NewLedger(idempotency.Options{Store: store, Keys: keys, TTL: long, CallTimeout: long, MaxStored: 1 << 20, Seal: s.Seal})
	defer ledger.Close()
	var dialled [calls]atomic.Int32
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for n := range calls {
				call := (n + client) % calls
				if err := placeUntilKnown(bounded(t), ledger, keys, call, &dialled[call]); err != nil {
					t.Errorf("call %d: %v", call, err)
				}
			}
		})
	}
	wg.Wait()
	for call := range dialled {
		if n := dialled[call].Load(); n != 1 {
			t.Errorf("call %d was dialled %d times", call, n)
		}
	}
}

// placeUntilKnown places a call, or repeats it until it is replayed.
func placeUntilKnown(ctx context.Context, ledger *idempotency.Ledger, keys *idempotency.Keyring, call int, dialled *atomic.Int32) error {
	key, body := fmt.Sprint("key ", call), fmt.Appendf(nil, `{"call": %d}`, call)
	id, fingerprint := keys.CallID("scope", "route", key), keys.Fingerprint([]idempotency.Field{{Name: "destination", Value: key}})
	for {
		found, err := ledger.Begin(ctx, idempotency.NewClaim(id, fingerprint))
		switch {
		case err != nil:
			return err
		case found.Result == idempotency.Claimed:
			dialled.Add(1)
			return found.Claim.Finish(idempotency.Response{Status: 200, ContentType: "application/json", Location: "/x", Body: body})
		case found.Result == idempotency.Replayed:
			r := found.Response
			if r.Status != 200 || r.ContentType != "application/json" || r.Location != "/x" || !bytes.Equal(r.Body, body) {
				return fmt.Errorf("replayed %+v", r)
			}
			return nil
		case found.Result != idempotency.InFlight:
			return fmt.Errorf("found %v", found.Result)
		}
	}
}

func healthy(t *testing.T, _ Subject, store idempotency.Store) {
	if err := store.Health(bounded(t)); err != nil {
		t.Error(err)
	}
}
