package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
	"time"

	quic "github.com/quic-go/quic-go/http3"
)

// protocol is the HTTP version of a request, and whether its connection is reused.
type protocol uint8

const (
	http1 protocol = iota
	http1Close
	http2
	http3
)

// protocols lists all protocols.
var protocols = [...]protocol{http1, http1Close, http2, http3}

func (p protocol) String() string {
	return [...]string{"HTTP/1.1", "HTTP/1.1 without keep-alive", "HTTP/2", "HTTP/3"}[p]
}

// client sends one request after the other.
type client struct {
	gateway    *gateway
	books      *books
	transports [len(protocols)]transport
}

// transport sends requests over one protocol.
type transport interface {
	http.RoundTripper
	CloseIdleConnections()
}

// newClient makes a client. The connections of HTTP/2 and HTTP/3 are those of all
// clients, so that there are many streams on one.
func newClient(g *gateway, b *books, shared2 *http.Transport, shared3 *quic.Transport) *client {
	closing := newTransport((*http.Protocols).SetHTTP1)
	closing.DisableKeepAlives = true
	return &client{gateway: g, books: b, transports: [...]transport{
		http1: newTransport((*http.Protocols).SetHTTP1), http1Close: closing, http2: shared2, http3: shared3,
	}}
}

// newQUIC returns newTransport for HTTP/3. It has to be closed.
func newQUIC(g *gateway) *quic.Transport {
	return &quic.Transport{TLSClientConfig: &tls.Config{RootCAs: g.trusted, MinVersion: tls.VersionTLS13}, DisableCompression: true}
}

// newTransport makes a transport that asks for no content coding by itself.
func newTransport(set func(*http.Protocols, bool)) *http.Transport {
	p := new(http.Protocols)
	set(p, true)
	return &http.Transport{
		Protocols:          p,
		DisableCompression: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &dialledConn{c, time.Now()}, nil
		},
	}
}

// dialledConn knows when it was dialled.
type dialledConn struct {
	net.Conn
	at time.Time
}

// hangUp closes the idle connections.
func (c *client) hangUp() {
	for _, t := range c.transports {
		t.CloseIdleConnections()
	}
}

// deadline is how long a client waits for a response that never comes.
const deadline = 30 * time.Second

// do makes an exchange: it sends the request, reads the response or leaves, and
// reports to the books.
func (c *client) do(ctx context.Context, x *exchange, pause time.Duration) {
	c.books.begin(x)
	c.books.done(x, c.exchange(ctx, x, pause))
}

func (c *client) exchange(ctx context.Context, x *exchange, pause time.Duration) *response {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var dialled atomic.Int64
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if c, ok := i.Conn.(*dialledConn); ok {
			dialled.Store(c.at.UnixNano())
		}
	}})
	leave := make(chan struct{})
	if x.leave != stay && x.leave != inTheResponse {
		go func() {
			if leaveWhen(ctx, x, pause) {
				close(leave)
				cancel()
			}
		}()
	}

	resp := new(response)
	started := time.Now()
	res, err := c.transports[x.request.protocol].RoundTrip(x.request.http(ctx, c.gateway.url(x.request.site, x.request.protocol), x.leave == inTheRequest))
	if err != nil {
		resp.err = err
		resp.gone = errors.Is(err, context.Canceled) && isClosed(leave)
		if x.request.protocol == http3 { // whose connections are not dialled by us
			dialled.Store(started.UnixNano())
		}
		resp.closed = !resp.gone && c.closed(err, dialled.Load())
		return resp
	}
	defer res.Body.Close()
	resp.status, resp.header = res.StatusCode, res.Header
	if x.leave == inTheResponse && res.StatusCode == http.StatusOK {
		first := make([]byte, 1)
		if _, err := io.ReadFull(res.Body, first); err != nil {
			resp.err = err
			return resp
		}
		resp.body, resp.gone = first, true
		cancel()
		return resp
	}
	resp.body, resp.err = io.ReadAll(res.Body)
	made := started // when the connection was made, which stays with the configuration that accepted it
	if at := dialled.Load(); at != 0 {
		made = time.Unix(0, at)
	}
	resp.reloaded = c.gateway.mayHaveClosed(made)
	resp.gone = resp.err != nil && isClosed(leave)
	// Over HTTP/3 the server closes connections at the end of a reload although the
	// last of their responses may not have arrived.
	if e, ok := errors.AsType[*quic.Error](resp.err); ok && e.Remote && e.ErrorCode == quic.ErrCodeNoError {
		resp.closed = !resp.gone && resp.reloaded
	}
	return resp
}

// closed reports whether a reload may have closed a connection on which no response
// came. It was dialled at dialled, in Unix nanoseconds, or 0 if that is not known.
func (c *client) closed(err error, dialled int64) bool {
	at := time.Unix(0, dialled)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return false
	case dialled != 0:
	case errors.Is(err, syscall.ECONNRESET):
		at = time.Now()
	default:
		return false
	}
	return c.gateway.mayHaveClosed(at)
}

// leaveWhen waits until a client is to leave. It returns false if the response came
// before that.
func leaveWhen(ctx context.Context, x *exchange, pause time.Duration) bool {
	when := time.NewTimer(pause)
	defer when.Stop()
	reached, paused := x.reached, when.C
	if x.leave == atAnyTime {
		reached = nil
	} else {
		paused = nil
	}
	select {
	case <-reached:
	case <-paused:
	case <-ctx.Done():
		return false
	}
	return true
}

// isClosed reports whether a channel is closed.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// http makes the request for net/http. With half, the body stops in the middle until the
// client leaves.
func (r *request) http(ctx context.Context, url string, half bool) *http.Request {
	url += r.path
	if r.query != "" {
		url += "?" + r.query
	}
	var body io.Reader = bytes.NewReader(r.body)
	switch {
	case half:
		body = io.MultiReader(bytes.NewReader(r.body[:len(r.body)/2]), endless{ctx})
	case r.chunked:
		body = io.MultiReader(body) // of no known length
	case len(r.body) == 0:
		body = nil
	}
	req, err := http.NewRequestWithContext(ctx, r.method, url, body)
	if err != nil {
		panic(err) // the URL is of our own making
	}
	if half {
		req.ContentLength = int64(len(r.body))
	}
	req.Header = r.header
	return req
}

// endless is the rest of a body, which never comes.
type endless struct{ ctx context.Context } //nolint:containedctx // a Reader has no other way to know

func (e endless) Read([]byte) (int, error) {
	<-e.ctx.Done()
	return 0, e.ctx.Err()
}
