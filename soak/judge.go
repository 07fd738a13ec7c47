package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// none is the format of an outcome that has none, and the class of no response.
const none = "none"

// clientGone is the outcome of a request whose client left.
const clientGone = "client_gone"

// inDoubt reports whether nobody knows how far the request got: its client left at
// any moment, or a reload closed its connection. The client must be done.
func (x *exchange) inDoubt() bool {
	if x.response.complete() {
		return false
	}
	switch x.leave {
	case atAnyTime, inTheRequest:
		return true
	case stay, whileHeld, inTheResponse:
	}
	return x.response.closed && (x.entered == 0 || !x.want.breaks)
}

// judge returns what is wrong with an exchange that is over.
func (x *exchange) judge() []string {
	wrong := x.judgeHops()
	if x.panicked {
		wrong = append(wrong, "a handler panicked")
	}
	if !x.inDoubt() {
		wrong = append(wrong, x.judgeResponse()...)
	}
	return wrong
}

// judgeHops holds how often the request came to the gateway and to the upstream,
// what the upstream bound, and the outcome.
func (x *exchange) judgeHops() []string {
	var wrong []string
	note := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }

	arrivals := 0
	if x.want.arrives {
		arrivals = 1
	}
	if x.want.rows != nil {
		arrivals = x.judgeRowsBound(note)
	}
	outcomes := []string{x.want.outcome}
	if x.inDoubt() {
		outcomes = append(outcomes, clientGone)
		if x.response.closed { // what is written to a closed connection breaks off
			outcomes = append(outcomes, "aborted")
		}
		if x.entered > 1 || x.arrived > arrivals || x.entered == 0 && x.arrived > 0 {
			note("%d times at the gateway and %d times at the upstream, want once at most and %d", x.entered, x.arrived, arrivals)
		}
	} else if x.entered != 1 || x.arrived != arrivals {
		note("%d times at the gateway and %d times at the upstream, want once and %d", x.entered, x.arrived, arrivals)
	}
	if x.entered > 0 && !slices.Contains(outcomes, x.outcome) {
		note("the outcome is %q, want %s", x.outcome, strings.Join(outcomes, " or "))
	}
	switch {
	case x.want.rows != nil:
	case x.bound == nil && x.want.bound != nil && x.arrived > 0 && x.leave == stay && !x.inDoubt():
		note("the upstream bound nothing, want %s", x.want.bound)
	case x.bound != nil && x.want.bound == nil:
		note("the upstream bound %s, want nothing", x.bound)
	case x.bound != nil && x.bound.String() != x.want.bound.String():
		note("the upstream bound %s, want %s", x.bound, x.want.bound)
	}
	return wrong
}

// judgeResponse holds that the client's response is the right one.
func (x *exchange) judgeResponse() []string {
	var wrong []string
	note := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	resp := x.response

	if x.leave == whileHeld || x.leave == inTheResponse {
		if !resp.gone {
			note("there is a response (status %d, error %v), and the client was to leave", resp.status, resp.err)
		}
		return wrong
	}
	switch {
	case x.want.breaks && resp.err == nil:
		note("the response did not break off")
	case !x.want.breaks && resp.err != nil:
		note("the response broke off (status %d): %v", resp.status, resp.err)
		return wrong
	}
	if resp.status == 0 { // broken off before its header
		return wrong
	}
	if resp.status != x.want.status {
		note("the status is %d, want %d; the body is %s", resp.status, x.want.status, start(resp.body))
		return wrong
	}
	for name, values := range x.want.header {
		if !slices.Equal(resp.header.Values(name), values) {
			note("%s: %q, want %q", name, resp.header.Values(name), values)
		}
	}
	if x.want.outcome != "" && !slices.Contains(resp.header.Values("Vary"), "Accept") {
		note("Vary: %q, want Accept among them", resp.header.Values("Vary"))
	}
	if got := resp.header.Get("Content-Type"); !x.want.breaks && got != x.want.contentType {
		note("Content-Type: %q, want %q", got, x.want.contentType)
	}
	if w := x.want.body(resp); w != "" {
		note("%s", w)
	}
	return wrong
}

