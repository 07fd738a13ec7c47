package request

import (
	"bytes"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// kind is the type of a JSON value.
type kind uint8

const (
	jsonText kind = iota
	jsonNumber
	jsonNull
	jsonBool
	jsonObject
	jsonList
)

// String returns the kind with its article.
func (k kind) String() string {
	return [...]string{"text", "a number", "null", "a truth value", "an object", "a list"}[k]
}

// value is where a value stands in the body.
type value struct {
	kind       kind
	start, end int
	escaped    bool // a text with escapes
}

// of returns the value as it stands in the body.
func (v value) of(body []byte) []byte { return body[v.start:v.end] }

// member is a member of the outermost object.
type member struct {
	name  []byte // unescaped
	at    int    // where the name stands
	again bool   // another member has the name too
	value value
}

// scanner reads a JSON text by RFC 8259 and nothing else: gjson and the
// decoder of the standard library each take more than that. It recurses no
// deeper than maxDepth.
type scanner struct {
	body            []byte
	pos             int
	depth, maxDepth int

	// problem says what is wrong at pos once a method has reported false.
	problem string
	tooDeep bool

	// duplicate, typeHint and badName are where the first name that stands
	// twice in one object, that is a type hint, or that is no member name,
	// stands inside of the value that was last read at the outermost level; 0
	// is nowhere.
	duplicate, typeHint, badName int

	// names are those of the objects that are open, the outermost first.
	names    [][]byte
	fewNames [16][]byte
}

func (s *scanner) fail(problem string) bool {
	s.problem = problem
	return false
}

// peek returns the next byte, or 0 at the end. A NUL in the text is nowhere
// allowed, so the two need not be told apart.
func (s *scanner) peek() byte {
	if s.pos < len(s.body) {
		return s.body[s.pos]
	}
	return 0
}

// missing fails with the problem, or with the end of the text if that is it.
func (s *scanner) missing(problem string) bool {
	if s.pos >= len(s.body) {
		return s.fail("The text ends before the object does.")
	}
	return s.fail(problem)
}

// isSpace is insignificant white space, section 2.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (s *scanner) space() {
	for s.pos < len(s.body) && isSpace(s.body[s.pos]) {
		s.pos++
	}
}

// end reads up to the end of the text.
func (s *scanner) end() bool {
	s.space()
	if s.pos < len(s.body) {
		return s.fail("There is more text after the end of the value.")
	}
	return true
}

// enter goes one level deeper.
func (s *scanner) enter() bool {
	if s.depth == s.maxDepth {
		s.tooDeep = true
		return false
	}
	s.depth++
	s.pos++
	s.space()
	return true
}

// leave takes the bracket that closes a level.
func (s *scanner) leave() {
	s.depth--
	s.pos++
}

// object reads an object. The members of the outermost one are handed to b,
// which is nil inside of it.
func (s *scanner) object(b *binding) bool {
	if !s.enter() {
		return false
	}
	seen := nameSet{base: len(s.names), anyCase: b != nil}
	if s.peek() == '}' {
		s.leave()
		return true
	}
	for {
		m, ok := s.name(&seen)
		if !ok {
			return false
		}
		if b != nil {
			s.duplicate, s.typeHint, s.badName = 0, 0, 0
		}
		if m.value, ok = s.value(); !ok {
			return false
		}
		if b != nil {
			b.member(s, m)
		} else {
			s.noteInner(m)
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case '}':
			s.leave()
			s.names = s.names[:seen.base]
			return true
		default:
			return s.missing("A comma or the end of the object is missing here.")
		}
	}
}

// noteInner notes what is wrong with a member of an inner object.
func (s *scanner) noteInner(m member) {
	if m.again && s.duplicate == 0 {
		s.duplicate = m.at
	}
	if s.typeHint == 0 && isTypeHint(string(m.name)) {
		s.typeHint = m.at
	}
	if s.badName == 0 && !IsMemberName(m.name) {
		s.badName = m.at
	}
}

// name reads the name of a member and the colon after it.
func (s *scanner) name(seen *nameSet) (m member, ok bool) {
	if s.peek() != '"' {
		return m, s.missing("A name in double quotes is missing here.")
	}
	m.at = s.pos
	escaped, ok := s.text()
	if !ok {
		return m, false
	}
	m.name = s.body[m.at+1 : s.pos-1]
	if escaped {
		m.name = unescape(m.name)
	}
	m.again = seen.add(s, m.name)
	s.space()
	if s.peek() != ':' {
		return m, s.missing("A colon is missing here.")
	}
	s.pos++
	s.space()
	return m, true
}

