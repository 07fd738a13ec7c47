package upstreamtest

import "net/http"

// Received is one request as it arrived.
type Received struct {
	// N counts the requests, from 1.
	N int `json:"n"`

	// Conn counts the connections, from 1, and OnConn the requests on that
	// connection, from 1. Both are 0 for a handler that is used without
	// [Start].
	Conn   int `json:"conn"`
	OnConn int `json:"onConn"`

	// Method and Target are those of the request line, raw.
	Method string `json:"method"`
	Target string `json:"target"`
	Proto  string `json:"proto"`
	Host   string `json:"host"`

	// Header has canonical names. Host is not in it.
	Header http.Header `json:"header"`

	// ContentLength is -1 for a chunked body.
	ContentLength    int64    `json:"contentLength"`
	TransferEncoding []string `json:"transferEncoding,omitempty"`

	// Body is what could be read of the body; BodyError says why it is not
	// all of it.
	Body      []byte `json:"body,omitempty"`
	BodyError string `json:"bodyError,omitempty"`

	// Bound is what the server bound, nil for a request that did not reach
	// the service: no member was dialled.
	Bound *Bound `json:"bound,omitempty"`

	// Status is that of the response, 0 while there is none and where the
	// connection was dropped.
	Status int `json:"status,omitempty"`

	// Canceled says that the client gave up, or the server was closed, while
	// the response was held back.
	Canceled bool `json:"canceled,omitempty"`
}

// clone returns a copy that shares nothing that changes.
func (r *Received) clone() Received {
	c := *r
	c.Header = r.Header.Clone()
	return c
}

// Stats are counts since the start or the last [Upstream.Forget].
type Stats struct {
	// Requests is how many requests arrived.
	Requests int `json:"requests"`
	// Dialled is how many reached the service: each may have placed a call.
	Dialled int `json:"dialled"`
	// Canceled is how many were given up while they were held back.
	Canceled int `json:"canceled"`
	// InFlight is how many have no response yet, Held how many of them wait at
	// a gate. Forget leaves these two alone.
	InFlight int `json:"inFlight"`
	Held     int `json:"held"`
}