// post posts what an exchange that is over adds to the metrics.
func (x *exchange) post(l ledger) {
	if x.outcome == "" {
		return
	}
	w, sure := &x.want, !x.inDoubt()
	once := exactly(1)
	if !sure {
		once.lo = 0
	}
	format := w.format
	if x.outcome != w.outcome && format == none {
		format = w.negotiated
	}
	l.post("requests_total", exactly(1), "format", format, "outcome", x.outcome)
	x.postCall(l)
	l.post("request_duration_seconds_count", exactly(1), "outcome", x.outcome)

	for _, f := range w.failures {
		l.post("validation_failures_total", once, "field", f.field, "rule", f.rule, "mode", f.mode)
	}
	forwarded := once
	if x.arrived > 0 {
		forwarded = exactly(1)
	}
	if slices.ContainsFunc(w.failures, func(f failure) bool { return f.mode == report }) {
		l.post("would_refuse_total", forwarded)
	}
	if w.kind != "" {
		l.post("destinations_total", forwarded, "kind", w.kind, "country", w.country)
	}
	if w.class != "" {
		x.postClass(l, forwarded, sure)
	}
	x.postRows(l, once)
	if w.key != "" {
		postKey(l, w.key, once)
	}
	if w.transcoded {
		l.post("transcode_duration_seconds_count", once)
	}
	if w.fallback != "" {
		l.post("transcode_fallbacks_total", once, "reason", w.fallback)
	}
	if w.read {
		l.post("request_body_bytes_count", once)
		size := span{0, float64(len(x.request.body))}
		if sure && w.arrives {
			size.lo = size.hi // what is refused may not have been read
		}
		l.post("request_body_bytes_sum", size)
	}
	if !w.notOurs {
		l.post("response_body_bytes_count", once, "format", format)
		size := exactly(float64(len(x.response.body)))
		if !x.response.complete() {
			size.hi = float64(max(w.most, len(x.response.body)))
		}
		l.post("response_body_bytes_sum", size, "format", format)
	}
}

// postKey posts what became of an idempotency key.
func postKey(l ledger, result string, times span) {
	l.post("idempotency_total", times, "result", result)
	postStore(l, result, times)
}

// postStore posts how often the store was used for a key.
func postStore(l ledger, result string, times span) {
	l.post("store_duration_seconds_count", times, "op", "begin")
	if result == "new" {
		l.post("store_duration_seconds_count", times, "op", "replace")
	}
}

// postCall posts what became of the call. If the client left, only the gateway knows.
func (x *exchange) postCall(l ledger) {
	const name = "calls_total"
	call := "not-dialled"
	switch x.outcome {
	case "bulk", "checked": // no call
		return
	case "client_gone":
		total := l[name]
		for _, c := range []string{"not-dialled", "dialled", "unknown"} {
			l.post(name, span{0, 1}, "call", c)
		}
		l[name] = span{total.lo + 1, total.hi + 1}
		return
	case "ok", "fallback", "replayed":
		call = "dialled"
	case "passed":
		if x.request.method != http.MethodOptions {
			call = "dialled"
		}
	case "no_response", "timeout", "aborted", "upstream_5xx":
		call = "unknown"
	}
	l.post(name, exactly(1), "call", call)
}

// postClass posts the class of the upstream's status. There is none if the
// client left before the header came.
func (x *exchange) postClass(l ledger, forwarded span, sure bool) {
	const name = "upstream_duration_seconds_count"
	if sure {
		l.post(name, forwarded, "code_class", x.want.class)
		return
	}
	// It is counted in one of the two series, and once in their total.
	total := l[name]
	for _, class := range slices.Compact([]string{x.want.class, none}) {
		l.post(name, span{0, forwarded.hi}, "code_class", class)
	}
	l[name] = span{total.lo + forwarded.lo, total.hi + forwarded.hi}
}

