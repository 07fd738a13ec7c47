package upstreamtest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

const (
	membersPath = "/sessions/abc/conference/members"
	call        = `{"callSid":"CA1","destination":"+15551234567"}`
)

// client returns a client that ends its connections with the test.
func client(t testing.TB) *http.Client {
	t.Helper()
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func newCall(t testing.TB, s *Server, fault string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+membersPath, strings.NewReader(call))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.GetBody = nil // never sent twice
	if fault != "" {
		r.Header.Set(FaultHeader, fault)
	}
	return r
}

// readResponse is a response that was read as far as it went.
type readResponse struct {
	*http.Response
	body []byte
	err  error // from the request or from reading the body
}

func do(c *http.Client, r *http.Request) readResponse {
	resp, err := c.Do(r)
	if err != nil {
		return readResponse{err: err}
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return readResponse{resp, body, err}
}

func natural(t testing.TB) []byte {
	t.Helper()
	return bytes.Replace(recordings.Session("full", ".json"), []byte(`"full"`), []byte(`"abc"`), 1)
}

func TestEachNamedFaultDoesWhatItsNameSays(t *testing.T) {
	whole := natural(t)
	checks := map[string]func(*testing.T, readResponse){
		"reset":              wantError(syscall.ECONNRESET),
		"reset-early":        wantError(nil), // reset or, if the client still writes, a broken pipe
		"reset-after-header": wantCut(0, syscall.ECONNRESET),
		"reset-mid-body":     wantCut(100, syscall.ECONNRESET),
		"close":              wantError(io.EOF),
		"close-early":        wantError(nil),
		"close-mid-body":     wantCut(100, io.ErrUnexpectedEOF),
		"not-http":           wantError(nil),
		"length-long": func(t *testing.T, a readResponse) {
			wantBody(t, a, whole, io.ErrUnexpectedEOF)
			wantLength(t, a, 1<<20)
		},
		"length-short": func(t *testing.T, a readResponse) {
			wantBody(t, a, whole[:100], nil)
			wantLength(t, a, 100)
		},
		"length": func(t *testing.T, a readResponse) {
			wantBody(t, a, whole, nil)
			wantLength(t, a, int64(len(whole)))
		},
		"truncated-json": wantUnlike(whole, "application/json; charset=utf-8"),
		"garbage":        wantUnlike(whole, "application/json; charset=utf-8"),
		"not-utf8":       wantUnlike(whole, "application/json; charset=utf-8"),
		"html":           wantUnlike(whole, "application/json; charset=utf-8"),
		"scalar":         wantUnlike(whole, "application/json; charset=utf-8"),
		"empty": func(t *testing.T, a readResponse) {
			wantBody(t, a, nil, nil)
			wantStatus(t, a, http.StatusOK)
		},
		"deep": func(t *testing.T, a readResponse) {
			if n := bytes.Count(a.body, []byte{'['}); n != 100_000 {
				t.Errorf("nested %d deep", n)
			}
		},
		"huge": func(t *testing.T, a readResponse) {
			if len(a.body) < 16<<20 || !json.Valid(a.body) {
				t.Errorf("%d bytes", len(a.body))
			}
		},
		"problem":      wantCode(http.StatusBadRequest, "application/problem+json"),
		"maintenance":  wantCode(http.StatusServiceUnavailable, "text/html"),
		"bad-gateway":  wantCode(http.StatusBadGateway, "text/plain"),
		"no-content":   wantEmpty(http.StatusNoContent),
		"not-modified": wantEmpty(http.StatusNotModified),
		"partial": func(t *testing.T, a readResponse) {
			wantStatus(t, a, http.StatusPartialContent)
			if a.Header.Get("Content-Range") == "" {
				t.Error("no Content-Range")
			}
		},
		"gzip": wantPacked(whole, "gzip", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }),
		"zstd": wantPacked(whole, "zstd", func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) }),
		"deflate": wantPacked(whole, "deflate", func(r io.Reader) (io.Reader, error) {
			return zlib.NewReader(r)
		}),
		"br": wantPacked(whole, "br", func(r io.Reader) (io.Reader, error) { return r, nil }),
		"validators": func(t *testing.T, a readResponse) {
			wantBody(t, a, whole, nil)
			for _, name := range []string{"ETag", "Last-Modified", "Accept-Ranges", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest"} {
				if a.Header.Get(name) == "" {
					t.Errorf("no %s", name)
				}
			}
		},
		"no-transform": func(t *testing.T, a readResponse) {
			wantBody(t, a, whole, nil)
			if a.Header.Get("Cache-Control") != "no-transform" {
				t.Error("no Cache-Control")
			}
		},
		"trailer": func(t *testing.T, a readResponse) {
			wantBody(t, a, whole, nil)
			if a.Trailer.Get("X-Checksum") != "42" {
				t.Errorf("trailer %v", a.Trailer)
			}
		},
		"early-hints": func(t *testing.T, a readResponse) {
			wantBody(t, a, whole, nil)
			if a.Header.Get("Link") != "" {
				t.Error("the header of the hint is in the response too")
			}
		},
		"events": func(t *testing.T, a readResponse) {
			wantBody(t, a, []byte("data: one\n\ndata: two\n\ndata: three\n\n"), nil)
		},
		"upgrade": wantStatusOnly(http.StatusSwitchingProtocols),
	}
	s := StartFor(t, Options{})
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			check := checks[name]
			if check == nil {
				t.Fatal("no test of this fault")
			}
			r := newCall(t, s, name)
			r.Close = true // what a short length leaves over belongs to no other response
			if name == "upgrade" {
				checkUpgrade(t, s)
				return
			}
			hints := 0
			trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
				if code == http.StatusEarlyHints {
					hints++
				}
				return nil
			}}
			check(t, do(client(t), r.WithContext(httptrace.WithClientTrace(r.Context(), trace))))
			if (hints == 1) != (name == "early-hints") {
				t.Errorf("%d early hints", hints)
			}
			last, _ := s.Last()
			if early := strings.HasSuffix(name, "-early"); (last.Bound == nil) != early {
				t.Errorf("bound %v", last.Bound)
			}
		})
	}
}

