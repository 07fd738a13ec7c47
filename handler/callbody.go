package handler

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
)

// callBody is the body of a call as it is forwarded. It can be read once and records
// whether reading began. Until then nothing of the call was sent, whatever handlers and
// transports report.
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

// seal prevents any later read and reports true if reading has not begun: a transport
// that was given up can then no longer send the call.
func (c *callBody) seal() bool {
	return c != nil && (c.state.CompareAndSwap(unread, sealed) || c.state.Load() == sealed)
}

// open records that reading has begun.
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

// Close does nothing: the body is in memory.
func (*callBody) Close() error { return nil }
