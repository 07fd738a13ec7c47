package main

import (
	"cmp"
	"net/http"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// exchange is one request of a client: what it is, what must come of it, and what did.
type exchange struct {
	// id is unique. It is the id of the session, and the value of markHeader.
	id      string
	kind    string // for people
	session string // the id of the session, if another one
	request request
	want    want
	leave   departure

	// What happened, kept by the books.
	entered  int    // how often it was at the gateway
	left     int    // how often the gateway was done with it
	arrived  int    // how often it was at the upstream
	ended    int    // how often the upstream was done with it
	outcome  string // as the gateway reports it
	panicked bool
	bound    *upstreamtest.Bound   // of the last that arrived
	rows     []*upstreamtest.Bound // of an upload
	response *response             // nil until the client is done
	reached  chan struct{}         // closed when it is at the upstream, or at the gateway if it goes no further
	settled  bool                  // it is judged and counted
	rests    int                   // how many rests there were since it began
}

// sessionID returns the id of the session that the call is for.
func (x *exchange) sessionID() string { return cmp.Or(x.session, x.id) }

// keyHeader is the header of the idempotency key.
const keyHeader = "Idempotency-Key"

// markHeader is the header of every request that holds its id. The gateway forwards
// it like any other.
const markHeader = "X-Soak"

// request is what the client sends.
type request struct {
	protocol    protocol
	site        string
	method      string
	path, query string
	view        string // in the query, empty for none
	header      http.Header
	body        []byte
	chunked     bool
}

// departure is when the client leaves before its response is complete.
type departure uint8

const (
	stay          departure = iota
	whileHeld               // when the upstream has the request, and holds the response back
	inTheResponse           // when the first of the response is there
	atAnyTime               // at once or a little later
	inTheRequest            // when half of the body is sent
)

// want is what must come of an exchange.
type want struct {
	status      int
	contentType string
	header      http.Header // fields that the response has, with just these values
	// body says what is wrong with the body of a response, nothing if it is right.
	body func(*response) string
	// breaks says that the response breaks off, or never begins.
	breaks bool
	// most is the size that a broken response has at most.
	most int

	arrives bool                // the upstream gets it, once
	fault   *upstreamtest.Fault // what the upstream then does
	shape   *shape              // the session that it responds with
	bound   *upstreamtest.Bound // what it binds, nil for nothing

	// What is counted. An empty outcome says that it is not on the route.
	outcome       string
	format        string // none where the outcome has no format
	negotiated    string // what is counted instead if the client is gone
	kind, country string // of the destination, empty if nothing is dialled
	class         string // of the upstream's status, empty if it is not forwarded
	failures      []failure
	fallback      string  // the reason, empty for none
	transcoded    bool    // making CSV was tried
	rows          []*call // of an upload, which all go well
	key           string  // what becomes of the idempotency key, empty for none
	read          bool    // the size of the body is observed
	notOurs       bool    // the response is another handler's, its size is not observed
}

// failure is a rule that the request fails.
type failure struct{ field, rule, mode string }

// response is what the client got.
type response struct {
	status   int // 0 for no response
	header   http.Header
	body     []byte // as it came, packed or not
	err      error  // why there is none, or not all of it
	gone     bool   // the client left before it was complete
	reloaded bool   // the configuration that it came to may have been replaced
	closed   bool   // a reload may have closed the connection under the request
}

// complete reports whether the client has all of it.
func (resp *response) complete() bool { return resp.status != 0 && resp.err == nil && !resp.gone }
