package metrics

// Outcome says how a request on the route ended. Each request has exactly one.
type Outcome uint8

// The outcomes.
const (
	// Undecided: the request has not ended. Its name is empty.
	Undecided Outcome = iota
	// OK: the upstream's response, below 400, was delivered as asked.
	OK
	// Fallback: CSV was asked for, but the upstream's response, below 400,
	// could not be transcoded and was passed through.
	Fallback
	// Replayed: the response of the first request with the same key was sent again;
	// not forwarded.
	Replayed
	// Refused: the request broke a rule and was not forwarded.
	Refused
	// TooLarge: the request's body exceeds max_body; not forwarded.
	TooLarge
	// NotAcceptable: the client accepts no format that can be had; not forwarded.
	NotAcceptable
	// MethodNotAllowed: neither POST nor OPTIONS; not forwarded.
	MethodNotAllowed
	// PredefinedRoute: one of the upstream's predefined routes; not forwarded.
	PredefinedRoute
	// Passed: OPTIONS, or a predefined route where the configuration passes them,
	// a response below 500.
	Passed
	// Upstream4xx: the upstream responded with 400 to 499.
	Upstream4xx
	// Upstream5xx: the upstream responded with 500 to 599.
	Upstream5xx
	// Unreachable: nothing of the call could be sent to the upstream.
	Unreachable
	// NoResponse: the call was sent to the upstream, and no response came.
	NoResponse
	// Timeout: the call was sent to the upstream, and no response came in time.
	Timeout
	// ClientGone: the client went away before its response was complete, or was too
	// slow to say what it wants.
	ClientGone
	// Failed: another handler after this one returned an error.
	Failed
	// Aborted: the response broke off on its way, or a handler panicked.
	Aborted

	// Bulk: the rows of an upload were begun. Each of them is a request.
	Bulk

	// Checked: what the client sent was judged, and nothing was to be forwarded.
	Checked

	numOutcomes
)

// outcomes is the one table of outcomes: label value, meaning, and whether the
// request had got a format by then.
var outcomes = [numOutcomes]struct {
	name      string
	meaning   string
	formatted bool
}{
	OK:               {"ok", "The upstream's response, below 400, was delivered in the format asked for.", true},
	Fallback:         {"fallback", "CSV was asked for, but the upstream's response, below 400, could not be transcoded and was passed through, with `X-Transcode-Error`.", true},
	Replayed:         {"replayed", "The response of an earlier request with the same idempotency key, or of the same call a moment ago, was sent again; not forwarded.", true},
	Refused:          {"refused", "The request broke a rule (400, 403, 404, 409, 415, 422, 503) and was not forwarded.", true},
	TooLarge:         {"too_large", "The request's body exceeds `max_body` (413); not forwarded.", true},
	NotAcceptable:    {"not_acceptable", "No format that can be sent is acceptable to the client (406); not forwarded.", false},
	MethodNotAllowed: {"method_not_allowed", "The method is neither POST nor OPTIONS (405); not forwarded.", false},
	PredefinedRoute:  {"predefined_route", "One of the upstream's predefined routes (404); not forwarded.", false},
	Passed:           {"passed", "OPTIONS, or a predefined route under `predefined_routes pass`: forwarded unjudged, and the response was below 500.", false},
	Upstream4xx:      {"upstream_4xx", "The upstream responded with 400 to 499.", true},
	Upstream5xx:      {"upstream_5xx", "The upstream responded with 500 to 599.", true},
	Unreachable:      {"unreachable", "Nothing of the call could be sent to the upstream: no connection was made, or no upstream is available. Nothing was dialled.", true},
	NoResponse:       {"no_response", "The call was sent to the upstream, and the connection ended without a response. The phone may be ringing.", true},
	Timeout:          {"timeout", "The call was sent to the upstream, and no response came in time. The phone may be ringing.", true},
	ClientGone:       {"client_gone", "The client left before its response was complete, or was too slow to send its body (408).", true},
	Failed:           {"failed", "A handler behind this one returned an error.", true},
	Aborted:          {"aborted", "The response broke off while it was delivered, or a handler panicked.", true},
	Bulk:             {"bulk", "An upload to `bulk` began to place its calls; each row counts as a request.", false},
	Checked:          {"checked", "A request to `check` was judged; such requests are never forwarded.", false},
}

// String returns the label value, empty for Undecided.
func (o Outcome) String() string { return outcomes[o].name }

// number is its number among the values of the label outcome, which are in the order
// of the table, and then other.
func (o Outcome) number() int {
	if o == Undecided {
		o = numOutcomes
	}
	return int(o) - 1
}

// Meaning returns one sentence for the documentation.
func (o Outcome) Meaning() string { return outcomes[o].meaning }

// Outcomes returns all outcomes in the order of the table.
func Outcomes() []Outcome {
	all := make([]Outcome, 0, numOutcomes-1)
	for o := OK; o < numOutcomes; o++ {
		all = append(all, o)
	}
	return all
}

// outcomeNames returns the label values.
func outcomeNames() []string {
	names := make([]string, 0, len(Outcomes()))
	for _, o := range Outcomes() {
		names = append(names, o.String())
	}
	return names
}

// canEnd reports whether a request can be counted under a format and an outcome.
func canEnd(format, outcome string) bool {
	for _, o := range Outcomes() {
		switch {
		case o.String() != outcome:
		case !outcomes[o].formatted:
			return format == none
		default:
			return format != none && format != other && (o != Fallback || format == "csv")
		}
	}
	return false
}
