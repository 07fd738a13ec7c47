package request

import (
	"bytes"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// DefaultMaxRows is how many rows a [Reader] takes of one body: 100.
const DefaultMaxRows = 100

// refName is the column by which a client knows its rows. It is carried into
// the result and not forwarded.
const refName = "ref"

// maxRef is the length of the longest ref, in characters.
const maxRef = 256

// Rows is the body of a request for many calls: CSV with a header row, a JSON
// list of objects or one object, or a JSON object a line.
type Rows struct {
	// BodyBytes is the size of the body as it was sent.
	BodyBytes int64

	base binding // what all rows have in common: path and query
	body []byte
	kind Format
}

// Row is one call of many.
type Row struct {
	// Request is what the row asks for, as [Reader.Read] reads a body of it
	// alone, with path and query.
	Request

	// Number counts the rows with a value from 1. It is 0 for what is wrong
	// with all of them, such as the header row of CSV.
	Number int

	// Line is the line of the body where the row begins, from 1; 0 is unknown.
	Line int

	// Ref is the value of the row's column or member "ref", or empty.
	Ref string

	// NoColumn lists the fields for which a header row of CSV has no column.
	NoColumn [rules.NumFields]bool

	// LeftOut are the columns of a header row of CSV, from 1, whose names are neither
	// fields nor ref, and which are dropped. Only the first row has them.
	LeftOut []int

	// Violations are what is wrong with the row. Calls may be placed only if no row
	// has any.
	Violations []rules.Violation
}

// Rows reads a request for many calls, as [Reader.Read] reads one for a single
// call. The violations are of the request as a whole; those of its rows come
// from [Rows.All]. Rows are read only if there are none.
func (rd *Reader) Rows(r *http.Request, sessionID string) (*Rows, []rules.Violation, error) {
	rows := &Rows{base: binding{reader: rd, request: new(Request), many: true}}
	b := &rows.base
	b.readPlaces(r, sessionID)
	err := b.readBody(r, func(t contentType, body []byte) bool {
		if len(body) == 0 {
			return true
		}
		if t.format == None && startsList(body) {
			t.format = JSON
		}
		if !b.admitsType(&t, body) {
			return false
		}
		rows.kind, rows.body = t.format, bytes.Clone(cutByteOrderMark(body))
		return true
	})
	if err != nil {
		return nil, nil, err
	}
	rows.BodyBytes = b.request.BodyBytes
	suspects := b.suspects // a row may still set the field
	b.suspects = [rules.NumFields]suspicion{}
	b.finish()
	b.suspects = suspects
	return rows, b.violations, nil
}

// startsList reports whether a body begins like a JSON list.
func startsList(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(cutByteOrderMark(body), " \t\r\n"), []byte{'['})
}

// IsList reports whether the body is a list of calls whatever their number: what
// the route for one call does not take.
func (rows *Rows) IsList() bool {
	return rows.kind == NDJSON || rows.kind == JSON && startsList(rows.body)
}

// IsObject reports whether the body is one JSON object: what the route for one call
// takes as well, in the same way.
func (rows *Rows) IsObject() bool {
	return rows.kind == JSON && !startsList(rows.body)
}

// All yields the rows in their order, each time anew. Behind a row that leaves no
// way to tell where the next one begins there are none, and behind the last that
// is taken (MaxRows) one more that says so. Memory is taken for one row at a time.
func (rows *Rows) All() iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		w := &rowWriter{rows: rows, yield: yield}
		switch rows.kind {
		case CSV:
			w.csv()
		case NDJSON:
			w.lines()
		default:
			w.json()
		}
		if w.number == 0 && !w.stopped {
			b := w.begin()
			b.row = 0
			b.note(rules.Violation{Rule: rules.RowCount, Detail: "There are no rows.", Fix: "Send one row of values or more."})
			w.end(b, 0, false)
		}
	}
}

// rowWriter reads rows and hands them on.
type rowWriter struct {
	rows    *Rows
	yield   func(*Row) bool
	number  int // of the last row
	stopped bool
	ref     string

	noColumn [rules.NumFields]bool
	leftOut  []int

	at, lineEnds int // how many lines end before a byte
}

// begin begins the next row.
func (w *rowWriter) begin() *binding {
	b := w.rows.base
	b.request = &Request{Call: b.request.Call}
	b.violations, b.omitted = nil, 0
	b.body = w.rows.body
	w.ref = ""
	b.ref, b.row = &w.ref, w.number+1
	return &b
}

// end hands on a row, and reports whether more of them are wanted.
func (w *rowWriter) end(b *binding, line int, readable bool) bool {
	b.request.Readable = readable
	if readable {
		b.finish()
	}
	for i := range b.violations {
		b.violations[i].Row = b.row
	}
	w.number = b.row
	row := &Row{
		Request: *b.request, Number: b.row, Line: line, Ref: w.ref,
		NoColumn: w.noColumn, LeftOut: w.leftOut, Violations: b.violations,
	}
	w.stopped = !w.yield(row) || w.stopped
	w.leftOut = nil // told once
	return !w.stopped
}

// full reports whether no further row is taken, and says so in a row.
func (w *rowWriter) full(line int) bool {
	most := w.rows.base.reader.maxRows()
	if w.number < most {
		return false
	}
	b := w.begin()
	b.note(rules.Violation{
		Rule:   rules.RowCount,
		Detail: fmt.Sprintf("There are more than %d rows, which is the most that are taken at once.", most),
		Fix:    "Send the rows in parts, each with an idempotency key of its own.",
	})
	w.end(b, line, false)
	return true
}

