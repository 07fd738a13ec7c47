package handler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
)

// nobody returns a next handler that must not be reached.
func nobody(t *testing.T) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		t.Error("the request was forwarded")
		return nil
	})
}

func TestAClientThatIsTooSlowIsToldSo(t *testing.T) {
	for _, tt := range []struct {
		rule string
		err  error
		want int
	}{
		{"over HTTP/1.1 and HTTP/3", os.ErrDeadlineExceeded, http.StatusRequestTimeout},
		{"over HTTP/2, which wraps the error", fmt.Errorf("%w", os.ErrDeadlineExceeded), http.StatusRequestTimeout},
		{"but not one whose connection is gone", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, statusClientClosedRequest},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			r := newRequest(route1, "text/csv")
			r.Body = io.NopCloser(iotest.ErrReader(tt.err))
			w := httptest.NewRecorder()
			err := newHandler(t, Config{}).ServeHTTP(w, r, nobody(t))
			he, ok := errors.AsType[caddyhttp.HandlerError](err)
			if !ok || he.StatusCode != tt.want {
				t.Errorf("error %v, want status %d", err, tt.want)
			}
			if w.Header().Get("Vary") != "Accept" {
				t.Errorf("Vary: %q", w.Header()["Vary"])
			}
		})
	}
}

// TestAResponseToWhoAwaitsContinueClosesTheConnection holds that over HTTP/1 an early
// response closes the connection. Otherwise the server would wait for the body before
// it responds, and the client for the response before it sends the body.
func TestAResponseToWhoAwaitsContinueClosesTheConnection(t *testing.T) {
	ok := respondWith([]byte(`{"id":"abc"}`))
	for _, tt := range []struct {
		rule   string
		change func(*http.Request)
		next   caddyhttp.Handler
		want   string
	}{
		{"refused for its header", func(r *http.Request) { r.Header.Set("Content-Type", "image/png") }, nobody(t), "close"},
		{"refused for its method", func(r *http.Request) { r.Method = http.MethodPut }, nobody(t), "close"},
		{"passed without its body", func(r *http.Request) { r.Method = http.MethodOptions }, ok, "close"},
		{"in any case", func(r *http.Request) { r.Header["Expect"] = []string{"100-Continue"}; r.Method = http.MethodPut }, nobody(t), "close"},
		{"but not once its body is read", func(*http.Request) {}, ok, ""},
		{"nor if it does not wait", func(r *http.Request) { r.Header.Del("Expect"); r.Method = http.MethodPut }, nobody(t), ""},
		{"nor over HTTP/2", func(r *http.Request) { r.ProtoMajor, r.ProtoMinor, r.Method = 2, 0, http.MethodPut }, nobody(t), ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			r := newRequest(route1, "application/json")
			r.Header.Set("Expect", "100-continue")
			tt.change(r)
			w := httptest.NewRecorder()
			if err := newHandler(t, Config{}).ServeHTTP(w, r, tt.next); err != nil {
				t.Fatal(err)
			}
			if got := w.Header().Get("Connection"); got != tt.want {
				t.Errorf("Connection: %q, want %q", got, tt.want)
			}
		})
	}
}

// TestABodyIsReadBeforeItsConnectionIsClosed holds that the rest of a body is read
// first. Otherwise a client that is still sending would lose the response.
func TestABodyIsReadBeforeItsConnectionIsClosed(t *testing.T) {
	for _, tt := range []struct {
		rule   string
		size   int
		change func(*http.Request)
		read   int
	}{
		{"a body that is too large", 40 << 10, func(r *http.Request) { r.Close = true }, 40 << 10},
		{"not more than net/http reads", 1 << 20, func(r *http.Request) { r.Close = true }, maxUnread},
		{"not where the connection stays open, for net/http reads on", 40 << 10, func(*http.Request) {}, 0},
		{"not over HTTP/2", 40 << 10, func(r *http.Request) { r.Close, r.ProtoMajor = true, 2 }, 0},
		{"not if the client waits for 100 Continue", 40 << 10, func(r *http.Request) { r.Close = true; r.Header.Set("Expect", "100-continue") }, 0},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			body := bytes.NewReader(make([]byte, tt.size))
			r := newRequest(route1, "application/json")
			r.Body, r.ContentLength = io.NopCloser(body), int64(tt.size)
			tt.change(r)
			w := httptest.NewRecorder()
			if err := newHandler(t, Config{}).ServeHTTP(w, r, nobody(t)); err != nil {
				t.Fatal(err)
			}
			if w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("status %d", w.Code)
			}
			if got := tt.size - body.Len(); got != tt.read {
				t.Errorf("%d bytes were read, want %d", got, tt.read)
			}
		})
	}
}

// TestAHandlerBehindAnotherCaptures holds that what only the inner one of two handlers
// captures is found, and that its buffer is given back.
func TestAHandlerBehindAnotherCaptures(t *testing.T) {
	outer := newHandler(t, Config{})
	inner := newHandler(t, Config{Captures: map[string]string{"id": "id"}})
	r := newRequest(route1, "application/json")
	r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, make(map[string]any)))
	before := buffer.Taken()
	err := outer.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return inner.ServeHTTP(w, r, respondWith([]byte(`{"id":"abc"}`)))
	}))
	if id, _ := replacerOf(r).GetString(placeholderPrefix + responsePrefix + "id"); err != nil || id != "abc" || buffer.Taken() != before {
		t.Errorf("captured %q, %d buffers were not given back, %v", id, buffer.Taken()-before, err)
	}
}
