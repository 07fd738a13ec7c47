package handler

import "github.com/google/uuid"

// maxCorrelationID is the longest id in bytes that is taken from a client.
const maxCorrelationID = 128

// correlate gives the request an id: the client's if there is just one and it
// is fit for a header and a log, else a new one.
func (x *exchange) correlate() {
	if x.h.correlationHeader == "" {
		return
	}
	if sent := x.r.Header.Values(x.h.correlationHeader); len(sent) == 1 && fitCorrelationID(sent[0]) {
		x.correlationID = sent[0]
		return
	}
	x.correlationID = uuid.NewString()
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
