package rules

import (
	"iter"
	"net/http"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
)

// table holds every rule once, in the order in which they are defined below.
// That is the order of the documentation, and that of judging.
var table []*Rule

// rule puts an entry into the table.
func rule(r Rule) *Rule {
	r.number = len(table)
	r.Switchable = r.Switchable || r.check != nil
	table = append(table, &r)
	return &r
}

// eachField are all fields, for rules that any of them can fail.
var eachField = []Field{SessionID, CallSID, Destination, FromNumber}

// The rules of reading a request.
var (
	// MalformedJSON: RFC 8259, UTF-8, nothing after the value.
	MalformedJSON = rule(Rule{
		Name: "malformed_json", Status: http.StatusBadRequest, ErrorCode: "SerializationException",
		Title: "The body is not valid JSON",
		Fix:   "Send one JSON object in UTF-8 with nothing after it; the response says where reading stopped.",
	})

	// MalformedCSV: RFC 4180 with LF or CRLF.
	MalformedCSV = rule(Rule{
		Name: "malformed_csv", Status: http.StatusBadRequest, ErrorCode: "SerializationException",
		Title: "The body is not valid CSV",
		Fix:   "Send a header row and one row of values, with every quote closed and doubled inside quotes.",
	})

	// MalformedForm covers URL-encoded and multipart forms.
	MalformedForm = rule(Rule{
		Name: "malformed_form", Status: http.StatusBadRequest, ErrorCode: "SerializationException",
		Title: "The body is not a valid form",
		Fix:   "Percent-encode names and values of a URL-encoded form; close every part of a multipart form with its boundary.",
	})

	// MalformedQuery is a query string that can't be decoded.
	MalformedQuery = rule(Rule{
		Name: "malformed_query", Status: http.StatusBadRequest, ErrorCode: "SerializationException",
		Fields: eachField,
		Title:  "The query string is not valid",
		Fix:    "Percent-encode names and values in the query string as UTF-8, and separate them with &.",
	})

	// BodyTooLarge is the cap on a body as sent and as unpacked.
	BodyTooLarge = rule(Rule{
		Name: "body_too_large", Status: http.StatusRequestEntityTooLarge, ErrorCode: "RequestEntityTooLarge",
		Title: "The body is too large",
		Fix:   "Send the four fields and little else; the size is counted after unpacking.",
	})

	// BodyTooDeep is the cap on the nesting of a JSON body.
	BodyTooDeep = rule(Rule{
		Name: "body_too_deep", Status: http.StatusBadRequest, ErrorCode: "NestingTooDeep",
		Title: "The body is nested too deeply",
		Fix:   "Send a flat JSON object; at most 32 levels of objects and lists are read.",
	})

	// IncompleteBody is a body shorter than the client promised.
	IncompleteBody = rule(Rule{
		Name: "incomplete_body", Status: http.StatusBadRequest, ErrorCode: "IncompleteBody",
		Title: "The body ended before it was complete",
		Fix:   "Send as many bytes as Content-Length says, or end the last chunk.",
	})

	// ContentType is a media type that is not read.
	ContentType = rule(Rule{
		Name: "content_type", Status: http.StatusUnsupportedMediaType, ErrorCode: "UnsupportedMediaType",
		Title: "The Content-Type is not one that is read",
		Fix:   "Send JSON as application/json, or another of the types that the Accept-Post header of the response lists.",
	})

	// MultipleContentTypes: the upstream and the gateway might each take
	// another one.
	MultipleContentTypes = rule(Rule{
		Name: "multiple_content_types", Status: http.StatusBadRequest, ErrorCode: "MultipleContentTypes",
		Title: "There is more than one Content-Type header",
		Fix:   "Send exactly one Content-Type header.",
	})

	// Charset is a charset parameter other than UTF-8.
	Charset = rule(Rule{
		Name: "charset", Status: http.StatusUnsupportedMediaType, ErrorCode: "UnsupportedCharset",
		Title: "The charset is not UTF-8",
		Fix:   "Encode the body in UTF-8 and leave the charset parameter out, or say charset=utf-8.",
	})

	// ContentEncoding is a Content-Encoding other than gzip and zstd.
	ContentEncoding = rule(Rule{
		Name: "content_encoding", Status: http.StatusUnsupportedMediaType, ErrorCode: "UnsupportedContentEncoding",
		Title: "The Content-Encoding is not one that is read",
		Fix:   "Send the body as it is, or packed once with gzip or zstd.",
	})

	// MalformedEncoding is a body that does not unpack.
	MalformedEncoding = rule(Rule{
		Name: "malformed_encoding", Status: http.StatusBadRequest, ErrorCode: "MalformedEncoding",
		Title: "The body does not unpack as its Content-Encoding says",
		Fix:   "Send a whole gzip or zstd stream with nothing after it, or leave Content-Encoding out.",
	})

	// DuplicateName: which of two members counts depends on the parser, RFC
	// 8259 section 4.
	DuplicateName = rule(Rule{
		Name: "duplicate_name", Status: http.StatusBadRequest, ErrorCode: "DuplicateName",
		Fields: eachField,
		Title:  "A name appears twice in the body",
		Fix:    "Send each field once; names that differ only in letter case are the same name.",
	})

	// WrongType is a bool, an object or a list where text belongs, or a body
	// that is not an object.
	WrongType = rule(Rule{
		Name: "wrong_type", Status: http.StatusUnprocessableEntity, ErrorCode: "InvalidType",
		Fields: eachField,
		Title:  "A value is not text",
		Fix:    "Send the fields as text inside one JSON object: \"destination\": \"+12025550123\".",
	})

	// Conflict is one field with two values, in the body, the path, the query
	// or the form.
	Conflict = rule(Rule{
		Name: "conflict", Status: http.StatusUnprocessableEntity, ErrorCode: "ConflictingValues",
		Fields: eachField,
		Title:  "A field has different values in two places",
		Fix:    "Send each field in one place only: the body, the query or, for sessionId, the path.",
	})

	// RepeatedName: the upstream joins repeated names with a comma.
	RepeatedName = rule(Rule{
		Name: "repeated_name", Status: http.StatusUnprocessableEntity, ErrorCode: "RepeatedName",
		Fields: eachField,
		Title:  "A query or form name is repeated",
		Fix:    "Send each query or form name once.",
	})

	// RowCount: the upstream drops every row after the first.
	RowCount = rule(Rule{
		Name: "row_count", Status: http.StatusUnprocessableEntity, ErrorCode: "InvalidRowCount",
		Title: "The body has too few or too many rows of values",
		Fix:   "Send a header row and one row of values; for more members send more requests.",
	})

	// RowLength is a CSV row shorter or longer than the header row.
	RowLength = rule(Rule{
		Name: "row_length", Status: http.StatusBadRequest, ErrorCode: "InvalidRowLength",
		Title: "A CSV row has more or fewer cells than the header row",
		Fix:   "Give the row as many cells as there are columns; leave a cell empty where there is no value.",
	})

	// UnknownField is a member other than the four where unknown_fields is
	// reject, and a misspelt field anywhere.
	UnknownField = rule(Rule{
		Name: "unknown_field", Status: http.StatusUnprocessableEntity, ErrorCode: "UnknownField",
		Title: "A field is not one of AddConferenceMember",
		Fix:   "Send sessionId, callSid, destination and fromNumber, and no other field.",
	})

	// MemberName is a member other than the four that is to be forwarded, and
	// whose name the upstream could read as something else.
	MemberName = rule(Rule{
		Name: "member_name", Status: http.StatusUnprocessableEntity, ErrorCode: "InvalidMemberName",
		Title: "The name of a member can't be forwarded",
		Fix:   "Name members with 1 to 64 of the characters A-Z a-z 0-9 _ . and -, those inside of other members too.",
	})
)

