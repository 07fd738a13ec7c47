package integration

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// scene is one request to which something happens.
type scene struct {
	t      *testing.T
	g      *gateway
	u      *upstreamtest.Server
	c      *faultCase
	p      protocol
	format string
	config string // that the gateway runs
	down   string // the address at which nobody listens

	before  scrape
	warned  int // how many warnings were logged before
	process *process
	ctx     context.Context
	leave   context.CancelFunc
}

// newScene prepares a scene.
func newScene(t *testing.T, g *gateway, u *upstreamtest.Server, c *faultCase, p protocol, format string) *scene {
	t.Helper()
	u.Forget()
	s := &scene{t: t, g: g, u: u, c: c, p: p, format: format}
	s.ctx, s.leave = context.WithCancel(t.Context())
	t.Cleanup(s.leave)
	return s
}

// play plays the scene.
func (s *scene) play() reply {
	s.t.Helper()
	if s.c.play == nil {
		return s.ask(strings.NewReader(or(s.c.body, validBody)))
	}
	return s.c.play(s)
}

// header returns the lines of the request's header.
func (s *scene) header() []string {
	header := append([]string{"Accept: " + mediaTypeOf(s.format)}, s.c.header...)
	if !strings.Contains(strings.Join(header, "\n"), "Content-Type: image") {
		header = append(header, "Content-Type: application/json")
	}
	return header
}

// ask sends the request with a body and reads the response.
func (s *scene) ask(body io.Reader) reply {
	s.t.Helper()
	var informational []int
	ctx := httptrace.WithClientTrace(s.ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			informational = append(informational, code)
			return nil
		},
	})
	url := "https://" + s.g.Address(or(s.c.site, "plain")) + or(s.c.target, membersPath)
	req, err := http.NewRequestWithContext(ctx, or(s.c.method, http.MethodPost), url, body)
	if err != nil {
		s.t.Error(err)
		return reply{err: err}
	}
	if _, ok := body.(*io.PipeReader); ok {
		req.ContentLength = int64(len(validBody))
	}
	for _, line := range s.header() {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	res, err := s.p.client.Do(req)
	if err != nil {
		return reply{err: err, informational: informational}
	}
	return readAll(res, informational)
}

// asking is ask while something else goes on.
func (s *scene) asking(body io.Reader) <-chan reply {
	got := make(chan reply, 1)
	go func() { got <- s.ask(body) }()
	return got
}

// whileHeld returns a play in which things are done while the upstream holds back its
// response, or the rest of it.
func whileHeld(do ...func(*scene)) func(*scene) reply {
	return func(s *scene) reply {
		got := s.asking(strings.NewReader(or(s.c.body, validBody)))
		await(s.t, s.u, "the response to be held", func(st upstreamtest.Stats) bool { return st.Held == 1 })
		for _, d := range do {
			d(s)
		}
		return <-got
	}
}

// whileResponding returns a play in which things are done when the gateway has the
// header of the response, while the upstream holds back the rest.
func whileResponding(do ...func(*scene)) func(*scene) reply {
	const arrived = "upstream_duration_seconds_count"
	arrive := func(s *scene) {
		eventually(s.t, "the header of the response to arrive", func() bool {
			return s.g.metrics(s.t).sum(arrived) > s.before.sum(arrived)
		})
	}
	return whileHeld(append([]func(*scene){arrive}, do...)...)
}

// release lets the response go on.
func release(s *scene) { s.u.Release("held", 1) }

// leave makes the client leave.
func leave(s *scene) { s.leave() }

// reload loads the configuration again.
func reload(s *scene) { s.g.load(s.config) }

// shutDown shuts the gateway down.
func shutDown(s *scene) { s.process.shutDown() }

// kill ends the gateway at once.
func kill(s *scene) {
	if err := s.process.Process.Process.Kill(); err != nil {
		s.t.Error(err)
	}
}

// whileStoreFails sends a request while the store does nothing.
func whileStoreFails(s *scene) reply {
	fails.Store(true)
	defer fails.Store(false)
	return s.ask(strings.NewReader(validBody))
}

// untilTheOutcomeIsRecorded lets the store fail until the response has come, and waits
// until the store has the outcome of the call.
func untilTheOutcomeIsRecorded(s *scene) reply {
	recorded := func() int {
		n, _, err := idempotency.Count(s.ctx, failingStore, time.Now(), 0)
		if err != nil {
			s.t.Error(err)
		}
		return n.Done
	}
	before := recorded()
	got := whileStoreFails(s)
	eventually(s.t, "the outcome to be recorded", func() bool { return recorded() > before })
	return got
}

// untilStoreIsBack lets the store fail after it took the claim, until the response has
// come.
func untilStoreIsBack(s *scene) reply {
	defer fails.Store(false)
	return whileHeld(func(*scene) { fails.Store(true) }, release)(s)
}

