package route

import "bytes"

// slashes is which encoded slashes separate segments.
type slashes uint8

const (
	lowerSlash   slashes = iota // "%2f" does, "%2F" does not, as recorded
	everySlash                  // both do, and so does a backslash
	encodedSlash                // both do, and a backslash does not
	backslash                   // as lowerSlash, and so does a backslash
	noSlash                     // neither does
	numSlashes
)

// dots is when dot segments are removed.
type dots uint8

const (
	dotsBefore dots = iota // before encoded slashes are decoded, as recorded
	dotsTwice              // before and after
	dotsAfter              // after
	numDots
)

// reading is one way of reading a decoded path. The zero value is the
// upstream's.
type reading struct {
	slashes slashes
	dots    dots
	// merged is whether doubled slashes are merged, before all else and once more
	// when encoded slashes were decoded.
	merged bool
}

// pathBuffer is how long a path may be to be read without an allocation.
const pathBuffer = 512

// matchReadings matches a path in the first of its readings that dials. If none
// does, it returns the first of the highest rank.
func (t *Template) matchReadings(escaped string) (best Match) {
	var decodedBuf, readBuf [pathBuffer]byte
	decoded, path := decodedBuf[:0], readBuf[:0]
	if n := len(escaped) + 1; n > pathBuffer {
		decoded, path = make([]byte, 0, n), make([]byte, 0, n)
	}
	decoded = appendDecoded(decoded, escaped)

	last := reading{merged: true, dots: numDots - 1, slashes: numSlashes - 1}
	if !hasDotSegment(decoded) {
		last.merged, last.dots = false, 0
	}
	if !hasSlashToDecode(decoded) {
		last.dots, last.slashes = 0, 0
	}
	for _, merged := range [...]bool{false, true} {
		if merged && !last.merged {
			break
		}
		for d := range last.dots + 1 {
			for s := range last.slashes + 1 {
				r := reading{s, d, merged}
				path = r.append(path[:0], decoded)
				best.improve(match(t, path), r != reading{})
				// A slash at the end hides a suffix until somebody drops it.
				if best.rank() != dials && len(path) > 0 && path[len(path)-1] == '/' {
					best.improve(match(t, bytes.TrimRight(path, "/")), true)
				}
				if best.rank() == dials {
					return best
				}
			}
		}
	}
	return best
}

// improve replaces m by another reading of the path that has a higher rank.
func (m *Match) improve(other Match, ambiguous bool) {
	if other.rank() > m.rank() {
		*m = other
		m.Ambiguous = ambiguous && m.Kind > LookAlike
	}
}

// append appends the path to dst, which is empty, as r reads it.
func (r reading) append(dst, decoded []byte) []byte {
	dst = append(dst, decoded...)
	if r.merged {
		dst = mergeSlashes(dst)
	}
	if r.dots != dotsAfter {
		dst = removeDotSegments(dst)
	}
	dst = r.slashes.decode(dst)
	if r.merged {
		dst = mergeSlashes(dst)
	}
	if r.dots != dotsBefore {
		dst = removeDotSegments(dst)
	}
	return dst
}

// decode decodes, in place, plus signs and the slashes that separate segments.
func (s slashes) decode(path []byte) []byte {
	n := 0
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '+':
			c = ' '
		case c == '\\' && (s == everySlash || s == backslash),
			c == '%' && s != noSlash && hasPrefix(path[i:], "%2f"),
			c == '%' && (s == everySlash || s == encodedSlash) && hasPrefix(path[i:], "%2F"):
			if c == '%' {
				i += len("%2f") - 1
			}
			c = '/'
		}
		path[n] = c
		n++
	}
	return path[:n]
}

// hasSlashToDecode reports whether the readings of slashes differ.
func hasSlashToDecode(decoded []byte) bool {
	return bytes.IndexByte(decoded, '\\') >= 0 ||
		bytes.Contains(decoded, []byte("%2f")) || bytes.Contains(decoded, []byte("%2F"))
}

// hasDotSegment reports whether a segment begins with a dot in any reading.
func hasDotSegment(decoded []byte) bool {
	for i := 1; i < len(decoded); i++ {
		if decoded[i] != '.' {
			continue
		}
		switch decoded[i-1] {
		case '/', '\\', 'f', 'F': // of "%2f"
			return true
		}
	}
	return false
}

// mergeSlashes merges doubled slashes in place.
func mergeSlashes(path []byte) []byte {
	n := 0
	for i, c := range path {
		if c == '/' && i > 0 && path[i-1] == '/' {
			continue
		}
		path[n] = c
		n++
	}
	return path[:n]
}

// removeDotSegments removes the segments "." and ".." in place (RFC 3986
// section 5.2.4). The path begins with a slash. An empty segment is a segment
// that ".." removes.
func removeDotSegments(path []byte) []byte {
	n := 0 // length of the output
	for i := 0; i < len(path); {
		end := i + 1 // of the segment that begins with the slash at i
		for end < len(path) && path[end] != '/' {
			end++
		}
		segment := path[i+1 : end]
		dot, dotDot := string(segment) == ".", string(segment) == ".."
		if dotDot {
			n = max(bytes.LastIndexByte(path[:n], '/'), 0)
		}
		switch {
		case !dot && !dotDot:
			n += copy(path[n:], path[i:end])
		case end == len(path):
			path[n] = '/'
			n++
		}
		i = end
	}
	return path[:n]
}

// hasPrefix reports whether b begins with s.
func hasPrefix(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }
