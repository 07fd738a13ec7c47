package upstreamtest

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// laxJSON reads JSON as the recorded server reads it (recordings 552 to 634):
// what is missing at the end is not missed, what follows the object is not
// read, a colon may be left out, and every value becomes text.
type laxJSON struct {
	s string
	i int
}

// bindJSON binds the members of a JSON object: any case, the last duplicate
// wins, null binds nothing. A name that is not in quotes ends the reading.
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
	for {
		p.space()
		if p.peek() != '"' {
			return ""
		}
		name := p.quoted()
		p.space()
		colon := p.peek() == ':'
		p.i++
		p.space()
		if p.i >= len(p.s) {
			return ""
		}
		value, null := p.value(colon)
		if !null {
			b.set(name, value)
		}
		p.space()
		switch p.peek() {
		case '}', 0:
			return ""
		case ',':
			p.i++
		}
	}
}

// peek returns the next byte, or 0 at the end.
func (p *laxJSON) peek() byte {
	if p.i >= len(p.s) {
		return 0
	}
	return p.s[p.i]
}

func (p *laxJSON) space() {
	for p.i < len(p.s) && isSpace(p.s[p.i]) {
		p.i++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// quoted reads a string in quotes, to its end or to that of the body.
func (p *laxJSON) quoted() string {
	start := p.i
	p.skipString()
	return unescapeJSON(p.s[start:p.i])
}

// value reads any value as text. Without the colon, the opening quote of a
// string was taken for it, and the value reads on to the comma (recording
// 572).
func (p *laxJSON) value(colon bool) (text string, null bool) {
	if colon && p.peek() == '"' {
		return p.quoted(), false
	}
	start := p.i
	switch p.peek() {
	case '{', '[':
		p.skipNested()
	default:
		for p.i < len(p.s) && !strings.ContainsRune(",}", rune(p.s[p.i])) && !isSpace(p.s[p.i]) {
			p.i++
		}
	}
	raw := p.s[start:p.i]
	return unescapeJSON(raw), raw == "null"
}

// skipString moves past a string, its quotes included.
func (p *laxJSON) skipString() {
	for p.i++; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case '\\':
			p.i++
		case '"':
			p.i++
			return
		}
	}
	p.i = len(p.s)
}

// skipNested moves past an object or a list.
func (p *laxJSON) skipNested() {
	depth := 0
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case '"':
			p.skipString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		p.i++
		if depth == 0 {
			return
		}
	}
}

// escapes are the one-letter escapes of JSON.
var escapes = map[byte]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescapeJSON resolves the escapes of s and drops its quotes, inner ones too:
// that is how {"a":1} in the place of a text becomes {a:1} (recordings 623 and
// 624). The server also knows \x41 (598).
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
		c := s[i+1]
		i += 2
		digits := map[byte]int{'u': 4, 'x': 2}[c]
		if r, ok := hexRune(s[i:], digits); ok {
			units = append(units, r)
			i += digits
		} else if r, ok := escapes[c]; ok {
			units = append(units, r)
		} else {
			units = append(units, rune(c))
		}
	}
	return joinSurrogates(units)
}

// hexRune reads so many hex digits; none is no rune.
func hexRune(s string, digits int) (rune, bool) {
	if digits == 0 || len(s) < digits {
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
