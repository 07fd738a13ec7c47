package handler

import (
	"iter"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// placeholderPrefix begins the names of the placeholders that a request on the
// route has from here on.
const placeholderPrefix = "http.conference_members."

// placeholders is the one table of placeholders: the name behind the prefix,
// what it is, and its value.
var placeholders = []struct {
	name    string
	meaning string
	value   func(*exchange) string
}{
	{"session_id", "The session's id.", func(x *exchange) string { return x.call[rules.SessionID].Text }},
	{"call_sid", "The call's SID.", func(x *exchange) string { return x.call[rules.CallSID].Text }},
	{"destination.kind", "The kind of the destination: phone, sip, client, email or name.", func(x *exchange) string { return string(x.verdict.Kind) }},
	{"destination.country", "The ISO 3166 code of the destination's country, empty where it can't be told.", func(x *exchange) string { return x.verdict.Country }},
	{"destination.hash", "A keyed hash of the destination, by which one number can be told from another without being known.", (*exchange).destinationHash},
	{"from.country", "The ISO 3166 code of fromNumber's country, empty where it can't be told.", func(x *exchange) string { return x.verdict.FromCountry }},
	{"format", "The format of the answer: json, csv, xml, jsv or html.", func(x *exchange) string { return x.format.String() }},
	{"outcome", "How the request ended, empty until it has.", (*exchange).outcomeSoFar},
	{"correlation_id", "The correlation id, empty where there is none.", func(x *exchange) string { return x.correlationID }},
}

// providePlaceholders makes the placeholders known to later handlers. They are
// worked out only when they are asked for.
func (x *exchange) providePlaceholders() {
	x.replacer().Map(func(key string) (any, bool) {
		name, ok := strings.CutPrefix(key, placeholderPrefix)
		if !ok {
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

// Placeholders yields the name, without braces, and the meaning of every
// placeholder.
func Placeholders() iter.Seq2[string, string] {
	return func(yield func(name, meaning string) bool) {
		for _, p := range placeholders {
			if !yield(placeholderPrefix+p.name, p.meaning) {
				return
			}
		}
	}
}
