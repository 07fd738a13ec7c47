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

	// The header of the response, as the next handler wrote it. A handler in front, such
	// as encode, changes it when it is sent.
	noted                 bool
	contentType, location string
	coding                coding.Coding
	coded                 bool  // in a coding that can be unpacked, or in none
	length                int64 // of the body, -1 if it is not declared
}

// start makes room for a body of which at most limit bytes are kept.
func (rec *recording) start(limit int) {
	rec.body, rec.max, rec.noted = buffer.Take(0), limit, false
}

// note keeps what is needed of the header, before it is sent.
func (rec *recording) note(h http.Header) {
	rec.noted, rec.contentType, rec.location = true, firstLine(h, "Content-Type"), firstLine(h, "Location")
	rec.coding, rec.coded = coding.Of(h["Content-Encoding"])
	n, err := strconv.ParseInt(firstLine(h, "Content-Length"), 10, 64)
	if err != nil {
		n = -1
	}
	rec.length = n
}

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
	if !rec.noted { // the next handler wrote nothing
		rec.note(h)
	}
	return status == http.StatusNoContent || status == http.StatusNotModified || rec.size >= rec.length
}

// response is what is kept of a response. Its body is lent until it is called again, and
// until release.
func (rec *recording) response(status int, h http.Header, format string) idempotency.Response {
	if !rec.noted {
		rec.note(h)
	}
	kept := idempotency.Response{Status: status, Format: format, ContentType: rec.contentType, Location: rec.location}
	switch {
	case rec.size > int64(rec.max), !rec.coded, status == http.StatusSwitchingProtocols: // what follows a 101 is no body
		kept.TooLarge = true
	case rec.coding == coding.Identity || rec.size == 0:
		kept.Body = *rec.body
	default:
		if rec.unpacked == nil { // the guard against duplicates has asked before
			rec.unpacked = buffer.Take(0)
		}
		kept.TooLarge = rec.coding.Unpack(rec.unpacked, *rec.body, int64(rec.max)) != nil
		kept.Body = *rec.unpacked
	}
	return kept
}
