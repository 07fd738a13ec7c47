package upstreamtest

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
)

// conn is a connection whose status lines can be given other reason phrases
// than those of net/http: the recorded server responds "404 NotFound" for a
// session that is not there, and "404 Not Found" for a route that is not.
type conn struct {
	net.Conn
	n        int
	requests atomic.Int64
	status   atomic.Pointer[string] // such as "404 NotFound"
}

type connKey struct{}

// connOf returns the connection of a request, nil without [Start].
func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// Write replaces the reason phrase of a status line with the awaited code.
// Each response begins with a new Write, as the one before it was
// flushed.
func (c *conn) Write(p []byte) (int, error) {
	status := c.status.Load()
	if status == nil || len(p) < len("HTTP/1.1 200") || string(p[:7]) != "HTTP/1." || string(p[9:12]) != (*status)[:3] {
		return c.Conn.Write(p)
	}
	end := bytes.IndexByte(p, '\r')
	if end < 0 {
		return c.Conn.Write(p)
	}
	c.status.Store(nil)
	line := make([]byte, 0, len(p)+len(*status))
	line = append(line, p[:9]...)
	line = append(line, *status...)
	line = append(line, p[end:]...)
	if _, err := c.Conn.Write(line); err != nil {
		return 0, err
	}
	return len(p), nil
}

// reset makes closing the connection send RST.
func (c *conn) reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
}

// listener makes conns of what it accepts.
type listener struct {
	net.Listener
	conns atomic.Int64
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, n: int(l.conns.Add(1))}, nil
}
