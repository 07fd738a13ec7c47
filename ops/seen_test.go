package ops

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/handler"
)

// span notes its attributes and events.
type span struct {
	noop.Span
	attributes, events map[string]bool
}

func (s *span) IsRecording() bool { return true }

func (s *span) SetAttributes(attributes ...attribute.KeyValue) {
	for _, a := range attributes {
		s.attributes[string(a.Key)] = true
	}
}

func (s *span) AddEvent(name string, _ ...trace.EventOption) { s.events[name] = true }

// loggedKeys finds the names of fields in the code that logs them.
var loggedKeys = regexp.MustCompile(`(?:text|AddDuration|AddInt|AddObject|zap\.Strings|zap\.Bool)\("(\w+)"|\{"(\w+)", rules\.`)

// TestEveryLogFieldIsDocumented reads the code, because extra fields of an access log can't
// be read back.
func TestEveryLogFieldIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../handler/record.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), ") MarshalLogObject(")
	fields := make(map[string]bool)
	for _, m := range loggedKeys.FindAllStringSubmatch(body, -1) {
		fields[m[1]+m[2]] = true
	}
	if len(fields) == 0 {
		t.Fatal("no fields are found in the code")
	}
	same(t, "Access log", fields)
}

// TestEverythingOnSpansIsDocumented holds that the attributes and events of
// spans are those that the documentation lists.
func TestEverythingOnSpansIsDocumented(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	h, err := handler.New(ctx, handler.Config{CorrelationID: "X-Request-ID"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()

	const call = `{"callSid":"CA0123456789abcdef0123456789abcdef","destination":"+12025550123","fromNumber":"+442071838750"}`
	tests := []struct{ body, response string }{
		{call, `{"id":"abc"}`},
		{call, `not JSON`},
		{`{}`, ""},
	}
	s := &span{attributes: make(map[string]bool), events: make(map[string]bool)}
	for _, test := range tests {
		r := httptest.NewRequest(http.MethodPost, "/sessions/abc/conference/members.csv", strings.NewReader(test.body))
		r.Header.Set("Content-Type", "application/json")
		r = r.WithContext(trace.ContextWithSpan(r.Context(), s))
		w := httptest.NewRecorder()
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
		err := h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "application/json")
			_, err := io.WriteString(w, test.response)
			return err
		}))
		if err != nil {
			t.Fatal(err)
		}
	}
	seen := s.attributes
	for name := range s.events {
		seen[name] = true
	}
	same(t, "Traces", seen)
}
