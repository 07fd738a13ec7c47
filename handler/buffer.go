package handler

import "sync"

// maxPooled is the largest buffer in bytes that is kept for reuse. One that
// grew beyond it, for a rare large answer, is left to the garbage collector.
const maxPooled = 1 << 20

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// takeBuffer returns an empty buffer with room for size bytes.
func takeBuffer(size int) *[]byte {
	b := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	reserve(b, size)
	return b
}

// reserve empties a buffer and gives it room for size bytes.
func reserve(b *[]byte, size int) {
	if cap(*b) < size {
		*b = make([]byte, 0, size)
	}
	*b = (*b)[:0]
}

// roomForCSV is how much room to take for the CSV of an answer of size bytes.
// For a large answer it is all that the CSV may become: a buffer that has to
// grow is held twice while it is copied.
func roomForCSV(size int) int {
	if size <= maxPooled {
		return 0
	}
	return 2*size + maxPooled/16
}

// giveBuffer returns a buffer that nobody refers to any more.
func giveBuffer(b *[]byte) {
	if cap(*b) <= maxPooled {
		buffers.Put(b)
	}
}
