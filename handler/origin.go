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
// Browsers say so in Sec-Fetch-Site, and name the page in Origin, which counts for
// another host of the same site too, as [http.CrossOriginProtection] has it. The
// browser's word that it is the same origin holds even where a proxy changed the host.
func isCrossSite(r *http.Request) bool {
	site, origins := r.Header["Sec-Fetch-Site"], r.Header["Origin"]
	if len(site) == 0 && len(origins) == 0 || !slices.Contains(simpleTypes, mediaType(r)) {
		return false
	}
	switch strings.ToLower(strings.Join(site, ",")) {
	case "same-origin", "none":
		return false
	case "": // an older browser: its Origin decides
	case "same-site":
		if len(origins) == 0 {
			return true
		}
	default:
		return true
	}
	return slices.ContainsFunc(origins, func(origin string) bool {
		return origin != "" && !isOrigin(r.Host, origin)
	})
}

// isOrigin reports whether an origin is the host that was asked. The scheme is
// that of the proxy that terminates TLS, and proves nothing here.
func isOrigin(host, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false // "null" too
	}
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return strings.EqualFold(strings.TrimSuffix(host, port), strings.TrimSuffix(u.Host, port))
}

// mediaType is what is before the parameters of Content-Type, in lower case.
func mediaType(r *http.Request) string {
	typ, _, _ := strings.Cut(firstLine(r.Header, "Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(typ))
}
