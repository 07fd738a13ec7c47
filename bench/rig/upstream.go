package rig

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Upstream responds to POST /sessions/NAME/conference/members with the session of that
// name, and closes the connection on any other request.
type Upstream struct {
	// Addr is its host and port, on loopback.
	Addr string

	listener  net.Listener
	responses map[string][]byte
	requests  atomic.Int64
	serving   sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// StartUpstream starts an upstream with sessions by their names. Close it.
func StartUpstream(sessions map[string][]byte) (*Upstream, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the upstream: %w", err)
	}
	u := &Upstream{
		Addr: l.Addr().String(), listener: l,
		responses: make(map[string][]byte), conns: make(map[net.Conn]struct{}),
	}
	for name, session := range sessions {
		head := "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nVary: Accept\r\nContent-Length: " +
			strconv.Itoa(len(session)) + "\r\n\r\n"
		u.responses[name] = append([]byte(head), session...)
	}
	u.serving.Go(u.accept)
	return u, nil
}

// Close ends the upstream and all its connections.
func (u *Upstream) Close() error {
	err := u.listener.Close()
	u.mu.Lock()
	for c := range u.conns {
		err = errors.Join(err, c.Close())
	}
	u.mu.Unlock()
	u.serving.Wait()
	return err
}

// Requests is how many requests it has read.
func (u *Upstream) Requests() int64 { return u.requests.Load() }

func (u *Upstream) accept() {
	for {
		c, err := u.listener.Accept()
		if err != nil {
			return // closed
		}
		u.mu.Lock()
		u.conns[c] = struct{}{}
		u.mu.Unlock()
		u.serving.Go(func() {
			defer func() {
				u.mu.Lock()
				defer u.mu.Unlock()
				delete(u.conns, c)
				_ = c.Close()
			}()
			u.serve(c)
		})
	}
}

// serve serves the requests of one connection.
func (u *Upstream) serve(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		response, err := u.read(r)
		if err != nil {
			return
		}
		u.requests.Add(1)
		if _, err := c.Write(response); err != nil {
			return
		}
	}
}

// errNoSession makes the upstream close a connection.
var errNoSession = errors.New("no session of that name")

// read reads a request and returns its response.
func (u *Upstream) read(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	// POST /sessions/NAME/conference/members HTTP/1.1
	name, _, _ := strings.Cut(strings.TrimPrefix(string(line), "POST /sessions/"), "/")
	response, ok := u.responses[name]
	if !ok {
		return nil, errNoSession
	}
	f, err := readFields(r)
	if err != nil {
		return nil, err
	}
	return response, discard(r, max(f.length, 0))
}

// fields are the fields of a header that matter.
type fields struct {
	length      int // -1 if none is declared
	contentType string
	replayed    bool
}

// readFields reads header fields up to the empty line.
func readFields(r *bufio.Reader) (fields, error) {
	f := fields{length: -1}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return f, err
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return f, nil // the empty line
		}
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if f.length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return f, fmt.Errorf("reading a length: %w", err)
			}
		case bytes.EqualFold(name, []byte("Content-Type")):
			f.contentType = string(bytes.TrimSpace(value))
		case bytes.EqualFold(name, []byte(replayedHeader)):
			f.replayed = true
		}
	}
}

// discard reads n bytes of a body.
func discard(r *bufio.Reader, n int) error {
	_, err := r.Discard(n)
	return err
}
