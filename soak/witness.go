package main

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// witness is a handler in front of conference_members. It reports to the books that the
// gateway got a request, and its outcome. When a reload closes a connection or a client
// leaves, only the gateway knows whether the request was read.
type witness struct{}

// witnessed are the books that witnesses report to. A process runs one Caddy.
var witnessed atomic.Pointer[books]

// registerWitness makes the directive soak_witness known, once.
var registerWitness = sync.OnceFunc(func() {
	caddy.RegisterModule(witness{})
	httpcaddyfile.RegisterHandlerDirective("soak_witness", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		return witness{}, nil
	})
})

// CaddyModule returns the Caddy module information.
func (witness) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.soak_witness", New: func() caddy.Module { return new(witness) }}
}

// ServeHTTP reports the request before and after.
func (witness) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	b := witnessed.Load()
	id := r.Header.Get(markHeader)
	if b == nil || id == "" {
		return next.ServeHTTP(w, r)
	}
	b.entered(id)
	defer func() {
		var outcome string
		if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
			outcome, _ = repl.GetString("http.conference_members.outcome")
		}
		// reverse_proxy panics to break off a response; any other panic is a mistake.
		v := recover()
		b.left(id, outcome, v != nil && v != http.ErrAbortHandler) //nolint:errorlint // a sentinel by contract
		if v != nil {
			panic(v)
		}
	}()
	return next.ServeHTTP(w, r)
}
