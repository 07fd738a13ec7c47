// Package conferencemembers is a Caddy module that stands in front of Evo
// Voice's POST /sessions/{sessionId}/conference/members. Every accepted request
// to that route makes a phone ring and costs money, so the module judges a
// request before it forwards it, makes the JSON response CSV for a client that
// asks for CSV, and counts and times every call.
//
// Importing the package registers the HTTP handler
// http.handlers.conference_members, the Caddyfile directive conference_members
// and the command caddy conference-members:
//
//	import _ "github.com/evovoice-gateway/caddy-conference-members"
//
// Package handler is the life of a request, and package caddyfile reads the
// directive; this package ties the two to Caddy.
package conferencemembers

import (
	"net/http"
	_ "time/tzdata" // the zones of dates, wherever the gateway runs

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	directive "github.com/evovoice-gateway/caddy-conference-members/caddyfile"
	"github.com/evovoice-gateway/caddy-conference-members/command"
	"github.com/evovoice-gateway/caddy-conference-members/handler"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

func init() {
	caddy.RegisterModule(Module{})
	command.Register()
	for _, m := range stores.Modules() {
		caddy.RegisterModule(m)
	}
	httpcaddyfile.RegisterHandlerDirective(directive.Name, parseDirective)
	httpcaddyfile.RegisterDirectiveOrder(directive.Name, httpcaddyfile.After, "encode")
}

// Module is the HTTP handler http.handlers.conference_members.
//
// It responds by itself only to refuse: put a handler behind it that
// reaches the API, usually reverse_proxy.
type Module struct {
	handler.Config

	handler *handler.Handler
}

// CaddyModule returns the Caddy module information.
func (Module) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.conference_members",
		New: func() caddy.Module { return new(Module) },
	}
}

// Provision compiles the configuration. Its errors name all mistakes at once.
func (m *Module) Provision(ctx caddy.Context) error {
	h, err := handler.New(ctx, m.Config)
	if err != nil {
		return err
	}
	m.handler = h
	return nil
}

// Cleanup releases what Provision took.
func (m *Module) Cleanup() error {
	if m.handler == nil {
		return nil
	}
	return m.handler.Close()
}

// ServeHTTP serves the conference members route and leaves every other request
// to next.
func (m *Module) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return m.handler.ServeHTTP(w, r, next)
}

// UnmarshalCaddyfile reads the directive; package caddyfile holds its syntax.
func (m *Module) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return directive.Unmarshal(d, &m.Config)
}

// parseDirective sets up the module from a Caddyfile.
func parseDirective(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Module)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

// Interface guards.
var (
	_ caddy.Module                = (*Module)(nil)
	_ caddy.Provisioner           = (*Module)(nil)
	_ caddy.CleanerUpper          = (*Module)(nil)
	_ caddyhttp.MiddlewareHandler = (*Module)(nil)
	_ caddyfile.Unmarshaler       = (*Module)(nil)
)
