package request

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// mark is a place in the body as a reader knows it, so that noting it costs nothing. The
// zero mark is unknown.
type mark struct {
	line   int // 1-based, or 0: column counts from the beginning of the body
	column int // in bytes, 1-based, or 0: the line as a whole
}

// markAt is the mark of a byte of the body.
func markAt(offset int) mark { return mark{column: offset + 1} }

// position is a place in a body as a person finds it: lines, and characters in
// a line, both 1-based. 0 is unknown.
type position struct{ line, column int }

// locate finds a mark in the body, unless it would not be shown. A byte order
// mark does not count.
func (b *binding) locate(m mark) position {
	switch {
	case m == mark{}, b.full():
		return position{}
	case m.line == 0:
		before := b.body[:min(m.column-1, len(b.body))]
		line := bytes.Count(before, []byte{'\n'}) + 1
		before = before[bytes.LastIndexByte(before, '\n')+1:]
		return position{line, utf8.RuneCount(before) + 1}
	case m.column == 0:
		return position{line: m.line}
	}
	rest := b.body
	for range m.line - 1 {
		_, rest, _ = bytes.Cut(rest, []byte{'\n'})
	}
	line, _, _ := bytes.Cut(rest, []byte{'\n'})
	// A cell that is not closed ends behind the line end, by encoding/csv.
	return position{m.line, utf8.RuneCount(line[:min(m.column-1, len(line))]) + 1}
}

// say returns the sentence with the place added.
func (p position) say(sentence string) string {
	switch {
	case p.line == 0:
		return sentence
	case p.column == 0:
		return fmt.Sprintf("Line %d: %s", p.line, sentence)
	default:
		return fmt.Sprintf("Line %d, column %d: %s", p.line, p.column, sentence)
	}
}
