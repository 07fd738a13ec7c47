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
	"context"
	"slices"
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
	queues  []*queue
	// bodies is the ring of entries with a response, the oldest behind the sentinel.
	bodies entry
}

// queue is the ring of the entries that live equally long, the oldest behind the
// sentinel: the first to expire, for time only moves on. There are few such
// lifetimes: those of options.
type queue struct {
	ttl     time.Duration
	entries entry
}

// entry is one record.
type entry struct {
	id      idempotency.ID
	record  []byte
	expires time.Duration
	links   [2]link
}

// link is the place of an entry in a ring; its fields are nil if it is in none.
type link struct{ prev, next *entry }

// The rings that an entry is in.
const (
	ofQueue  = iota
	ofBodies // if it has a response
)

// empty makes e the sentinel of an empty ring.
func (e *entry) empty(ring int) { e.links[ring] = link{e, e} }

// append adds an entry to the ring of a sentinel, as the youngest.
func (e *entry) append(ring int, added *entry) {
	last := e.links[ring].prev
	added.links[ring] = link{last, e}
	last.links[ring].next, e.links[ring].prev = added, added
}

// remove takes an entry out of the ring that it is in.
func (e *entry) remove(ring int) {
	l := e.links[ring]
	l.prev.links[ring].next, l.next.links[ring].prev = l.next, l.prev
	e.links[ring] = link{}
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
	s.bodies.empty(ofBodies)
	return s
}

// Begin implements idempotency.Store.
func (s *Store) Begin(_ context.Context, id idempotency.ID, claim []byte, ttl time.Duration) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.expire(now)
	if e := s.records[id]; e != nil {
		return e.record, nil
	}
	if !s.fit(KeySize) {
		return nil, idempotency.ErrFull
	}
	s.size += KeySize
	e := &entry{id: id}
	s.records[id] = e
	s.enqueue(e, now, ttl)
	s.put(e, claim)
	return nil, nil
}

// Replace implements idempotency.Store.
func (s *Store) Replace(_ context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.expire(now)
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
	e.remove(ofQueue)
	s.enqueue(e, now, ttl)
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
	s.expire(s.now())
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

// Health returns idempotency.ErrFull while one more key does not fit.
func (s *Store) Health(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(s.now())
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
	s.bodies.append(ofBodies, e)
}

// forgetBody takes the body of an entry out of the ring and of the size.
func (s *Store) forgetBody(e *entry) {
	if e.links[ofBodies].next == nil {
		return
	}
	s.size -= len(e.record) - idempotency.HeadSize
	e.remove(ofBodies)
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
	for s.size > size && s.bodies.links[ofBodies].next != &s.bodies {
		e := s.bodies.links[ofBodies].next
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
	e.remove(ofQueue)
}

// enqueue queues an entry to expire ttl after now.
func (s *Store) enqueue(e *entry, now, ttl time.Duration) {
	e.expires = now + ttl
	for _, q := range s.queues {
		if q.ttl == ttl {
			q.entries.append(ofQueue, e)
			return
		}
	}
	q := &queue{ttl: ttl}
	q.entries.empty(ofQueue)
	q.entries.append(ofQueue, e)
	s.queues = append(slices.DeleteFunc(s.queues, (*queue).isEmpty), q)
}

// isEmpty reports whether there is no entry of this lifetime.
func (q *queue) isEmpty() bool { return q.entries.links[ofQueue].next == &q.entries }

// expire removes what has expired.
func (s *Store) expire(now time.Duration) {
	for _, q := range s.queues {
		for !q.isEmpty() && q.entries.links[ofQueue].next.expires <= now {
			s.remove(q.entries.links[ofQueue].next)
		}
	}
}

var _ idempotency.Store = (*Store)(nil)
