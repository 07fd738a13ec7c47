package transform

import "strconv"

// writer makes the rows of one answer.
type writer struct {
	plan *Plan
	scan *scanner
	out

	// limit is how long the CSV may get.
	limit int
	// odd is where the first value stands that is valid JSON but has another
	// shape than expected, or -1. It is an error, unless there is a worse one.
	odd int
}

// strange records a value of an unexpected shape.
func (w *writer) strange(i int) {
	if w.odd < 0 {
		w.odd = i
	}
}

// sessions reads the whole answer and writes its rows. It reports whether that
// went well; if not, the scanner has the error.
func (w *writer) sessions() bool {
	s := w.scan
	i := s.space(0)
	var end int
	switch s.peek(i) {
	case '{':
		end = w.session(i, 0)
	case '[':
		end = w.sessionList(i + 1)
	default:
		w.strange(i)
		end = s.value(i, 0, nil)
	}
	if !s.ends(end) {
		return false
	}
	if w.odd >= 0 {
		s.fail(ReasonUnexpectedShape, w.odd)
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
			w.strange(i)
			i = s.value(i, 1, nil)
		}
		if i < 0 {
			return -1
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

// session reads the session at i, which stands depth levels deep, writes its
// rows and returns the index after it.
func (w *writer) session(i, depth int) int {
	s := w.scan
	end := s.object(i+1, depth+1, sessionShape, &s.session)
	if end < 0 || w.odd >= 0 {
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
	s.repeats = [len(s.repeats)]span{}
	if !f.has(w.plan.list) {
		return
	}
	i := f.start(w.plan.list)
	if s.json[i] == 'n' {
		return
	}
	if s.json[i] != '[' {
		w.strange(i)
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
			w.strange(i)
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
		c := &p.columns[k]
		switch {
		case p.element == nil:
			w.cell(c, &s.session)
		case c.source != fromSession:
			w.cell(c, &s.element)
		case s.repeats[c.property].end > 0:
			w.bytes(w.buf[s.repeats[c.property].start:s.repeats[c.property].end])
		default:
			begin := w.n
			w.cell(c, &s.session)
			s.repeats[c.property] = span{begin, w.n}
		}
	}
	if w.n == start && len(p.columns) == 1 {
		w.text(`""`) // an empty line would be no row
	}
	w.text("\r\n")
}

// cell writes the cell of a column from what was found in its source.
func (w *writer) cell(c *column, f *found) {
	if c.source == fromUnknown {
		w.unknown(f)
		return
	}
	if !f.has(c.property) {
		w.bytes(w.plan.format.null)
		return
	}
	i := f.start(c.property)
	if c.count && w.scan.json[i] == '[' {
		w.count(i)
		return
	}
	w.plan.format.cell(&w.out, w.scan.json, i, c.notation)
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
	w.plan.format.settle(&w.out, start)
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
	p.format.nestedCell(&w.out, s.extra, 0, p.nested)
}