func wantError(want error) func(*testing.T, readResponse) {
	return func(t *testing.T, a readResponse) {
		if a.Response != nil || a.err == nil || want != nil && !errors.Is(a.err, want) {
			t.Errorf("response %v, error %v, want %v", a.Response, a.err, want)
		}
	}
}

func wantCut(n int, want error) func(*testing.T, readResponse) {
	return func(t *testing.T, a readResponse) {
		// A reset may overtake what was sent before it.
		if a.Response == nil && want == syscall.ECONNRESET && errors.Is(a.err, want) {
			return
		}
		if len(a.body) > n || !errors.Is(a.err, want) || want != syscall.ECONNRESET && len(a.body) != n {
			t.Errorf("%d bytes and %v, want %d and %v", len(a.body), a.err, n, want)
		}
	}
}

func wantBody(t *testing.T, a readResponse, want []byte, err error) {
	t.Helper()
	if !bytes.Equal(a.body, want) || !errors.Is(a.err, err) {
		t.Errorf("%d bytes and error %v, want %d and %v", len(a.body), a.err, len(want), err)
	}
}

func wantLength(t *testing.T, a readResponse, want int64) {
	t.Helper()
	if a.Response == nil || a.ContentLength != want {
		t.Errorf("%v, want length %d", a.Response, want)
	}
}

func wantStatus(t *testing.T, a readResponse, want int) {
	t.Helper()
	if a.Response == nil || a.StatusCode != want {
		t.Errorf("%v %v, want %d", a.Response, a.err, want)
	}
}

func wantStatusOnly(want int) func(*testing.T, readResponse) {
	return func(t *testing.T, a readResponse) { wantStatus(t, a, want) }
}

func wantUnlike(whole []byte, contentType string) func(*testing.T, readResponse) {
	return func(t *testing.T, a readResponse) {
		wantCode(http.StatusOK, contentType)(t, a)
		var v map[string]any
		if bytes.Equal(a.body, whole) || utf8.Valid(a.body) && json.Unmarshal(a.body, &v) == nil {
			t.Errorf("body %s", a.body)
		}
	}
}

func wantCode(status int, contentType string) func(*testing.T, readResponse) {
	return func(t *testing.T, a readResponse) {
		wantStatus(t, a, status)
		if a.Response != nil && a.Header.Get("Content-Type") != contentType {
			t.Errorf("%s, want %s", a.Header.Get("Content-Type"), contentType)
		}
	}
}

func wantEmpty(status int) func(*testing.T, readResponse) {
	return func(t *testing.T, a readResponse) {
		wantStatus(t, a, status)
		wantBody(t, a, nil, nil)
	}
}

func wantPacked(whole []byte, coding string, unpack func(io.Reader) (io.Reader, error)) func(*testing.T, readResponse) {
	return func(t *testing.T, a readResponse) {
		if a.Header.Get("Content-Encoding") != coding {
			t.Fatalf("Content-Encoding %q", a.Header.Get("Content-Encoding"))
		}
		r, err := unpack(bytes.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
}

func checkUpgrade(t *testing.T, s *Server) {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\n%s: upgrade\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 0\r\n\r\n",
		membersPath, FaultHeader)
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp.Status)
	}
	fmt.Fprint(c, "hello\n")
	if line, err := in.ReadString('\n'); line != "hello\n" {
		t.Errorf("%q %v", line, err)
	}
}

