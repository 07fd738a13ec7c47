package upstreamtest

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// laxJSON reads JSON as the recorded server's library reads it: by cursor, with
// little regard for what is there. It is held against all recorded JSON
// bodies (552 to 634). What no recording shows, escapes in names above all, is
// as the published source of the library has it.
type laxJSON struct {
	s string
	i int
}

// bindJSON binds the members of a JSON object: any case, the last duplicate
// wins, null binds nothing. Nothing is required of the separators: of what
// is between a name and its value, and behind the value, one character is
// passed over. Reading ends with the text, not with the object.
func bindJSON(b *Bound, body string) string {
	p := &laxJSON{s: text(body)}
	p.space()
	if p.i == len(p.s) {
		return outOfBounds
	}
	if p.s[p.i:] == "null" {
		return ""
	}
	if p.s[p.i] != '{' {
		return noObject(p.s)
	}
	p.i++
	p.space()
	if p.peek() == '}' {
		return ""
	}
	for p.i < len(p.s) {
		before := p.i
		name, known := p.name()
		p.space()
		p.skip()
		value, null := p.value()
		if known && !null {
			b.set(name, value)
		}
		p.space()
		if c := p.skip(); c == "," || c == "}" {
			p.space()
		}
		if p.i == before {
			return ""
		}
	}
	return ""
}

// peek returns the next byte, or 0 at the end.
func (p *laxJSON) peek() byte {
	if p.i >= len(p.s) {
		return 0
	}
	return p.s[p.i]
}

// skip moves past one character, if there is one, and returns it.
func (p *laxJSON) skip() string {
	_, n := utf8.DecodeRuneInString(p.s[p.i:])
	c := p.s[p.i : p.i+n]
	p.i += n
	return c
}

// spaces are the characters that the reader takes for white space.
const spaces = " \t\r\n\v\f\u0085\u00a0"

// space moves past white space.
func (p *laxJSON) space() {
	p.i = len(p.s) - len(strings.TrimLeft(p.s[p.i:], spaces))
}

// name reads the name of a member by a short cut: behind the opening quote it
// ends at the next quote. If a backslash comes before that, the cursor stays
// behind the opening quote, and what is inside of the name is read as if it
// were members and values. A name that is not in quotes leaves the cursor where
// it is. Neither of the two is known, whatever they say: such a name is the
// whole rest of the text.
func (p *laxJSON) name() (name string, known bool) {
	p.space()
	if p.peek() != '"' {
		return "", false
	}
	p.i++
	end := strings.IndexAny(p.s[p.i:], `"\`)
	if end < 0 || p.s[p.i+end] == '\\' {
		return "", false
	}
	name = p.s[p.i : p.i+end]
	p.i += end + 1
	return name, true
}

// value reads any value as text; null says that there is none.
func (p *laxJSON) value() (text string, null bool) {
	p.space()
	start := p.i
	switch c := p.peek(); c {
	case 0:
		if p.i == len(p.s) {
			return "", true
		}
		p.bare()
	case ',', '}':
		return "", true
	case '"':
		p.skipString()
	case '{', '[':
		p.skipNested(c, c+2) // "}" and "]" are two behind in ASCII
	default:
		p.bare()
	}
	raw := p.s[start:p.i]
	return unescapeJSON(raw), raw == "null"
}

// bare moves past a value that is not in quotes or brackets: up to a comma, a
// closing brace or white space.
func (p *laxJSON) bare() {
	p.skip()
	if n := strings.IndexAny(p.s[p.i:], ",}"+spaces); n >= 0 {
		p.i += n
	} else {
		p.i = len(p.s)
	}
}

// skipString moves past a string, its quotes included. A backslash skips the
// next character, \u four more.
func (p *laxJSON) skipString() {
	for p.i++; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case '\\':
			if p.i++; p.peek() == 'u' {
				p.i += 4
			}
		case '"':
			p.i++
			return
		}
	}
	p.i = len(p.s)
}

// skipNested moves past an object or a list by counting its own kind of bracket
// outside of quotes. A backslash skips the next character, in quotes or not.
func (p *laxJSON) skipNested(opening, closing byte) {
	quoted := false
	depth := 1
	for p.i++; p.i < len(p.s) && depth > 0; p.i++ {
		switch c := p.s[p.i]; {
		case c == '\\':
			p.i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == opening:
			depth++
		case c == closing:
			depth--
		}
	}
	p.i = min(p.i, len(p.s))
}

// escapes are the one-letter escapes that mean something other than the
// letter.
var escapes = map[byte]rune{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// unescapeJSON resolves the escapes of s and drops its quotes, inner ones too:
// that is how {"a":1} in the place of a text becomes {a:1} (recordings 623 and
// 624). The server also knows \x41 (598) and \x0041.
func unescapeJSON(s string) string {
	if !strings.ContainsAny(s, `"\`) {
		return s
	}
	var units []rune
	for i := 0; i < len(s); {
		if s[i] == '"' {
			i++
			continue
		}
		if s[i] != '\\' || i+1 == len(s) {
			r, size := utf8.DecodeRuneInString(s[i:])
			units = append(units, r)
			i += size
			continue
		}
		i++
		r, size := escape(s[i:])
		units = append(units, r)
		i += size
	}
	return joinSurrogates(units)
}

// escape reads an escape, s being what follows the backslash.
func escape(s string) (r rune, size int) {
	switch c := s[0]; c {
	case 'u', 'x':
		if r, ok := hexRune(s[1:], 4); ok {
			return r, 5
		}
		if r, ok := hexRune(s[1:], 2); ok && c == 'x' {
			return r, 3
		}
	default:
		if r, ok := escapes[c]; ok {
			return r, 1
		}
	}
	return utf8.DecodeRuneInString(s)
}

// hexRune reads so many hex digits.
func hexRune(s string, digits int) (rune, bool) {
	if len(s) < digits {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:digits], 16, 16)
	return rune(n), err == nil
}

// joinSurrogates makes text of units in which a character beyond the basic
// plane may be two; a lone surrogate is U+FFFD.
func joinSurrogates(units []rune) string {
	var b strings.Builder
	for i := 0; i < len(units); i++ {
		r := units[i]
		if utf16.IsSurrogate(r) && i+1 < len(units) {
			if pair := utf16.DecodeRune(r, units[i+1]); pair != '\ufffd' {
				r = pair
				i++
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}
