package upstreamtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// FaultHeader is the request header that names a fault for the request that
// bears it: one of the names of [Named], or a [Fault] as JSON. Anything else
// gets a 599, so that a misspelt test fails.
const FaultHeader = "X-Upstream-Fault"

// Drop says how a connection ends.
type Drop string

const (
	// DropClose closes the connection in good order (FIN).
	DropClose Drop = "close"
	// DropReset resets the connection (RST).
	DropReset Drop = "reset"
)

// Fault is how the handling of one request differs from what was recorded. The zero value
// is the natural response.
type Fault struct {
	// Early acts before the body of the request is read: nothing is bound,
	// and a client that waits for "100 Continue" gets none.
	Early bool `json:"early,omitempty"`

	// Gate holds the response back until [Upstream.Release] lets it through,
	// the client gives up or the server is closed.
	Gate string `json:"gate,omitempty"`

	// Delay holds the response back for a time, in nanoseconds in JSON. Tests
	// that must not depend on time use Gate.
	Delay time.Duration `json:"delay,omitempty"`

	// Drop ends the connection in place of the response, or in mid-body if Cut
	// says so. Over HTTP/2 the stream is reset instead.
	Drop Drop `json:"drop,omitempty"`

	// Cut is how many bytes of the body are sent before the drop; -1 sends
	// the header alone. 0 drops before the status line.
	Cut int `json:"cut,omitempty"`

	// Raw is sent in place of the whole response, status line and all, and the
	// connection is closed after it.
	Raw string `json:"raw,omitempty"`

	// Reply is what replaces the natural response or parts of it.
	Reply
}

// Reply changes the natural response. Every field that is not set leaves the
// response as it is.
type Reply struct {
	// Status is the status code.
	Status int `json:"status,omitempty"`

	// Reason is the reason phrase, over HTTP/1.
	Reason string `json:"reason,omitempty"`

	// Header replaces the headers of the same names; a name without values
	// is removed.
	Header http.Header `json:"header,omitempty"`

	// Body replaces the body.
	Body *string `json:"body,omitempty"`

	// Repeat sends the body so many times, without holding it in memory.
	Repeat int `json:"repeat,omitempty"`

	// Parts replaces the body by parts that are flushed one by one.
	Parts []string `json:"parts,omitempty"`

	// PartGate holds back each part but the first until [Upstream.Release]
	// lets it through.
	PartGate string `json:"partGate,omitempty"`

	// Encoding packs the body with gzip, zstd or deflate and says so in
	// Content-Encoding. Any other name only labels the body.
	Encoding string `json:"encoding,omitempty"`

	// Length declares a Content-Length: a negative one the right length, any
	// other that length, whatever is sent. Without it bodies are chunked.
	Length *int64 `json:"length,omitempty"`

	// Trailer is announced and sent after the body.
	Trailer http.Header `json:"trailer,omitempty"`

	// Informational are sent before the response.
	Informational []Informational `json:"informational,omitempty"`

	// Upgrade sends 101 and switches to a protocol of that name, in which
	// the server sends back every byte that it gets.
	Upgrade string `json:"upgrade,omitempty"`
}

// Informational is an interim response, RFC 9110 section 15.2.
type Informational struct {
	Status int         `json:"status"`
	Header http.Header `json:"header,omitempty"`
}

// ParseFault reads what [FaultHeader] holds.
func ParseFault(s string) (*Fault, error) {
	if f := Named(s); f != nil {
		return f, nil
	}
	f := new(Fault)
	d := json.NewDecoder(strings.NewReader(s))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("%q is neither the name of a fault nor one in JSON: %w", s, err)
	}
	return f, nil
}