// half is how much of validBody is sent first.
const half = len(validBody) / 2

// halfSent returns a play in which something is done when the client has sent half of
// its body.
func halfSent(do func(*scene, *io.PipeWriter)) func(*scene) reply {
	return func(s *scene) reply {
		body, rest := io.Pipe()
		defer body.Close() // ends a writer that still writes
		defer context.AfterFunc(s.ctx, func() { _ = body.Close() })()
		got := s.asking(body)
		if _, err := io.WriteString(rest, validBody[:half]); err != nil {
			s.t.Errorf("sending half of the body: %v", err)
		}
		do(s, rest)
		return <-got
	}
}

// inFlight waits until the gateway has the request.
func (s *scene) inFlight() {
	s.t.Helper()
	eventually(s.t, "the request to be in flight", func() bool { return s.g.metrics(s.t).sum("requests_in_flight") == 1 })
	if n := s.u.Stats().Requests; n != 0 {
		s.t.Errorf("%d requests are forwarded before the body is whole", n)
	}
}

func leaveHalfWay(s *scene, _ *io.PipeWriter) {
	s.inFlight()
	s.leave()
}

func nothingMore(*scene, *io.PipeWriter) {}

func theRest(s *scene, w *io.PipeWriter) {
	s.inFlight()
	for _, b := range []byte(validBody[half:]) {
		if _, err := w.Write([]byte{b}); err != nil {
			s.t.Errorf("sending the rest of the body: %v", err)
			return
		}
	}
	_ = w.Close()
}

func reloadAndTheRest(s *scene, w *io.PipeWriter) {
	s.inFlight()
	reload(s)
	theRest(s, w)
}

// drops sends a byte now and then, until the gateway gives up.
func drops(_ *scene, w *io.PipeWriter) {
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, err := w.Write([]byte(" ")); err != nil {
				return
			}
			<-tick.C
		}
	}()
}

// untilItComesUp starts an upstream that was down when the first try failed.
func untilItComesUp(s *scene) reply {
	logged := len(s.g.log("process"))
	got := s.asking(strings.NewReader(validBody))
	eventually(s.t, "a first try", func() bool {
		for _, e := range s.g.log("process")[logged:] {
			if strings.Contains(fmt.Sprint(e["error"]), "refused") {
				return true
			}
		}
		return false
	})
	if n := s.u.Stats().Requests; n != 0 {
		s.t.Errorf("another upstream got %d requests", n)
	}
	u, err := upstreamtest.StartAt(s.down, upstreamtest.Options{AnyID: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.u = u
	res := <-got
	// It is closed at once, because other tests need its port closed.
	if err := u.Close(); err != nil {
		s.t.Errorf("closing the upstream: %v", err)
	}
	return res
}

// raw sends the bytes of a request over HTTP/1.1.
func (s *scene) raw(request string) *tls.Conn {
	s.t.Helper()
	conn, err := tls.Dial("tcp", s.g.Address(or(s.c.site, "plain")), s.p.client.Transport.(*http.Transport).TLSClientConfig)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// reset resets the client's connection.
func (s *scene) reset(conn *tls.Conn) reply {
	s.leave()
	_ = conn.NetConn().(*net.TCPConn).SetLinger(0)
	return reply{err: conn.NetConn().Close()}
}

// halfRequest returns the request without half of its body.
func halfRequest(s *scene) string {
	return wire("POST "+membersPath, append(s.header(), fmt.Sprintf("Content-Length: %d", len(validBody))), validBody[:half])
}

func resetHalfWay(s *scene) reply {
	conn := s.raw(halfRequest(s))
	s.inFlight()
	return s.reset(conn)
}

// closeHalfWay closes the client's half of the connection.
func closeHalfWay(s *scene) reply {
	conn := s.raw(halfRequest(s))
	s.inFlight()
	if err := conn.CloseWrite(); err != nil {
		s.t.Error(err)
	}
	return readReply(bufio.NewReader(conn), "POST")
}

// breakChunks sends a chunk and then something that is not a chunk.
func breakChunks(s *scene) reply {
	conn := s.raw(wire("POST "+membersPath, append(s.header(), "Transfer-Encoding: chunked"),
		fmt.Sprintf("%x\r\n%s\r\nzz\r\n", half, validBody[:half])))
	return readReply(bufio.NewReader(conn), "POST")
}

// resetUnread resets the connection during a response that is larger than what sockets
// hold.
func resetUnread(s *scene) reply {
	conn := s.raw(wire("POST "+membersPath, s.header(), validBody))
	if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
		s.t.Fatal(err)
	}
	return s.reset(conn)
}
