package idempotency

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// State is the state of a record.
type State byte

// The states. Their numbers are in stored records and never change.
const (
	// Started is a call in flight, until its deadline.
	Started State = 1
	// Unknown is a call that may have been placed.
	Unknown State = 2
	// Done is a call that was placed, with its response.
	Done State = 3
	// NotKept is a call that was placed, whose response was too large to keep.
	NotKept State = 4
)

// String returns the state's name in the admin API.
func (s State) String() string {
	switch s {
	case Started:
		return "started"
	case Unknown:
		return "unknown"
	case Done:
		return "done"
	case NotKept:
		return "not_kept"
	default:
		return fmt.Sprintf("state %d", byte(s))
	}
}

// ErrUnreadable is a record that this process can't read: of a later version, of
// another hash_key, or damaged. The key is taken; whatever an operator wants done
// about a store that fails, nothing may be dialled.
var ErrUnreadable = errors.New("the record can't be read")

// A record begins with a head of HeadSize bytes, in the clear: it holds nothing
// that describes the call, and what works on a store without the keys needs it.
// The response follows, encrypted where the store outlives the process.
//
//	0     version
//	1     state
//	2:4   status of the response
//	4:12  check of the hash_key
//	12:20 time, Unix milliseconds: the deadline of a claim, else when it was recorded
//	20:36 random token of the claim
//	36:68 fingerprint
const (
	version        = 1
	stateAt        = 1
	statusAt       = 2
	checkAt        = 4
	timeAt         = 12
	tokenAt        = 20
	fingerprintAt  = 36
	tokenSize      = fingerprintAt - tokenAt
	authenticateAt = statusAt // from here on the head is authenticated with the response
)

// HeadSize is the length in bytes of a record without a response: all that a key
// takes, apart from what the store itself adds.
const HeadSize = 68

// Response is what is kept of a call's response. Header fields that belong to one
// exchange, such as Date or Set-Cookie, are not.
type Response struct {
	Status int
	// Format is the caller's name of what the body is in.
	Format                string
	ContentType, Location string
	Body                  []byte
	// TooLarge says that Body is not the whole body, and is not to be kept.
	TooLarge bool
}

// head is a record without a response.
type head [HeadSize]byte

func (h *head) state() State              { return State(h[stateAt]) }
func (h *head) status() int               { return int(binary.BigEndian.Uint16(h[statusAt:])) }
func (h *head) check() [keyCheckSize]byte { return [keyCheckSize]byte(h[checkAt:]) }
func (h *head) time() time.Time           { return time.UnixMilli(int64(binary.BigEndian.Uint64(h[timeAt:]))) }
func (h *head) fingerprint() Fingerprint  { return Fingerprint(h[fingerprintAt:]) }

// set sets the state and the time.
func (h *head) set(s State, at time.Time) {
	h[0], h[stateAt] = version, byte(s)
	binary.BigEndian.PutUint64(h[timeAt:], uint64(at.UnixMilli()))
}

// at is the state at a time.
func (h *head) at(now time.Time) State {
	if h.state() == Started && !now.Before(h.time()) {
		return Unknown
	}
	return h.state()
}

// readHead returns the head of a record, as a part of it.
func readHead(record []byte) (*head, error) {
	switch {
	case len(record) == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrUnreadable)
	case record[0] > version:
		return nil, fmt.Errorf("%w: it has version %d, written by a later release; this one reads up to %d", ErrUnreadable, record[0], version)
	case record[0] != version || len(record) < HeadSize || State(record[stateAt]) < Started || State(record[stateAt]) > NotKept:
		return nil, fmt.Errorf("%w: it is damaged", ErrUnreadable)
	}
	return (*head)(record), nil
}

// codec writes and reads records.
type codec struct {
	keys *Keyring
	seal bool
}

// encode writes the record of a claim that is done.
func (c *codec) encode(id ID, claim *head, now time.Time, r *Response) ([]byte, error) {
	h := *claim
	h.set(Done, now)
	binary.BigEndian.PutUint16(h[statusAt:], uint16(r.Status))
	if r.TooLarge {
		h[stateAt] = byte(NotKept)
		return bytes.Clone(h[:]), nil
	}
	size := 3*binary.MaxVarintLen32 + len(r.Format) + len(r.ContentType) + len(r.Location) + len(r.Body)
	room := HeadSize + size
	if c.seal {
		room += 12 + 16 // nonce and tag
	}
	b := append(make([]byte, 0, room), h[:]...)
	plain := b[HeadSize:]
	if c.seal {
		plain = make([]byte, 0, size)
	}
	for _, text := range []string{r.Format, r.ContentType, r.Location} {
		plain = binary.AppendUvarint(plain, uint64(len(text)))
		plain = append(plain, text...)
	}
	plain = append(plain, r.Body...)
	if !c.seal {
		return b[:HeadSize+len(plain)], nil
	}
	aead, err := c.keys.aead(id)
	if err != nil {
		return nil, err
	}
	return aead.Seal(b, nil, plain, b[authenticateAt:HeadSize]), nil //nolint:gosec // the AEAD makes its own nonce
}

// decode reads the response of a record that is done.
func (c *codec) decode(id ID, record []byte) (*Response, error) {
	h, err := readHead(record)
	if err != nil {
		return nil, err
	}
	plain := record[HeadSize:]
	if c.seal {
		aead, err := c.keys.aead(id)
		if err != nil {
			return nil, err
		}
		if plain, err = aead.Open(nil, nil, plain, record[authenticateAt:HeadSize]); err != nil {
			return nil, fmt.Errorf("%w: it can't be decrypted", ErrUnreadable)
		}
	}
	r := &Response{Status: h.status()}
	for _, text := range []*string{&r.Format, &r.ContentType, &r.Location} {
		n, w := binary.Uvarint(plain)
		if w <= 0 || n > uint64(len(plain)-w) {
			return nil, fmt.Errorf("%w: it is damaged", ErrUnreadable)
		}
		*text, plain = string(plain[w:w+int(n)]), plain[w+int(n):]
	}
	r.Body = plain
	return r, nil
}

// StateOf returns the state of a record at a time: a claim past its deadline is
// unknown.
func StateOf(record []byte, now time.Time) (State, error) {
	h, err := readHead(record)
	if err != nil {
		return 0, err
	}
	return h.at(now), nil
}

// Interrupt returns the record of a call in flight whose process is gone: unknown.
// It reports false for any other record.
func Interrupt(record []byte) ([]byte, bool) {
	if h, err := readHead(record); err != nil || h.state() != Started {
		return nil, false
	}
	return withState(record, Unknown), true
}

// DropBody returns the record of a finished call without its response, for a store
// that is full. It reports false for any other record.
func DropBody(record []byte) ([]byte, bool) {
	if h, err := readHead(record); err != nil || h.state() != Done {
		return nil, false
	}
	return withState(record[:HeadSize], NotKept), true
}

// withState returns a copy of record in another state.
func withState(record []byte, s State) []byte {
	changed := append(make([]byte, 0, len(record)), record...)
	changed[stateAt] = byte(s)
	return changed
}
