package transform

import "math"

// minLimit is how large the CSV of one response may always be, in bytes.
const minLimit = 16 << 20

// source is where the value of a column comes from.
type source uint8

const (
	fromSession source = iota
	fromElement
	fromUnknown // the members that the shape does not know, as one object
)

// column is one column of a row.
type column struct {
	source source
	// property is the index in the properties of the source, or -1 for a path
	// whose first key is not one of them.
	property int
	// path is where the value is, nil for the property itself.
	path *Path
	// date is whether the value is a date.
	date bool
	// notation is how a list or an object is written.
	notation notation
	// count is whether of a list only the number of elements is written.
	count bool
}

// Plan is compiled [Options]. It never changes and may be used by any number of
// goroutines at once.
type Plan struct {
	// names are the header's cells as they are read.
	names []string
	// header and errorHeader are what is before the first row: the byte
	// order mark and the header row where there are such.
	header, errorHeader []byte

	headerPresent bool
	// quoteID is whether the file's first cell is quoted if it begins with ID: of
	// a file that does, Excel says that it is not a SYLK file.
	quoteID bool

	columns []column
	// element is the shape of the list elements that become rows, and list the
	// index of their list in a session; nil for a row per session.
	element *shape
	list    int
	// nested is the notation of lists and objects.
	nested notation
	format format
}

// Header returns the names of the columns in their order, whether or not the
// CSV has a header row.
func (p *Plan) Header() []string { return append([]string(nil), p.names...) }

// HeaderPresent reports whether the CSV has a header row. RFC 4180 section 3
// has a media type parameter for that: header, which is present or absent.
func (p *Plan) HeaderPresent() bool { return p.headerPresent }

// AppendSessions appends the CSV of a session, or of a list of sessions, to dst
// and returns the extended slice. The JSON is checked in full: what is not
// valid by RFC 8259, is not UTF-8, names a member twice, is nested deeper than
// [MaxDepth] or is not an object or a list of objects is an [*Error], and dst
// is returned as it was (what is behind its length may be overwritten).
//
// A few bytes of JSON can be a long row, so that a small response made for that
// could become a very large CSV. It may be twice as long as the JSON, or 16 MiB
// if that is more; beyond that the error is [ReasonTooLarge].
func (p *Plan) AppendSessions(dst, json []byte) ([]byte, error) {
	if len(json) > math.MaxInt32 {
		return dst, &Error{Reason: ReasonTooLarge, Offset: math.MaxInt32}
	}
	s := newScanner(json)
	defer s.release()
	w := writer{plan: p, scan: s, cellBuffer: cellBuffer{buf: dst[:cap(dst)], n: len(dst)}, unexpected: -1, first: -1}
	s.repeats = append(s.repeats[:0], make([]span, len(p.columns))...)
	w.room(len(p.header) + len(json))
	w.limit = w.n + max(minLimit, 2*len(json))
	w.bytes(p.header)
	if p.quoteID && !p.headerPresent {
		w.first = w.n
	}
	if !w.sessions() {
		return dst, s.err()
	}
	return w.buf[:w.n], nil
}

// AppendError appends the CSV of an error response, a JSON object with a member
// responseStatus that is an object, to dst and returns the extended slice. The
// CSV has that one column; other members are left out. Errors are those of
// AppendSessions; JSON of any other shape is [ReasonUnexpectedShape].
func (p *Plan) AppendError(dst, json []byte) ([]byte, error) {
	if len(json) > math.MaxInt32 {
		return dst, &Error{Reason: ReasonTooLarge, Offset: math.MaxInt32}
	}
	s := newScanner(json)
	defer s.release()
	start := s.begin()
	s.session.reset(start)
	var end int
	if s.peek(start) == '{' {
		end = s.object(start+1, 1, errorShape, &s.session)
	} else {
		end = s.value(start, 0, nil)
	}
	if !s.ends(end) {
		return dst, s.err()
	}
	if !s.session.has(0) {
		return dst, &Error{Reason: ReasonUnexpectedShape, Offset: start}
	}
	status := s.session.start(0)
	if json[status] != '{' {
		return dst, &Error{Reason: ReasonUnexpectedShape, Offset: status}
	}
	o := cellBuffer{buf: dst[:cap(dst)], n: len(dst)}
	o.room(len(json))
	o.bytes(p.errorHeader)
	p.format.nestedCell(&o, json, status, p.nested)
	o.text("\r\n")
	return o.buf[:o.n], nil
}