// csv reads rows under a header row.
func (w *rowWriter) csv() {
	b := w.begin()
	b.row = 0
	t, ok := b.openCSV(w.rows.body)
	if !ok || len(b.violations) > 0 {
		w.end(b, 0, false)
		w.stopped = true
		return
	}
	for f := range rules.NumFields {
		w.noColumn[f] = !slices.Contains(t.typed[0], f.String())
	}
	if w.rows.base.reader.UnknownFields == Strip {
		w.leftOut = t.leftOut()
	}
	for {
		b := w.begin()
		cells, ok := t.row(b)
		if !ok {
			w.end(b, 0, false)
			return
		}
		if cells == nil {
			return
		}
		line := t.cellAt(0).line
		if w.full(line) || !w.end(b, line, b.readCells(t, cells)) {
			return
		}
	}
}

// json reads a list of objects, or one object.
func (w *rowWriter) json() {
	s := w.rows.base.reader.scanner(w.rows.body)
	s.space()
	if s.pos == len(s.body) {
		return
	}
	if at, found := invalidUTF8(s.body); found {
		s.pos, s.problem = at, "The text is not UTF-8 here."
		w.broken(s)
		return
	}
	if s.peek() != '[' {
		if w.object(s) && !s.end() {
			w.broken(s)
		}
		return
	}
	s.maxDepth++ // for the list itself
	if !s.enter() {
		return
	}
	for s.peek() != ']' {
		if w.full(w.lineOf(s.pos)) || !w.object(s) {
			return
		}
		s.space()
		if s.peek() == ',' {
			s.pos++
			s.space()
			if s.peek() != ']' {
				continue
			}
			_ = s.missing("This is not the beginning of a JSON value.")
			w.broken(s)
			return
		}
		if s.peek() != ']' {
			_ = s.missing("A comma or the end of the list is missing here.")
			w.broken(s)
			return
		}
	}
	s.leave()
	if !s.end() {
		w.broken(s)
	}
}

// lines reads a JSON object a line. Empty lines are not rows.
func (w *rowWriter) lines() {
	s := w.rows.base.reader.scanner(nil)
	body := w.rows.body
	for start := 0; start < len(body); {
		end := len(body)
		if n := bytes.IndexByte(body[start:], '\n'); n >= 0 {
			end = start + n
		}
		s.body, s.pos, s.depth, s.problem, s.tooDeep = body[:end], start, 0, "", false
		s.names = s.names[:0]
		start = end + 1
		s.space()
		if s.pos == end {
			continue
		}
		if w.full(w.lineOf(s.pos)) || !w.line(s) {
			return
		}
	}
}

// line reads one line, and reports whether to go on with the next: what is wrong
// with one line does not make the next one doubtful.
func (w *rowWriter) line(s *scanner) bool {
	b, line := w.begin(), w.lineOf(s.pos)
	if at, found := invalidUTF8(s.body[s.pos:]); found {
		b.violateAt(rules.MalformedJSON, markAt(s.pos+at), "The text is not UTF-8 here.")
		return w.end(b, line, false)
	}
	readable, whole := b.readElement(s)
	if whole && !s.end() {
		readable = false
		b.malformed(s)
	}
	return w.end(b, line, readable)
}

// object reads one object of a list, and reports whether reading can go on.
func (w *rowWriter) object(s *scanner) bool {
	b, line := w.begin(), w.lineOf(s.pos)
	readable, whole := b.readElement(s)
	return w.end(b, line, readable) && whole
}

// broken reports what is between rows, or behind the last.
func (w *rowWriter) broken(s *scanner) {
	b := w.begin()
	b.malformed(s)
	w.end(b, w.lineOf(s.pos), false)
}

// readElement reads a JSON value that has to be an object, and reports whether it
// is one, and whether it is whole, so that reading can go on behind it.
func (b *binding) readElement(s *scanner) (readable, whole bool) {
	if s.peek() == '{' {
		if !s.object(b) {
			b.malformed(s)
			return false, false
		}
		return true, true
	}
	at := s.pos
	v, ok := s.value()
	if !ok {
		b.malformed(s)
		return false, false
	}
	b.violateAt(rules.WrongType, markAt(at), "A row is "+v.kind.String()+" and has to be an object.")
	return false, true
}

// lineOf returns the line of a byte of the body, from 1. It is asked for bytes in
// their order.
func (w *rowWriter) lineOf(at int) int {
	if at > w.at {
		w.lineEnds += bytes.Count(w.rows.body[w.at:at], []byte{'\n'})
		w.at = at
	}
	return w.lineEnds + 1
}

// isRef reports whether a name is that of the column that is carried into the
// result.
func (b *binding) isRef(name string) bool { return b.many && ascii.EqualFold(name, refName) }

// bindRef takes the text by which the client knows the row.
func (b *binding) bindRef(text string) {
	if text == "" || b.ref == nil {
		return
	}
	if utf8.RuneCountInString(text) > maxRef {
		b.note(rules.Violation{Rule: rules.TextLength, Field: refName, Pointer: b.pointerTo(refName), Detail: fmt.Sprintf("ref has more than %d characters.", maxRef)})
		return
	}
	*b.ref = text
}

// takes reports whether a body of the format is read: many calls don't come as
// a form, and one call does not come as lines.
func (b *binding) takes(f Format) bool {
	if b.many {
		return slices.Contains([]Format{JSON, CSV, NDJSON}, f)
	}
	return f != NDJSON
}
