package upstreamtest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

// exchange is one line of testdata/exchanges.jsonl.
type exchange struct {
	N       int    `json:"n"`
	Group   string `json:"group"`
	Name    string `json:"name"`
	Request struct {
		Line              string      `json:"line"`
		Headers           [][2]string `json:"headers"`
		Body              *string     `json:"body"`
		BodyB64           *string     `json:"bodyB64"`
		ContentLengthSent bool        `json:"contentLengthSent"`
	} `json:"request"`
	Response struct {
		StatusLine string      `json:"statusLine"`
		Status     int         `json:"status"`
		Headers    [][2]string `json:"headers"`
		BodyLength int         `json:"bodyLength"`
		BodySHA256 string      `json:"bodySha256"`
	} `json:"response"`
}

func readExchanges(t testing.TB) []exchange {
	t.Helper()
	f, err := os.Open("testdata/exchanges.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var all []exchange
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// raw is the request as it was on the wire, but for the Host header, which the
// recordings leave out.
func (e *exchange) raw(t testing.TB, host string) []byte {
	t.Helper()
	// The recordings show bytes beyond ASCII of the request line as Latin-1.
	var line []byte
	for _, r := range e.Request.Line {
		line = append(line, byte(r))
	}
	var body []byte
	switch {
	case e.Request.BodyB64 != nil:
		var err error
		if body, err = base64.StdEncoding.DecodeString(*e.Request.BodyB64); err != nil {
			t.Fatal(err)
		}
	case e.Request.Body != nil:
		body = []byte(*e.Request.Body)
	}
	b := append(line, "\r\nHost: "+host+"\r\n"...)
	for _, h := range e.Request.Headers {
		b = append(b, h[0]+": "+h[1]+"\r\n"...)
	}
	if e.Request.ContentLengthSent {
		b = fmt.Appendf(b, "Content-Length: %d\r\n", len(body))
	}
	b = append(b, "Connection: close\r\n\r\n"...)
	return append(b, body...)
}

// left are the recorded bodies that are not compared.
var left = map[string]string{
	"text/html":       "the page of the recorded server is not recorded, nor is its hash",
	"application/xml": "the recordings hold the first 300 characters of the server's XML, and no rules for it",
}

func TestAnswersEveryRecordedExchangeAsRecorded(t *testing.T) {
	s := start(t, Options{})
	exchanges := readExchanges(t)
	if len(exchanges) != 385 {
		t.Fatalf("%d exchanges, want 385", len(exchanges))
	}
	compared := 0
	for _, e := range exchanges {
		t.Run(fmt.Sprintf("%d %s", e.N, e.Name), func(t *testing.T) {
			status, h, body := exchangeRaw(t, s.Addr, e.raw(t, s.Addr))
			if want := strings.TrimPrefix(e.Response.StatusLine, "HTTP/1.1 "); status != want {
				t.Errorf("status %q, want %q", status, want)
			}
			want := make(http.Header)
			for _, x := range e.Response.Headers {
				want.Add(x[0], x[1])
			}
			for _, name := range []string{"Content-Type", "X-Bound", "Content-Disposition", "Vary", "X-Powered-By"} {
				if got, want := h.Get(name), want.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if _, ok := left[want.Get("Content-Type")]; ok {
				return
			}
			compared++
			if len(body) != e.Response.BodyLength {
				t.Errorf("body of %d bytes, want %d\n%s", len(body), e.Response.BodyLength, body)
			}
			if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != e.Response.BodySHA256 {
				t.Errorf("body differs from the recorded one:\n%s", body)
			}
		})
	}
	t.Logf("%d of %d bodies compared byte for byte", compared, len(exchanges))
}

// exchangeRaw sends bytes and reads one response.
func exchangeRaw(t testing.TB, addr string, request []byte) (status string, h http.Header, body []byte) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := bytes.Cut(request, []byte(" "))
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: string(method)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.Status, resp.Header, body
}

// start starts an upstream for the time of a test.
func start(t testing.TB, o Options) *Server {
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
