package handler

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/coding"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// methodOverride is a header by which the upstream takes a request for one of
// another method (recording 472). It looks for a parameter of that name as
// well, in the query, in a form and among the cookies. What was judged as one
// method must not be handled as another.
const methodOverride = "X-Http-Method-Override"

// notForwarded are fields of the client's header that describe the body as the
// client sent it, or ask something of its reader.
var notForwarded = []string{
	methodOverride,
	"Content-Encoding", "Content-Md5", "Content-Digest", "Repr-Digest", "Digest",
	"Signature", "Signature-Input",
	"Expect", "Trailer",
}

// notForwardedForCSV are fields that ask for something other than the whole JSON: a
// part of it, or nothing if it has not changed. They are removed for a response that
// is made CSV or kept.
var notForwardedForCSV = []string{
	"Range",
	"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
}

// body is the canonical body of a call.
func (a *admission) body() []byte {
	return a.request.AppendJSON(make([]byte, 0, a.request.SizeHint()))
}

// outgoing is the request that is forwarded, and the URL that it is to have: what
// was judged, in one spelling, and nothing else that the upstream would bind. The
// client's request is left as it is. Its header shares lines with the client's,
// which a reverse proxy copies before it changes any.
//
// The body can be read once only, because GetBody is nil: no transport can send it
// a second time and dial again.
func (f *forwarder) outgoing(ctx context.Context, a *admission) (*http.Request, url.URL) {
	out := &f.request
	if ctx == f.r.Context() {
		*out = *f.r
	} else {
		*out = *f.r.WithContext(ctx)
	}
	out.Body = &f.body
	out.GetBody = nil
	out.ContentLength = f.body.Size()
	out.TransferEncoding = nil
	out.Trailer = nil
	out.Form, out.PostForm, out.MultipartForm = nil, nil, nil

	var u url.URL
	u, out.RequestURI = f.outgoingURL(a.request)

	header := maps.Clone(f.r.Header)
	out.Header = header
	deleteAll(header, notForwarded)
	f.lines.set(header, "Content-Type", "application/json")
	f.lines.set(header, "Content-Length", strconv.FormatInt(f.body.Size(), 10))
	accept := f.wanted.format
	if accept == negotiate.CSV {
		accept = negotiate.JSON
		// Named here, no transport unpacks the response and breaks off where it can't.
		f.lines.set(header, "Accept-Encoding", coding.Accepted)
	} else if a.once != nil {
		// What is kept has to be known, and fit for a client of any coding.
		f.lines.set(header, "Accept-Encoding", "identity")
	}
	f.lines.set(header, "Accept", accept.MediaType())
	if f.wanted.format == negotiate.CSV || a.once != nil {
		deleteAll(header, notForwardedForCSV)
	}
	dropOverrideCookies(header)
	keepUpgradeOnly(header)
	if f.correlationID != "" {
		f.lines.set(header, f.h.correlationHeader, f.correlationID)
	}
	return out, u
}

// outgoingURL is the URL of a session's route in one spelling, with the query
// less what is not forwarded, and the target of a request that asks for it.
func (x *exchange) outgoingURL(call *request.Request) (u url.URL, target string) {
	u = *x.r.URL
	sessionID := call.Call[rules.SessionID].Text
	u.RawQuery = request.StripQuery(u.RawQuery, func(name string) bool {
		return x.stripped(name) || x.h.isSet(name) && call.HasExtra(name)
	})
	u.ForceQuery = u.ForceQuery && u.RawQuery != ""
	suffix, format := x.at.Suffix, x.wanted.format
	if format == negotiate.CSV {
		suffix, format = "", negotiate.JSON
	}
	if !x.h.route.IsPath(x.at.path, sessionID, suffix) {
		if path, ok := x.h.path(x.at, format, sessionID); ok {
			setPath(&u, path)
		}
	} else if u.RawQuery == "" && !u.ForceQuery {
		return u, x.at.path
	}
	return u, u.RequestURI()
}

// firstLine returns the first line of a field, as [http.Header.Get] does. Its name is
// canonical.
func firstLine(h http.Header, name string) string {
	if lines := h[name]; len(lines) > 0 {
		return lines[0]
	}
	return ""
}

