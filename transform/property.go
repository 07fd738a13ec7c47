package transform

import "slices"

// Kind is what kind of value a property has by the API's description. What the
// JSON really holds decides how a cell is written; the kind is for documents.
type Kind string

// The kinds.
const (
	KindText Kind = "text"
	KindEnum Kind = "enum"
	KindBool Kind = "bool"
	KindList Kind = "list"
	KindMap  Kind = "map"
)

// Property is one property of a session or of an element of one of its lists.
type Property struct {
	// Name is the JSON member name, camelCase.
	Name string
	// Pascal is the name that the API's own CSV has for it.
	Pascal string
	// Kind is the kind of its value.
	Kind Kind
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

// sessionProperties are the 41 properties of a session in the order of the
// API's own CSV: the session's own as the published JSON sample has them, then
// those that every record has.
var sessionProperties = []Property{
	{"dialState", "DialState", KindEnum},
	{"callState", "CallState", KindEnum},
	{"queueState", "QueueState", KindEnum},
	{"accountId", "AccountId", KindText},
	{"accountName", "AccountName", KindText},
	{"customerId", "CustomerId", KindText},
	{"customerBreadcrumb", "CustomerBreadcrumb", KindList},
	{"customerName", "CustomerName", KindText},
	{"endpointId", "EndpointId", KindText},
	{"endpointName", "EndpointName", KindText},
	{"dateCompleted", "DateCompleted", KindText},
	{"destination", "Destination", KindText},
	{"toAddress", "ToAddress", KindText},
	{"fromAddress", "FromAddress", KindText},
	{"fromName", "FromName", KindText},
	{"answeredByName", "AnsweredByName", KindText},
	{"queueMemberId", "QueueMemberId", KindText},
	{"channel", "Channel", KindEnum},
	{"ended", "Ended", KindBool},
	{"outcome", "Outcome", KindText},
	{"callSid", "CallSid", KindText},
	{"consoleData", "ConsoleData", KindText},
	{"holdQueueName", "HoldQueueName", KindText},
	{"heldByUserId", "HeldByUserId", KindText},
	{"holdReason", "HoldReason", KindEnum},
	{"conferenceSid", "ConferenceSid", KindText},
	{"displayName", "DisplayName", KindText},
	{"log", "Log", KindList},
	{"members", "Members", KindList},
	{"callbackNumber", "CallbackNumber", KindText},
	{"answeredById", "AnsweredById", KindText},
	{"direction", "Direction", KindEnum},
	{"fromPhoneNumber", "FromPhoneNumber", KindText},
	{"mostRecentParticipantCallSid", "MostRecentParticipantCallSid", KindText},
	{"wasMissed", "WasMissed", KindBool},
	{"ringQueueId", "RingQueueId", KindText},
	{"id", "Id", KindText},
	{"dateCreated", "DateCreated", KindText},
	{"dateLastModified", "DateLastModified", KindText},
	{"createdBy", "CreatedBy", KindText},
	{"lastModifiedBy", "LastModifiedBy", KindText},
}

// elementProperties are the properties of the elements of a session's lists.
var elementProperties = map[string][]Property{
	RowsCustomerBreadcrumb: {
		{"id", "Id", KindText},
		{"name", "Name", KindText},
	},
	RowsLog: {
		{"date", "Date", KindText},
		{"message", "Message", KindText},
	},
	RowsMembers: {
		{"identity", "Identity", KindText},
		{"endpointId", "EndpointId", KindText},
		{"displayName", "DisplayName", KindText},
		{"isOriginalMember", "IsOriginalMember", KindBool},
		{"avatarUrl", "AvatarUrl", KindText},
		{"applicationData", "ApplicationData", KindMap},
		{"callState", "CallState", KindEnum},
		{"role", "Role", KindEnum},
		{"callSid", "CallSid", KindText},
		{"muted", "Muted", KindBool},
	},
}

// shape is what the scanner knows beforehand about the members of an object.
// That only makes it faster: any object is read, whatever its members.
type shape struct {
	properties []Property
	// tokens are the names as the API writes them: quoted, with the colon.
	tokens []string
	// children are the shapes of the members' values, nil where unknown.
	children []*shape
}

// The shapes of what the API answers.
var (
	elementShapes = map[string]*shape{
		RowsCustomerBreadcrumb: newShape(elementProperties[RowsCustomerBreadcrumb], nil),
		RowsLog:                newShape(elementProperties[RowsLog], nil),
		RowsMembers:            newShape(elementProperties[RowsMembers], nil),
	}
	sessionShape = newShape(sessionProperties, elementShapes)
	errorShape   = newShape([]Property{{"responseStatus", "ResponseStatus", KindMap}}, nil)
)

// newShape makes a shape of at most 64 properties.
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
