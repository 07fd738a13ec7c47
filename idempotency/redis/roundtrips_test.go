package redis

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/idempotency/storetest"
)

// TestAKeyedCallTakesTwoRoundTrips counts at the wire how often Redis is waited for:
// once for the claim, and once for the outcome.
func TestAKeyedCallTakesTwoRoundTrips(t *testing.T) {
	proxy := countTurns(t, start(t).address)
	s := open(t, Options{Addresses: []string{proxy.address}, Timeout: 5 * time.Second})
	keys, err := idempotency.NewKeyring([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	l := idempotency.NewLedger(idempotency.Options{Store: s, Keys: keys, Seal: true, TTL: time.Hour, CallTimeout: time.Minute, MaxStored: 1 << 10})
	defer l.Close()
	call := func(n int, end func(*idempotency.Claim) error) {
		t.Helper()
		found, err := l.Begin(t.Context(), idempotency.NewClaim(storetest.ID(n), idempotency.Fingerprint{}))
		if err != nil || found.Claim == nil {
			t.Fatalf("%+v, %v", found, err)
		}
		if err := end(found.Claim); err != nil {
			t.Fatal(err)
		}
	}
	place := func(c *idempotency.Claim) error {
		return c.Finish(idempotency.Response{Status: 200, Body: []byte("{}")})
	}
	call(0, place) // which connects, and brings the script
	for _, tt := range []struct {
		name string
		want int64 // round trips
		do   func(n int)
	}{
		{"placed", 2, func(n int) { call(n, place) }},
		{"released", 2, func(n int) { call(n, (*idempotency.Claim).Release) }},
		{"unknown", 2, func(n int) { call(n, (*idempotency.Claim).Close) }},
		{"replayed", 1, func(int) {
			if found, err := l.Begin(t.Context(), idempotency.NewClaim(storetest.ID(0), idempotency.Fingerprint{})); err != nil || found.Result != idempotency.Replayed {
				t.Errorf("%+v, %v", found, err)
			}
		}},
	} {
		const calls = 50
		before := proxy.turns.Load()
		for n := range calls {
			tt.do(int(before) + n) // a key that nobody has
		}
		if got := proxy.turns.Load() - before; got != tt.want*calls {
			t.Errorf("%d calls that are %s take %d round trips, want %d each", calls, tt.name, got, tt.want)
		}
	}
}

// turns is a proxy that counts round trips: how often its client sends after the server.
type turns struct {
	address string
	turns   atomic.Int64
}

func countTurns(t *testing.T, server string) *turns {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &turns{address: l.Addr().String()}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.serve(t, client, server) })
		}
	})
	return p
}

// serve passes bytes on between a client and the server.
func (p *turns) serve(t *testing.T, client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	var spoke atomic.Bool // the client, last
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, readerFunc(func(b []byte) (int, error) {
			n, err := server.Read(b)
			spoke.Store(false)
			return n, err
		}))
		_ = client.Close()
	})
	_, _ = io.Copy(server, readerFunc(func(b []byte) (int, error) {
		n, err := client.Read(b)
		if n > 0 && !spoke.Swap(true) {
			p.turns.Add(1)
		}
		return n, err
	}))
	_ = server.Close()
	back.Wait()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
