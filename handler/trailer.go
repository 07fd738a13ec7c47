package handler

import (
	"net/http"
	"strings"
)

// trailer is a field that the next handler set before the held header is sent,
// although it announced it for after the body.
type trailer struct {
	name   string
	values []string
}

// takeTrailers removes the trailer fields from a header that is yet to be sent:
// set already, they would be sent before the body. What describes the old bytes
// is dropped if the body is new.
func (w *responseWriter) takeTrailers(newBody bool) {
	h := w.Header()
	var kept []string
	for _, line := range h["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			values := h[name]
			delete(h, name)
			if newBody && describesRepresentation(name) {
				continue
			}
			kept = append(kept, name)
			w.trailer = append(w.trailer, trailer{name, values})
		}
	}
	for name, values := range h {
		if field, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			delete(h, name)
			if newBody && describesRepresentation(field) {
				continue
			}
			w.trailer = append(w.trailer, trailer{name, values})
		}
	}
	if len(kept) == 0 {
		h.Del("Trailer")
	} else {
		h.Set("Trailer", strings.Join(kept, ", "))
	}
}

// putBackTrailers sets the trailer fields once the body is sent.
func (w *responseWriter) putBackTrailers() {
	for _, t := range w.trailer {
		if t.values != nil {
			w.Header()[t.name] = t.values
		}
	}
}

// describesRepresentation reports whether a field describes the bytes of one representation.
func describesRepresentation(name string) bool {
	for _, n := range representationHeaders {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
