package handler

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
	"github.com/evovoice-gateway/caddy-conference-members/internal/coding"
)

// answer is the response writer that the next handler writes to. It either
// passes the upstream's answer on as it comes, or holds it until it is
// complete and can be made CSV.
//
// What is held never exceeds the cap: an answer that grows beyond it is sent
// on as it came, and so is one whose transcoding fails. After the upstream has
// answered, a phone rings; the client must learn of it whatever happens here.
type answer struct {
	http.ResponseWriter

	x *exchange
	// csv is the representation to make, nil to pass everything on.
	csv *representation

	status  int           // the final status, 0 until known
	doomed  string        // why the body can't be made CSV, if there comes one
	holding bool          // the body is held
	coding  coding.Coding // of the held body
	held    *[]byte       // from package buffer, nil unless holding
	trailer []trailer     // of the held answer, put back once its header is sent
	sent    int64         // bytes of the body sent to the client
}

// WriteHeader decides, on the final status, whether the answer is held.
// Informational statuses are passed on at once; 101 is final, for the
// connection is somebody else's after it (RFC 9110 section 15.2.2).
func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	if status >= 100 && status <= 199 && status != http.StatusSwitchingProtocols {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.status = status
	a.x.headerArrived(status)
	if a.csv == nil {
		a.sendHeader()
		return
	}
	switch d := a.csv.decide(status, a.Header()); {
	case d.reason != "":
		a.doomed = d.reason // the header waits: no body is nothing to be sorry for
	case d.transcode:
		a.holding, a.coding, a.held = true, d.coding, buffer.Take(d.size)
	default:
		a.sendHeader()
	}
}

// begin is called before anything but a status is written.
func (a *answer) begin() error {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.doomed != "" {
		return a.fallBack(a.doomed)
	}
	return nil
}

// Write holds p, or passes it on.
func (a *answer) Write(p []byte) (int, error) {
	if len(p) == 0 && a.status != 0 {
		return 0, nil
	}
	if err := a.begin(); err != nil {
		return 0, err
	}
	if a.holding {
		if int64(len(*a.held))+int64(len(p)) <= a.csv.maxResponse {
			*a.held = append(*a.held, p...)
			return len(p), nil
		}
		if err := a.fallBack(reasonTooLarge); err != nil {
			return 0, err
		}
	}
	return a.send(p)
}

// send sends bytes of the body.
func (a *answer) send(p []byte) (int, error) {
	n, err := a.ResponseWriter.Write(p) //nolint:gosec // the upstream's own bytes under its own Content-Type
	a.sent += int64(n)
	return n, err
}

// ReadFrom is Write for a reader. Where the answer is passed on it lets the
// connection read by itself, so that the kernel can copy.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	if err := a.begin(); err != nil {
		return 0, err
	}
	var n int64
	for a.holding {
		m, err := a.fill(r)
		n += m
		if int64(len(*a.held)) > a.csv.maxResponse {
			if err := a.fallBack(reasonTooLarge); err != nil {
				return n, err
			}
		}
		if err == io.EOF { //nolint:errorlint // a wrapped one is no end
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	m, err := io.Copy(a.ResponseWriter, r)
	a.sent += m
	return n + m, err
}

// fill reads once from r into the free space of the held buffer.
func (a *answer) fill(r io.Reader) (int64, error) {
	held := *a.held
	if len(held) == cap(held) {
		held = append(held, 0)[:len(held)]
	}
	n, err := r.Read(held[len(held):cap(held)])
	*a.held = held[:len(held)+n]
	return int64(n), err
}

// FlushError passes a flush on, except while the answer is held: then there
// is nothing yet that could be sent.
func (a *answer) FlushError() error {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.holding || a.doomed != "" {
		return nil
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Unwrap lets [http.ResponseController] reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// sendHeader sends the header as it stands, but for what is the gateway's own.
func (a *answer) sendHeader() {
	a.x.setOwnFields()
	a.ResponseWriter.WriteHeader(a.status)
}

// finish sends a held answer as CSV or, where that can't be, as it came. The
// next handler has returned.
func (a *answer) finish() error {
	switch {
	case a.status == 0: // nothing written: the server sends an empty 200
		a.x.setOwnFields()
		return nil
	case a.doomed != "":
		a.doomed = ""
		a.sendHeader()
		return nil
	case !a.holding:
		return nil
	case len(*a.held) == 0: // no body, nothing to transcode
		a.release()
		a.sendHeader()
		return nil
	}
	out := buffer.Take(0)
	defer buffer.Give(out)

	started := time.Now()
	reason := a.csv.transcode(out, *a.held, a.coding, a.status)
	a.x.transcoded(time.Since(started))
	if reason == reasonMalformed && a.shorterThanDeclared() {
		reason = reasonTruncated
	}
	if reason != "" {
		return a.fallBack(reason)
	}
	a.release()
	a.takeTrailers(true)
	a.x.describe(a.Header(), a.status)
	if len(a.trailer) == 0 {
		a.Header().Set("Content-Length", strconv.Itoa(len(*out)))
	}
	a.sendHeader()
	_, err := a.send(*out)
	a.putBackTrailers()
	return err
}

// breakOff sends on what is held of an answer that the next handler did not
// complete, so that the client sees it break where it broke.
func (a *answer) breakOff() {
	if a.x != nil && a.x.r.Context().Err() != nil { // nobody is there to see it
		if a.holding {
			a.release()
		}
		a.doomed = ""
		return
	}
	if (a.holding || a.doomed != "") && a.fallBack(orDefault(a.doomed, reasonTruncated)) == nil {
		// The answer is lost already, and so is the error.
		_ = a.FlushError()
	}
}

// fallBack sends the upstream's answer as it came, with the reason.
func (a *answer) fallBack(reason string) error {
	held := a.held
	a.held, a.holding, a.doomed = nil, false, ""
	a.x.fellBackFor(reason, a.status)
	a.Header().Set(transcodeError, reason)
	a.takeTrailers(false)
	a.sendHeader()
	if held == nil {
		a.putBackTrailers()
		return nil
	}
	defer buffer.Give(held)
	_, err := a.send(*held)
	a.putBackTrailers()
	return err
}

// release lets go of what is held.
func (a *answer) release() {
	buffer.Give(a.held)
	a.held, a.holding = nil, false
}

// shorterThanDeclared reports whether less than Content-Length was held.
func (a *answer) shorterThanDeclared() bool {
	n, err := strconv.ParseInt(a.Header().Get("Content-Length"), 10, 64)
	return err == nil && int64(len(*a.held)) < n
}
