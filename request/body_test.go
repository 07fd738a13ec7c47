package request

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

const sample = `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`

func gzipOf(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zstdOf packs text; streamed frames don't state their size.
func zstdOf(t testing.TB, text string, streamed bool, o ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, o...)
	if err != nil {
		t.Fatal(err)
	}
	if !streamed {
		return w.EncodeAll([]byte(text), nil)
	}
	if _, err := io.WriteString(w, text[:len(text)/2]); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text[len(text)/2:]); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestContentCodings(t *testing.T) {
	text := sample
	unlimited := zstd.WithWindowSize(8 << 20)
	tests := []struct {
		name, coding string
		body         []byte
		want         string
	}{
		{"none", "", []byte(text), ""},
		{"identity", "identity", []byte(text), ""},
		{"gzip", "gzip", gzipOf(t, text), ""},
		{"gzip in capitals, after identity", "identity, GZIP ,", gzipOf(t, text), ""},
		{"x-gzip", "x-gzip", gzipOf(t, text), ""},
		{"gzip in two members", "gzip", append(gzipOf(t, text[:9]), gzipOf(t, text[9:])...), ""},
		{"zstd", "zstd", zstdOf(t, text, false), ""},
		{"zstd, streamed", "zstd", zstdOf(t, text, true), ""},
		{"zstd, streamed with the largest window", "zstd", zstdOf(t, text, true, unlimited), ""},
		{"zstd in two frames", "zstd", append(zstdOf(t, text[:9], false), zstdOf(t, text[9:], true)...), ""},
		{"gzip of nothing", "gzip", gzipOf(t, ""), ""},
		{"nothing", "gzip", nil, ""},
		{"deflate", "deflate", []byte(text), "content_encoding"},
		{"br", "br", []byte(text), "content_encoding"},
		{"gzip twice", "gzip, gzip", gzipOf(t, string(gzipOf(t, text))), "content_encoding"},
		{"gzip cut short", "gzip", gzipOf(t, text)[:30], "malformed_encoding"},
		{"gzip without its end", "gzip", gzipOf(t, text)[:len(gzipOf(t, text))-1], "malformed_encoding"},
		{"gzip with a wrong sum", "gzip", flip(gzipOf(t, text), -8), "malformed_encoding"},
		{"gzip with text after it", "gzip", append(gzipOf(t, text), "garbage after it"...), "malformed_encoding"},
		{"gzip with a NUL after it", "gzip", append(gzipOf(t, text), 0), "malformed_encoding"},
		{"no gzip", "gzip", []byte(text), "malformed_encoding"},
		{"no zstd", "zstd", []byte(text), "malformed_encoding"},
		{"zstd cut short", "zstd", zstdOf(t, text, true)[:20], "malformed_encoding"},
		{"zstd with text after it", "zstd", append(zstdOf(t, text, false), "garbage"...), "malformed_encoding"},
		{"zstd with too large a window", "zstd", zstdOf(t, text, true, zstd.WithWindowSize(16<<20)), "malformed_encoding"},
		{"a gzip bomb", "gzip", gzipOf(t, strings.Repeat("\x00", 10<<20)[:200]+strings.Repeat(" ", DefaultMaxBody)), "body_too_large"},
		{"a zstd bomb", "zstd", zstdOf(t, strings.Repeat(" ", 1<<20), false), "body_too_large"},
		{"a streamed zstd bomb", "zstd", zstdOf(t, strings.Repeat(" ", 1<<20), true), "body_too_large"},
	}
	rd := new(Reader) // one, so that pooled parts are used again after failures
	for range 2 {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				r := post(jsonType, "", string(test.body))
				if test.coding != "" {
					r.Header.Set("Content-Encoding", test.coding)
				}
				q, violations := read(t, rd, r)
				if got := failed(violations); got != test.want {
					t.Fatalf("violated %q, want %q", got, test.want)
				}
				empty := strings.Contains(test.name, "nothing")
				if test.want == "" && !empty && q.Call != call("CA1", "+1555", "+1666") {
					t.Errorf("read %v", q.Call)
				}
				if test.want == "" && q.BodyBytes != int64(len(test.body)) {
					t.Errorf("%d bytes were sent, not %d", len(test.body), q.BodyBytes)
				}
			})
		}
	}
}

func flip(b []byte, i int) []byte {
	b[len(b)+i] ^= 1
	return b
}

func TestTwoContentEncodingLinesAreRefused(t *testing.T) {
	r := post(jsonType, "", "{}")
	r.Header["Content-Encoding"] = []string{"gzip", "zstd"}
	if _, violations := read(t, new(Reader), r); failed(violations) != "content_encoding" {
		t.Errorf("violated %q", failed(violations))
	}
}

