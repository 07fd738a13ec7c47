package upstreamtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Server is an [Upstream] that listens on a free port on loopback.
type Server struct {
	*Upstream
	// Addr is host and port, URL the same with the scheme in front.
	Addr string
	URL  string

	http   *http.Server
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	idle map[net.Conn]struct{}
}

// Start listens on a free port of 127.0.0.1 and serves an upstream there until
// [Server.Close].
func Start(o Options) (*Server, error) {
	return StartAt("127.0.0.1:0", o)
}

// StartFor is [Start] for the time of a test.
func StartFor(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the upstream: %v", err)
		}
	})
	return s
}

// StartAt is [Start] at a given address.
func StartAt(addr string, o Options) (*Server, error) {
	u, err := New(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("listening for the upstream: %w", err)
	}
	s := &Server{
		Upstream: u,
		Addr:     l.Addr().String(),
		URL:      "http://" + l.Addr().String(),
		cancel:   cancel,
		done:     make(chan struct{}),
		idle:     make(map[net.Conn]struct{}),
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(o.H2C)
	s.http = &http.Server{
		Handler:           u,
		Protocols:         protocols,
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
		ConnState: s.track,
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(&listener{Listener: l})
	}()
	return s, nil
}

// track knows the connections that wait for a request.
func (s *Server) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateIdle {
		s.idle[c] = struct{}{}
	} else {
		delete(s.idle, c)
	}
}

// CloseIdle closes the connections that wait for a further request, as a
// server does whose keep-alive time is over, and returns how many they were.
func (s *Server) CloseIdle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.idle {
		_ = c.Close()
	}
	return len(s.idle)
}

// Close stops listening, closes all connections, ends all requests that
// are held back, and returns when the last of them has ended.
func (s *Server) Close() error {
	s.cancel()
	err := s.http.Close()
	<-s.done
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(err, s.Await(ctx, func(st Stats) bool { return st.InFlight == 0 }))
}
