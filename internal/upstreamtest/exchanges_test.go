package upstreamtest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

// raw returns the exchange's request as it was on the wire, except the Host header,
// which the recordings leave out.
func raw(e *recordings.Exchange, host string) []byte {
	body := e.Body()
	lines := append([]string{e.Line() + " HTTP/1.1", "Host: " + host}, e.Header()...)
	if e.Request.ContentLengthSent {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	lines = append(lines, "Connection: close\r\n\r\n")
	return append([]byte(strings.Join(lines, "\r\n")), body...)
}

// left are the recorded bodies that are not compared.
var left = map[string]string{
	"text/html":       "the page of the recorded server is not recorded, nor is its hash",
	"application/xml": "the recordings hold the first 300 characters of the server's XML, and no rules for it",
}

func TestRespondsToEveryRecordedExchangeAsRecorded(t *testing.T) {
	s := StartFor(t, Options{})
	exchanges := recordings.Exchanges()
	compared := 0
	for _, e := range exchanges {
		t.Run(fmt.Sprintf("%d %s", e.N, e.Name), func(t *testing.T) {
			status, h, body := exchangeRaw(t, s.Addr, raw(e, s.Addr))
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
