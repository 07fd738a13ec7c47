// Package file is a store of idempotency in one file, for one process.
//
// A record is on the disk before the step that writes it returns: it survives the end of
// the process and a loss of power. Steps that come while the disk is busy are written
// together, by the next sync.
//
// Opening the file marks calls that an earlier process had in flight as unknown.
//
// The file is a bbolt database, which never shrinks; the space of records that expired is
// used again. It grows to what the records of one ttl take, and never beyond
// Options.MaxSize: from three quarters of that on, it drops responses, and when even keys
// don't fit, it takes no more of them ([idempotency.ErrFull]). Records expire by the wall
// clock. The file must be on a local disk, because network file systems lock and sync
// differently.
package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
)

const (
	// DefaultMaxSize is the largest size of the file in bytes: 1 GiB.
	DefaultMaxSize = 1 << 30
	// MinMaxSize is the smallest size that can be set: 1 MiB.
	MinMaxSize = 1 << 20
	// RecordSize is how many bytes of the file a record takes besides the response,
	// including what the pages of the tree leave unused.
	RecordSize = 256

	version     = 1
	lockTimeout = 100 * time.Millisecond
	expirySize  = 8
	// sweep is how many records a claim looks at for those that have expired. Where
	// the file is full, it looks at purge records, and up to purges times.
	sweep, purge, purges = 4, 256, 16
	// queued is how many steps wait for the disk; more wait for the queue.
	queued = 1024
)

// The buckets of the file.
var (
	records = []byte("records") // by ID: when it expires, Unix milliseconds, and the record
	meta    = []byte("meta")
)

// The keys of the bucket meta.
var (
	versionKey = []byte("version")
	checkKey   = []byte("hash_key check")
)

// ErrLocked says that another process has the file open.
var ErrLocked = errors.New("another process has the file open; every Caddy process needs a file of its own")

// ErrMoved says that the path does not have the file any more that is open: what is
// written now would be lost with the process.
var ErrMoved = errors.New("the file was removed, replaced or cut off while it was open; restart the process")

// ErrClosed says that the store is closed.
var ErrClosed = errors.New("the file is closed")

// errOtherHashKey says how to go on, too.
var errOtherHashKey = fmt.Errorf("%w; set that one again, or another path, which forgets what calls were placed", idempotency.ErrOtherHashKey)

// Options of a store.
type Options struct {
	// Check is [idempotency.Keyring.Check] of the hash_key.
	Check [8]byte
	// MaxSize is the largest size of the file in bytes. Default: DefaultMaxSize.
	MaxSize int

	now func() time.Time
}

// Store is a store in a file. Open it with Open.
type Store struct {
	db    *bolt.DB
	path  string
	check [8]byte
	now   func() time.Time

	opened os.FileInfo  // the file that is open
	size   atomic.Int64 // its size in bytes, when it was last looked at
	// failed is why the last step could not be written, nil if it was. broken is why none
	// can be done any more.
	failed, broken atomic.Pointer[error]

	steps  chan *step
	closed chan struct{}
	done   chan struct{}
	once   sync.Once
	hand   []byte // the ID that the sweep looks at next
}

// step is one change of the file.
type step struct {
	do     func(*bolt.Bucket) error
	err    error // of do: what the step came to, though the rest is written
	result chan error
}

// Open opens the file at path, or makes it, readable for its owner alone. It fails
// at once if another process has it open, if it was written with another hash_key
// or by a later release, or if it is damaged. No error of this package names the file.
func Open(path string, o Options) (*Store, error) {
	if o.now == nil {
		o.now = time.Now
	}
	if o.MaxSize == 0 {
		o.MaxSize = DefaultMaxSize
	}
	s := &Store{
		path: path, check: o.Check, now: o.now,
		steps: make(chan *step, queued), closed: make(chan struct{}), done: make(chan struct{}),
	}
	if err := s.guard(func() error { return s.open(o) }); err != nil {
		if s.db != nil {
			s.broken.Store(nil) // a transaction that panics releases the locks
			_ = s.guard(s.db.Close)
		}
		return nil, withoutPath(err)
	}
	go s.write()
	return s, nil
}

