package handler

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/iotest"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// nobody is a next handler that must not be reached.
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
		{"but not one whose connection is gone", errGone{}, statusClientClosedRequest},
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

// errGone is the error of a connection that is gone.
type errGone struct{}

func (errGone) Error() string   { return "gone" }
func (errGone) Timeout() bool   { return false }
func (errGone) Temporary() bool { return false }
