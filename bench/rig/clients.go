package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Version is a version of HTTP.
type Version int

// The versions. HTTP/2 is spoken without TLS, with prior knowledge; HTTP/3 needs a site
// with [TLS].
const (
	HTTP1 Version = iota // HTTP/1.1
	HTTP2
	HTTP3
)

// Request is the request that clients send again and again.
type Request struct {
	// Addr is the host and port of the gateway.
	Addr string
	// Version is the version of HTTP that the clients speak.
	Version Version
	// Session is the name of the session, which selects the response.
	Session string
	// Accept is the format that is asked for.
	Accept string
	// ContentType is the type that the response must have.
	ContentType string
	// Numbers are the destinations, sent in turn.
	Numbers []string
	// Key returns the Idempotency-Key of the next request. All clients call it at once. If
	// it is nil, requests have no key.
	Key func() string
	// Replayed is whether the responses must be replays; otherwise none may be.
	Replayed bool
	// Rows is the number of rows if the request is an upload of many calls, all of which
	// must be dialled. It is 0 for a single call.
	Rows int
}

// path returns the path of the resource.
func (q *Request) path() string {
	path := "/sessions/" + q.Session + "/conference/members"
	if q.Rows > 0 {
		path += "/bulk"
	}
	return path
}

// callSID is of all calls.
const callSID = "CA0123456789abcdef0123456789abcdef"

// bodies returns the bodies of the requests: a call to each of the numbers, or an upload
// of all rows.
func (q *Request) bodies() []string {
	if q.Rows > 0 {
		var b strings.Builder
		b.WriteString("callSid,destination\n")
		for i := range q.Rows {
			b.WriteString(callSID + "," + q.Numbers[i%len(q.Numbers)] + "\n")
		}
		return []string{b.String()}
	}
	bodies := make([]string, 0, len(q.Numbers))
	for _, number := range q.Numbers {
		bodies = append(bodies, `{"callSid":"`+callSID+`","destination":"`+number+`"}`)
	}
	return bodies
}

// contentType is the type of the bodies.
func (q *Request) contentType() string {
	if q.Rows > 0 {
		return "text/csv"
	}
	return "application/json"
}

// Result is what clients saw in one run.
type Result struct {
	// Took is how long the run was.
	Took time.Duration
	// Latencies are those of all requests, sorted.
	Latencies []time.Duration
}

// Rate returns how many requests got a response in a second.
func (r *Result) Rate() float64 { return float64(len(r.Latencies)) / r.Took.Seconds() }

// Quantile returns the latency that a share q of the requests did not exceed.
func (r *Result) Quantile(q float64) time.Duration {
	if len(r.Latencies) == 0 {
		return 0
	}
	return r.Latencies[min(int(q*float64(len(r.Latencies))), len(r.Latencies)-1)]
}

// Clients send a request again and again, each the next one when it has the response to
// the last. Any response but the one that the request asks for is an error.
type Clients struct {
	all   []*client
	close []func() error
}

// client is one of them.
type client struct {
	asker
	latencies []time.Duration
	err       error
}

// asker sends one request, and reads and checks its response.
type asker interface {
	ask(ctx context.Context) error
}

// Connect connects a number of clients. Single calls over HTTP/1.1 cost them next to
// nothing, and each has its own connection; for all else they are those of net/http and
// quic-go, and up to 50 share a connection of HTTP/2 or HTTP/3. Close them.
func Connect(ctx context.Context, q *Request, clients int) (c *Clients, err error) {
	c = new(Clients)
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if q.Version == HTTP1 && q.Rows == 0 {
		return c, c.connectRaw(ctx, q, clients)
	}
	return c, c.connectStandard(ctx, q, clients)
}

// Close closes all connections.
func (c *Clients) Close() error {
	var err error
	for _, closed := range c.close {
		err = errors.Join(err, closed())
	}
	return err
}

// Load sends requests for a time, but at least one from each client.
func (c *Clients) Load(ctx context.Context, length time.Duration) (*Result, error) {
	until := time.Now().Add(length)
	return c.run(ctx, func(sent int) bool { return sent == 0 || time.Now().Before(until) })
}

// Send sends n requests.
func (c *Clients) Send(ctx context.Context, n int) (*Result, error) {
	var sent atomic.Int64
	return c.run(ctx, func(int) bool { return sent.Add(1) <= int64(n) })
}

// run sends requests while there are more to send, as more says to a client that has sent
// some.
func (c *Clients) run(ctx context.Context, more func(sent int) bool) (*Result, error) {
	started := time.Now()
	var running sync.WaitGroup
	for _, one := range c.all {
		one.latencies = nil
		running.Go(func() {
			for one.err == nil && more(len(one.latencies)) {
				sent := time.Now()
				if one.err = one.ask(ctx); one.err == nil {
					one.latencies = append(one.latencies, time.Since(sent))
				}
			}
		})
	}
	running.Wait()
	res := &Result{Took: time.Since(started)}
	var err error
	for _, one := range c.all {
		res.Latencies = append(res.Latencies, one.latencies...)
		err = errors.Join(err, one.err)
	}
	slices.Sort(res.Latencies)
	return res, err
}

// raw is a connection of HTTP/1.1.
type raw struct {
	q        *Request
	conn     net.Conn
	reader   *bufio.Reader
	header   string   // without the key and the length
	bodies   []string // shared by all
	next     int
	outgoing []byte
}

func (c *Clients) connectRaw(ctx context.Context, q *Request, clients int) error {
	bodies := q.bodies()
	header := "POST " + q.path() + " HTTP/1.1\r\nHost: " + q.Addr + "\r\nUser-Agent: bench\r\nAccept: " + q.Accept +
		"\r\nContent-Type: " + q.contentType() + "\r\n"
	for i := range clients {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", q.Addr)
		if err != nil {
			return err
		}
		c.close = append(c.close, conn.Close)
		c.all = append(c.all, &client{asker: &raw{q: q, conn: conn, reader: bufio.NewReader(conn), header: header, bodies: bodies, next: i}})
	}
	return nil
}

func (c *raw) ask(context.Context) error {
	c.next++
	body := c.bodies[c.next%len(c.bodies)]
	c.outgoing = append(c.outgoing[:0], c.header...)
	if c.q.Key != nil {
		c.outgoing = append(c.outgoing, keyHeader+": "+c.q.Key()+"\r\n"...)
	}
	c.outgoing = fmt.Appendf(c.outgoing, "Content-Length: %d\r\n\r\n%s", len(body), body)
	if _, err := c.conn.Write(c.outgoing); err != nil {
		return err
	}
	status, err := c.reader.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200 ") {
		return fmt.Errorf("the gateway sent %q", strings.TrimSpace(status))
	}
	f, err := readFields(c.reader)
	if err != nil {
		return err
	}
	if err := c.q.check(f.contentType, f.replayed); err != nil {
		return err
	}
	if f.length < 0 {
		return errors.New("the response has no Content-Length")
	}
	return discard(c.reader, f.length)
}

// The headers of calls with keys.
const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotent-Replayed"
)

// check checks the header of a response.
func (q *Request) check(contentType string, replayed bool) error {
	if contentType != q.ContentType {
		return fmt.Errorf("the response is %q, not %q", contentType, q.ContentType)
	}
	if replayed != q.Replayed {
		return fmt.Errorf("the response is a replay: %v, not %v", replayed, q.Replayed)
	}
	return nil
}