// withoutPath leaves the path out of an error of the operating system's: whoever uses a
// store names it.
func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", pathErr.Op, pathErr.Err)
	}
	return err
}

// damage is what a damaged file came to: what is wrong with it, a panic of bbolt's, or a
// fault of memory.
type damage struct{ cause any }

func (d damage) Error() string {
	return fmt.Sprintf("the file is damaged, or of another program: %v; move it away and start again with an empty one, which forgets what calls were placed", d.cause)
}

// guard makes an error of the panic that a damaged file causes. It may have left locks
// of bbolt's behind, so nothing is done after it.
func (s *Store) guard(do func() error) (err error) {
	if broken := s.broken.Load(); broken != nil {
		return *broken
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damage{p}
			s.broken.Store(&err)
		}
	}()
	return do()
}

// intact returns an error if the path does not have the file that is open, whole.
func (s *Store) intact() error {
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ErrMoved
	case err != nil:
		return withoutPath(err)
	case !os.SameFile(info, s.opened), info.Size() < s.size.Load():
		return ErrMoved
	}
	s.size.Store(info.Size())
	return nil
}

// open opens the file, checks it, and interrupts what was in flight.
func (s *Store) open(o Options) (err error) {
	if err := inspect(s.path); err != nil {
		return err
	}
	s.db, err = bolt.Open(s.path, 0o600, &bolt.Options{
		Timeout: lockTimeout, FreelistType: bolt.FreelistMapType, NoFreelistSync: true, MaxSize: o.MaxSize,
	})
	if err != nil {
		return explain(err)
	}
	if s.opened, err = os.Stat(s.path); err != nil {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		if err := s.identify(tx, s.check); err != nil {
			return err
		}
		b, err := tx.CreateBucketIfNotExists(records)
		if err != nil {
			return err
		}
		return interrupt(b)
	})
}

// inspect reads every page of a file that is there already. Where one is damaged,
// bbolt panics: here in this goroutine, in which [guard] makes an error of it; when
// it opens a file to write, in one of its own, which would end the process.
func inspect(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("that is a directory or a device; want the path of a file")
	case info.Size() == 0:
		return damage{"it is empty"}
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: lockTimeout})
	if err != nil {
		return explain(err)
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
			var last []byte
			return b.ForEach(func(key, _ []byte) error {
				if last != nil && bytes.Compare(last, key) >= 0 {
					return damage{"its keys are out of order"}
				}
				last = key
				return nil
			})
		})
	})
}

// explain says what an error of bbolt's means when it opens a file: what does not come
// from the operating system is about what is in the file.
func explain(err error) error {
	_, system := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrLocked
	case system:
		return err
	default:
		return damage{err}
	}
}

// identify holds the file to the version and the hash_key, and writes them into a
// new one.
func (s *Store) identify(tx *bolt.Tx, check [8]byte) error {
	m := tx.Bucket(meta)
	if m == nil {
		if name, _ := tx.Cursor().First(); name != nil {
			return damage{"it is a database of something else"}
		}
		m, err := tx.CreateBucket(meta)
		if err != nil {
			return err
		}
		return errors.Join(m.Put(versionKey, []byte{version}), m.Put(checkKey, check[:]))
	}
	if v := m.Get(versionKey); len(v) != 1 || v[0] > version {
		return fmt.Errorf("the file has version %v, written by a later release; this one reads up to %d", v, version)
	}
	if !bytes.Equal(m.Get(checkKey), check[:]) {
		return errOtherHashKey
	}
	return nil
}

// interrupt makes unknown what was in flight.
func interrupt(b *bolt.Bucket) error {
	changed := make(map[string][]byte)
	err := b.ForEach(func(id, value []byte) error {
		if len(value) < expirySize {
			return damage{"a record is cut off"}
		}
		if record, ok := idempotency.Interrupt(value[expirySize:]); ok {
			changed[string(id)] = append(bytes.Clone(value[:expirySize]), record...)
		}
		return nil
	})
	for id, value := range changed {
		err = errors.Join(err, b.Put([]byte(id), value))
	}
	return err
}