// The rules of judging what was read. Each has its check here, and all of them
// can be switched.
var (
	// Required: the fields of [Options.Require] are there and not empty.
	Required = rule(Rule{
		Name: "required", Status: http.StatusUnprocessableEntity, ErrorCode: "NotEmpty",
		Fields: eachField,
		Title:  "A required field is missing",
		Fix:    "Send the field with a value that is not empty.",
		check:  func(checkInput) string { return "is missing or empty" }, // of what has no text
	})

	// TextLength: 256 characters, not bytes.
	TextLength = rule(Rule{
		Name: "text_length", Status: http.StatusUnprocessableEntity, ErrorCode: "MaximumLength",
		Fields: eachField,
		Title:  "A text is too long",
		Fix:    "Send at most 256 characters.",
		check: func(s checkInput) string {
			return failIf(isTooLong(s.text), "has more than 256 characters")
		},
	})

	// ControlCharacters: C0, DEL, C1, line and paragraph separators, marks of
	// writing direction, other invisible characters, and bytes that are not
	// UTF-8.
	ControlCharacters = rule(Rule{
		Name: "control_characters", Status: http.StatusUnprocessableEntity, ErrorCode: "ControlCharacters",
		Fields: eachField,
		Title:  "A text holds control or invisible characters",
		Fix:    "Remove line breaks, tabs, NUL, invisible characters and marks of writing direction.",
		check: func(s checkInput) string {
			return failIf(destination.HasControls(s.text), "holds control characters, invisible characters or bytes that are not UTF-8")
		},
	})

	// SessionIDFormat: 1 to 128 unreserved characters, RFC 3986 section 2.3.
	SessionIDFormat = rule(Rule{
		Name: "session_id_format", Status: http.StatusUnprocessableEntity, ErrorCode: "InvalidSessionId",
		Fields: []Field{SessionID},
		Title:  "sessionId is not a session id",
		Fix:    "Send the id of a session: 1 to 128 letters, digits and . _ ~ -, and not . or .. alone.",
		check: func(s checkInput) string {
			return failIf(!isSessionID(s.text), "is not 1 to 128 letters, digits and . _ ~ -")
		},
	})

	// CallSIDFormat: CA and 32 hex digits.
	CallSIDFormat = rule(Rule{
		Name: "call_sid_format", Status: http.StatusUnprocessableEntity, ErrorCode: "InvalidCallSid",
		Fields: []Field{CallSID},
		Title:  "callSid is not a call SID",
		Fix:    "Send the SID of a call: CA and 32 hexadecimal digits.",
		check: func(s checkInput) string {
			return failIf(!isCallSID(s.text), "is not CA and 32 hexadecimal digits")
		},
	})

	// AllowFrom: [NumberOptions.AllowFrom].
	AllowFrom = rule(Rule{
		Name: "allow_from", Status: http.StatusUnprocessableEntity, ErrorCode: "FromNumberNotAllowed",
		Fields:  []Field{FromNumber},
		Title:   "fromNumber is not one of the numbers allowed here",
		Fix:     "Send one of the caller IDs that this gateway is set up for.",
		check:   checkInput.allowFrom,
		applies: func(p *Policy) bool { return p.allowFrom != nil },
	})

	// FromNumberFormat: the same shapes as a destination of kind phone.
	FromNumberFormat = rule(Rule{
		Name: "from_number_format", Status: http.StatusUnprocessableEntity, ErrorCode: "InvalidPhoneNumber",
		Fields: []Field{FromNumber},
		Title:  "fromNumber is not a phone number",
		Fix:    "Send a phone number in E.164, such as +12025550123: a plus sign and 2 to 15 digits, nothing else. In a form or a query, write the plus sign as %2B.",
		check:  func(s checkInput) string { return s.problem },
	})

	// DestinationFormat: the destination is of one of the [destination.Kinds].
	DestinationFormat = rule(Rule{
		Name: "destination_format", Status: http.StatusUnprocessableEntity, ErrorCode: "InvalidDestination",
		Fields: []Field{Destination},
		Title:  "destination is nothing that can be dialled",
		Fix:    "Send a phone number in E.164 (+12025550123; in a form or a query, write the plus sign as %2B), a sip: or sips: URI, client:NAME, an email address, or the name of a user, team or extension.",
		check:  func(s checkInput) string { return s.problem },
	})

	// DestinationKind: the kind is one of [Options.Destinations].
	DestinationKind = rule(Rule{
		Name: "destination_kind", Status: http.StatusUnprocessableEntity, ErrorCode: "DestinationKindNotAllowed",
		Fields:  []Field{Destination},
		Title:   "This kind of destination is not allowed here",
		Fix:     "Send a destination of a kind that this gateway allows; the response lists them.",
		check:   checkInput.destinationKind,
		applies: func(p *Policy) bool { return p.destinations != nil },
	})

	// Emergency: [NumberOptions.Emergency].
	Emergency = rule(Rule{
		Name: "emergency", Status: http.StatusUnprocessableEntity, ErrorCode: "EmergencyNumberNotAllowed",
		Fields: []Field{Destination},
		Title:  "Emergency numbers are not dialled here",
		Fix:    "Call emergency services from a phone; this gateway does not add them to a conference.",
		check:  checkInput.emergency,
	})

	// Distinct: [NumberOptions.Distinct].
	Distinct = rule(Rule{
		Name: "distinct", Status: http.StatusUnprocessableEntity, ErrorCode: "NotEqual",
		Fields:              []Field{FromNumber},
		Title:               "fromNumber and destination are the same number",
		Fix:                 "Send a caller ID that differs from the number to dial.",
		comparesDestination: true,
		check:               checkInput.distinct,
	})

	// Validity: [NumberOptions.Validity].
	Validity = rule(Rule{
		Name: "validity", Status: http.StatusUnprocessableEntity, ErrorCode: "NumberNotInUse",
		Fields: []Field{Destination, FromNumber},
		Title:  "The number is not one that its country assigns",
		Fix:    "Check the number: its length or its area code does not exist in the numbering plan.",
		warns:  true,
		check:  checkInput.validity,
	})

	// LostPlus: spreadsheets take +12025550100 for a sum, and keep 12025550100.
	LostPlus = rule(Rule{
		Name: "lost_plus", Status: http.StatusUnprocessableEntity, ErrorCode: "PlusSignMissing",
		Fields: []Field{Destination, FromNumber},
		Title:  "The number may have lost its plus sign",
		Fix:    "Write the number in E.164 with its plus sign, such as +12025550123. In a spreadsheet, format the column as text and enter the number again.",
		warns:  true,
		check:  checkInput.lostPlus,
	})

	// CountryAllowed: [NumberOptions.AllowCountries] and
	// [NumberOptions.DenyCountries].
	CountryAllowed = rule(Rule{
		Name: "country_allowed", Status: http.StatusUnprocessableEntity, ErrorCode: "CountryNotAllowed",
		Fields:  []Field{Destination},
		Title:   "Numbers of this country are not dialled here",
		Fix:     "Send a number of a country that this gateway dials, in E.164 with its country code; errors lists the countries.",
		check:   checkInput.countryAllowed,
		applies: func(p *Policy) bool { return p.allow != nil || p.deny != nil },
	})

	// NumberType: [NumberOptions.DenyTypes].
	NumberType = rule(Rule{
		Name: "number_type", Status: http.StatusUnprocessableEntity, ErrorCode: "NumberTypeNotAllowed",
		Fields:  []Field{Destination},
		Title:   "Numbers of this type are not dialled here",
		Fix:     "Send a number of another type, in E.164 with its country code; premium, shared-cost and satellite numbers are the ones usually refused.",
		check:   checkInput.numberType,
		applies: func(p *Policy) bool { return p.denyTypes != nil },
	})
)

