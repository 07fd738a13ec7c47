package handler

import (
	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// Defaults of the options.
const (
	// DefaultRoute is the API's own route.
	DefaultRoute = route.DefaultTemplate
	// DefaultMaxRowsBody is the largest body of many calls in bytes: 256 KiB.
	DefaultMaxRowsBody = 256 << 10
	// DefaultMaxResponse is the largest response in bytes that is transcoded to CSV: 8 MiB.
	DefaultMaxResponse = 8 << 20
	// DefaultFilename is the name under which a CSV is saved, the upstream's own.
	DefaultFilename = "AddConferenceMember.csv"
	// DefaultCorrelationHeader is where the Caddyfile puts the correlation id.
	DefaultCorrelationHeader = "X-Request-ID"
)

// Values of the options that are one of a few words.
const (
	// PredefinedJudge judges a call on a predefined route and forwards it to the
	// route.
	PredefinedJudge = "judge"
	// PredefinedRefuse refuses the predefined routes with 404.
	PredefinedRefuse = "refuse"
	// PredefinedPass forwards the predefined routes unjudged.
	PredefinedPass = "pass"
	// CheckOn serves the path check, which says what would become of calls.
	CheckOn = "on"
	// CheckOff refuses the path check.
	CheckOff = "off"
	// CallsOn places the calls that the rules allow.
	CallsOn = "on"
	// CallsOff refuses every call.
	CallsOff = "off"
	// ErrorsNegotiated sends errors in CSV to a client of CSV.
	ErrorsNegotiated = "negotiated"
	// ErrorsJSON sends errors in JSON to every client.
	ErrorsJSON = "json"
	// ViaHandleErrors hands refusals to Caddy's error routes.
	ViaHandleErrors = "handle_errors"
)

// Config is what an operator can set. The zero value is the default.
type Config struct {
	// The path on which conference members are added: literal segments and one
	// `{sessionId}`. It is matched as the upstream matches it: in any letter case, with
	// doubled slashes, dot segments and percent-encoding resolved, with or without a
	// format suffix. Default: `/sessions/{sessionId}/conference/members`.
	Route string `json:"route,omitempty"`

	// What happens to requests for the upstream's predefined routes, such as
	// `/json/reply/AddConferenceMember`, which dial too. `judge` judges a call there, with
	// the session id of the body or the query, and forwards it to the route. `refuse`
	// refuses all of them with 404. `pass` forwards all of them unjudged. Batches and SOAP
	// are refused unless they pass. Default: `judge`.
	PredefinedRoutes string `json:"predefined_routes,omitempty"`

	// `off` refuses every call with 503, rule `calls_off`: the switch for a bad night.
	// Checks are still served. Default: `on`.
	Calls string `json:"calls,omitempty"`

	// Whether `check` below the route says what would become of calls, without placing
	// any. `off` refuses such requests with 404. Default: `on`.
	Check string `json:"check,omitempty"`

	// The largest request body in bytes. A larger one is refused with 413. A compressed
	// body is counted unpacked. More than 1 GiB counts as 1 GiB. Default: 16384.
	MaxBody int64 `json:"max_body,omitempty"`

	// What happens to members of the body other than the four fields. `strip` leaves them
	// out. `pass` forwards them, if their names are 1 to 64 of the characters `A-Z a-z 0-9
	// _ . -`. `reject` refuses them with 422. Default: `strip`.
	UnknownFields string `json:"unknown_fields,omitempty"`

	// The value of a field, by its JSON name, for clients that send none or an empty one.
	// Placeholders are replaced; a value that comes out empty leaves the field alone.
	// Fields beyond the four are allowed, with names of 1 to 64 of the characters `A-Z a-z
	// 0-9 _ . -`. Default: none.
	Default map[string]string `json:"default,omitempty"`

	// The value of a field, by its JSON name, whatever the client sends. Placeholders are
	// replaced; a value that comes out empty leaves the field alone. Fields beyond the
	// four are allowed, with names of 1 to 64 of the characters `A-Z a-z 0-9 _ . -`.
	// Default: none.
	Set map[string]string `json:"set,omitempty"`

	// The header that holds a correlation id. A client's own id is kept if it is 1 to 128
	// visible ASCII characters; otherwise one is made. It is forwarded, sent back and
	// logged. Default: none.
	CorrelationID string `json:"correlation_id,omitempty"`

	// The key of `{http.conference_members.destination.hash}`, by which one number can be
	// followed through logs without being known. Instances with the same key make the same
	// hashes. The stores `file` and `redis` need it. Global placeholders, such as
	// `{env.HASH_KEY}`, are replaced. Default: a key made when the process starts.
	HashKey string `json:"hash_key,omitempty"`

	// Paths to values of the response, each under a name of 1 to 64 letters, digits, `-`
	// and `_`, written as for a column by path. A value that is found in the first 64 KiB
	// of a successful JSON response becomes a field of the log, a span attribute, and
	// `{http.conference_members.response.NAME}` for what runs later, such as log_append. At most 32. Default: none.
	Captures map[string]string `json:"captures,omitempty"`

	// How a request is judged.
	rules.Options

	// How a response is converted to CSV. Default: byte for byte as the upstream does it.
	CSV *CSV `json:"csv,omitempty"`

	// Lets clients repeat a call with the same idempotency key, and dials it once. An
	// empty block turns it on. Default: off.
	Idempotency *Idempotency `json:"idempotency,omitempty"`

	// Refuses the same call a moment later, for clients that send no key: rule
	// `duplicate_call`, which has a mode like any other. An empty block turns it on. The
	// calls are kept in the store of `idempotency` or, without one, in memory. Default:
	// off.
	Duplicates *Duplicates `json:"duplicates,omitempty"`

	// Lets clients place many calls with one upload, to `bulk` below the route. An empty
	// block turns it on. Default: off.
	Bulk *Bulk `json:"bulk,omitempty"`

	// `handle_errors` hands refusals to the error routes of the server instead of
	// responding to them. Default: the module responds.
	ErrorsVia string `json:"errors_via,omitempty"`
}

// CSV says how a response is transcoded to CSV.
type CSV struct {
	transform.Options

	// The name under which a client saves the CSV, sent in Content-Disposition.
	// Placeholders are replaced; characters that are unsafe in a file name become `_`.
	// Default: `AddConferenceMember.csv`.
	Filename string `json:"filename,omitempty"`

	// The largest response in bytes, unpacked too, that is converted to CSV. A larger one
	// is delivered as it came. Default: 8388608.
	MaxResponse int64 `json:"max_response,omitempty"`

	// The format of errors for a client that asks for CSV: `negotiated` is CSV as the
	// upstream writes it, `json` leaves them JSON. Default: `negotiated`.
	Errors string `json:"errors,omitempty"`

	// Named sets of these options. A client picks one with `?view=NAME`. A view starts
	// from the options around it and changes those that it names; it holds no views of its
	// own. Default: none.
	Views map[string]*CSV `json:"views,omitempty"`
}

// orDefault returns v, or def if v is the zero value.
func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