func TestAllThatTheHeaderForbidsIsToldAtOnce(t *testing.T) {
	r := post("text/plain", "destination=1&destination=2", "x")
	r.Header.Set("Content-Encoding", "br")
	if _, violations := read(t, new(Reader), r); failed(violations) != "repeated_name destination, content_encoding, content_type" {
		t.Errorf("violated %q", failed(violations))
	}
}

// zeros is a reader of so many NULs.
type zeros int64

func (z *zeros) Read(p []byte) (int, error) {
	n := min(int64(len(p)), int64(*z))
	if n == 0 {
		return 0, io.EOF
	}
	clear(p[:n])
	*z -= zeros(n)
	return int(n), nil
}

func TestABombIsNotUnpacked(t *testing.T) {
	// 1 GiB of NULs, in parts that are bombs themselves.
	const size, parts = 16 << 20, 64
	bombs := map[string][]byte{}
	for _, coding := range []string{"gzip", "zstd"} {
		var b bytes.Buffer
		var w io.WriteCloser = gzip.NewWriter(&b)
		if coding == "zstd" {
			var err error
			if w, err = zstd.NewWriter(&b); err != nil {
				t.Fatal(err)
			}
		}
		z := zeros(size)
		if _, err := io.Copy(w, &z); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		bombs[coding] = bytes.Repeat(b.Bytes(), parts)
	}
	// The limit lets the packed bomb in and would not let much of it out.
	for coding, bomb := range bombs {
		rd := &Reader{MaxBody: 2 << 20}
		r := post(jsonType, "", string(bomb))
		r.Header.Set("Content-Encoding", coding)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, violations := read(t, rd, r)
		runtime.ReadMemStats(&after)
		if failed(violations) != "body_too_large" {
			t.Errorf("%s: a bomb of %d bytes violated %q", coding, len(bomb), failed(violations))
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
			t.Errorf("%s: %d bytes were allocated", coding, used)
		}
	}
}

func TestADepthBombIsRefused(t *testing.T) {
	const levels = 1 << 20
	for _, open := range []string{"[", `{"a":`, `[{"a":`} {
		body := `{"x":` + strings.Repeat(open, levels)
		_, violations := read(t, &Reader{MaxBody: 16 << 20}, post(jsonType, "", body))
		if failed(violations) != "body_too_deep" {
			t.Errorf("%s: violated %q", open, failed(violations))
		}
	}
	body := strings.Repeat(`{"x":`, 32) + "1" + strings.Repeat("}", 32)
	if _, violations := read(t, new(Reader), post(jsonType, "", body)); len(violations) > 0 {
		t.Errorf("32 levels: violated %q", failed(violations))
	}
	if _, violations := read(t, &Reader{MaxDepth: 2}, post(jsonType, "", `{"x":[],"y":{},"z":[],"w":{}}`)); len(violations) > 0 {
		t.Errorf("2 levels many times: violated %q", failed(violations))
	}
	for _, body := range []string{`{"x":{"y":[]}}`, `{"x":[],"y":{},"z":[{}]}`} {
		if _, violations := read(t, &Reader{MaxDepth: 2}, post(jsonType, "", body)); failed(violations) != "body_too_deep" {
			t.Errorf("3 of 2 levels: %s: violated %q", body, failed(violations))
		}
	}
}

// counter counts what is read through it.
type counter struct {
	io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

func (*counter) Close() error { return nil }

func TestNoMoreThanTheLimitIsRead(t *testing.T) {
	const limit = 100
	rd := &Reader{MaxBody: limit}
	tests := []struct {
		name          string
		size          int
		contentLength int64
		want          string
		read          int
	}{
		{"at the limit", limit, limit, "", limit},
		{"at the limit, chunked", limit, -1, "", limit},
		{"announced as too large", limit + 1, limit + 1, "body_too_large", 0},
		{"announced as far too large", 10, 1 << 40, "body_too_large", 0},
		{"too large, chunked", 1 << 20, -1, "body_too_large", limit + 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := &counter{Reader: iotest.HalfReader(strings.NewReader("{}" + strings.Repeat(" ", test.size-2)))}
			r := post(jsonType, "", "")
			r.Body, r.ContentLength = body, test.contentLength
			_, violations := read(t, rd, r)
			if got := failed(violations); got != test.want || body.n != test.read {
				t.Errorf("violated %q after %d bytes, want %q after %d", got, body.n, test.want, test.read)
			}
		})
	}
}

