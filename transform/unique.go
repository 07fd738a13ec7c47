package transform

import (
	"bytes"
	"hash/maphash"
	"slices"

	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
)

// The names of an object that its shape does not know are gathered as pairs of
// offsets, the start in the upper half, and compared at the object's end: each
// with each where there are few; else by sorting their hashes, so that many
// names take n log n whatever they are. The seed keeps an upstream from
// choosing names whose hashes are the same.

// fewNames is the largest number of names that are compared pairwise.
const fewNames = 8

// seed is the seed of the names' hashes.
var seed = maphash.MakeSeed()

// unique reports whether the names from base on are all different. If not it
// records the error.
func (s *scanner) unique(base int) bool {
	names := s.names[base:]
	if len(names) <= fewNames {
		for i, name := range names {
			for _, other := range names[:i] {
				if s.same(name, other) {
					s.fail(ReasonDuplicateName, int(name>>32)-1)
					return false
				}
			}
		}
		return true
	}
	for i, name := range names {
		names[i] = maphash.Bytes(seed, s.unescaped(s.at(name)))&^(1<<32-1) | name>>32
	}
	slices.Sort(names)
	for i := range names {
		for j := i + 1; j < len(names) && names[i]>>32 == names[j]>>32; j++ {
			if s.same(s.whole(names[i]), s.whole(names[j])) {
				s.fail(ReasonDuplicateName, int(uint32(names[j]))-1)
				return false
			}
		}
	}
	return true
}

// at returns the name between a pair of offsets, with its escapes.
func (s *scanner) at(name uint64) []byte { return s.json[name>>32 : uint32(name)] }

// whole turns a hash and a name's start into the pair of offsets again.
func (s *scanner) whole(hashed uint64) uint64 {
	start := int(uint32(hashed))
	return uint64(start)<<32 | uint64(s.string(start)-1)
}

// same reports whether two names are the same text, however it is escaped.
func (s *scanner) same(a, b uint64) bool {
	x, y := s.at(a), s.at(b)
	if bytes.IndexByte(x, '\\') < 0 && bytes.IndexByte(y, '\\') < 0 {
		return bytes.Equal(x, y)
	}
	s.text = jsonwire.AppendUnescaped(s.text[:0], x)
	n := len(s.text)
	s.text = jsonwire.AppendUnescaped(s.text, y)
	return bytes.Equal(s.text[:n], s.text[n:])
}

// unescaped returns a name without its escapes, valid until the next call.
func (s *scanner) unescaped(name []byte) []byte {
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	s.text = jsonwire.AppendUnescaped(s.text[:0], name)
	return s.text
}
