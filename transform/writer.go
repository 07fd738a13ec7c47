package transform

import (
	"bytes"
	"strconv"

	"github.com/tidwall/gjson"
)

// writer makes the rows of one response.
type writer struct {
	plan *Plan
	scan *scanner
	cellBuffer

	// first is where the first cell of the file begins if it must not begin with
	// ID, or -1.
	first int
	// limit is how long the CSV may get.
	limit int
	// unexpected is the place of the first value that is valid JSON but has another
	// shape than expected, or -1. It is an error, unless there is a worse one.
	unexpected int
}

// unexpectedAt records a value of an unexpected shape.
func (w *writer) unexpectedAt(i int) {
	if w.unexpected < 0 {
		w.unexpected = i
	}
}

// sessions reads the whole response and writes its rows. It reports whether that
// went well; if not, the scanner has the error.
func (w *writer) sessions() bool {
	s := w.scan
	i := s.begin()
	var end int
	switch s.peek(i) {
	case '{':
		end = w.session(i, 0)
	case '[':
		end = w.sessionList(i + 1)
	default:
		w.unexpectedAt(i)
		end = s.value(i, 0, nil)
	}
	if !s.ends(end) {
		return false
	}
	if w.unexpected >= 0 {
		s.fail(ReasonUnexpectedShape, w.unexpected)
		return false
	}
	return true
}

// sessionList reads a list of sessions whose first element, or end, follows at
// i, writes its rows and returns the index after it.
func (w *writer) sessionList(i int) int {
	s := w.scan
	if i = s.space(i); s.peek(i) == ']' {
		return i + 1
	}
	for {
		if s.peek(i) == '{' {
			i = w.session(i, 1)
		} else {
			w.unexpectedAt(i)
			i = s.value(i, 1, nil)
		}
		if i < 0 {
			return i
		}
		i = s.space(i)
		switch s.peek(i) {
		case ',':
			i = s.space(i + 1)
		case ']':
			return i + 1
		default:
			return s.fail(ReasonMalformed, i)
		}
	}
}

// session reads the session at i, which is depth levels deep, writes its
// rows and returns the index after it.
func (w *writer) session(i, depth int) int {
	s := w.scan
	end := s.object(i+1, depth+1, sessionShape, &s.session)
	if end < 0 || w.unexpected >= 0 {
		return end
	}
	if w.plan.element == nil {
		w.row()
	} else {
		w.elements()
	}
	if w.n > w.limit {
		return s.fail(ReasonTooLarge, i)
	}
	return end
}

// elements writes a row for each element of the list that the plan is for. The
// list has been checked.
func (w *writer) elements() {
	s, f := w.scan, &w.scan.session
	clear(s.repeats)
	if !f.has(w.plan.list) {
		return
	}
	i := f.start(w.plan.list)
	if s.json[i] == 'n' {
		return
	}
	if s.json[i] != '[' {
		w.unexpectedAt(i)
		return
	}
	for i = s.space(i + 1); s.json[i] != ']' && w.n <= w.limit; i = s.next(i) {
		switch s.json[i] {
		case '{':
			i = s.object(i+1, 0, w.plan.element, &s.element)
		case 'n':
			s.element.reset(i)
			i += len("null")
		default:
			w.unexpectedAt(i)
			return
		}
		w.row()
	}
}

// row writes one row from what was found.
func (w *writer) row() {
	p, s := w.plan, w.scan
	start := w.n
	for k := range p.columns {
		if k > 0 {
			w.byte(p.format.delimiter)
		}
		c, begin := &p.columns[k], w.n
		switch {
		case p.element == nil:
			w.cell(c, &s.session)
		case c.source != fromSession:
			w.cell(c, &s.element)
		case s.repeats[k].end > 0:
			w.bytes(w.buf[s.repeats[k].start:s.repeats[k].end])
		default:
			w.cell(c, &s.session)
			s.repeats[k] = span{begin, w.n}
		}
		if begin == w.first && bytes.HasPrefix(w.buf[begin:w.n], sylk) {
			w.quote(begin)
			s.repeats[0] = span{} // no other row is the first
		}
		if w.n > w.limit {
			return
		}
	}
	if w.n == start && len(p.columns) == 1 {
		w.text(`""`) // an empty line would not be a row
	}
	w.text("\r\n")
}