// exact holds that the body is this one, which is made when it is needed.
func exact(want func() []byte) func(*response) string {
	return func(resp *response) string {
		got, err := unpacked(resp)
		if err != nil {
			return err.Error()
		}
		if w := want(); !bytes.Equal(got, w) {
			return difference(got, w)
		}
		return ""
	}
}

// containing holds that the body has a text in it.
func containing(text string) func(*response) string {
	return func(resp *response) string {
		if !bytes.Contains(resp.body, []byte(text)) {
			return fmt.Sprintf("the body is %s, want %q in it", start(resp.body), text)
		}
		return ""
	}
}

// beginning holds that the body is the beginning of this one.
func beginning(want func() []byte) func(*response) string {
	return func(resp *response) string {
		if w := want(); !bytes.HasPrefix(w, resp.body) {
			return difference(resp.body, w[:min(len(w), len(resp.body))])
		}
		return ""
	}
}

// unpacked returns the body without its content coding.
func unpacked(resp *response) ([]byte, error) {
	switch resp.header.Get("Content-Encoding") {
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(resp.body))
		if err != nil {
			return nil, fmt.Errorf("unpacking: %w", err)
		}
		var plain bytes.Buffer
		_, err = plain.ReadFrom(z)
		return plain.Bytes(), err
	case "zstd":
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return z.DecodeAll(resp.body, nil)
	}
	return resp.body, nil
}

// difference says where two bodies differ first.
func difference(got, want []byte) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	from := max(0, at-20)
	return fmt.Sprintf("the body (%d bytes, want %d) is wrong from byte %d: %s, want %s",
		len(got), len(want), at, start(got[from:]), start(want[from:]))
}

// start returns the start of a body, for people.
func start(b []byte) string {
	const most = 60
	if len(b) > most {
		return fmt.Sprintf("%q...", b[:most])
	}
	return fmt.Sprintf("%q", b)
}

// refusal holds that the body is a refusal for just these failures, in the order
// in which they are reported.
func refusal(status int, failures []failure) func(*response) string {
	return func(resp *response) string {
		var p struct {
			Status int `json:"status"`
			Errors []struct {
				Field, Rule string
			} `json:"errors"`
		}
		if err := json.Unmarshal(resp.body, &p); err != nil {
			return fmt.Sprintf("the refusal is no JSON: %v", err)
		}
		var got []failure
		for _, e := range p.Errors {
			if e.Field == "" {
				e.Field = none
			}
			got = append(got, failure{e.Field, e.Rule, enforce})
		}
		if p.Status != status || !slices.Equal(got, failures) {
			return fmt.Sprintf("refused with %d for %v, want %d for %v", p.Status, got, status, failures)
		}
		return ""
	}
}

// refusalCSV holds that the body is a refusal in CSV, for the code of a rule.
func refusalCSV(code string) func(*response) string {
	return func(resp *response) string {
		header, cell, ok := strings.Cut(string(resp.body), "\r\n")
		if !ok || !strings.EqualFold(header, "ResponseStatus") || !strings.Contains(cell, code) {
			return fmt.Sprintf("the refusal is %s, want ResponseStatus and %s in it", start(resp.body), code)
		}
		return ""
	}
}

// bound returns what the upstream is to bind.
func bound(id string, c *call) *upstreamtest.Bound {
	b := &upstreamtest.Bound{SessionID: &id, Destination: &c.bound}
	if c.callSID != "" {
		b.CallSID = &c.callSID
	}
	if c.from != "" {
		b.FromNumber = &c.from
	}
	return b
}

// nothing holds that there is no body.
func nothing(resp *response) string {
	if len(resp.body) > 0 {
		return fmt.Sprintf("the body is %s, want none", start(resp.body))
	}
	return ""
}
