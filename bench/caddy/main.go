// Command caddy is the Caddy that is measured, with this module and with floor, a handler
// that does the least that is needed to read a call before it is forwarded.
package main

import (
	"bytes"
	"io"
	"net/http"
	_ "time/tzdata"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/evovoice-gateway/caddy-conference-members"
)

func main() {
	caddy.RegisterModule(new(floor))
	httpcaddyfile.RegisterHandlerDirective("floor", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return new(floor), nil
	})
	httpcaddyfile.RegisterDirectiveOrder("floor", httpcaddyfile.After, "encode")
	caddycmd.Main()
}

// floor reads the body, clones the request with its header and wraps the response
// writer.
type floor struct{}

func (*floor) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.floor", New: func() caddy.Module { return new(floor) }}
}

func (*floor) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return caddyhttp.Error(http.StatusBadRequest, err)
	}
	out := r.WithContext(r.Context())
	out.Header = r.Header.Clone()
	out.Body = io.NopCloser(bytes.NewReader(body))
	return next.ServeHTTP(&caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, out)
}
