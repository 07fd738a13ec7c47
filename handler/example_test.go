package handler_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/handler"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

func ExampleHandler_ServeHTTP() {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	h, err := handler.New(ctx, handler.Config{
		CSV: &handler.CSV{Options: transform.Options{Columns: []transform.Column{{Name: "id"}, {Name: "destination"}}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	// In Caddy this is reverse_proxy.
	upstream := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		body, err := io.ReadAll(r.Body)
		fmt.Printf("the upstream gets %s %s\n%s\n", r.URL, r.Header.Get("Accept"), body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"destination":"+12025550123","id":"S1"}`)
		return err
	})

	r := httptest.NewRequest(http.MethodPost, "/sessions/S1/conference/members.csv", strings.NewReader("destination=%2B12025550123"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	if err := h.ServeHTTP(w, r, upstream); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print("the client gets ", w.Header().Get("Content-Type"), "\n", strings.ReplaceAll(w.Body.String(), "\r\n", "\n"))
	// Output:
	// the upstream gets /sessions/S1/conference/members application/json
	// {"sessionId":"S1","destination":"+12025550123"}
	// the client gets text/csv; charset=utf-8
	// Id,Destination
	// S1,+12025550123
}
