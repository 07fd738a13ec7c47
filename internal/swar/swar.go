// Package swar searches text eight bytes at a time, as one little-endian word.
// Its functions return marks, a word with the high bit set in bytes that match. Its other
// bits, and those for bytes beyond ASCII, mean nothing; [Clear] clears them, once for all
// marks together. A byte above a matching one can be marked by mistake, because the
// subtraction borrows, but never a byte below it. So only the lowest mark counts.
package swar

import (
	"encoding/binary"
	"math/bits"
)

// Words of eight times the same byte: 1, and the high bit.
const (
	Ones  = 0x0101010101010101
	Highs = 0x8080808080808080
)

// Load returns the eight bytes of b that begin at i.
func Load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8 : i+8]) }

// Repeated returns a word of eight times c, which is ASCII.
func Repeated(c byte) uint64 { return Ones * uint64(c) }

// Equal marks the bytes of x that are those of pattern.
func Equal(x, pattern uint64) uint64 { return (x ^ pattern) - Ones }

// Controls marks the bytes of x that are less than a space.
func Controls(x uint64) uint64 { return x - Ones*' ' }

// Clear returns the marks of x that mean something.
func Clear(marks, x uint64) uint64 { return marks &^ x & Highs }

// First returns the index of the lowest marked byte of marks that are clear.
func First(marks uint64) int { return bits.TrailingZeros64(marks) >> 3 }
