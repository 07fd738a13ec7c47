package caddyfile

import (
	"strings"
	"testing"

	"github.com/dustin/go-humanize"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/handler"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

// unmarshal reads the directive from text.
func unmarshal(text string) (*handler.Config, error) {
	c := new(handler.Config)
	return c, Unmarshal(caddyfile.NewTestDispenser(text), c)
}

func init() {
	for _, m := range stores.Modules() {
		caddy.RegisterModule(m)
	}
}

// TestDocumentedDefaultsChangeNothing holds that a default, written out, is
// what holds without it, wherever it can be written out.
func TestDocumentedDefaultsChangeNothing(t *testing.T) {
	for o := range Options() {
		switch o.Default {
		case "none", "off", "any", "all", "made at start", "see below",
			"as the dialect", "Authorization, else Cookie", "as `nested` says", "as `mode` says", "the module's own responses":
			continue // said in words
		}
		t.Run(o.Block+" "+o.Name, func(t *testing.T) {
			text := Name + " {\n" + o.Name + " " + o.Default + "\n}\n"
			if o.Block != Name {
				text = Name + " {\n" + o.Block + " {\n" + o.Name + " " + o.Default + "\n}\n}\n"
			}
			c, err := unmarshal(text)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int64{"max_body": request.DefaultMaxBody, "max_response": handler.DefaultMaxResponse}[o.Name]
			if o.Block == "bulk" && o.Name == "max_body" {
				want = handler.DefaultMaxRowsBody
			}
			if want != 0 {
				if n, err := humanize.ParseBytes(o.Default); err != nil || int64(n) != want {
					t.Errorf("the default is documented as %s, but is %d bytes", o.Default, want)
				}
			}
			if err := c.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAMistakeSaysWhatToWrite(t *testing.T) {
	for _, tt := range []struct{ mistake, text, want string }{
		{"an argument where a block belongs", "idempotency on", "idempotency { ... }: want options in braces and no arguments, got 1 argument, at Testfile:2"},
		{"a brace is missing", "numbers {\nregion US\n}\nreverse_proxy localhost:8081", "it is a directive of the site: is a closing brace missing before it?, at Testfile:5"},
		{"a header with a meaning", "idempotency {\nheader Cookie\n}", "header: Cookie has a meaning of its own and can hold no id; name another header, such as X-Request-ID, at Testfile:3"},
		{"one header for two ids", "correlation_id X-A\nidempotency {\nheader X-A\n}", "correlation_id: X-A holds the key of idempotency; name another header, such as X-Request-ID, at Testfile:2 and Testfile:3"},
		{"a rule of a guard that is not there", "mode report\nrule duplicate_call enforce", "rule duplicate_call: no call is a duplicate without the block duplicates; add it, at Testfile:3"},
		{"a scope of each request", "idempotency {\nscope {http.request.uuid}\n}", "scope: {http.request.uuid} is another one when a request is repeated, and the call would be placed again; name something that stays, such as {http.auth.user.id}, at Testfile:3"},
		{"a placeholder that does not end", "idempotency {\nscope {http.auth.user.id\n}", "scope: a placeholder has no closing brace; write \\{ for a brace, at Testfile:3"},
		{"no such store", "idempotency {\nstore sqlite\n}", `there is no store "sqlite"; the stores are file, memory, at Testfile:3`},
		{"a misspelt store", "idempotency {\nstore memori\n}", "did you mean memory?, at Testfile:3"},
		{"a store that was not built in", "idempotency {\nstore redis\n}", "build it --with github.com/evovoice-gateway/caddy-conference-members/stores/redis too, at Testfile:3"},
	} {
		t.Run(tt.mistake, func(t *testing.T) {
			if _, err := unmarshal(Name + " {\n" + tt.text + "\n}"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestMistakesAreAllReported(t *testing.T) {
	_, err := unmarshal(Name + ` {
		max_body
		rout /x
		csv {
			dialect exel
		}
	}`)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"max_body <size>: want 1 argument, got 0", "did you mean route?", "did you mean excel?", ":2", ":3", ":5"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %q in: %v", want, err)
		}
	}
}
