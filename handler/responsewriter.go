package handler

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
	"github.com/evovoice-gateway/caddy-conference-members/internal/coding"
)

// responseWriter is what the next handler writes its response to. It either passes
// the upstream's response on as it comes, or holds it until it is complete and can
// be transcoded to CSV.
//
// What is held never exceeds the cap: a response that grows beyond it is sent
// on as it came, and so is one whose transcoding fails. After the upstream has
// responded, a phone rings; the client must learn of it whatever happens here.
type responseWriter struct {
	exchange  *exchange // to the client of which it writes
	placement           // what the upstream did
	delivery            // what the client got

	lines     lines
	csv       *representation // nil to pass everything on
	captured  *captured       // nil unless values are captured
	recording *recording      // nil unless the response is kept

	dials          bool          // behind this handler a phone may ring
	nests          bool          // the next handler has another one of this module behind it
	broken         bool          // the next handler did not complete the response
	holding        bool          // the body is held
	coding         coding.Coding // of the held body
	held           *[]byte       // from package buffer, nil unless holding
	body           *callBody     // that is forwarded, nil if it is the client's own
	waited         time.Duration // from the request's arrival to its being forwarded
	fallbackReason string        // why the body, if there is one, can't be transcoded
	trailer        []trailer     // of the held response, put back once its header is sent
}

// delivery is what the client got.
type delivery struct {
	begun     bool          // its header was sent
	sent      int64         // bytes of the body
	lost      error         // why the client did not get all of a response that is kept
	transcode time.Duration // 0 if nothing was transcoded
	fallback  string        // why the response was not transcoded, empty if it was or need not be
}

// lines has room for the values of a few fields of one line, so that setting them
// allocates nothing. No two headers share one, because a handler may change the
// values that it finds in a header.
type lines struct {
	room [5]string
	used int
}

// set sets a field of a header. Its name is canonical.
func (l *lines) set(h http.Header, name, value string) {
	if l.used == len(l.room) {
		h.Set(name, value)
		return
	}
	line := l.room[l.used : l.used+1 : l.used+1]
	line[0] = value
	h[name] = line
	l.used++
}

// startTimer begins the upstream's time.
func (w *responseWriter) startTimer() {
	w.forwarded, w.waited = true, time.Since(w.exchange.started)
}

// stopTimer ends the upstream's time: the header of a response of this status has
// arrived, or none will, and the status is 0. The time is counted now, because the body
// may take any time.
func (w *responseWriter) stopTimer(status int) {
	x := w.exchange
	w.upstream = time.Since(x.started) - w.waited
	if clientLeft(x.r, status) {
		status = 0
	}
	if w.nests {
		return
	}
	x.h.metrics.UpstreamResponded(status, w.upstream, traceID(x.span))
}

// WriteHeader decides, on the final status, whether the response is held.
// Informational statuses are passed on at once. 101 is final, because the connection
// then changes its protocol (RFC 9110 section 15.2.2).
func (w *responseWriter) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status >= 100 && status <= 199 && status != http.StatusSwitchingProtocols {
		w.exchange.w.WriteHeader(status)
		return
	}
	w.status = status
	if w.forwarded {
		w.stopTimer(status)
	}
	w.captured = capturedOf(w.exchange.h.captures, status, w.Header())
	if w.recording != nil {
		w.recording.note(w.Header())
	}
	if w.csv == nil {
		w.sendHeader()
		return
	}
	switch d := w.csv.decide(status, w.Header()); {
	case d.reason != "":
		w.fallbackReason = d.reason // defer the fallback: an empty body needs none
	case d.transcode:
		w.holding, w.coding, w.held = true, d.coding, buffer.Take(d.size)
	default:
		w.sendHeader()
	}
}

// begin is called before anything but a status is written.
func (w *responseWriter) begin() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.fallbackReason != "" {
		return w.fallBack(w.fallbackReason)
	}
	return nil
}

// Write holds p, or passes it on.
func (w *responseWriter) Write(p []byte) (int, error) {
	if w.recording != nil {
		return w.record(p)
	}
	return w.write(p)
}

// write holds p, or passes it on.
func (w *responseWriter) write(p []byte) (int, error) {
	if len(p) == 0 && w.status != 0 {
		return 0, nil
	}
	if err := w.begin(); err != nil {
		return 0, err
	}
	if w.holding {
		if int64(len(*w.held))+int64(len(p)) <= w.csv.maxResponse {
			*w.held = append(*w.held, p...)
			return len(p), nil
		}
		if err := w.fallBack(reasonTooLarge); err != nil {
			return 0, err
		}
	}
	return w.send(p)
}

// send sends bytes of the body.
func (w *responseWriter) send(p []byte) (int, error) {
	w.captured.see(p)
	return w.sendUnseen(p)
}

// sendUnseen sends bytes that captures do not look at.
func (w *responseWriter) sendUnseen(p []byte) (int, error) {
	n, err := w.exchange.w.Write(p) //nolint:gosec // the upstream's response, in its own type
	w.sent += int64(n)
	return n, err
}

