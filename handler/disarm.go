package handler

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/request"
)

// describesBody are fields of a request that mean nothing without its body.
var describesBody = []string{"Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Trailer", "Expect"}

// disarm takes out of the client's request whatever could dial, before Caddy hands
// it to error routes: one that proxies would place a call that was refused, or
// place a second time one that may have been placed.
func (x *exchange) disarm() {
	r := x.r
	x.closeBody()
	r.Body, r.ContentLength, r.TransferEncoding, r.Trailer = http.NoBody, 0, nil, nil
	r.Form, r.PostForm, r.MultipartForm = nil, nil, nil
	deleteAll(r.Header, describesBody)
	delete(r.Header, methodOverride)
	dropOverrideCookies(r.Header)

	disarmURL(r.URL)
	r.RequestURI = r.URL.RequestURI()
	// Caddy restores what the client sent, except the header.
	if sent, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && sent.URL != nil {
		disarmURL(sent.URL)
		sent.RequestURI = sent.URL.RequestURI()
		*r = *r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, sent))
	}
}

// disarmURL removes the fields from a query, and the method override, and names that
// are not plain: a host may take one with a soft hyphen in it for a field.
func disarmURL(u *url.URL) {
	u.RawQuery = request.StripQuery(u.RawQuery, func(name string) bool {
		return request.IsField(name) || strings.EqualFold(name, methodOverride) || !request.IsMemberName(name)
	})
}

// closeBody makes sure that nobody reads the body, not by a copy of the request
// either, such as tracing makes. Closing reads what a client over HTTP/1 still
// sends, as net/http does before it keeps a connection; one that awaits "100
// Continue" sends nothing, and is not waited for.
func (x *exchange) closeBody() {
	if x.clientAwaitsContinue() {
		c := http.NewResponseController(x.w)
		if c.SetReadDeadline(time.Now()) != nil {
			return
		}
	}
	_ = x.r.Body.Close()
}
