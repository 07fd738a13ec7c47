package request

import (
	"iter"
	"slices"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// Request is what a client asked for.
type Request struct {
	// Call holds the four fields as they were read. A field with which
	// something is wrong is not set.
	Call rules.Call

	// BodyBytes is the size of the body as it was sent, as far as it was read.
	BodyBytes int64

	// Readable says whether the body was read to its end, so that a field that
	// is not set was not sent and it makes sense to judge the call. Single
	// fields may have violations even so.
	Readable bool

	// HasMoreRows says whether the body is CSV with more rows of values than the one
	// that is taken, which is a violation of [rules.RowCount].
	HasMoreRows bool

	// AsksForDryRun says whether the body has a member whose name is that of a flag
	// for a dry run, see [IsDryRunFlag].
	AsksForDryRun bool

	extras []extra
}

// extra is a member beyond the four fields.
type extra struct {
	name string
	json []byte // the value as compact JSON
}

// HasExtra reports whether a member beyond the four fields has a value other
// than null and the empty text. The name may be in any ASCII letter case.
func (q *Request) HasExtra(name string) bool {
	i := q.indexExtra(name)
	if i < 0 {
		return false
	}
	v := string(q.extras[i].json)
	return v != "null" && v != `""`
}

// SetExtra sets a member beyond the four fields to a text, in the place of one
// that the client sent. What is not a member name ([IsMemberName]) is ignored,
// and so is a name of one of the four fields: their values are those of Call.
func (q *Request) SetExtra(name, text string) {
	if IsField(name) || !IsMemberName(name) {
		return
	}
	e := extra{name: name, json: appendString(nil, text)}
	if i := q.indexExtra(name); i >= 0 {
		q.extras[i] = e
		return
	}
	q.extras = append(q.extras, e)
}

// Extras yields the members beyond the four fields: their names as they were sent,
// and their values as compact JSON.
func (q *Request) Extras() iter.Seq2[string, string] {
	return func(yield func(name, json string) bool) {
		for _, e := range q.extras {
			if !yield(e.name, string(e.json)) {
				return
			}
		}
	}
}

func (q *Request) indexExtra(name string) int {
	for i, e := range q.extras {
		if ascii.EqualFold(e.name, name) {
			return i
		}
	}
	return -1
}

// AppendJSON appends the canonical body to dst: one JSON object with those of
// the four fields that are set, as strings, and then the members beyond
// them. It is letter for letter what was judged, whatever the text holds: no
// value can break out of its string, and no name has or needs an escape. The
// upstream loses its place in a name that has one, and takes names for values
// from there on.
func (q *Request) AppendJSON(dst []byte) []byte {
	begin := len(dst)
	for f := range q.Call {
		if v := &q.Call[f]; v.Set {
			dst = append(dst, fieldKeys[f]...)
			dst = appendString(dst, v.Text)
		}
	}
	for _, e := range q.extras {
		dst = append(dst, `,"`...)
		dst = append(dst, e.name...)
		dst = append(dst, `":`...)
		dst = append(dst, e.json...)
	}
	if len(dst) == begin {
		dst = append(dst, '{')
	}
	dst[begin] = '{' // in place of the first comma
	return append(dst, '}')
}

// SizeHint is how many bytes [Request.AppendJSON] appends, or a little more,
// unless there is much to be escaped.
func (q *Request) SizeHint() int {
	size := len("{}")
	for f := range q.Call {
		if v := &q.Call[f]; v.Set {
			size += len(fieldKeys[f]) + len(v.Text) + len(`""`)
		}
	}
	for _, e := range q.extras {
		size += len(e.name) + len(e.json) + len(`,"":`)
	}
	return size
}

// IsField reports whether the upstream takes name, in any ASCII letter case,
// for one of the four fields.
func IsField(name string) bool {
	_, ok := rules.FieldByName(name)
	return ok
}

// UnknownFields says what becomes of members beyond the four fields.
type UnknownFields uint8

// What may become of members beyond the four fields.
const (
	Strip  UnknownFields = iota // they are dropped, as the upstream drops them
	Pass                        // they are forwarded if all names in them are member names
	Reject                      // the request is refused
)

// unknownFields are the words of a configuration.
var unknownFields = [...]string{Strip: "strip", Pass: "pass", Reject: "reject"}

// ParseUnknownFields returns the meaning of a word of the configuration: strip,
// pass or reject. The empty word is strip.
func ParseUnknownFields(word string) (UnknownFields, bool) {
	if word == "" {
		return Strip, true
	}
	for u, w := range unknownFields {
		if w == word {
			return UnknownFields(u), true
		}
	}
	return Strip, false
}

// String returns the word of the configuration.
func (u UnknownFields) String() string {
	if int(u) >= len(unknownFields) {
		return ""
	}
	return unknownFields[u]
}

// UnknownFieldsWords returns the words of the configuration.
func UnknownFieldsWords() []string { return slices.Clone(unknownFields[:]) }
