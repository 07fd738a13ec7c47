package upstreamtest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/klauspost/compress/zstd"
)

// delivery sends one response.
type delivery struct {
	u   *Upstream
	w   http.ResponseWriter
	r   *http.Request
	rec *Received
	f   *Fault
}

// send sends the natural response, with the fault applied.
func (d *delivery) send(resp *response) {
	if d.hold() != nil {
		d.giveUp()
	}
	if d.f.Drop != "" && d.f.Cut == 0 {
		d.drop()
		return
	}
	if d.f.Raw != "" {
		d.hijack(func(c net.Conn, _ *bufio.ReadWriter) { _, _ = io.WriteString(c, d.f.Raw) })
		return
	}
	if d.f.Upgrade != "" {
		d.upgrade()
		return
	}
	resp.apply(&d.f.Reply)
	d.u.change(func() { d.rec.Status = resp.status })
	for _, i := range d.f.Informational {
		d.inform(i)
	}
	d.write(resp)
}

// hold waits for as long as the fault says.
func (d *delivery) hold() error {
	ctx := d.r.Context()
	if err := d.u.pass(ctx, d.f.Gate); err != nil {
		return err
	}
	if d.f.Delay <= 0 {
		return nil
	}
	t := time.NewTimer(d.f.Delay)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// giveUp ends a request whose client did not wait.
func (d *delivery) giveUp() {
	d.u.change(func() {
		d.rec.Canceled = true
		d.u.stats.Canceled++
	})
	panic(http.ErrAbortHandler)
}

// apply changes the response as a reply says, except for what concerns only the
// sending.
func (resp *response) apply(r *Reply) {
	if r.Status != 0 && r.Status != resp.status {
		resp.status, resp.reason = r.Status, ""
	}
	if r.Reason != "" {
		resp.reason = r.Reason
	}
	if r.Body != nil {
		resp.body = []byte(*r.Body)
		resp.header.Del("Content-Length")
	}
	if r.Encoding != "" {
		resp.body = pack(r.Encoding, resp.body)
		resp.header.Set("Content-Encoding", r.Encoding)
		resp.header.Del("Content-Length")
	}
	for name, values := range r.Header {
		name = http.CanonicalHeaderKey(name)
		resp.header[name] = values
		if len(values) == 0 {
			delete(resp.header, name)
		}
	}
	if r.Length != nil {
		n := *r.Length
		if n < 0 {
			n = int64(len(resp.body)) * int64(max(r.Repeat, 1))
		}
		resp.header.Set("Content-Length", strconv.FormatInt(n, 10))
	}
}

// pack packs b with a content coding; an unknown one leaves it as it is.
func pack(coding string, b []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		// The zlib format, RFC 9110 section 8.4.1.2.
		w = zlib.NewWriter(&out)
	case "zstd":
		z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return b
		}
		w = z
	default:
		return b
	}
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// write sends status line, header, body and trailer.
func (d *delivery) write(resp *response) {
	if d.lies(resp) && d.r.ProtoMajor == 1 {
		d.hijack(func(c net.Conn, _ *bufio.ReadWriter) { d.writeRaw(c, resp) })
		return
	}
	rc := http.NewResponseController(d.w)
	d.head(resp)
	if d.chunked(resp) {
		_ = rc.Flush()
	}
	if d.f.Drop != "" {
		_, _ = d.w.Write(resp.body[:min(max(d.f.Cut, 0), len(resp.body))])
		_ = rc.Flush()
		d.drop()
		return
	}
	d.writeBody(resp, rc)
	for name, values := range d.f.Trailer {
		d.w.Header()[http.CanonicalHeaderKey(name)] = values
	}
}

// lies reports whether the declared length is not that of the body.
func (d *delivery) lies(resp *response) bool {
	return d.f.Length != nil && *d.f.Length >= 0 && *d.f.Length != int64(len(resp.body))*int64(max(d.f.Repeat, 1)) &&
		d.r.Method != http.MethodHead
}

// chunked reports whether the body is sent in chunks, as the server sends
// every body whose length it does not declare.
func (d *delivery) chunked(resp *response) bool {
	return resp.header.Get("Content-Length") == "" && d.r.Method != http.MethodHead &&
		(len(resp.body) > 0 || len(d.f.Parts) > 0 || d.f.Body != nil)
}

// head sends status line and header.
func (d *delivery) head(resp *response) {
	h := d.w.Header()
	if len(resp.header["Content-Type"]) == 0 {
		h["Content-Type"] = nil // not to be guessed from the body
	}
	maps.Copy(h, resp.header)
	for name := range d.f.Trailer {
		h.Add("Trailer", http.CanonicalHeaderKey(name))
	}
	if c := connOf(d.r.Context()); c != nil && resp.reason != "" {
		status := fmt.Sprintf("%03d %s", resp.status, resp.reason)
		c.status.Store(&status)
	}
	d.w.WriteHeader(resp.status)
}

// writeBody sends the body, in parts or repeated.
func (d *delivery) writeBody(resp *response, rc *http.ResponseController) {
	if len(d.f.Parts) == 0 {
		for range max(d.f.Repeat, 1) {
			if _, err := d.w.Write(resp.body); err != nil {
				return
			}
		}
		return
	}
	for i, part := range d.f.Parts {
		if i > 0 && d.u.pass(d.r.Context(), d.f.PartGate) != nil {
			d.giveUp()
		}
		if _, err := io.WriteString(d.w, part); err != nil {
			return
		}
		_ = rc.Flush()
	}
}

// writeRaw sends a response whose Content-Length is not the length of its body,
// which net/http would not do.
func (d *delivery) writeRaw(w io.Writer, resp *response) {
	reason := resp.reason
	if reason == "" {
		reason = http.StatusText(resp.status)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %03d %s\r\n", resp.status, reason)
	_ = resp.header.Write(&b)
	b.WriteString("\r\n")
	_, _ = w.Write(b.Bytes())
	for range max(d.f.Repeat, 1) {
		if _, err := w.Write(resp.body); err != nil {
			return
		}
	}
}

// inform sends an interim response.
func (d *delivery) inform(i Informational) {
	h := d.w.Header()
	for name, values := range i.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	d.w.WriteHeader(i.Status)
	clear(h)
}

// upgrade switches protocols and echoes until the client has had enough.
func (d *delivery) upgrade() {
	d.u.change(func() { d.rec.Status = http.StatusSwitchingProtocols })
	d.hijack(func(c net.Conn, rw *bufio.ReadWriter) {
		defer context.AfterFunc(d.r.Context(), func() { _ = c.Close() })()
		_, err := fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", d.f.Upgrade)
		if err == nil {
			_, _ = io.Copy(c, rw)
		}
	})
}

// drop ends the connection.
func (d *delivery) drop() {
	if d.f.Drop == DropReset {
		if c := connOf(d.r.Context()); c != nil {
			c.reset()
		}
	}
	d.hijack(func(net.Conn, *bufio.ReadWriter) {})
}

// hijack takes the connection over for f and closes it then. Where it can't be
// taken over, which is HTTP/2, the stream is reset.
func (d *delivery) hijack(f func(net.Conn, *bufio.ReadWriter)) {
	c, rw, err := http.NewResponseController(d.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = c.Close() }()
	f(c, rw)
}
