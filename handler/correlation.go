package handler

import (
	"net/http"

	"github.com/google/uuid"
)

// maxCorrelationID is the longest id in bytes that is taken from a client.
const maxCorrelationID = 128

// correlationIDOf returns the id of a request: the client's if there is just one
// and it is fit for a header and a log, else a new one. It is empty where the
// configuration wants none.
func (h *Handler) correlationIDOf(r *http.Request) string {
	if h.correlationHeader == "" {
		return ""
	}
	if sent := r.Header[h.correlationHeader]; len(sent) == 1 && fitCorrelationID(sent[0]) {
		return sent[0]
	}
	return uuid.NewString()
}

// fitCorrelationID reports whether id is 1 to 128 visible ASCII characters.
func fitCorrelationID(id string) bool {
	if id == "" || len(id) > maxCorrelationID {
		return false
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}
