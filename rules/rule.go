// Package rules holds the one table of named rules by which a request to add
// a conference member is judged, the policy that judges by them, and the types that
// reading and judging share.
package rules

import "github.com/evovoice-gateway/caddy-conference-members/internal/ascii"

// Field is one of the four members of the AddConferenceMember request.
type Field uint8

// The fields in the order in which the canonical body holds them.
const (
	SessionID Field = iota
	CallSID
	Destination
	FromNumber

	// NumFields is how many fields there are.
	NumFields
)

// fieldNames are the JSON member names, camelCase as the API documents them.
var fieldNames = [NumFields]string{"sessionId", "callSid", "destination", "fromNumber"}

// fieldPointers are the places of the fields in the body, as URI fragments
// (RFC 6901 section 6).
var fieldPointers = [NumFields]string{"#/sessionId", "#/callSid", "#/destination", "#/fromNumber"}

// String returns the field's JSON member name, or the empty string for what
// is not a field.
func (f Field) String() string {
	if f >= NumFields {
		return ""
	}
	return fieldNames[f]
}

// Pointer returns the field's place in the body as [Violation.Pointer] holds
// it, or the empty string for what is not a field.
func (f Field) Pointer() string {
	if f >= NumFields {
		return ""
	}
	return fieldPointers[f]
}

// WellFormed reports whether text is a session id or a call SID as the rules of
// the two demand. Of other fields nothing is.
func (f Field) WellFormed(text string) bool {
	switch f {
	case SessionID:
		return isSessionID(text)
	case CallSID:
		return isCallSID(text)
	default:
		return false
	}
}

// FieldByName returns the field of a JSON member name, a CSV column or a query
// or form name in any ASCII letter case: the upstream binds "DESTINATION" as
// readily as "destination". Letters beyond ASCII never match.
func FieldByName[S string | []byte](name S) (Field, bool) {
	for f, n := range fieldNames {
		if string(name) == n || ascii.EqualFold(name, n) { // nearly all are written so
			return Field(f), true
		}
	}
	return 0, false
}

// text returns the text of a field, empty where it is absent.
func (c *Call) text(f Field) string {
	if v := &c[f]; v.Set {
		return v.Text
	}
	return ""
}

// Value is the text of a field. Set is false where the client sent no value
// or a JSON null; an empty text that was sent has Set true.
type Value struct {
	Text string
	Set  bool
}

// Call is what is judged and, unchanged, what is forwarded.
type Call [NumFields]Value

// Violation is one rule that one request fails.
type Violation struct {
	// Rule is the entry of the rule table.
	Rule *Rule
	// Field is the JSON member name, or empty for the request as a whole.
	Field string
	// Pointer is an RFC 6901 pointer as a URI fragment ("#/destination"), or
	// empty where the violation has no place in the body.
	Pointer string
	// Detail says in plain words what is wrong. It never holds a client's
	// value in full.
	Detail string
	// Fix says what to send instead, where the rule's own fix is not the whole of
	// it.
	Fix string
	// Line and Column are 1-based and 0 where unknown.
	Line, Column int
	// Row is the row of a body of many calls, from 1. It is 0 where there is
	// but one call, and for the body as a whole.
	Row int
}

// Rule is one entry of the rule table.
type Rule struct {
	// Name is the stable code: lower case with underscores. It is also the fragment
	// of the section of the documentation that explains the rule.
	Name string
	// Status is the HTTP status of a refusal by this rule.
	Status int
	// ErrorCode is the code in the upstream's own error shape, PascalCase.
	ErrorCode string
	// Fields are the fields that can fail the rule, none if it is about the
	// request as a whole. The rules of reading can be about that as well.
	Fields []Field
	// Title says in a few words what is wrong.
	Title string
	// Fix tells a client in plain words what to send instead.
	Fix string
	// Switchable says whether `rule NAME enforce|report|off` takes the rule, as it
	// does all those of judging. A request that could not be read can't be reported
	// and still forwarded, so the rules of reading and of routing are not
	// switchable.
	Switchable bool

	// check judges a field: it returns what is wrong with it, as the rest of a
	// sentence that begins with the field's name, or nothing. It is nil for the
	// rules of reading and of routing, which other packages find broken.
	check func(checkInput) string
	// applies reports whether anything can fail the rule under a policy. It is nil for
	// a rule that always applies.
	applies func(*Policy) bool
	// comparesDestination is set for a rule that compares its one field with the
	// destination, and is checked in the turn of that.
	comparesDestination bool
	// warns is set for a rule that refuses nothing unless the options say so: what it
	// finds is likely and not certain to be a mistake.
	warns bool
	// number is the rule's place in the table.
	number int
}
