package transform

import (
	"bytes"
	"math"
	"strconv"
)

// AppendTableHeader appends what is before the first row of a table of other
// columns than those of a session: the byte order mark and the header row, where
// the plan has such.
func (p *Plan) AppendTableHeader(dst []byte, names ...string) []byte {
	if bytes.HasPrefix(p.errorHeader, []byte(bom)) {
		dst = append(dst, bom...)
	}
	if !p.headerPresent {
		return dst
	}
	cells := make([]Cell, len(names))
	for i, name := range names {
		cells[i] = Cell{text: name, finish: (*format).finishCell}
	}
	return p.AppendTableRow(dst, cells...)
}

// Cell is a cell of a table.
type Cell struct {
	text   string
	finish func(*format, *cellBuffer, int)
}

// TextCell is a cell with a text, which [Options.TextCells] may keep as one.
func TextCell(text string) Cell { return Cell{text, (*format).finishText} }

// NumberCell is a cell with a number, or an empty one for 0.
func NumberCell(n int) Cell {
	if n == 0 {
		return TextCell("")
	}
	return Cell{strconv.Itoa(n), (*format).finishNumber}
}

// AppendTableRow appends a row of cells, each guarded and quoted as the plan has
// it.
func (p *Plan) AppendTableRow(dst []byte, cells ...Cell) []byte {
	o := cellBuffer{buf: dst[:cap(dst)], n: len(dst)}
	for i, cell := range cells {
		if i > 0 {
			o.byte(p.format.delimiter)
		}
		start := o.n
		o.text(cell.text)
		cell.finish(&p.format, &o, start)
	}
	o.text("\r\n")
	return o.buf[:o.n]
}

// HasRowForEachSession reports whether a session becomes one row, and not one for
// each element of a list.
func (p *Plan) HasRowForEachSession() bool { return p.element == nil }

// AppendResultHeader is [Plan.AppendTableHeader] for a table with the columns of a
// session behind its own.
func (p *Plan) AppendResultHeader(dst []byte, names ...string) []byte {
	return p.AppendTableHeader(dst, append(names, p.names...)...)
}

// AppendResultRow appends a row of cells and, behind them, the cells of a session,
// or as many nulls if json is empty. The plan has a row for each session. Errors are
// those of [Plan.AppendSessions]; then dst is returned as it was.
func (p *Plan) AppendResultRow(dst, json []byte, cells ...Cell) ([]byte, error) {
	row := p.AppendTableRow(dst, cells...)
	o := cellBuffer{buf: row[:cap(row)], n: len(row) - len("\r\n")}
	o.byte(p.format.delimiter)
	if len(json) == 0 {
		for i := range p.columns {
			if i > 0 {
				o.byte(p.format.delimiter)
			}
			o.bytes(p.format.null)
		}
		o.text("\r\n")
		return o.buf[:o.n], nil
	}
	if len(json) > math.MaxInt32 {
		return dst, &Error{Reason: ReasonTooLarge, Offset: math.MaxInt32}
	}
	s := newScanner(json)
	defer s.release()
	w := writer{plan: p, scan: s, cellBuffer: o, unexpected: -1, first: -1}
	s.repeats = append(s.repeats[:0], make([]span, len(p.columns))...)
	w.limit = w.n + max(minLimit, 2*len(json))
	i := s.begin()
	var end int
	if s.peek(i) == '{' {
		end = w.session(i, 0)
	} else {
		w.unexpectedAt(i)
		end = s.value(i, 0, nil)
	}
	switch {
	case !s.ends(end):
		return dst, s.err()
	case w.unexpected >= 0:
		return dst, &Error{Reason: ReasonUnexpectedShape, Offset: w.unexpected}
	}
	return w.buf[:w.n], nil
}