func TestAMisspeltFaultIsNotTakenForNone(t *testing.T) {
	s := StartFor(t, Options{})
	for _, fault := range []string{"no-such-fault", `{"drap":"reset"}`, `{`} {
		if a := do(client(t), newCall(t, s, fault)); a.Response == nil || a.StatusCode != 599 {
			t.Errorf("%s: %v %v", fault, a.Response, a.err)
		}
	}
}

func TestFaultsComeFromTheRequestThenTheQueueThenTheOptions(t *testing.T) {
	s := StartFor(t, Options{Fault: func(r *Received) *Fault {
		if r.Header.Get("X-Odd") != "" {
			return reply(Reply{Status: 503})
		}
		return nil
	}})
	s.Next(nil, reply(Reply{Status: 502}), reply(Reply{Status: 504}))
	c := client(t)
	for i, test := range []struct {
		odd, fault string
		want       int
	}{
		{"", "", 200},
		{"yes", "", 502},
		{"yes", `{"status":418,"header":{"X-Bound":null}}`, 418},
		{"yes", "", 503},
		{"", "", 200},
	} {
		r := newCall(t, s, test.fault)
		if test.odd != "" {
			r.Header.Set("X-Odd", test.odd)
		}
		a := do(c, r)
		wantStatus(t, a, test.want)
		if (a.Header.Get("X-Bound") == "") != (test.want == 418) {
			t.Errorf("%d: X-Bound %q", i, a.Header.Get("X-Bound"))
		}
	}
}

func TestAGateHoldsAResponseBackUntilItIsReleased(t *testing.T) {
	s := StartFor(t, Options{})
	c := client(t)
	responses := make(chan readResponse, 2)
	for range 2 {
		r := newCall(t, s, `{"gate":"g"}`)
		go func() { responses <- do(c, r) }()
	}
	await(t, s, func(st Stats) bool { return st.Held == 2 && st.Dialled == 2 })
	s.Release("g", 1)
	await(t, s, func(st Stats) bool { return st.Held == 1 })
	wantBody(t, <-responses, natural(t), nil)
	select {
	case a := <-responses:
		t.Errorf("both were let through: %v", a.err)
	default:
	}
	s.Release("g", -1)
	wantBody(t, <-responses, natural(t), nil)
	wantBody(t, do(c, newCall(t, s, `{"gate":"g"}`)), natural(t), nil)
}

