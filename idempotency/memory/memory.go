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
	records map[idempotency.ID]number
	entries table
	queues  []*queue
	bodies  number // the sentinel of the ring of entries that have a body, the response
}

// queue is the ring of the entries of one lifetime. The oldest, which expires first,
// follows the sentinel. There are few lifetimes: the options have a few durations.
type queue struct {
	ttl      time.Duration
	sentinel number
}

// entry is one record.
type entry struct {
	id      idempotency.ID
	record  []byte
	expires time.Duration
	links   [2]link
}

// link is the place of an entry in a ring, a list whose ends are linked to its sentinel.
// Its fields are 0 if the entry is not in the ring.
type link struct{ prev, next number }

// The two rings that an entry can be in: indexes of its links.
const (
	ofQueue = iota
	ofBodies
)

// number is the number of an entry, from 1. Entries refer to each other by numbers,
// because the garbage collector would follow pointers, of every key.
type number int32

// table holds entries by their numbers. It never shrinks.
type table struct {
	chunks [][]entry
	last   number   // the highest number so far, 0 before the first
	free   []number // those of entries that were removed
}

// chunkSize is how many entries are allocated at a time.
const chunkSize = 1 << 10

// at returns an entry. The pointer stays valid.
func (t *table) at(n number) *entry { return &t.chunks[n/chunkSize][n%chunkSize] }

// add returns the number of a new entry.
func (t *table) add() number {
	if last := len(t.free) - 1; last >= 0 {
		n := t.free[last]
		t.free = t.free[:last]
		return n
	}
	if t.last++; int(t.last/chunkSize) == len(t.chunks) {
		t.chunks = append(t.chunks, make([]entry, chunkSize))
	}
	return t.last
}

// remove removes an entry.
func (t *table) remove(n number) {
	*t.at(n) = entry{}
	t.free = append(t.free, n)
}

// newRing returns the sentinel of an empty ring.
func (t *table) newRing(ring int) number {
	n := t.add()
	t.at(n).links[ring] = link{n, n}
	return n
}

// oldest returns the oldest entry of the ring of a sentinel, 0 if there is none.
func (t *table) oldest(ring int, sentinel number) number {
	if n := t.at(sentinel).links[ring].next; n != sentinel {
		return n
	}
	return 0
}

// link puts an entry into the ring of a sentinel, as the youngest.
func (t *table) link(ring int, sentinel, added number) {
	l := &t.at(sentinel).links[ring]
	t.at(added).links[ring] = link{l.prev, sentinel}
	t.at(l.prev).links[ring].next = added
	l.prev = added
}

// unlink takes an entry out of the ring that it is in.
func (t *table) unlink(ring int, n number) {
	l := &t.at(n).links[ring]
	t.at(l.prev).links[ring].next, t.at(l.next).links[ring].prev = l.next, l.prev
	*l = link{}
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
	s := &Store{maxSize: maxSize, now: now, records: make(map[idempotency.ID]number)}
	s.bodies = s.entries.newRing(ofBodies)
	return s
}

// Begin implements idempotency.Store.
func (s *Store) Begin(_ context.Context, id idempotency.ID, claim []byte, ttl time.Duration) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.expire(now)
	if n := s.records[id]; n != 0 {
		return s.entries.at(n).record, nil
	}
	if !s.fit(KeySize) {
		return nil, idempotency.ErrFull
	}
	s.size += KeySize
	n := s.entries.add()
	s.entries.at(n).id = id
	s.records[id] = n
	s.enqueue(n, now, ttl)
	s.put(n, claim)
	return nil, nil
}

// Replace implements idempotency.Store.
func (s *Store) Replace(_ context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.expire(now)
	n := s.records[id]
	if n == 0 {
		if record == nil {
			return nil
		}
		return idempotency.ErrLost
	}
	switch stored := s.entries.at(n).record; {
	case !bytes.Equal(stored, held) && !bytes.Equal(stored, record):
		return idempotency.ErrLost
	case record == nil:
		s.remove(n)
		return nil
	}
	s.put(n, record)
	s.entries.unlink(ofQueue, n)
	s.enqueue(n, now, ttl)
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
		if n, ok := s.records[idempotency.ID(prefix)]; ok {
			all = append(all, found{idempotency.ID(prefix), s.entries.at(n).record})
		}
	} else {
		for id, n := range s.records {
			if bytes.HasPrefix(id[:], prefix) {
				all = append(all, found{id, s.entries.at(n).record})
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
func (s *Store) put(n number, record []byte) {
	s.forgetBody(n)
	e := s.entries.at(n)
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
	s.entries.link(ofBodies, s.bodies, n)
}

// forgetBody takes the body of an entry out of the ring and of the size.
func (s *Store) forgetBody(n number) {
	e := s.entries.at(n)
	if e.links[ofBodies].next == 0 {
		return
	}
	s.size -= len(e.record) - idempotency.HeadSize
	s.entries.unlink(ofBodies, n)
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
	for s.size > size {
		n := s.entries.oldest(ofBodies, s.bodies)
		if n == 0 {
			return
		}
		e := s.entries.at(n)
		dropped, _ := idempotency.DropBody(e.record)
		s.forgetBody(n)
		e.record = dropped
	}
}

// remove removes an entry.
func (s *Store) remove(n number) {
	s.forgetBody(n)
	s.size -= KeySize
	delete(s.records, s.entries.at(n).id)
	s.entries.unlink(ofQueue, n)
	s.entries.remove(n)
}

// enqueue queues an entry to expire ttl after now.
func (s *Store) enqueue(n number, now, ttl time.Duration) {
	s.entries.at(n).expires = now + ttl
	s.entries.link(ofQueue, s.queue(ttl), n)
}

// queue returns the sentinel of the queue of a lifetime. A new one takes the place of
// one that is empty.
func (s *Store) queue(ttl time.Duration) number {
	for _, q := range s.queues {
		if q.ttl == ttl {
			return q.sentinel
		}
	}
	for _, q := range s.queues {
		if s.entries.oldest(ofQueue, q.sentinel) == 0 {
			q.ttl = ttl
			return q.sentinel
		}
	}
	q := &queue{ttl, s.entries.newRing(ofQueue)}
	s.queues = append(s.queues, q)
	return q.sentinel
}

// expire removes what has expired.
func (s *Store) expire(now time.Duration) {
	for _, q := range s.queues {
		for {
			n := s.entries.oldest(ofQueue, q.sentinel)
			if n == 0 || s.entries.at(n).expires > now {
				break
			}
			s.remove(n)
		}
	}
}

var _ idempotency.Store = (*Store)(nil)