// deleteAll deletes fields. Their names are canonical, as [http.Header.Del] would
// make them each time.
func deleteAll(h http.Header, names []string) {
	for _, name := range names {
		if _, ok := h[name]; ok { //nolint:staticcheck // deleting what is not there costs more than looking
			delete(h, name)
		}
	}
}

// keepUpgradeOnly removes from Connection what a client names there, except an
// upgrade: proxies drop those fields (RFC 9110 section 7.6.1), and the upstream
// would read the canonical body without its Content-Type. An upgrade to another
// version of HTTP is removed too, because nothing on that connection is judged.
func keepUpgradeOnly(h http.Header) {
	upgrade := hasToken(h["Connection"], "upgrade") && !slices.ContainsFunc(h["Upgrade"], namesHTTP)
	deleteAll(h, ofConnection)
	if upgrade {
		h.Set("Connection", "Upgrade")
	} else {
		deleteAll(h, []string{"Upgrade"})
	}
}

// ofConnection are fields that are about the client's connection.
var ofConnection = []string{"Connection", "Http2-Settings"}

// namesHTTP reports whether a line of Upgrade names a version of HTTP, or TLS
// (RFC 9110 section 7.8).
func namesHTTP(line string) bool {
	for protocol := range strings.SplitSeq(strings.ToLower(line), ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(protocol), "/")
		if slices.Contains([]string{"h2c", "h2", "http", "tls"}, name) {
			return true
		}
	}
	return false
}

// setPath sets an escaped path.
func setPath(u *url.URL, escaped string) {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return // Template.Path escapes well
	}
	u.Path, u.RawPath = path, escaped
}

// strippedForCSV are query parameters that ask the upstream for another format,
// for a script that wraps it, or for other JSON.
var strippedForCSV = []string{formatParameter, "callback", "jsconfig"}

// stripped reports whether a query parameter is not forwarded.
func (x *exchange) stripped(name string) bool {
	is := func(n string) bool { return strings.EqualFold(n, name) }
	switch {
	case request.IsField(name), is(methodOverride):
		return true
	case len(x.h.views) > 0 && is(viewParameter):
		return true
	default:
		return x.wanted.format == negotiate.CSV && slices.ContainsFunc(strippedForCSV, is)
	}
}

// passing is a request that is forwarded unjudged, but not as one of another
// method. OPTIONS goes on without what would mean nothing there and, should the
// upstream take it for a POST after all, would dial: a body, cookies and the
// query.
func (x *exchange) passing() (*http.Request, url.URL) {
	out := x.r.WithContext(x.r.Context())
	out.Header = x.r.Header.Clone()
	out.Header.Del(methodOverride)
	dropOverrideCookies(out.Header)
	keepUpgradeOnly(out.Header)
	if x.correlationID != "" {
		out.Header.Set(x.h.correlationHeader, x.correlationID)
	}
	strip := func(name string) bool { return strings.EqualFold(name, methodOverride) }
	if out.Method == http.MethodOptions {
		out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, 0, nil
		for _, name := range []string{"Content-Length", "Content-Type", "Cookie"} {
			out.Header.Del(name)
		}
		strip = func(string) bool { return true }
	}
	u := *x.r.URL
	u.RawQuery = request.StripQuery(u.RawQuery, strip)
	u.ForceQuery = u.ForceQuery && u.RawQuery != ""
	out.RequestURI = u.RequestURI()
	return out, u
}

// dropOverrideCookies removes the cookies that a host could take for the method
// override. Some decode the names of cookies.
func dropOverrideCookies(h http.Header) {
	lines := h["Cookie"]
	if len(lines) == 0 {
		return
	}
	kept := make([]string, 0, len(lines))
	for _, line := range lines {
		var pairs []string
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(pair, "=")
			if decoded, err := url.QueryUnescape(name); err == nil {
				name = decoded
			}
			if !strings.EqualFold(strings.TrimSpace(name), methodOverride) {
				pairs = append(pairs, pair)
			}
		}
		if len(pairs) > 0 {
			kept = append(kept, strings.TrimSpace(strings.Join(pairs, ";")))
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
	} else {
		h["Cookie"] = kept
	}
}
