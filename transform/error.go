package transform

import "strconv"

// Reason says in one word why a response could not be made CSV. The set is
// closed (see [Reasons]), so that a reason can be a metric label.
type Reason string

// The reasons.
const (
	// ReasonMalformed is for what RFC 8259 does not allow.
	ReasonMalformed Reason = "malformed"
	// ReasonInvalidUTF8 is for bytes that are not UTF-8 (RFC 8259 section 8.1).
	ReasonInvalidUTF8 Reason = "invalid_utf8"
	// ReasonDuplicateName is for an object that holds a name twice
	// (RFC 8259 section 4 leaves open which of the two would count).
	ReasonDuplicateName Reason = "duplicate_name"
	// ReasonTooDeep is for objects and lists nested deeper than [MaxDepth].
	ReasonTooDeep Reason = "too_deep"
	// ReasonUnexpectedShape is for JSON that is neither an object nor a list
	// of objects, for a list that should become rows but is not one, and for an
	// error body without a responseStatus object.
	ReasonUnexpectedShape Reason = "unexpected_shape"
	// ReasonTooLarge is for JSON of 2 GiB and more, and for JSON whose CSV
	// would be out of proportion (see [Plan.AppendSessions]).
	ReasonTooLarge Reason = "too_large"
)

// Reasons lists every [Reason] that an [Error] can have.
var Reasons = []Reason{
	ReasonMalformed,
	ReasonInvalidUTF8,
	ReasonDuplicateName,
	ReasonTooDeep,
	ReasonUnexpectedShape,
	ReasonTooLarge,
}

// Error is why JSON could not be made CSV. It never holds any of the JSON.
type Error struct {
	// Reason is one of [Reasons].
	Reason Reason
	// Offset is where in the JSON it was found, in bytes from its beginning.
	Offset int
}

// Error returns the reason and the place.
func (e *Error) Error() string {
	return string(e.Reason) + " at byte " + strconv.Itoa(e.Offset)
}