// Verify returns an error if the file was written with another hash_key.
func (s *Store) Verify(check [8]byte) error {
	if check != s.check {
		return errOtherHashKey
	}
	return nil
}

// Close writes what is queued and closes the file.
func (s *Store) Close() error {
	s.once.Do(func() { close(s.closed) })
	<-s.done
	if s.broken.Load() != nil {
		return nil // it was reported, and bbolt may wait for its own lock
	}
	return s.guard(s.db.Close)
}

// write writes the steps, all that wait at a time in one transaction, until the
// store is closed.
func (s *Store) write() {
	defer close(s.done)
	for {
		select {
		case first := <-s.steps:
			s.commit(s.waiting(first))
		case <-s.closed:
			for {
				select {
				case first := <-s.steps:
					s.commit(s.waiting(first))
				default:
					return
				}
			}
		}
	}
}

// waiting returns first and all steps that wait behind it.
func (s *Store) waiting(first *step) []*step {
	batch := []*step{first}
	for {
		select {
		case next := <-s.steps:
			batch = append(batch, next)
		default:
			return batch
		}
	}
}

// commit writes a batch. Where it can't, each step is tried alone, so that one that
// has no room leaves the others theirs.
func (s *Store) commit(batch []*step) {
	err := s.update(batch)
	if err != nil && len(batch) > 1 {
		for _, one := range batch {
			s.commit([]*step{one})
		}
		return
	}
	for _, one := range batch {
		if err == nil {
			one.result <- one.err
		} else {
			one.result <- err
		}
	}
}

// update does steps in one transaction, which is on the disk when it returns.
func (s *Store) update(batch []*step) (err error) {
	defer func() {
		if err == nil {
			s.failed.Store(nil)
		} else {
			s.failed.Store(&err)
		}
	}()
	if err := s.intact(); err != nil {
		return err
	}
	err = s.guard(func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket(records)
			for _, one := range batch {
				if one.err = one.do(b); one.err != nil && !errors.Is(one.err, idempotency.ErrLost) {
					return one.err
				}
			}
			return nil
		})
	})
	if errors.Is(err, berrors.ErrMaxSizeReached) {
		return idempotency.ErrFull
	}
	return withoutPath(err)
}

// enqueue has a step done, and waits until it is on the disk.
func (s *Store) enqueue(ctx context.Context, do func(*bolt.Bucket) error) error {
	one := &step{do: do, result: make(chan error, 1)}
	select {
	case <-s.closed:
		return ErrClosed
	default:
	}
	select {
	case s.steps <- one:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return ErrClosed
	}
	select {
	case err := <-one.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		select {
		case err := <-one.result:
			return err
		default:
			return ErrClosed
		}
	}
}

// Begin implements idempotency.Store. What is held already is found without a
// write.
func (s *Store) Begin(ctx context.Context, id idempotency.ID, claim []byte, ttl time.Duration) ([]byte, error) {
	held, err := s.read(id)
	if held != nil || err != nil {
		return held, err
	}
	begin := func(looks int) error {
		return s.enqueue(ctx, func(b *bolt.Bucket) error {
			if held = s.live(b.Get(id[:])); held != nil {
				return nil
			}
			if err := s.reclaim(b, looks); err != nil {
				return err
			}
			if s.used(b.Tx()) > s.limit(forKeys) {
				return idempotency.ErrFull
			}
			return s.put(b, id, claim, ttl)
		})
	}
	err = begin(sweep)
	for try := 0; try < purges && errors.Is(err, idempotency.ErrFull); try++ {
		// What is removed makes room for the next transaction.
		if err := s.enqueue(ctx, func(b *bolt.Bucket) error { return s.reclaim(b, purge) }); err != nil {
			return nil, err
		}
		err = begin(0)
	}
	if err != nil {
		return nil, err
	}
	return held, nil
}

// read returns a record that has not expired.
func (s *Store) read(id idempotency.ID) (held []byte, err error) {
	err = s.guard(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			held = s.live(tx.Bucket(records).Get(id[:]))
			return nil
		})
	})
	return held, err
}