// list reads a list.
func (s *scanner) list() bool {
	if !s.enter() {
		return false
	}
	if s.peek() == ']' {
		s.leave()
		return true
	}
	for {
		if _, ok := s.value(); !ok {
			return false
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case ']':
			s.leave()
			return true
		default:
			return s.missing("A comma or the end of the list is missing here.")
		}
	}
}

// value reads any value.
func (s *scanner) value() (v value, ok bool) {
	v.start = s.pos
	switch c := s.peek(); {
	case c == '"':
		v.kind = jsonText
		v.escaped, ok = s.text()
	case c == '-' || isDigit(c):
		v.kind = jsonNumber
		ok = s.number()
	case c == '{':
		v.kind = jsonObject
		ok = s.object(nil)
	case c == '[':
		v.kind = jsonList
		ok = s.list()
	case c == 'n':
		v.kind = jsonNull
		ok = s.word("null")
	case c == 't':
		v.kind = jsonBool
		ok = s.word("true")
	case c == 'f':
		v.kind = jsonBool
		ok = s.word("false")
	default:
		ok = s.missing("This is not the beginning of a JSON value.")
	}
	v.end = s.pos
	return v, ok
}

func (s *scanner) word(w string) bool {
	if !bytes.HasPrefix(s.body[s.pos:], []byte(w)) {
		return s.fail("This is not the beginning of a JSON value.")
	}
	s.pos += len(w)
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// number reads a number, section 6.
func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if s.peek()|0x20 == 'e' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return true
}

// digits reads one or more digits.
func (s *scanner) digits() bool {
	start := s.pos
	for isDigit(s.peek()) {
		s.pos++
	}
	if s.pos == start {
		return s.missing("A digit is missing here.")
	}
	return true
}

// text reads a string, section 7.
func (s *scanner) text() (escaped, ok bool) {
	s.pos++
	for s.pos < len(s.body) {
		switch c := s.body[s.pos]; {
		case c == '"':
			s.pos++
			return escaped, true
		case c == '\\':
			escaped = true
			if !s.escape() {
				return true, false
			}
		case c < ' ':
			return escaped, s.fail("A control character in a text has to be escaped.")
		default:
			s.pos++
		}
	}
	return escaped, s.fail("A text is not closed before the end.")
}

// escape reads an escape, two of them if they are the halves of a character
// beyond the basic plane.
func (s *scanner) escape() bool {
	rest := s.body[s.pos+1:]
	if len(rest) == 0 {
		return s.fail("A text is not closed before the end.")
	}
	if rest[0] != 'u' {
		if unescaped(rest[0]) == 0 {
			return s.fail("There is no such escape in JSON.")
		}
		s.pos += 2
		return true
	}
	r, ok := ascii.Hex4(rest[1:])
	switch {
	case !ok:
		return s.fail("Four hexadecimal digits have to follow \\u.")
	case !isSurrogate(r):
		s.pos += 6
		return true
	}
	if r < lowSurrogate && len(rest) > 6 && rest[5] == '\\' && rest[6] == 'u' {
		if low, ok := ascii.Hex4(rest[7:]); ok && isSurrogate(low) && low >= lowSurrogate {
			s.pos += 12
			return true
		}
	}
	return s.fail("Half of a surrogate pair is not a character.")
}

// nameSet is the names of one object.
type nameSet struct {
	base    int  // where they begin among the scanner's
	anyCase bool // letter case makes no difference

	// many is used instead of the scanner's list once there are many, so that
	// no body costs more time than its length deserves.
	many map[string]struct{}
}

// add adds a name and reports whether it was there already.
func (n *nameSet) add(s *scanner, name []byte) (again bool) {
	const few = 16
	if n.many != nil {
		key := n.key(name)
		_, again = n.many[key]
		n.many[key] = struct{}{}
		return again
	}
	here := s.names[n.base:]
	for _, other := range here {
		if bytes.Equal(name, other) || n.anyCase && ascii.EqualFold(name, other) {
			return true
		}
	}
	s.names = append(s.names, name)
	if len(here) < few {
		return false
	}
	n.many = make(map[string]struct{}, 2*few)
	for _, other := range s.names[n.base:] {
		n.many[n.key(other)] = struct{}{}
	}
	s.names = s.names[:n.base]
	return false
}

func (n *nameSet) key(name []byte) string {
	if n.anyCase {
		return lowered(name)
	}
	return string(name)
}
