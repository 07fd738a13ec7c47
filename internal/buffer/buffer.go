// Package buffer pools byte buffers for the bodies of requests, for responses that
// are held, and for the CSV that is made of them.
//
// Code that takes a buffer gives it back, whatever happens in between. [Taken]
// counts those that are out, so that a test can tell when one is lost.
package buffer

import (
	"sync"
	"sync/atomic"
)

// MaxPooled is the largest buffer in bytes that is kept for reuse. One that grew
// beyond it, for a rare large body, is left to the garbage collector.
const MaxPooled = 1 << 20

var (
	pool  = sync.Pool{New: func() any { return new([]byte) }}
	taken atomic.Int64
)

// Take lends an empty buffer with room for size bytes.
func Take(size int) *[]byte {
	taken.Add(1)
	b := pool.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	Reserve(b, size)
	return b
}

// Reserve empties a buffer and gives it room for size bytes.
func Reserve(b *[]byte, size int) {
	if cap(*b) < size {
		*b = make([]byte, 0, size)
	}
	*b = (*b)[:0]
}

// Give takes back a buffer that nothing refers to any more. With the race detector it
// overwrites the contents, so that tests notice code that still reads them.
func Give(b *[]byte) {
	taken.Add(-1)
	if spoils {
		spoil(*b)
	}
	if cap(*b) <= MaxPooled {
		pool.Put(b)
	}
}

// spoil overwrites a buffer.
func spoil(b []byte) {
	b = b[:cap(b)]
	for i := range b {
		b[i] = 0xdb
	}
}

// Taken returns how many buffers were taken and not given back yet: 0 while no request
// is under way.
func Taken() int64 { return taken.Load() }