// The rules of where a request goes, and of what it asks for in return.
var (
	// MethodNotAllowed: RFC 9110 section 15.5.6.
	MethodNotAllowed = rule(Rule{
		Name: "method_not_allowed", Status: http.StatusMethodNotAllowed, ErrorCode: "MethodNotAllowed",
		Title: "The method is not POST",
		Fix:   "Add a conference member with POST.",
	})

	// PredefinedRoute: the operation's other addresses would dial too.
	PredefinedRoute = rule(Rule{
		Name: "predefined_route", Status: http.StatusNotFound, ErrorCode: "NotFound",
		Title: "This address is not served",
		Fix:   "POST to the route of conference members instead, by default /sessions/{sessionId}/conference/members.",
	})

	// UnknownSuffix: a host that knows more formats cuts the suffix off and dials.
	UnknownSuffix = rule(Rule{
		Name: "unknown_suffix", Status: http.StatusNotFound, ErrorCode: "NotFound",
		Title: "The suffix of the path is not one of the formats",
		Fix:   "End the path with .json, .csv, .xml, .jsv or .html in lower case, or with no suffix.",
	})

	// CrossSite: a form of another site would dial with its user's credentials.
	CrossSite = rule(Rule{
		Name: "cross_site", Status: http.StatusForbidden, ErrorCode: "Forbidden",
		Title: "A browser sends this for another site",
		Fix:   "Send the fields as application/json, for which a browser asks this site first.",
	})

	// CallsOff: the operator has stopped all calls.
	CallsOff = rule(Rule{
		Name: "calls_off", Status: http.StatusServiceUnavailable, ErrorCode: "ServiceUnavailable",
		Title: "No calls are placed for the time being",
		Fix:   "Try again later; the operator of this gateway has switched calls off.",
	})

	// OperationOff: a path below the route that the operator has switched off.
	OperationOff = rule(Rule{
		Name: "operation_off", Status: http.StatusNotFound, ErrorCode: "NotFound",
		Title: "This operation is switched off",
		Fix:   "Ask the operator of this gateway to switch it on, or check the calls with caddy conference-members check.",
	})

	// DryRunPath: an unknown flag for a dry run must not dial.
	DryRunPath = rule(Rule{
		Name: "dry_run_path", Status: http.StatusBadRequest, ErrorCode: "DryRunPath",
		Title: "A flag for a dry run is not known here, and would not keep the phone from ringing",
		Fix:   "POST the same body to the path of the route with /check behind it; to place the call, leave the flag out.",
	})

	// AmbiguousPath: what is between here and the upstream may read the path
	// as the route, although the upstream itself would not.
	AmbiguousPath = rule(Rule{
		Name: "ambiguous_path", Status: http.StatusNotFound, ErrorCode: "NotFound",
		Title: "The path can be read in more than one way",
		Fix:   "Send /sessions/{sessionId}/conference/members with no escaped slashes and no backslashes.",
	})

	// NotAcceptable: RFC 9110 section 15.5.7.
	NotAcceptable = rule(Rule{
		Name: "not_acceptable", Status: http.StatusNotAcceptable, ErrorCode: "NotAcceptable",
		Title: "None of the formats asked for can be sent",
		Fix:   "Ask for application/json or text/csv in Accept, or with ?format=json or ?format=csv.",
	})

	// UnknownView is a ?view= that is not configured.
	UnknownView = rule(Rule{
		Name: "unknown_view", Status: http.StatusNotAcceptable, ErrorCode: "UnknownView",
		Title: "There is no such view",
		Fix:   "Ask for one of the views that this gateway is set up for, or leave ?view= out.",
	})
)

