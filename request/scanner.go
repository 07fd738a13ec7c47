package request

import (
	"bytes"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
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

// value is where a value is in the body.
type value struct {
	kind       kind
	start, end int
	escaped    bool // a text with escapes
}

// of returns the value as the body has it.
func (v value) of(body []byte) []byte { return body[v.start:v.end] }

// member is a member of the outermost object.
type member struct {
	name    []byte // unescaped
	at      int    // where the name is
	field   rules.Field
	isField bool // the name is that of the field
	again   bool // another member has the name too
	value   value
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

	// duplicate, typeHint and badName are where the first name that is
	// twice in one object, that is a type hint, or that is not a member name,
	// is inside of the value that was last read at the outermost level; 0
	// is nowhere.
	duplicate, typeHint, badName int

	// names are those of the objects that are open, the outermost first, without those
	// of fields.
	names [][]byte
}

func (s *scanner) fail(problem string) bool {
	s.problem = problem
	return false
}

// peek returns the next byte, or 0 at the end. A NUL in the text is nowhere
// allowed, so the difference does not matter.
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

func (s *scanner) space() {
	for s.pos < len(s.body) && jsonwire.IsSpace(s.body[s.pos]) {
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
		m.name = jsonwire.AppendUnescaped(nil, m.name)
	}
	if seen.anyCase {
		m.field, m.isField = rules.FieldByName(m.name)
	}
	if m.isField {
		m.again, seen.fields[m.field] = seen.fields[m.field], true
	} else {
		m.again = seen.add(s, m.name)
	}
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
	case c == '-' || ascii.IsDigit(c):
		v.kind = jsonNumber
		ok = s.take(jsonwire.Number(s.body, s.pos))
	case c == '{':
		v.kind = jsonObject
		ok = s.object(nil)
	case c == '[':
		v.kind = jsonList
		ok = s.list()
	case c == 'n':
		v.kind = jsonNull
		ok = s.take(jsonwire.Literal(s.body, s.pos))
	case c == 't' || c == 'f':
		v.kind = jsonBool
		ok = s.take(jsonwire.Literal(s.body, s.pos))
	default:
		ok = s.missing("This is not the beginning of a JSON value.")
	}
	v.end = s.pos
	return v, ok
}

// problems are what the faults of a token are called.
var problems = map[jsonwire.Fault]string{
	jsonwire.NoLiteral:   "This is not the beginning of a JSON value.",
	jsonwire.NoDigit:     "A digit is missing here.",
	jsonwire.Open:        "A text is not closed before the end.",
	jsonwire.Control:     "A control character in a text has to be escaped.",
	jsonwire.BadEscape:   "There is no such escape in JSON.",
	jsonwire.BadHex:      "Four hexadecimal digits have to follow \\u.",
	jsonwire.InvalidUTF8: "The text is not UTF-8 here.",
}

// take goes on behind a token, or fails with what is wrong with it.
func (s *scanner) take(end int, fault jsonwire.Fault) bool {
	s.pos = end
	if fault == jsonwire.None {
		return true
	}
	if fault == jsonwire.NoDigit {
		return s.missing(problems[fault])
	}
	return s.fail(problems[fault])
}

// text reads a string, and reports whether it holds escapes. Half a surrogate pair is
// not a character.
func (s *scanner) text() (escaped, ok bool) {
	start := s.pos + 1
	if !s.take(jsonwire.String(s.body, start)) {
		return false, false
	}
	text := s.body[start:s.pos] // with its closing quote
	if bytes.IndexByte(text, '\\') < 0 {
		return false, true
	}
	if half := jsonwire.LoneSurrogate(text); half >= 0 {
		s.pos = start + half
		return true, s.fail("Half of a surrogate pair is not a character.")
	}
	return true, true
}

// nameSet is the names of one object.
type nameSet struct {
	base    int  // where they begin among the scanner's
	anyCase bool // letter case makes no difference, and some are those of fields

	fields [rules.NumFields]bool // which of those there are

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
	if s.names == nil {
		s.names = make([][]byte, 0, few)
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