func TestABodyInPiecesIsReadWhole(t *testing.T) {
	for name, body := range map[string]io.Reader{
		"byte by byte":      iotest.OneByteReader(strings.NewReader(sample)),
		"data with the end": iotest.DataErrReader(strings.NewReader(sample)),
	} {
		r := post(jsonType, "", "")
		r.Body, r.ContentLength = io.NopCloser(body), -1
		q, violations := read(t, new(Reader), r)
		if len(violations) > 0 || q.Call != call("CA1", "+1555", "+1666") {
			t.Errorf("%s: read %v, violated %s", name, q.Call, failed(violations))
		}
	}
}

func TestALimitBeyondAllMeasureIsALimit(t *testing.T) {
	q, violations := read(t, &Reader{MaxBody: math.MaxInt64}, post(jsonType, "", sample))
	if len(violations) > 0 || q.Call != call("CA1", "+1555", "+1666") {
		t.Errorf("read %v, violated %s", q.Call, failed(violations))
	}
}

func TestAReaderServesSeveralRequestsAtOnce(t *testing.T) {
	rd := new(Reader)
	bodies := map[string]string{"": sample, "gzip": string(gzipOf(t, sample)), "zstd": string(zstdOf(t, sample, true))}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			want := strings.Repeat("x", i+1)
			for range 50 {
				for coding, body := range bodies {
					r := post(jsonType, "destination=%2B1555&note="+want, body)
					r.Header.Set("Content-Encoding", coding)
					if q, violations := read(t, rd, r); len(violations) > 0 || q.Call != call("CA1", "+1555", "+1666") {
						t.Errorf("read %v, violated %s", q.Call, failed(violations))
					}
				}
				q, _ := read(t, rd, post(jsonType, "", `{"destination":"`+want+`"}`))
				if q.Call != call("", want, "") {
					t.Errorf("read %v", q.Call)
				}
			}
		})
	}
	wg.Wait()
}

// TestWhatAServerReadsShort has net/http tell of bodies that do not arrive as
// announced, in its own words.
func TestWhatAServerReadsShort(t *testing.T) {
	tests := []struct{ name, head, body, want string }{
		{"a body that ends early", "Content-Length: 100", `{"callSid":"CA1"}`, "incomplete_body"},
		{"a chunk that ends early", "Transfer-Encoding: chunked", "ff\r\n{}", "incomplete_body"},
		{"no last chunk", "Transfer-Encoding: chunked", "2\r\n{}\r\n", "incomplete_body"},
		{"a chunk of no size", "Transfer-Encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n", "incomplete_body"},
		{"chunks", "Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\nCallSid: x\r\n\r\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, violations, err := new(Reader).Read(r, "abc")
				fmt.Fprintf(w, "%s|%v", failed(violations), err)
			}))
			defer server.Close()
			c, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n%s\r\n\r\n%s", jsonType, test.head, test.body)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if want := test.want + "|<nil>"; err != nil || string(text) != want {
				t.Errorf("told %q, want %q: %v", text, want, err)
			}
		})
	}
}

func TestABodyThatDoesNotArrive(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		err  error
		want string // "" where it is an error
	}{
		{"cut short", t.Context(), io.ErrUnexpectedEOF, "incomplete_body"},
		{"of broken chunks", t.Context(), errBroken, "incomplete_body"},
		{"beyond the limit of another handler", t.Context(), fmt.Errorf("413: %w", &http.MaxBytesError{Limit: 1}), "body_too_large"},
		{"cut short, which ends the context too", gone, io.ErrUnexpectedEOF, "incomplete_body"},
		{"of a client that is gone", gone, errBroken, ""},
		{"on a connection that is reset", t.Context(), &net.OpError{Op: "read", Err: syscall.ECONNRESET}, ""},
		{"on a stream that is reset, before the context ends", t.Context(), errReset, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := post(jsonType, "", "").WithContext(test.ctx)
			r.ContentLength = int64(len(sample))
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(sample), iotest.ErrReader(test.err)))
			rd := &Reader{ClientGone: func(err error) bool { return errors.Is(err, errReset) }}
			q, violations, err := rd.Read(r, "abc")
			if test.want == "" {
				if !errors.Is(err, test.err) || q != nil {
					t.Errorf("read %v with error %v", q, err)
				}
				return
			}
			if err != nil || failed(violations) != test.want || q.Readable || q.Call[rules.Destination].Set {
				t.Errorf("read %v, violated %q, error %v", q, failed(violations), err)
			}
		})
	}
}