// ReadFrom is Write for a reader. Where the response is passed on it lets the
// connection read by itself, so that the kernel can copy.
func (w *responseWriter) ReadFrom(r io.Reader) (int64, error) {
	if w.recording != nil {
		return w.recordFrom(r)
	}
	if err := w.begin(); err != nil {
		return 0, err
	}
	var n int64
	for w.holding {
		m, err := w.fill(r)
		n += m
		if int64(len(*w.held)) > w.csv.maxResponse {
			if err := w.fallBack(reasonTooLarge); err != nil {
				return n, err
			}
		}
		if err == io.EOF { //nolint:errorlint // a wrapped one is not the end
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	if room := w.captured.room(); room > 0 {
		m, err := io.Copy(w.exchange.w, io.TeeReader(io.LimitReader(r, int64(room)), w.captured))
		w.sent += m
		n += m
		if err != nil || m < int64(room) {
			return n, err
		}
		w.captured.whole = false // perhaps; what is wholly in it is found even so
	}
	m, err := io.Copy(w.exchange.w, r)
	w.sent += m
	return n + m, err
}

// fill reads once from r into the free space of the held buffer.
func (w *responseWriter) fill(r io.Reader) (int64, error) {
	held := *w.held
	if len(held) == cap(held) {
		held = append(held, 0)[:len(held)]
	}
	n, err := r.Read(held[len(held):cap(held)])
	*w.held = held[:len(held)+n]
	return int64(n), err
}

// FlushError passes a flush on, except while the response is held: then there
// is nothing yet that could be sent.
func (w *responseWriter) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.holding || w.fallbackReason != "" {
		return nil
	}
	err := http.NewResponseController(w.exchange.w).Flush()
	if w.recording == nil || errors.Is(err, http.ErrNotSupported) { // by a handler in front, which flushes when it likes
		return err
	}
	return w.undelivered(err)
}

// Header returns the header of the response to the client.
func (w *responseWriter) Header() http.Header { return w.exchange.w.Header() }

// Unwrap lets [http.ResponseController] reach the connection.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.exchange.w }

// sendHeader sends the header as it is, with the gateway's own fields.
func (w *responseWriter) sendHeader() {
	w.begun = true
	w.setGatewayHeaders(w.fate(nil))
	w.exchange.w.WriteHeader(w.status)
}

// finish sends a held response as CSV or, where that can't be, as it came. The
// next handler has returned.
func (w *responseWriter) finish() error {
	switch {
	case w.lost != nil:
		if w.holding {
			w.release()
		}
		return w.lost
	case w.status == 0: // nothing written: the server sends an empty 200
		w.setGatewayHeaders(w.fate(nil))
		return nil
	case w.fallbackReason != "":
		w.fallbackReason = ""
		w.sendHeader()
		return nil
	case !w.holding:
		return nil
	case len(*w.held) == 0: // no body, nothing to transcode
		w.release()
		w.sendHeader()
		return nil
	}
	w.captured.see(*w.held)
	w.captured.finish(true)
	out := buffer.Take(0)
	defer buffer.Give(out)

	started := time.Now()
	reason := w.csv.transcode(out, *w.held, w.coding, w.status, w.exchange.at.operation)
	w.transcode = time.Since(started)
	if reason == reasonMalformed && w.shorterThanDeclared() {
		reason = reasonTruncated
	}
	if reason != "" {
		w.unpackFor(reason)
		return w.fallBack(reason)
	}
	w.release()
	w.takeTrailers(true)
	w.csv.describe(w.Header(), w.status, w.exchange.r, &w.lines)
	if len(w.trailer) == 0 {
		w.lines.set(w.Header(), "Content-Length", strconv.Itoa(len(*out)))
	}
	w.sendHeader()
	_, err := w.sendUnseen(*out)
	w.putBackTrailers()
	return err
}

// flushPartial sends on what is held of a response that the next handler did not
// complete, so that the client sees it break where it broke.
func (w *responseWriter) flushPartial() {
	if w.broken = true; w.exchange == nil {
		return
	}
	if w.exchange.r.Context().Err() != nil { // the client is gone
		if w.holding {
			w.release()
		}
		w.fallbackReason = ""
		return
	}
	if (w.holding || w.fallbackReason != "") && w.fallBack(orDefault(w.fallbackReason, reasonTruncated)) == nil {
		// The response is lost already, and so is the error.
		_ = w.FlushError()
	}
}

// fallBack sends the upstream's response as it came, with the reason.
func (w *responseWriter) fallBack(reason string) error {
	held := w.held
	w.held, w.holding, w.fallbackReason = nil, false, ""
	w.fallback = reason
	w.Header().Set(transcodeError, reason)
	w.takeTrailers(false)
	w.sendHeader()
	if held == nil {
		w.putBackTrailers()
		return nil
	}
	defer buffer.Give(held)
	_, err := w.send(*held)
	w.putBackTrailers()
	return err
}

// unpackFor unpacks what is held, complete, if it was asked for in a coding that
// the client does not accept. What can't be unpacked stays as it came.
func (w *responseWriter) unpackFor(reason string) {
	h := w.Header()
	if reason == reasonEncoded || coding.Acceptable(w.exchange.r.Header["Accept-Encoding"], h["Content-Encoding"]) {
		return
	}
	plain := buffer.Take(0)
	if w.coding.Unpack(plain, *w.held, w.csv.maxResponse) != nil {
		buffer.Give(plain)
		return
	}
	buffer.Give(w.held)
	w.held = plain
	deleteAll(h, representationHeaders)
	if tag := firstLine(h, "Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		h.Set("Etag", "W/"+tag)
	}
}

// release gives back the held buffer.
func (w *responseWriter) release() {
	buffer.Give(w.held)
	w.held, w.holding = nil, false
}

// shorterThanDeclared reports whether less than Content-Length was held.
func (w *responseWriter) shorterThanDeclared() bool {
	n, err := strconv.ParseInt(firstLine(w.Header(), "Content-Length"), 10, 64)
	return err == nil && int64(len(*w.held)) < n
}
