package handler

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
)

// callBody is the body of a call as it is forwarded. It can be read once, and
// knows whether anybody began to: as long as nobody did, nothing of the call was
// sent, whatever handlers and transports say.
type callBody struct {
	bytes.Reader

	state atomic.Int32
}

// The states of a body.
const (
	unread int32 = iota
	begun
	sealed
)

// seal reports whether nobody has begun to read. If so, nobody can any more: a
// transport that was given up can't send the call later.
func (c *callBody) seal() bool {
	return c != nil && (c.state.CompareAndSwap(unread, sealed) || c.state.Load() == sealed)
}

// open notes that somebody reads.
func (c *callBody) open() error {
	if c.state.CompareAndSwap(unread, begun) || c.state.Load() == begun {
		return nil
	}
	return http.ErrBodyReadAfterClose
}

func (c *callBody) Read(p []byte) (int, error) {
	if err := c.open(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}

// WriteTo lets a transport write the body in one piece.
func (c *callBody) WriteTo(w io.Writer) (int64, error) {
	if err := c.open(); err != nil {
		return 0, err
	}
	return c.Reader.WriteTo(w)
}

// Close does nothing: there is nothing but memory.
func (*callBody) Close() error { return nil }
