package handler

import (
	"io"
	"net/http"
	"strconv"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
	"github.com/evovoice-gateway/caddy-conference-members/internal/coding"
)

// recording keeps the body of a response while it is delivered. Whether the client
// takes it makes no difference to what is kept: a client that is gone is the one
// that asks again.
type recording struct {
	body     *[]byte // from package buffer
	unpacked *[]byte // likewise, nil unless the body came in a coding
	size     int64   // of the whole body
	max      int     // what is kept, in bytes
}

// start makes room for a body of which at most limit bytes are kept.
func (rec *recording) start(limit int) { rec.body, rec.max = buffer.Take(0), limit }

// release gives the room back.
func (rec *recording) release() {
	buffer.Give(rec.body)
	if rec.unpacked != nil {
		buffer.Give(rec.unpacked)
	}
}

// record keeps p and holds it, or passes it on. To the next handler it never fails.
func (w *responseWriter) record(p []byte) (int, error) {
	rec := w.recording
	rec.size += int64(len(p))
	if rec.size <= int64(rec.max) {
		*rec.body = append(*rec.body, p...)
	}
	if w.lost == nil {
		_, err := w.write(p)
		_ = w.undelivered(err)
	}
	return len(p), nil
}

// recordFrom is record for a reader.
func (w *responseWriter) recordFrom(r io.Reader) (int64, error) {
	const size = 32 << 10
	b := buffer.Take(size)
	defer buffer.Give(b)
	return io.CopyBuffer(onlyWriter{w}, r, (*b)[:size])
}

// onlyWriter hides that a writer can read.
type onlyWriter struct{ io.Writer }

// undelivered notes that the client did not get the response, and hides it from the
// next handler.
func (w *responseWriter) undelivered(err error) error {
	if w.lost == nil {
		w.lost = err
	}
	return nil
}

// complete reports whether the whole body came, by the length in its header.
func (rec *recording) complete(status int, h http.Header) bool {
	if status == http.StatusNoContent || status == http.StatusNotModified {
		return true
	}
	n, err := strconv.ParseInt(firstLine(h, "Content-Length"), 10, 64)
	return err != nil || rec.size >= n
}

// response is what is kept of a response. Its body is lent until it is called again, and
// until release.
func (rec *recording) response(status int, h http.Header, format string) idempotency.Response {
	kept := idempotency.Response{
		Status: status, Format: format, ContentType: firstLine(h, "Content-Type"), Location: firstLine(h, "Location"),
	}
	packed, ok := coding.Of(h["Content-Encoding"])
	switch {
	case rec.size > int64(rec.max), !ok, status == http.StatusSwitchingProtocols: // what follows a 101 is no body
		kept.TooLarge = true
	case packed == coding.Identity || rec.size == 0:
		kept.Body = *rec.body
	default:
		if rec.unpacked == nil { // the guard against duplicates has asked before
			rec.unpacked = buffer.Take(0)
		}
		kept.TooLarge = packed.Unpack(rec.unpacked, *rec.body, int64(rec.max)) != nil
		kept.Body = *rec.unpacked
	}
	return kept
}
