// Package memory is a store of idempotency in the memory of one process.
//
// It is bounded. When it is full it drops the responses that it has kept longest,
// and never a key: a key that is forgotten is a call that is placed twice. When even
// the keys don't fit, it takes no more of them ([idempotency.ErrFull]).
//
// It forgets everything when the process ends. Records expire by the monotonic
// clock: setting the machine's clock changes nothing.
package memory

import (
	"bytes"
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
)

const (
	// DefaultMaxSize is the largest size of a store in bytes: 64 MiB.
	DefaultMaxSize = 64 << 20
	// KeySize is what a key takes of the size, in bytes, with all that is kept
	// besides the response: 64 MiB hold 209,715 keys.
	KeySize = 320
)

// Store is a store in memory. Create it with New.
type Store struct {
	maxSize int
	now     func() time.Duration // monotonic

	mu      sync.Mutex
	size    int
	records map[idempotency.ID]*entry
	expiry  expiry // the one that expires first is first
	// bodies is the ring of entries with a response, the oldest behind the sentinel.
	bodies entry
}

// entry is one record.
type entry struct {
	id         idempotency.ID
	record     []byte
	expires    time.Duration
	at         int    // its place in expiry
	prev, next *entry // in the ring of bodies; nil if it has none
}

// New returns an empty store of at most maxSize bytes; 0 is DefaultMaxSize.
func New(maxSize int) *Store {
	started := time.Now()
	return newStore(maxSize, func() time.Duration { return time.Since(started) })
}

func newStore(maxSize int, now func() time.Duration) *Store {
	if maxSize == 0 {
		maxSize = DefaultMaxSize
	}
	s := &Store{maxSize: maxSize, now: now, records: make(map[idempotency.ID]*entry)}
	s.bodies.prev, s.bodies.next = &s.bodies, &s.bodies
	return s
}

// Begin implements idempotency.Store.
func (s *Store) Begin(_ context.Context, id idempotency.ID, claim []byte, ttl time.Duration) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if e := s.records[id]; e != nil {
		return e.record, nil
	}
	e := &entry{id: id, expires: s.now() + ttl}
	if !s.fit(KeySize) {
		return nil, idempotency.ErrFull
	}
	s.size += KeySize
	s.records[id] = e
	heap.Push(&s.expiry, e)
	s.put(e, claim)
	return nil, nil
}

// Replace implements idempotency.Store.
func (s *Store) Replace(_ context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	e := s.records[id]
	switch {
	case e == nil && record == nil:
		return nil
	case e == nil, !bytes.Equal(e.record, held) && !bytes.Equal(e.record, record):
		return idempotency.ErrLost
	case record == nil:
		s.remove(e)
		return nil
	}
	s.put(e, record)
	e.expires = s.now() + ttl
	heap.Fix(&s.expiry, e.at)
	return nil
}

// Scan implements idempotency.Store.
func (s *Store) Scan(_ context.Context, prefix []byte, visit func(idempotency.ID, []byte) error) error {
	type found struct {
		id     idempotency.ID
		record []byte
	}
	var all []found
	s.mu.Lock()
	s.expire()
	if len(prefix) == len(idempotency.ID{}) {
		if e, ok := s.records[idempotency.ID(prefix)]; ok {
			all = append(all, found{idempotency.ID(prefix), e.record})
		}
	} else {
		for id, e := range s.records {
			if bytes.HasPrefix(id[:], prefix) {
				all = append(all, found{id, e.record})
			}
		}
	}
	s.mu.Unlock()
	for _, f := range all {
		if err := visit(f.id, f.record); err != nil {
			return err
		}
	}
	return nil
}

// Health returns idempotency.ErrFull while there is no room for one more key.
func (s *Store) Health(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if len(s.records)*KeySize+KeySize > s.maxSize {
		return idempotency.ErrFull
	}
	return nil
}

// Resize changes the largest size; 0 is DefaultMaxSize. Keys beyond it stay until
// they expire.
func (s *Store) Resize(maxSize int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if maxSize == 0 {
		maxSize = DefaultMaxSize
	}
	s.maxSize = maxSize
	s.shrink(maxSize)
}

// Size returns the bytes in use, as they are counted against the largest size.
func (s *Store) Size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// put stores a record in an entry, and its body if there is room.
func (s *Store) put(e *entry, record []byte) {
	s.forgetBody(e)
	e.record = record
	body := len(record) - idempotency.HeadSize
	if body <= 0 {
		return
	}
	if !s.fit(body) {
		e.record, _ = idempotency.DropBody(record)
		return
	}
	s.size += body
	e.prev, e.next = s.bodies.prev, &s.bodies
	e.prev.next, e.next.prev = e, e
}

// forgetBody takes the body of an entry out of the ring and of the size.
func (s *Store) forgetBody(e *entry) {
	if e.next == nil {
		return
	}
	s.size -= len(e.record) - idempotency.HeadSize
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}

// fit makes room for n bytes more, if it can.
func (s *Store) fit(n int) bool {
	if len(s.records)*KeySize+n > s.maxSize {
		return false // not even without any body
	}
	s.shrink(s.maxSize - n)
	return true
}

// shrink drops the oldest bodies until size is kept, or none is left.
func (s *Store) shrink(size int) {
	for s.size > size && s.bodies.next != &s.bodies {
		e := s.bodies.next
		dropped, _ := idempotency.DropBody(e.record)
		s.forgetBody(e)
		e.record = dropped
	}
}

// remove removes an entry.
func (s *Store) remove(e *entry) {
	s.forgetBody(e)
	s.size -= KeySize
	delete(s.records, e.id)
	heap.Remove(&s.expiry, e.at)
}

// expire removes what has expired.
func (s *Store) expire() {
	now := s.now()
	for len(s.expiry) > 0 && s.expiry[0].expires <= now {
		s.remove(s.expiry[0])
	}
}

// expiry is a heap of entries, by when they expire.
type expiry []*entry

func (h expiry) Len() int           { return len(h) }
func (h expiry) Less(i, j int) bool { return h[i].expires < h[j].expires }

func (h expiry) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push implements heap.Interface.
func (h *expiry) Push(x any) {
	e := x.(*entry) //nolint:forcetypeassert // Begin pushes entries only
	e.at = len(*h)
	*h = append(*h, e)
}

// Pop implements heap.Interface.
func (h *expiry) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}

var _ idempotency.Store = (*Store)(nil)
