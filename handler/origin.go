package handler

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// simpleTypes are the types that a browser sends to another site without asking
// that site first (Fetch standard, CORS-safelisted request-header). A body without
// a type is sent too.
var simpleTypes = []string{"", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}

// isCrossSite reports whether a browser sends a request for a page of another
// site, with its user's cookies or client certificate and without a preflight.
// Every browser says so in Sec-Fetch-Site; older ones name the page in Origin, as
// [http.CrossOriginProtection] has it.
func isCrossSite(r *http.Request) bool {
	if !slices.Contains(simpleTypes, mediaType(r)) {
		return false
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); {
	case strings.EqualFold(site, "cross-site"):
		return true
	case site != "":
		return false
	}
	return slices.ContainsFunc(r.Header["Origin"], func(origin string) bool {
		return origin != "" && !isOrigin(r.Host, origin)
	})
}

// isOrigin reports whether an origin is the host that was asked. The scheme is
// that of whoever terminates TLS, and says nothing here.
func isOrigin(host, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false // "null" too
	}
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return strings.EqualFold(strings.TrimSuffix(host, port), strings.TrimSuffix(u.Host, port))
}

// mediaType is what stands before the parameters of Content-Type, in lower case.
func mediaType(r *http.Request) string {
	typ, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(typ))
}
