package idempotency

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Errors of a Store.
var (
	// ErrLost is returned by Replace if the claim is no longer held: it expired, was lost, or
	// was settled.
	ErrLost = errors.New("the claim is no longer held")
	// ErrFull is returned by a store that has no room for one more key.
	ErrFull = errors.New("the store is full")
)

// Store keeps records by their IDs. It reads them only through the functions of this
// package. A record that expired is absent. All methods are safe for concurrent use, by
// every process that shares the store; storetest holds an implementation to this.
//
// After an error other than ErrLost and ErrFull, the step may or may not have been done.
// Slices that are passed or returned must not be changed afterwards.
type Store interface {
	// Begin keeps claim under id, unless a record is there already, in one atomic step.
	// It returns that record, or nil if it kept the claim, which then survives whatever
	// the store promises to survive.
	Begin(ctx context.Context, id ID, claim []byte, ttl time.Duration) (held []byte, err error)

	// Replace replaces held by record, in one atomic step, and lets it expire ttl from
	// now; a nil record removes held. A step whose reply was lost can be repeated: if
	// record is already stored, that is no error. If the store has any other record or
	// none, it changes nothing and returns ErrLost; removing an absent record is no error.
	Replace(ctx context.Context, id ID, held, record []byte, ttl time.Duration) error

	// Scan calls visit for every record whose ID begins with prefix, in any order, until
	// visit returns an error, which it returns. A record that is added or removed
	// meanwhile may be missed. A prefix that is a whole ID is looked up as fast as in
	// Begin.
	Scan(ctx context.Context, prefix []byte, visit func(ID, []byte) error) error

	// Health returns why the store can't be used now.
	Health(ctx context.Context) error
}

// Counts is how many records of each state a store holds.
type Counts struct {
	Started    int `json:"started"`
	Unknown    int `json:"unknown"`
	Done       int `json:"done"`
	NotKept    int `json:"not_kept"`
	Unreadable int `json:"unreadable"`
}

// Count counts the records of a store, and returns up to limit IDs of unknown ones.
func Count(ctx context.Context, store Store, now time.Time, limit int) (n Counts, unknown []ID, err error) {
	err = store.Scan(ctx, nil, func(id ID, record []byte) error {
		state, err := StateOf(record, now)
		switch {
		case err != nil:
			n.Unreadable++
		case state == Started:
			n.Started++
		case state == Unknown:
			n.Unknown++
			if len(unknown) < limit {
				unknown = append(unknown, id)
			}
		case state == Done:
			n.Done++
		default:
			n.NotKept++
		}
		return nil
	})
	return n, unknown, err
}

// Errors of Settle.
var (
	// ErrNoRecord is returned if no record has that ID.
	ErrNoRecord = errors.New("no record has this id")
	// ErrNotUnknown is returned if the outcome of the call is known, or the call is still
	// in flight.
	ErrNotUnknown = errors.New("the record is not unknown")
)

// ParseShortID reads the 16 hex digits by which people know an ID.
func ParseShortID(s string) ([]byte, error) {
	short, err := hex.DecodeString(s)
	if err != nil || len(short) != shortBytes {
		return nil, fmt.Errorf("%q is not the id of a record: 16 hex digits, as in the log and in the response", s)
	}
	return short, nil
}

// Settle removes an unknown record, found by its short ID, after a human has found out
// what became of the call. If the client repeats it with the same key, it is dialled.
func Settle(ctx context.Context, store Store, short []byte, now time.Time) error {
	found := false
	err := store.Scan(ctx, short, func(id ID, record []byte) error {
		if !bytes.HasPrefix(id[:], short) {
			return nil
		}
		found = true
		state, err := StateOf(record, now)
		if err != nil {
			return err
		}
		if state != Unknown {
			return fmt.Errorf("%w: it is %s", ErrNotUnknown, state)
		}
		return store.Replace(ctx, id, record, nil, 0)
	})
	if err == nil && !found {
		return ErrNoRecord
	}
	return err
}