// BulkView is a view with a row for each element of a list, asked for as the result
// of an upload, which has one row a call.
var BulkView = rule(Rule{
	Name: "bulk_view", Status: http.StatusNotAcceptable, ErrorCode: "BulkView",
	Title: "The view has a row for each element of a list, and a result has one for each call",
	Fix:   "Ask for a view with a row for each session, or for JSON.",
})

// The rules of a call that a client repeats.
var (
	// IdempotencyKeyMissing is a request without a key where one is required.
	IdempotencyKeyMissing = rule(Rule{
		Name: "idempotency_key_missing", Status: http.StatusBadRequest, ErrorCode: "IdempotencyKeyMissing",
		Title: "The request has no idempotency key",
		Fix:   "Send an Idempotency-Key that is new for each call and the same for each repetition of it, such as a UUID.",
	})

	// IdempotencyKeyMalformed is a key that can't be read.
	IdempotencyKeyMalformed = rule(Rule{
		Name: "idempotency_key_malformed", Status: http.StatusBadRequest, ErrorCode: "IdempotencyKeyMalformed",
		Title: "The idempotency key can't be read",
		Fix:   "Send one Idempotency-Key of 1 to 255 visible ASCII characters, such as a UUID.",
	})

	// IdempotencyKeyReused is a key under which another call was sent before.
	IdempotencyKeyReused = rule(Rule{
		Name: "idempotency_key_reused", Status: http.StatusUnprocessableEntity, ErrorCode: "IdempotencyKeyReused",
		Title: "The idempotency key belongs to another call",
		Fix:   "Make a new key for each call; repeat a key only with the request that it was made for.",
	})

	// IdempotencyInFlight is a key whose call is being placed.
	IdempotencyInFlight = rule(Rule{
		Name: "idempotency_in_flight", Status: http.StatusConflict, ErrorCode: "IdempotencyInFlight",
		Title: "The call with this idempotency key is being placed",
		Fix:   "Send the same request with the same key again after the seconds of Retry-After; the response of the call is sent then.",
	})

	// OutcomeUnknown is a key whose call may have been placed.
	OutcomeUnknown = rule(Rule{
		Name: "outcome_unknown", Status: http.StatusConflict, ErrorCode: "OutcomeUnknown",
		Title: "It is not known whether the call with this idempotency key was placed",
		Fix:   "Look at the session: the phone may be ringing. Only if the call was not placed, send it with a new key, or have the operator settle this one.",
	})

	// ResponseNotKept is a key whose call was placed, and whose response can't be
	// sent again.
	ResponseNotKept = rule(Rule{
		Name: "response_not_kept", Status: http.StatusConflict, ErrorCode: "ResponseNotKept",
		Title: "The call was placed, but its response can't be sent again",
		Fix:   "Do not repeat the call; look at the session for what became of it.",
	})

	// StoreUnavailable: without the store nobody knows whether a call was placed.
	StoreUnavailable = rule(Rule{
		Name: "store_unavailable", Status: http.StatusServiceUnavailable, ErrorCode: "StoreUnavailable",
		Title: "The store of idempotency keys can't be used",
		Fix:   "Nothing was dialled for this request. Send it again with the same key after the seconds of Retry-After.",
	})

	// DuplicateCall is the same call as one a moment ago.
	DuplicateCall = rule(Rule{
		Name: "duplicate_call", Status: http.StatusConflict, ErrorCode: "DuplicateCall",
		Title:      "The same call was placed a moment ago",
		Fix:        "Do not repeat it, unless the destination is to be dialled twice: then wait for the seconds of Retry-After, or send an Idempotency-Key of its own with each call.",
		Switchable: true,
	})
)

// All yields every rule once: those of reading, of judging, of routing, of repeating.
func All() iter.Seq[*Rule] {
	return func(yield func(*Rule) bool) {
		for _, r := range table {
			if !yield(r) {
				return
			}
		}
	}
}

// ByName returns the rule of that name, or nil.
func ByName(name string) *Rule {
	for _, r := range table {
		if r.Name == name {
			return r
		}
	}
	return nil
}
