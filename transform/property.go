package transform

import (
	"maps"
	"slices"
	"strings"
)

// Type is the type of a property by the API's description. What the JSON really
// holds decides how a cell is written; the type is for documents.
type Type string

// The types.
const (
	TypeText Type = "text"
	TypeEnum Type = "enum"
	TypeBool Type = "bool"
	TypeDate Type = "date"
	TypeList Type = "list"
	TypeMap  Type = "map"
)

// Property is one property of a session or of an element of one of its lists.
type Property struct {
	// Name is the JSON member name, camelCase.
	Name string
	// Type is the type of its value.
	Type Type
}

// Pascal returns the name that the API's own CSV has for the property: that of
// the JSON with a capital.
func (p Property) Pascal() string {
	if p.Name == "" {
		return ""
	}
	return strings.ToUpper(p.Name[:1]) + p.Name[1:]
}

// The values of [Options.Rows].
const (
	RowsSession            = "session"
	RowsCustomerBreadcrumb = "customerBreadcrumb"
	RowsLog                = "log"
	RowsMembers            = "members"
)

// Properties returns the properties of what becomes a row, in the order in
// which they become columns: of a session for "session" or "", of an element of
// one of its lists for "customerBreadcrumb", "log" or "members". For any other
// name it returns nil.
func Properties(rows string) []Property {
	if rows == "" || rows == RowsSession {
		return slices.Clone(sessionProperties)
	}
	return slices.Clone(elementProperties[rows])
}

// sessionProperties are the properties of a session, and so the columns of its
// CSV, in the order of the API's own: the session's as the published JSON sample
// has them, then, from id on, those that every record has.
var sessionProperties = []Property{
	{"dialState", TypeEnum},
	{"callState", TypeEnum},
	{"queueState", TypeEnum},
	{"accountId", TypeText},
	{"accountName", TypeText},
	{"customerId", TypeText},
	{"customerBreadcrumb", TypeList},
	{"customerName", TypeText},
	{"endpointId", TypeText},
	{"endpointName", TypeText},
	{"dateCompleted", TypeDate},
	{"destination", TypeText},
	{"toAddress", TypeText},
	{"fromAddress", TypeText},
	{"fromName", TypeText},
	{"answeredByName", TypeText},
	{"queueMemberId", TypeText},
	{"channel", TypeEnum},
	{"ended", TypeBool},
	{"outcome", TypeText},
	{"callSid", TypeText},
	{"consoleData", TypeText},
	{"holdQueueName", TypeText},
	{"heldByUserId", TypeText},
	{"holdReason", TypeEnum},
	{"conferenceSid", TypeText},
	{"displayName", TypeText},
	{"log", TypeList},
	{"members", TypeList},
	{"callbackNumber", TypeText},
	{"answeredById", TypeText},
	{"direction", TypeEnum},
	{"fromPhoneNumber", TypeText},
	{"mostRecentParticipantCallSid", TypeText},
	{"wasMissed", TypeBool},
	{"ringQueueId", TypeText},
	{"id", TypeText},
	{"dateCreated", TypeDate},
	{"dateLastModified", TypeDate},
	{"createdBy", TypeText},
	{"lastModifiedBy", TypeText},
}

// elementProperties are the properties of the elements of a session's lists.
var elementProperties = map[string][]Property{
	RowsCustomerBreadcrumb: {
		{"id", TypeText},
		{"name", TypeText},
	},
	RowsLog: {
		{"date", TypeDate},
		{"message", TypeText},
	},
	RowsMembers: {
		{"identity", TypeText},
		{"endpointId", TypeText},
		{"displayName", TypeText},
		{"isOriginalMember", TypeBool},
		{"avatarUrl", TypeText},
		{applicationData, TypeMap},
		{"callState", TypeEnum},
		{"role", TypeEnum},
		{"callSid", TypeText},
		{"muted", TypeBool},
	},
}

// dateNames are the properties that are dates.
var dateNames = func() []string {
	var names []string
	for _, properties := range append([][]Property{sessionProperties}, slices.Collect(maps.Values(elementProperties))...) {
		for _, p := range properties {
			if p.Type == TypeDate {
				names = append(names, p.Name)
			}
		}
	}
	return names
}()

// shape is what the scanner knows beforehand about the members of an object.
// That only makes it faster: any object is read, whatever its members.
type shape struct {
	properties []Property
	// tokens are the names as the API writes them: quoted, with the colon.
	tokens []string
	// children are the shapes of the members' values, nil where unknown.
	children []*shape
}

// The shapes of what the API responds with.
var (
	elementShapes = map[string]*shape{
		RowsCustomerBreadcrumb: newShape(elementProperties[RowsCustomerBreadcrumb], nil),
		RowsLog:                newShape(elementProperties[RowsLog], nil),
		RowsMembers:            newShape(elementProperties[RowsMembers], nil),
	}
	sessionShape = newShape(sessionProperties, elementShapes)
	errorShape   = newShape([]Property{{"responseStatus", TypeMap}}, nil)
)

// maxProperties is how many properties a shape can have: what was found of an
// object is noted in the bits of one word.
const maxProperties = 64

// newShape makes a shape of at most maxProperties properties.
func newShape(properties []Property, children map[string]*shape) *shape {
	s := &shape{properties: properties}
	for _, p := range properties {
		s.tokens = append(s.tokens, `"`+p.Name+`":`)
		s.children = append(s.children, children[p.Name])
	}
	return s
}

// find returns the index of the property with the given name, or -1. It looks
// from the index next on, because members nearly always come in order.
func (s *shape) find(name []byte, next int) int {
	for k := next; k < len(s.properties); k++ {
		if s.properties[k].Name == string(name) {
			return k
		}
	}
	for k := range next {
		if s.properties[k].Name == string(name) {
			return k
		}
	}
	return -1
}
