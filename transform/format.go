package transform

import (
	"bytes"

	"github.com/evovoice-gateway/caddy-conference-members/internal/swar"
)

// notation is how a list or an object is written in a cell.
type notation uint8

const (
	inJSV notation = iota
	inJSON
)

// format is how a cell is written.
type format struct {
	// delimiter is between two cells.
	delimiter byte
	// quoteBrackets is whether a cell is quoted that begins with [ or {.
	quoteBrackets bool
	// quoteEdges is whether a cell is quoted that begins or ends with a space or tab,
	// or that is just \.
	quoteEdges bool
	// quoteSeparators is whether a cell is quoted that holds a comma, a semicolon or a
	// tab, whichever of them is the delimiter: LibreOffice proposes to split at
	// all three, and what is behind one would escape the guard.
	quoteSeparators bool
	// quoteBOM is whether a cell is quoted that begins with U+FEFF: as the first of
	// a file it could be taken for a byte order mark.
	quoteBOM bool
	// guard is whether a cell that a spreadsheet could take for a formula gets
	// an apostrophe.
	guard bool
	// textCells is which texts and numbers are written as formulas of a text.
	textCells textCells
	// dates is how dates are written, nil for as they came.
	dates *dateFormat
	// null, yes and no are the whole cells of null, true and false.
	null, yes, no []byte

	// first and last have the bytes that make a second look at a cell necessary
	// where they are its first or last.
	first, last [256]bool
}

// separators are the characters at which spreadsheets split lines.
const separators = ",;\t"

// prepare sets what follows from the other fields.
func (f *format) prepare() {
	set := func(table *[256]bool, bytes string, on bool) {
		for _, c := range []byte(bytes) {
			table[c] = table[c] || on
		}
	}
	set(&f.first, "[{", f.quoteBrackets)
	set(&f.first, " \t", f.quoteEdges)
	set(&f.last, " \t", f.quoteEdges)
	set(&f.first, bom[:1], f.quoteBOM)
	set(&f.first, formulaStarts, f.guard)
}

// cell writes the JSON value at src[i] as a cell, a list or object in the
// notation n.
func (f *format) cell(o *cellBuffer, src []byte, i int, n notation) {
	switch src[i] {
	case '"':
		f.textCell(o, src, i+1)
	case '{', '[':
		f.nestedCell(o, src, i, n)
	case 't':
		o.bytes(f.yes)
	case 'f':
		o.bytes(f.no)
	case 'n':
		o.bytes(f.null)
	default:
		start := o.n
		for i < len(src) && isNumeric(src[i]) {
			o.byte(src[i])
			i++
		}
		f.finishNumber(o, start)
	}
}

// isNumeric reports whether c can be in a JSON number.
func isNumeric(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// textCell writes the JSON string whose text begins at src[i].
func (f *format) textCell(o *cellBuffer, src []byte, i int) {
	start := o.n
	i = o.run(src, i, swar.Repeated(f.delimiter))
	if src[i] != '"' {
		o.unescaped(src, i)
		f.finishText(o, start)
		return
	}
	if o.n == start {
		return
	}
	if f.textCells != textCellsOff {
		f.finishText(o, start)
		return
	}
	if f.first[o.buf[start]] || f.last[o.buf[o.n-1]] || o.n-start == len(f.null) ||
		f.quoteSeparators && bytes.ContainsAny(o.buf[start:o.n], separators) {
		f.finishCell(o, start)
	}
}

// dateCell writes the JSON string whose text begins at src[i], which is to be a
// date. Anything else is written as text.
func (f *format) dateCell(o *cellBuffer, src []byte, i int) {
	if f.dates == nil {
		f.textCell(o, src, i)
		return
	}
	start := o.n
	o.unescaped(src, i)
	if f.dates.write(o, o.buf[start:o.n]) && f.textCells != textCellsAll {
		f.finishCell(o, start)
		return
	}
	f.finishText(o, start)
}

// nestedCell writes the list or object at src[i].
func (f *format) nestedCell(o *cellBuffer, src []byte, i int, n notation) {
	start := o.n
	o.byte('"')
	if n == inJSON {
		o.compact(src, i)
	} else {
		o.jsv(src, i)
	}
	text := o.buf[start+1 : o.n]
	if f.quoteBrackets || f.needsQuotes(text) || bytes.Equal(text, f.null) {
		o.byte('"')
		return
	}
	o.n = start + copy(o.buf[start:], text)
}

// finishCell makes a cell of the text that was written from start on: it guards and
// quotes it where that is due.
func (f *format) finishCell(o *cellBuffer, start int) {
	text := o.buf[start:o.n]
	if f.guard && isFormula(text) {
		o.byte(0)
		text = o.buf[start:o.n]
		copy(text[1:], text)
		text[0] = '\''
	}
	if f.needsQuotes(text) || len(text) != 0 && bytes.Equal(text, f.null) {
		o.quote(start)
	}
}

// needsQuotes reports whether a cell is to be quoted.
func (f *format) needsQuotes(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	for _, c := range text {
		if c == '"' || c == f.delimiter || c == '\r' || c == '\n' {
			return true
		}
	}
	if f.quoteSeparators && bytes.ContainsAny(text, separators) {
		return true
	}
	head, tail := text[0], text[len(text)-1]
	switch {
	case f.quoteBrackets && (head == '[' || head == '{'):
		return true
	case f.quoteEdges && (head == ' ' || head == '\t' || tail == ' ' || tail == '\t'):
		return true
	case f.quoteBOM && bytes.HasPrefix(text, []byte(bom)):
		return true
	}
	// A line of just this ends the table for PostgreSQL's COPY.
	return f.quoteEdges && string(text) == `\.`
}

// quote puts what was written from start on into quotes and doubles those in it.
func (o *cellBuffer) quote(start int) {
	end := o.n
	more := bytes.Count(o.buf[start:end], []byte{'"'}) + 2
	o.room(more)
	o.n += more
	to := o.n - 1
	o.buf[to] = '"'
	for from := end - 1; from >= start; from-- {
		to--
		o.buf[to] = o.buf[from]
		if o.buf[from] == '"' {
			to--
			o.buf[to] = '"'
		}
	}
	o.buf[start] = '"'
}
