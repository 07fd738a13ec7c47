package idempotency

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"
)

// allStore is a mapStore that finds every record of a prefix.
type allStore struct{ *mapStore }

func (s allStore) Scan(_ context.Context, prefix []byte, visit func(ID, []byte) error) error {
	for id, record := range s.records {
		if !bytes.HasPrefix(id[:], prefix) {
			continue
		}
		if err := visit(id, record); err != nil {
			return err
		}
	}
	return nil
}

// records returns a record of each state, and one that nobody can read, by the first
// byte of its ID.
func records(t *testing.T, now time.Time) allStore {
	t.Helper()
	c := codec{keyring(t, "key"), true}
	done, err := c.encode(ID{4}, new(head), now, &Response{Status: 200, Body: []byte("body")})
	if err != nil {
		t.Fatal(err)
	}
	notKept, _ := DropBody(done)
	var started head
	started.set(Started, now.Add(time.Minute))
	claim := started[:]
	unknown, _ := Interrupt(claim)
	return allStore{&mapStore{records: map[ID][]byte{
		{1}: claim, {2}: unknown, {3}: unknown, {4}: done, {5}: notKept, {6}: {1}, {8}: notKept,
	}}}
}

func TestCountTellsTheStatesAndTheUnknown(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	store := records(t, now)
	want := Counts{Started: 1, Unknown: 2, Done: 1, NotKept: 2, Unreadable: 1}
	for limit := range 4 {
		n, unknown, err := Count(t.Context(), store, now, limit)
		if n != want || len(unknown) != min(limit, 2) || err != nil {
			t.Errorf("limit %d: %+v, %v, %v, want %+v", limit, n, unknown, err, want)
		}
		for _, id := range unknown {
			if id[0] != 2 && id[0] != 3 {
				t.Errorf("%x is told as unknown", id)
			}
		}
	}
}

func TestSettleRemovesTheUnknownAlone(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	for _, tt := range []struct {
		rule string
		id   byte
		want error
	}{
		{"a claim", 1, ErrNotUnknown},
		{"an unknown one", 2, nil},
		{"one that is done", 4, ErrNotUnknown},
		{"one whose response was not kept", 5, ErrNotUnknown},
		{"one that can't be read", 6, ErrUnreadable},
		{"none", 7, ErrNoRecord},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			store := records(t, now)
			before := len(store.records)
			if err := Settle(t.Context(), store, []byte{tt.id, 0}, now); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if removed := before - len(store.records); (removed == 1) != (tt.want == nil) {
				t.Errorf("%d records were removed", removed)
			}
		})
	}
}