// live returns a copy of the record of a value, nil if it is absent or has expired.
func (s *Store) live(value []byte) []byte {
	if value == nil || s.expired(value) {
		return nil
	}
	return bytes.Clone(value[expirySize:])
}

func (s *Store) expired(value []byte) bool {
	return int64(binary.BigEndian.Uint64(value)) <= s.now().UnixMilli()
}

// put writes a record.
func (s *Store) put(b *bolt.Bucket, id idempotency.ID, record []byte, ttl time.Duration) error {
	value := make([]byte, 0, expirySize+len(record))
	value = binary.BigEndian.AppendUint64(value, uint64(s.now().Add(ttl).UnixMilli()))
	return b.Put(id[:], append(value, record...))
}

// reclaim looks at the next records in turn and removes those that have expired.
// All of n are looked at while n/sweep claims come, so there are never many more.
func (s *Store) reclaim(b *bolt.Bucket, looks int) error {
	c := b.Cursor()
	var expired [][]byte
	id, value := c.Seek(s.hand)
	for range looks {
		if id == nil {
			break
		}
		if s.expired(value) {
			expired = append(expired, bytes.Clone(id))
		}
		id, value = c.Next()
	}
	s.hand = bytes.Clone(id) // nil: from the first again
	for _, id := range expired {
		if err := b.Delete(id); err != nil {
			return err
		}
	}
	return nil
}

// Replace implements idempotency.Store. A response that does not fit any more is
// not kept.
func (s *Store) Replace(ctx context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	replace := func(record []byte) error {
		return s.enqueue(ctx, func(b *bolt.Bucket) error {
			is := s.live(b.Get(id[:]))
			switch {
			case is == nil && record == nil:
				return nil
			case is == nil, !bytes.Equal(is, held) && !bytes.Equal(is, record):
				return idempotency.ErrLost
			case record == nil:
				return b.Delete(id[:])
			}
			if dropped, ok := idempotency.DropBody(record); ok && s.used(b.Tx())+int64(len(record)) > s.limit(forResponses) {
				record = dropped
			}
			return s.put(b, id, record, ttl)
		})
	}
	err := replace(record)
	if errors.Is(err, idempotency.ErrFull) {
		if dropped, ok := idempotency.DropBody(record); ok {
			return replace(dropped)
		}
	}
	return err
}

// Of the eighths of the file, responses leave two to keys, and keys leave one for
// changes: even to remove a record, pages are written before others are free.
const (
	eighths      = 8
	forResponses = 6
	forKeys      = 7
)

func (s *Store) limit(parts int64) int64 { return int64(s.db.MaxSize) / eighths * parts }

// used is how much of the file is in use.
func (s *Store) used(tx *bolt.Tx) int64 {
	return tx.Size() - int64(s.db.Stats().FreePageN)*int64(s.db.Info().PageSize)
}

// Scan implements idempotency.Store.
func (s *Store) Scan(ctx context.Context, prefix []byte, visit func(idempotency.ID, []byte) error) error {
	const chunk = 1000
	type found struct {
		id     idempotency.ID
		record []byte
	}
	next := append([]byte{}, prefix...)
	for next != nil {
		var some []found
		err := s.guard(func() error {
			return s.db.View(func(tx *bolt.Tx) error {
				c := tx.Bucket(records).Cursor()
				id, value := c.Seek(next)
				next = nil
				for ; id != nil && bytes.HasPrefix(id, prefix); id, value = c.Next() {
					if len(some) == chunk {
						next = bytes.Clone(id)
						return nil
					}
					if record := s.live(value); record != nil {
						some = append(some, found{idempotency.ID(id), record})
					}
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		for _, f := range some {
			if err := visit(f.id, f.record); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Health reads the file, and returns why the last step could not be written.
func (s *Store) Health(context.Context) error {
	select {
	case <-s.closed:
		return ErrClosed
	default:
	}
	if err := s.intact(); err != nil {
		return err
	}
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	_, err := s.read(idempotency.ID{})
	return err
}

var _ idempotency.Store = (*Store)(nil)
