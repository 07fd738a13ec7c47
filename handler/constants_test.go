package handler

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// TestWhatEveryRequestGetsIsJudgedAtLoad holds that a configured value for which every
// request would be refused is an error at load.
func TestWhatEveryRequestGetsIsJudgedAtLoad(t *testing.T) {
	t.Setenv("MEMBERS_FROM", "+12025550123")
	t.Setenv("MEMBERS_BAD", "911")
	t.Setenv("MEMBERS_KEY", "short")
	field := func(name, value string) map[string]string { return map[string]string{name: value} }
	for _, test := range []struct {
		rule string
		c    Config
		want string // empty if it loads
	}{
		{"a number", Config{Default: field("fromNumber", "+12025550123")}, ""},
		{"no number", Config{Default: field("fromNumber", "911")}, "default.fromNumber: fromNumber is not a phone number"},
		{"in any letter case", Config{Set: field("FROMNUMBER", "911")}, "set.FROMNUMBER: fromNumber is not a phone number"},
		{"an emergency number", Config{Set: field("destination", "911")}, "set.destination: destination is an emergency number"},
		{"a number as the region writes it", Config{Default: field("fromNumber", "(202) 555-0123"), Options: rules.Options{Numbers: rules.NumberOptions{Region: "US"}}}, ""},
		{"a rule that reports", Config{Default: field("fromNumber", "911"), Options: rules.Options{Mode: rules.Report}}, ""},
		{"a placeholder of the request", Config{Default: field("fromNumber", "{http.request.header.X-From}")}, ""},
		{"an environment variable", Config{Default: field("fromNumber", "{env.MEMBERS_FROM}")}, ""},
		{"one that is not there", Config{Default: field("fromNumber", "{env.MEMBERS_NOPE}")}, "default.fromNumber: there is no environment variable MEMBERS_NOPE"},
		{"one that is not there, of another field", Config{Set: field("note", "a{env.MEMBERS_NOPE}")}, "set.note: there is no environment variable MEMBERS_NOPE"},
		{"one that holds no number", Config{Default: field("fromNumber", "{env.MEMBERS_BAD}")}, "default.fromNumber: fromNumber is not a phone number"},
		{"a field that is nearly one", Config{Default: field("fromNumbr", "+12025550123")}, "default.fromNumbr: there is no such field; did you mean fromNumber?"},
		{"another field", Config{Set: field("note", "x")}, ""},
		{"a key of sixteen bytes", Config{HashKey: "0123456789abcdef"}, ""},
		{"a short key", Config{HashKey: "secret"}, "hash_key: 6 bytes can be guessed"},
		{"a short key of the environment", Config{HashKey: "{env.MEMBERS_KEY}"}, "hash_key: 5 bytes can be guessed"},
		{"a key that is not there", Config{HashKey: "{env.MEMBERS_NOPE}"}, "hash_key: there is no environment variable MEMBERS_NOPE"},
		{"a scope that is not there, which all clients would share", Config{Idempotency: &Idempotency{Scope: "{env.MEMBERS_NOPE}"}}, "idempotency.scope: there is no environment variable MEMBERS_NOPE"},
		{"a scope of the request", Config{Idempotency: &Idempotency{Scope: "{http.auth.user.id}"}}, ""},
		{"a scope of each request", Config{Idempotency: &Idempotency{Scope: "a-{http.request.uuid}"}}, "idempotency.scope: {http.request.uuid} is another one when a request is repeated"},
		{"a scope of each connection", Config{Idempotency: &Idempotency{Scope: "{http.request.remote}"}}, "idempotency.scope: {http.request.remote} is another one"},
		{"a scope of an address", Config{Idempotency: &Idempotency{Scope: "{http.request.remote.host}"}}, ""},
		{"a scope of the clock", Config{Idempotency: &Idempotency{Scope: "{time.now.unix}"}}, "idempotency.scope: {time.now.unix} is another one"},
		{"a scope that does not end", Config{Idempotency: &Idempotency{Scope: "{http.auth.user.id"}}, "idempotency.scope: a placeholder has no closing brace"},
		{"a value that does not end", Config{Set: field("note", "a {http.request.host")}, "set.note: a placeholder has no closing brace"},
		{"a brace", Config{Set: field("note", `a \{ b`)}, ""},
		{"a key that does not end", Config{HashKey: "{env.MEMBERS_FROM"}, "hash_key: a placeholder has no closing brace"},
		{"a file name that is not there", Config{CSV: &CSV{Filename: "{env.MEMBERS_NOPE}.csv"}}, "csv.filename: there is no environment variable MEMBERS_NOPE"},
		{"one of a view", Config{CSV: &CSV{Views: map[string]*CSV{"a": {Filename: "{env.MEMBERS_NOPE}.csv"}}}}, "csv.views.a.filename: there is no environment variable MEMBERS_NOPE"},
		{"a file name that does not end", Config{CSV: &CSV{Filename: "{http.request.uuid.csv"}}, "csv.filename: a placeholder has no closing brace"},
		{"a rule about duplicates without the guard", Config{Options: rules.Options{Rules: map[string]string{"duplicate_call": rules.Enforce}}}, "rules.duplicate_call: no call is a duplicate without the block duplicates"},
		{"one that is off", Config{Options: rules.Options{Rules: map[string]string{"duplicate_call": rules.Off}}}, ""},
		{"one with the guard", Config{Duplicates: new(Duplicates), Options: rules.Options{Rules: map[string]string{"duplicate_call": rules.Enforce}}}, ""},
		{"a number that calls itself", Config{Set: map[string]string{"fromNumber": "+12025550123", "destination": "+12025550123"}}, "set: fromNumber"},
		{"one header for both ids", Config{CorrelationID: "x-call-key", Idempotency: &Idempotency{Header: "X-Call-Key"}}, "correlation_id: X-Call-Key holds the key of idempotency"},
		{"one header for both ids of an upload", Config{CorrelationID: "Idempotency-Key", Bulk: new(Bulk)}, "correlation_id: Idempotency-Key holds the key of idempotency"},
		{"one header for both ids of a duplicate", Config{CorrelationID: "Idempotency-Key", Duplicates: new(Duplicates)}, "correlation_id: Idempotency-Key holds the key of idempotency"},
		{"the header of keys that are not read", Config{CorrelationID: "Idempotency-Key"}, ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			ctx, cancel := caddy.NewContext(running())
			defer cancel()
			h, err := New(ctx, test.c)
			if err == nil {
				err = h.Close()
				if test.want != "" || err != nil {
					t.Fatalf("loaded, %v; want %q", err, test.want)
				}
				return
			}
			if test.want == "" || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %q, want %q", err, test.want)
			}
		})
	}
}
