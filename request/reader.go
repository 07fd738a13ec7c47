package request

import (
	"net/http"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// Defaults of a [Reader].
const (
	// DefaultMaxBody is 16 KiB.
	DefaultMaxBody = 16 << 10
	// DefaultMaxDepth is 32 levels.
	DefaultMaxDepth = 32
)

// Reader reads requests within limits. The zero value reads with the default
// limits. It may be used by several goroutines at once, and its fields are not to
// be changed once it is used.
type Reader struct {
	// MaxBody is the largest body in bytes, as sent and as unpacked. Zero is
	// DefaultMaxBody; more than 1 GiB is 1 GiB.
	MaxBody int64

	// MaxDepth is how many levels of objects and lists JSON may have, the
	// outermost object being the first. Zero is DefaultMaxDepth.
	MaxDepth int

	// MaxRows is how many rows of a body of many calls are taken. Zero is
	// DefaultMaxRows.
	MaxRows int

	// UnknownFields says what becomes of members of the body beyond the four
	// fields. It has nothing to do with parameters of the query string.
	UnknownFields UnknownFields

	// ClientGone reports whether an error of reading a body means that the
	// client is gone, though the context of the request does not say so yet:
	// over HTTP/3 a stream is known to be reset a moment before. Nil knows no
	// such error.
	ClientGone func(error) bool
}

// Read reads what r asks for, with sessionID as the route found it in the path
// ("" where the route has none), and all that is wrong with it. It reads r.Body
// to its end or to the limit and does not close it.
//
// The Request is what could be read and may be forwarded only if there are no
// violations. An error means that the client is gone or too slow to get a
// response; Request is nil then.
func (rd *Reader) Read(r *http.Request, sessionID string) (*Request, []rules.Violation, error) {
	b := binding{reader: rd, request: new(Request)}
	b.readPlaces(r, sessionID)
	if err := b.readBody(r, b.readFormat); err != nil {
		return nil, nil, err
	}
	b.finish()
	return b.request, b.violations, nil
}

// readPlaces reads the fields of all places but the body.
func (b *binding) readPlaces(r *http.Request, sessionID string) {
	if sessionID != "" {
		b.bind(rules.SessionID, sessionID, inPath)
	}
	b.readQuery(r.URL.RawQuery)
}

// finish settles what can be settled only when all places have been read.
func (b *binding) finish() {
	b.tellMisspelt()
	b.noteOmitted()
	for f := range b.broken {
		if b.broken[f] {
			b.request.Call[f] = rules.Value{}
		}
	}
}

func (rd *Reader) maxBody() int64 {
	const most = 1 << 30
	if rd.MaxBody > 0 {
		return min(rd.MaxBody, most)
	}
	return DefaultMaxBody
}

func (rd *Reader) maxRows() int {
	if rd.MaxRows > 0 {
		return rd.MaxRows
	}
	return DefaultMaxRows
}

func (rd *Reader) maxDepth() int {
	if rd.MaxDepth > 0 {
		return rd.MaxDepth
	}
	return DefaultMaxDepth
}

// scanner returns a scanner of a body.
func (rd *Reader) scanner(body []byte) *scanner {
	return &scanner{body: body, maxDepth: rd.maxDepth()}
}
