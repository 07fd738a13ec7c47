package transform

import (
	"bytes"
	"sync"

	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
)

// MaxDepth is how many objects and lists may be open at once.
const MaxDepth = 64

// maxScratch is the size in bytes beyond which scratch memory is let go
// instead of being kept for the next response.
const maxScratch = 1 << 20

// span is a place in the CSV: from start up to end, or nowhere if end is 0.
type span struct{ start, end int }

// found is where the values of one object's known members are.
type found struct {
	// open is where the object begins, or null in its place.
	open int
	null bool
	// seen has a bit for each property of the shape that is there.
	seen uint64
	// starts are where the values begin, by property. Only those seen count.
	starts [maxProperties]uint32
	// unknown is whether there are members that the shape does not know.
	unknown bool
}

// reset makes f that of null in the place of an object.
func (f *found) reset(open int) { f.open, f.null, f.seen, f.unknown = open, true, 0, false }

// has reports whether the object has the property k.
func (f *found) has(k int) bool { return f.seen&(1<<k) != 0 }

// start returns where the value of the property k begins.
func (f *found) start(k int) int { return int(f.starts[k]) }

// scanner checks JSON and finds values in it, in one pass. It reads a value of
// any kind, anywhere, into nothing but offsets.
type scanner struct {
	json []byte
	// names are the names of the objects open now whose uniqueness is to be
	// checked at the object's end; see unique.go.
	names []uint64
	// text holds a name without its escapes.
	text []byte
	// extra holds the unknown members of a row as an object.
	extra []byte
	// session and element are what was found in the session and in the list
	// element that become a row.
	session, element found
	// repeats are where, in the first of the rows for one session's elements,
	// the cells of the session's own columns are, by column.
	repeats []span
	// reason and offset are the first error.
	reason Reason
	offset int
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// newScanner returns a scanner for json, to be given back by release.
func newScanner(json []byte) *scanner {
	s := scanners.Get().(*scanner)
	s.json = json
	s.names = s.names[:0]
	s.reason, s.offset = "", 0
	return s
}

// release gives the scanner back. It drops the JSON and scratch memory
// that a rare response made large.
func (s *scanner) release() {
	s.json = nil
	if cap(s.names)*8 > maxScratch {
		s.names = nil
	}
	if cap(s.text) > maxScratch {
		s.text = nil
	}
	if cap(s.extra) > maxScratch {
		s.extra = nil
	}
	scanners.Put(s)
}

// fail records the first error and returns -1, which every caller returns.
func (s *scanner) fail(reason Reason, offset int) int {
	if s.reason == "" {
		s.reason, s.offset = reason, offset
	}
	return -1
}

// err returns the recorded error.
func (s *scanner) err() error { return &Error{Reason: s.reason, Offset: s.offset} }

// space returns the index of the first byte from i on that is not white space.
func (s *scanner) space(i int) int {
	for i < len(s.json) && jsonwire.IsSpace(s.json[i]) {
		i++
	}
	return i
}

// begin returns the index of the outermost value. A byte order mark before it is
// skipped (RFC 8259 section 8.1).
func (s *scanner) begin() int {
	if bytes.HasPrefix(s.json, []byte(bom)) {
		return s.space(len(bom))
	}
	return s.space(0)
}

// next returns the index of what follows the element or member of a checked
// list or object that ends at i: the next one, or the end.
func (s *scanner) next(i int) int {
	if i = s.space(i); s.json[i] == ',' {
		i = s.space(i + 1)
	}
	return i
}

// peek returns the byte at i, or 0 behind the end.
func (s *scanner) peek(i int) byte {
	if i < len(s.json) {
		return s.json[i]
	}
	return 0
}

// ends reports whether there is nothing behind i, the index after the outermost
// value.
func (s *scanner) ends(i int) bool {
	if i < 0 {
		return false
	}
	if i = s.space(i); i != len(s.json) {
		s.fail(ReasonMalformed, i)
		return false
	}
	return true
}

// value reads the value that begins at i and returns the index after it. The
// value is depth levels deep, and its objects, or its list's, are of shape sh
// if that is not nil.
func (s *scanner) value(i, depth int, sh *shape) int {
	if i >= len(s.json) {
		return s.fail(ReasonMalformed, i)
	}
	var end int
	var fault jsonwire.Fault
	switch s.json[i] {
	case '{':
		return s.object(i+1, depth+1, sh, nil)
	case '[':
		return s.list(i+1, depth+1, sh)
	case '"':
		end, fault = jsonwire.String(s.json, i+1)
	case 't', 'f', 'n':
		end, fault = jsonwire.Literal(s.json, i)
	default:
		end, fault = jsonwire.Number(s.json, i)
	}
	if fault != jsonwire.None {
		return s.fault(fault, end)
	}
	return end
}

// string reads a string whose text begins at i and returns the index after its
// closing quote.
func (s *scanner) string(i int) int {
	end, fault := jsonwire.String(s.json, i)
	if fault != jsonwire.None {
		return s.fault(fault, end)
	}
	return end
}

// fault is fail for what is wrong with a token.
func (s *scanner) fault(fault jsonwire.Fault, offset int) int {
	if fault == jsonwire.InvalidUTF8 {
		return s.fail(ReasonInvalidUTF8, offset)
	}
	return s.fail(ReasonMalformed, offset)
}

// list reads a list whose first element, or end, follows at i.
func (s *scanner) list(i, depth int, sh *shape) int {
	if depth > MaxDepth {
		return s.fail(ReasonTooDeep, i-1)
	}
	if i = s.space(i); i < len(s.json) && s.json[i] == ']' {
		return i + 1
	}
	for {
		if i = s.value(i, depth, sh); i < 0 {
			return i
		}
		if i = s.space(i); i >= len(s.json) {
			return s.fail(ReasonMalformed, i)
		}
		switch s.json[i] {
		case ',':
			i = s.space(i + 1)
		case ']':
			return i + 1
		default:
			return s.fail(ReasonMalformed, i)
		}
	}
}

// object reads an object whose first name, or end, follows at i. The places of
// the values of known members go to f if that is not nil.
func (s *scanner) object(i, depth int, sh *shape, f *found) int {
	if depth > MaxDepth {
		return s.fail(ReasonTooDeep, i-1)
	}
	if f != nil {
		f.reset(i - 1)
	}
	if i = s.space(i); i < len(s.json) && s.json[i] == '}' {
		if f != nil {
			f.null = false
		}
		return i + 1
	}
	b, base := s.json, len(s.names)
	var seen uint64
	next := 0 // the property that is likely to come
	for {
		k, after := s.name(i, next, sh)
		if after < 0 {
			return after
		}
		var child *shape
		if k >= 0 {
			if seen&(1<<k) != 0 {
				return s.fail(ReasonDuplicateName, i)
			}
			seen |= 1 << k
			next = k + 1
			child = sh.children[k]
		}
		start := s.space(after)
		var end int
		if s.peek(start) == '"' {
			var fault jsonwire.Fault
			if end, fault = jsonwire.String(b, start+1); fault != jsonwire.None {
				return s.fault(fault, end)
			}
		} else {
			end = s.value(start, depth, child)
		}
		if end < 0 {
			return end
		}
		if f != nil && k >= 0 {
			f.starts[k] = uint32(start)
		}
		if i = s.space(end); i >= len(s.json) {
			return s.fail(ReasonMalformed, i)
		}
		if s.json[i] == ',' {
			i = s.space(i + 1)
			continue
		}
		if s.json[i] != '}' {
			return s.fail(ReasonMalformed, i)
		}
		if f != nil {
			f.null, f.seen, f.unknown = false, seen, len(s.names) > base
		}
		if !s.unique(base) {
			return -1
		}
		s.names = s.names[:base]
		return i + 1
	}
}

// name reads a member's name and the colon after it. It returns the index of
// the property of sh that has this name, or -1, and the index after the colon; for
// an error that is -1.
func (s *scanner) name(i, next int, sh *shape) (k, after int) {
	b := s.json
	if sh != nil && next < len(sh.tokens) {
		token := sh.tokens[next]
		if len(b)-i >= len(token) && string(b[i:i+len(token)]) == token {
			return next, i + len(token)
		}
	}
	if i >= len(b) || b[i] != '"' {
		return 0, s.fail(ReasonMalformed, i)
	}
	end := s.string(i + 1)
	if end < 0 {
		return 0, end
	}
	k = -1
	if sh != nil {
		k = sh.find(s.unescaped(b[i+1:end-1]), next)
	}
	if k < 0 {
		s.names = append(s.names, uint64(i+1)<<32|uint64(end-1))
	}
	if i = s.space(end); i >= len(b) || b[i] != ':' {
		return 0, s.fail(ReasonMalformed, i)
	}
	return k, i + 1
}
