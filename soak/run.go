package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// options are the flags of the command.
type options struct {
	dir     string // for the gateway's certificate
	length  time.Duration
	rest    time.Duration // how often traffic stops for the books to be balanced
	reload  time.Duration
	clients int
	seed    uint64
	out     io.Writer // for progress and the summary
}

// soak is one run.
type soak struct {
	options
	books    *books
	upstream *upstreamtest.Server
	gateway  *gateway
	clients  []*client
	traffic  []*traffic
	before   metrics // at the start
	usage    []usage // at each rest
	started  time.Time
	reloadAt time.Time
}

// restEvery returns how often a run of that length rests. A short one rests more often, so
// that there are enough samples of memory and goroutines.
func restEvery(length time.Duration) time.Duration {
	const samples = 12
	return min(10*time.Second, length/samples)
}

// run soaks a gateway; its books hold what is wrong. An error says that the soak itself
// could not be done.
func run(ctx context.Context, o options) (s *soak, err error) {
	s = &soak{options: o, books: newBooks()}
	defer s.watchLog()()
	small, large, err := readShapes(ctx)
	if err != nil {
		return nil, err
	}
	s.upstream, err = upstreamtest.Start(upstreamtest.Options{
		Keep:    -1,
		Fault:   s.books.arrived,
		Session: s.books.session,
		Ended:   s.books.ended,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.upstream.Close()) }()
	witnessed.Store(s.books)
	defer witnessed.Store(nil)
	if s.gateway, err = startGateway(o.dir, s.upstream.Addr); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, caddy.Stop()) }()
	shared3 := newQUIC(s.gateway)
	defer func() { err = errors.Join(err, shared3.Close()) }()
	if s.before, err = scrape(ctx, s.gateway.URL("metrics")+"/metrics"); err != nil {
		return nil, err
	}

	shared2 := newTransport((*http.Protocols).SetUnencryptedHTTP2)
	for i := range o.clients {
		t, err := newTraffic(o.seed, i, small, large)
		if err != nil {
			return nil, err
		}
		s.clients = append(s.clients, newClient(s.gateway, s.books, shared2, shared3))
		s.traffic = append(s.traffic, t)
	}
	s.started = time.Now()
	s.reloadAt = s.started.Add(o.reload)
	end := s.started.Add(o.length)
	for time.Now().Before(end) && ctx.Err() == nil {
		s.round(ctx, min(o.rest, time.Until(end)))
		if err := s.rest(ctx); err != nil {
			return s, err
		}
	}
	s.books.found("memory", flat(s.usage)...)
	return s, nil
}

// round lets all clients send, and the gateway reload, for a time.
func (s *soak) round(ctx context.Context, length time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var working sync.WaitGroup
	for i, c := range s.clients {
		working.Go(func() {
			pauses := rand.New(rand.NewPCG(s.seed, uint64(i))) //nolint:gosec // to be the same again
			for ctx.Err() == nil {
				pause := time.Duration(pauses.Int64N(int64(5 * time.Millisecond)))
				c.do(context.WithoutCancel(ctx), s.traffic[i].next(), pause)
			}
		})
	}
	working.Go(func() { s.reloadUntil(ctx) })
	working.Wait()
}

// reloadUntil reloads the gateway whenever it is time, until the round ends.
func (s *soak) reloadUntil(ctx context.Context) {
	for {
		t := time.NewTimer(time.Until(s.reloadAt))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
			s.reloadAt = s.reloadAt.Add(s.reload)
			if err := s.gateway.reload(); err != nil {
				s.books.found("reload", err.Error())
			}
		}
	}
}

// rest waits until all is quiet, balances the books and measures what the process
// holds.
func (s *soak) rest(ctx context.Context) error {
	after, err := s.quiet(ctx)
	if err != nil {
		return err
	}
	s.books.compare(s.before, after)
	s.books.rest()
	for _, c := range s.clients {
		c.hangUp()
	}
	// A new configuration closes the connections to the upstream of the one before.
	if err := s.gateway.load(0); err != nil {
		return err
	}
	s.usage = append(s.usage, sample(s.usage))
	s.tell()
	return nil
}

// quietTime is how long a request may take to end.
const quietTime = time.Minute

// quiet waits until no request is under way and returns the metrics of that moment.
func (s *soak) quiet(ctx context.Context) (metrics, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), quietTime)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		if changes, ok := s.books.atRest(); ok {
			m, err := scrape(ctx, s.gateway.URL("metrics")+"/metrics")
			if err != nil && ctx.Err() != nil {
				return nil, err
			}
			// A request whose client has left may have arrived meanwhile.
			if now, ok := s.books.atRest(); ok && err == nil && now == changes && m[inFlight] == s.before[inFlight] {
				return m, nil
			}
		}
		select {
		case <-ctx.Done():
			s.books.found("never over", s.books.stuck()...)
			return nil, fmt.Errorf("not all requests ended within %v", quietTime)
		case <-ticker.C:
		}
	}
}

// sample measures what the process holds. Servers of earlier configurations end in the
// background, so it waits until there are no more goroutines than at the rest before, for
// a second at most.
func sample(earlier []usage) usage {
	least := runtime.NumGoroutine()
	const steps = 100
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for range steps {
		if n := len(earlier); n > 0 && float64(least) <= earlier[n-1].goroutines {
			break
		}
		<-ticker.C
		least = min(least, runtime.NumGoroutine())
	}
	runtime.GC()
	runtime.GC() // the second collection frees what pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{heap: float64(m.HeapAlloc), goroutines: float64(least)}
}

// tell prints a line of progress.
func (s *soak) tell() {
	u := s.usage[len(s.usage)-1]
	took := time.Since(s.started)
	n := s.books.requests()
	fmt.Fprintf(s.out, "%6s  %8d requests, %d a second, %d reloads, heap %s, %v goroutines, %d mismatches\n",
		took.Round(time.Second), n, int(float64(n)/took.Seconds()), s.gateway.reloads, mebibytes(u.heap), u.goroutines, len(s.books.mismatches()))
}

// watchLog finds second responses to a request: net/http logs what comes on a connection
// without a request.
func (s *soak) watchLog() (stop func()) {
	was := log.Writer()
	log.SetOutput(writerFunc(func(line []byte) {
		if strings.Contains(string(line), "Unsolicited response") {
			s.books.found("a second response", string(line))
			return
		}
		_, _ = was.Write(line)
	}))
	return func() { log.SetOutput(was) }
}

// writerFunc is an [io.Writer].
type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}
