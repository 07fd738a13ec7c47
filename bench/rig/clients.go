package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Request is the request that clients send again and again.
type Request struct {
	// Addr is the host and port of the gateway.
	Addr string
	// Session is the name of the session, which selects the response.
	Session string
	// Accept is the format that is asked for.
	Accept string
	// ContentType is the type that the response must have.
	ContentType string
	// Numbers are the destinations, sent in turn.
	Numbers []string
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

// Load sends the request from a number of clients for a time. Each has its own connection
// and sends the next request when it has the response to the last. A response other than
// 200 of the expected type is an error.
func Load(ctx context.Context, q *Request, clients int, length time.Duration) (*Result, error) {
	all, requests := make([]*client, clients), q.bytes()
	for i := range all {
		c, err := dial(ctx, q, requests, i)
		if err != nil {
			return nil, err
		}
		defer c.conn.Close()
		all[i] = c
	}
	started := time.Now()
	until := started.Add(length)
	var running sync.WaitGroup
	for _, c := range all {
		running.Go(func() {
			for time.Now().Before(until) && c.err == nil {
				c.err = c.ask()
			}
		})
	}
	running.Wait()
	res := &Result{Took: time.Since(started)}
	var errs []error
	for _, c := range all {
		res.Latencies = append(res.Latencies, c.latencies...)
		errs = append(errs, c.err)
	}
	slices.Sort(res.Latencies)
	return res, errors.Join(errs...)
}

// client is one connection.
type client struct {
	conn      net.Conn
	reader    *bufio.Reader
	requests  [][]byte // shared by all
	next      int
	want      string // of Content-Type
	latencies []time.Duration
	err       error
}

// bytes returns the requests as they are sent, one for each number.
func (q *Request) bytes() [][]byte {
	requests := make([][]byte, 0, len(q.Numbers))
	for _, number := range q.Numbers {
		body := `{"callSid":"CA0123456789abcdef0123456789abcdef","destination":"` + number + `"}`
		requests = append(requests, []byte("POST /sessions/"+q.Session+"/conference/members HTTP/1.1\r\n"+
			"Host: "+q.Addr+"\r\nUser-Agent: bench\r\nAccept: "+q.Accept+"\r\n"+
			"Content-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body))
	}
	return requests
}

func dial(ctx context.Context, q *Request, requests [][]byte, i int) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", q.Addr)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, reader: bufio.NewReader(conn), requests: requests, want: q.ContentType, next: i}, nil
}

// ask sends one request and reads its response.
func (c *client) ask() error {
	c.next++
	sent := time.Now()
	if _, err := c.conn.Write(c.requests[c.next%len(c.requests)]); err != nil {
		return err
	}
	if err := c.readResponse(); err != nil {
		return err
	}
	c.latencies = append(c.latencies, time.Since(sent))
	return nil
}

// readResponse reads a response and checks it.
func (c *client) readResponse() error {
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
	if f.contentType != c.want {
		return fmt.Errorf("the response is %q, not %q", f.contentType, c.want)
	}
	if f.length < 0 {
		return errors.New("the response has no Content-Length")
	}
	return discard(c.reader, f.length)
}
