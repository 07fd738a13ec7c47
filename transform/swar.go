package transform

import (
	"encoding/binary"
	"math/bits"
)

// Text is searched eight bytes at a time, as one little-endian word. The
// functions below return a word with the high bit set in bytes that match; its
// other bits mean nothing, so that marks are united first and masked with highs
// once. A byte above a matching one can be marked by mistake (the subtraction borrows),
// a byte below never: so the lowest mark is always right, and only that counts.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// load returns the eight bytes of b that begin at i.
func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8 : i+8]) }

// repeated returns a word of eight times c.
func repeated(c byte) uint64 { return ones * uint64(c) }

// equal marks the bytes of x that are those of pattern.
func equal(x, pattern uint64) uint64 {
	x ^= pattern
	return (x - ones) &^ x
}

// controls marks the bytes of x that are less than a space.
func controls(x uint64) uint64 { return (x - ones*' ') &^ x }

// first returns the index of the lowest marked byte.
func first(marks uint64) int { return bits.TrailingZeros64(marks) >> 3 }
