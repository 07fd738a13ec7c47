package handler

import (
	"iter"
	"slices"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// placeholderPrefix begins the names of the placeholders that a request on the
// route has from here on.
const placeholderPrefix = "http.conference_members."

// placeholders is the one table of placeholders: the name without the prefix, its
// meaning and its value.
var placeholders = []struct {
	name    string
	meaning string
	value   func(*exchange) string
}{
	{"session_id", "The session's id.", func(x *exchange) string { return x.field(rules.SessionID) }},
	{"call_sid", "The call's SID.", func(x *exchange) string { return x.field(rules.CallSID) }},
	{"destination.kind", "The kind of the destination: phone, sip, client, email or name.", func(x *exchange) string { return string(x.admission.verdict.Kind) }},
	{"destination.country", "The ISO 3166 code of the destination's country, empty where it can't be told.", func(x *exchange) string { return x.admission.verdict.Country }},
	{"destination.hash", "A keyed hash of the destination, which tells numbers apart without revealing them.", (*exchange).destinationHash},
	{"from.country", "The ISO 3166 code of fromNumber's country, empty where it can't be told.", func(x *exchange) string { return x.admission.verdict.FromCountry }},
	{"format", "The format of the response: json, csv, xml, jsv or html.", func(x *exchange) string { return x.wanted.format.String() }},
	{"outcome", "How the request ended, empty until it has.", func(x *exchange) string { return x.outcome.String() }},
	{"call", "What became of the call: dialled, not-dialled or unknown; empty until it is known.", (*exchange).callSoFar},
	{"rule", "The names of the rules for which the request was refused, with commas between them; empty if it was not. For error pages.", func(x *exchange) string {
		return x.refusalText(", ", func(v rules.Violation) string { return v.Rule.Name })
	}},
	{"detail", "What is wrong with a request that was refused, in sentences. For error pages.", func(x *exchange) string {
		return x.refusalText(" ", func(v rules.Violation) string { return v.Detail })
	}},
	{"fix", "What to send instead of a request that was refused, in sentences. For error pages.", func(x *exchange) string {
		return x.refusalText(" ", func(v rules.Violation) string { return orDefault(v.Fix, v.Rule.Fix) })
	}},
	{"correlation_id", "The correlation id, empty where there is none.", func(x *exchange) string { return x.correlationID }},
}

// callSoFar is what became of the call, empty until the request has ended.
func (x *exchange) callSoFar() string {
	if x.outcome == metrics.Undecided {
		return ""
	}
	return x.response.call.String()
}

// refusalText joins a text of every violation for which the request was refused.
func (x *exchange) refusalText(separator string, text func(rules.Violation) string) string {
	if x.refusal == nil {
		return ""
	}
	return strings.Join(distinct(x.refusal.violations, text), separator)
}

// providePlaceholders makes the placeholders known to later handlers. They are
// worked out only when they are asked for.
func (x *exchange) providePlaceholders() {
	replacerOf(x.r).Map(func(key string) (any, bool) {
		name, ok := strings.CutPrefix(key, placeholderPrefix)
		if !ok {
			return nil, false
		}
		if captured, ok := strings.CutPrefix(name, responsePrefix); ok {
			if value, ok := x.capturedValue(captured); ok {
				return value, true
			}
			return nil, false
		}
		for _, p := range placeholders {
			if p.name == name {
				return p.value(x), true
			}
		}
		return nil, false
	})
}

// capturedValue returns what a capture found, empty until the response is there.
func (x *exchange) capturedValue(name string) (string, bool) {
	if !slices.ContainsFunc(x.h.captures, func(c capture) bool { return c.name == name }) {
		return "", false
	}
	return x.response.captured.value(name), true
}

// Placeholders yields the name, without braces, and the meaning of every
// placeholder.
func Placeholders() iter.Seq2[string, string] {
	return func(yield func(name, meaning string) bool) {
		for _, p := range placeholders {
			if !yield(placeholderPrefix+p.name, p.meaning) {
				return
			}
		}
		yield(placeholderPrefix+responsePrefix+"NAME", "What `capture NAME` found in the response, empty until it is there.")
	}
}