// cell writes the cell of a column from what was found in its source.
func (w *writer) cell(c *column, f *found) {
	switch {
	case c.source == fromUnknown:
		w.unknown(f)
	case c.property >= 0 && !f.has(c.property):
		w.bytes(w.plan.format.null)
	case c.path != nil:
		w.pathCell(c, f)
	default:
		w.valueCell(c, w.scan.json, f.start(c.property))
	}
}

// valueCell writes the value at json[i].
func (w *writer) valueCell(c *column, json []byte, i int) {
	switch {
	case c.count && json[i] == '[':
		w.count(i)
	case c.date && json[i] == '"':
		w.plan.format.dateCell(&w.cellBuffer, json, i+1)
	default:
		w.plan.format.cell(&w.cellBuffer, json, i, c.notation)
	}
}

// pathCell writes the value to which the path of a column leads. Where its first
// key is a property, the place of that is known.
func (w *writer) pathCell(c *column, f *found) {
	s, i, keys := w.scan, f.open, c.path.keys
	switch {
	case c.property >= 0:
		i = s.walk(f.start(c.property), keys[1:])
	case f.null || len(keys) > 0 && !f.unknown: // null, or no such member
		i = -1
	default:
		i = s.walk(i, keys)
	}
	switch {
	case i < 0:
		w.bytes(w.plan.format.null)
	case c.path.rest == "":
		w.valueCell(c, s.json, i)
	default:
		w.restCell(c, i)
	}
}

// restCell writes what gjson finds, by the rest of a column's path, in the checked
// value at i.
func (w *writer) restCell(c *column, i int) {
	s, v := w.scan, gjson.Result{}
	// A modifier takes all that it is given; a path would search in a text as well.
	if c.path.rest[0] == '@' || s.json[i] == '{' || s.json[i] == '[' {
		v = onlyJSON(gjson.GetBytes(s.json[i:s.skip(i)], c.path.rest))
	}
	if v.Type == gjson.Null {
		w.bytes(w.plan.format.null)
		return
	}
	s.extra = append(s.extra[:0], v.Raw...)
	w.valueCell(c, s.extra, 0)
}

// count writes how many elements the list at i has.
func (w *writer) count(i int) {
	s, n := w.scan, 0
	for i = s.space(i + 1); s.json[i] != ']'; i = s.next(i) {
		i = s.value(i, 0, nil)
		n++
	}
	start := w.n
	w.room(20)
	w.n = len(strconv.AppendInt(w.buf[:w.n], int64(n), 10))
	w.plan.format.finishCell(&w.cellBuffer, start)
}

// unknown writes the members that the shape of f does not know, as an object.
func (w *writer) unknown(f *found) {
	p, s := w.plan, w.scan
	if !f.unknown {
		w.bytes(p.format.null)
		return
	}
	sh := sessionShape
	if p.element != nil {
		sh = p.element
	}
	object, next := append(s.extra[:0], '{'), 0
	for i := s.space(f.open + 1); s.json[i] != '}'; i = s.next(i) {
		start := i
		k, after := s.name(i, next, sh)
		i = s.value(s.space(after), 0, nil)
		if k >= 0 {
			next = k + 1
			continue
		}
		s.names = s.names[:0]
		if len(object) > 1 {
			object = append(object, ',')
		}
		object = append(object, s.json[start:i]...)
	}
	s.extra = append(object, '}')
	p.format.nestedCell(&w.cellBuffer, s.extra, 0, p.nested)
}