func TestPartsAreFlushedOneByOne(t *testing.T) {
	s := StartFor(t, Options{})
	s.Next(&Fault{Reply: Reply{Parts: []string{"one", "two"}, PartGate: "p"}})
	resp, err := client(t).Do(newCall(t, s, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b := make([]byte, 3)
	if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != "one" {
		t.Fatalf("%q %v", b, err)
	}
	await(t, s, func(st Stats) bool { return st.Held == 1 })
	s.Release("p", 1)
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "two" {
		t.Errorf("%q %v", rest, err)
	}
}

func TestAClientThatGivesUpIsNoticed(t *testing.T) {
	s := StartFor(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	r := newCall(t, s, `{"gate":"never"}`).WithContext(ctx)
	c := client(t)
	go func() { failed <- do(c, r).err }()
	await(t, s, func(st Stats) bool { return st.Held == 1 })
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	await(t, s, func(st Stats) bool { return st.Canceled == 1 && st.InFlight == 0 })
	if last, _ := s.Last(); !last.Canceled || last.Status != 0 || last.Bound == nil {
		t.Errorf("%+v", last)
	}
}

func TestCloseLetsGoOfWhatIsHeldBack(t *testing.T) {
	s, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	r := newCall(t, s, `{"gate":"never"}`)
	c := client(t)
	go func() { failed <- do(c, r).err }()
	await(t, s, func(st Stats) bool { return st.Held == 1 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("the request got a response")
	}
	if st := s.Stats(); st.InFlight != 0 {
		t.Errorf("%+v", st)
	}
	again, err := StartAt(s.Addr, Options{})
	if err != nil {
		t.Fatalf("the address is not free again: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestASecondRequestOnAConnectionCanBeLeftWithoutAResponse(t *testing.T) {
	s := StartFor(t, Options{Fault: func(r *Received) *Fault {
		if r.OnConn > 1 {
			return &Fault{Drop: DropClose}
		}
		return nil
	}})
	c := client(t)
	wantBody(t, do(c, newCall(t, s, "")), natural(t), nil)
	wantError(nil)(t, do(c, newCall(t, s, "")))
	var conns []int
	for _, r := range s.Received() {
		conns = append(conns, r.Conn, r.OnConn)
	}
	if want := []int{1, 1, 1, 2}; !slices.Equal(conns, want) {
		t.Errorf("connections %v, want %v", conns, want)
	}
}

func TestIdleConnectionsCanBeClosed(t *testing.T) {
	s := StartFor(t, Options{})
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	fmt.Fprintf(c, "POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	for s.CloseIdle() == 0 { // the connection is idle a moment after its response
		if t.Context().Err() != nil {
			t.Fatal("the connection never became idle")
		}
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("read %v, want EOF", err)
	}
}

func TestHTTP2IsSpokenOnRequest(t *testing.T) {
	s := StartFor(t, Options{H2C: true})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: protocols}
	t.Cleanup(tr.CloseIdleConnections)
	c := &http.Client{Transport: tr}
	a := do(c, newCall(t, s, "trailer"))
	wantBody(t, a, natural(t), nil)
	if a.ProtoMajor != 2 || a.Trailer.Get("X-Checksum") != "42" {
		t.Errorf("%s %v", a.Proto, a.Trailer)
	}
	wantError(nil)(t, do(c, newCall(t, s, "reset")))
	if st := s.Stats(); st.Dialled != 2 {
		t.Errorf("%+v", st)
	}
}

func TestABodyThatDoesNotArriveWholeBindsNothing(t *testing.T) {
	s := StartFor(t, Options{})
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n%s", membersPath, call)
	_ = c.Close()
	await(t, s, func(st Stats) bool { return st.Requests == 1 && st.InFlight == 0 })
	last, _ := s.Last()
	if last.Bound != nil || last.BodyError == "" || string(last.Body) != call || s.Stats().Dialled != 0 {
		t.Errorf("%+v", last)
	}
}

func TestWhatArrivedIsRecordedRaw(t *testing.T) {
	s := StartFor(t, Options{Keep: 2})
	for i := range 3 {
		_, _, _ = exchangeRaw(t, s.Addr, fmt.Appendf(nil, "pOsT //sessions/a%%2eb/conference/members?x=%d HTTP/1.1\r\n"+
			"Host: h\r\nx-odd: a\r\nX-Odd: b\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n", i))
	}
	all := s.Received()
	if len(all) != 2 {
		t.Fatalf("%d requests kept", len(all))
	}
	r := all[1]
	if r.N != 3 || r.Method != "pOsT" || r.Target != "//sessions/a%2eb/conference/members?x=2" || r.Host != "h" ||
		!slices.Equal(r.Header["X-Odd"], []string{"a", "b"}) || r.ContentLength != -1 ||
		!slices.Equal(r.TransferEncoding, []string{"chunked"}) || string(r.Body) != "{}" || r.Status != 200 {
		t.Errorf("%+v", r)
	}
	if id, ok := r.Bound.Get("SESSIONID"); !ok || id != "a.b" {
		t.Errorf("bound %s", r.Bound)
	}
	s.Forget()
	if _, ok := s.Last(); ok || s.Stats() != (Stats{}) {
		t.Errorf("%+v after Forget", s.Stats())
	}
}

func TestAnotherProcessHasTheSameMeans(t *testing.T) {
	s := StartFor(t, Options{})
	control := s.Control()
	ask := func(method, target, body string) (int, string) {
		w := httptest.NewRecorder()
		r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		control.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	if code, _ := ask("POST", "/faults", `{"gate":"g","status":503}`); code != http.StatusNoContent {
		t.Fatal(code)
	}
	responses := make(chan readResponse)
	r := newCall(t, s, "")
	c := client(t)
	go func() { responses <- do(c, r) }()
	await(t, s, func(st Stats) bool { return st.Held == 1 })
	if code, body := ask("GET", "/stats", ""); code != 200 || !strings.Contains(body, `"held":1`) {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := ask("POST", "/gates/g?n=1", ""); code != http.StatusNoContent {
		t.Error(code)
	}
	wantStatus(t, <-responses, http.StatusServiceUnavailable)
	_, body := ask("GET", "/received", "")
	var all []Received
	if err := json.Unmarshal([]byte(body), &all); err != nil || len(all) != 1 || string(all[0].Body) != call {
		t.Errorf("%v %s", err, body)
	}
	if v, _ := all[0].Bound.Get("destination"); v != "+15551234567" {
		t.Errorf("bound %s", all[0].Bound)
	}
	if code, _ := ask("DELETE", "/received", ""); code != http.StatusNoContent || s.Stats().Requests != 0 {
		t.Error(code, s.Stats())
	}
	for target, body := range map[string]string{"/faults": "no-such", "/gates/g?n=x": ""} {
		if code, _ := ask("POST", target, body); code != http.StatusBadRequest {
			t.Errorf("%s: %d", target, code)
		}
	}
}

func await(t testing.TB, s *Server, wanted func(Stats) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Await(ctx, wanted); err != nil {
		t.Fatalf("%v, at %+v", err, s.Stats())
	}
}
