package handler

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// rowResult is what became of a row.
type rowResult struct {
	Row     int                `json:"row"`
	Ref     string             `json:"ref"`
	Status  int                `json:"status,omitempty"` // 0 if the row was not attempted
	Outcome metrics.RowOutcome `json:"outcome"`
	Rule    string             `json:"rule"`
	Detail  string             `json:"detail"`
	// Warnings are those of a call that was not refused, see [verdict].
	Warnings []problemError  `json:"warnings,omitempty"`
	Session  json.RawMessage `json:"session,omitempty"` // of the response, valid only until the next row
}

// resultColumns are the columns of results in CSV, before those of the session.
var resultColumns = []string{"row", "ref", "status", "outcome", "rule", "detail"}

// resultWriter writes results in one format. Each method appends to out what is to
// be sent.
type resultWriter interface {
	contentType() string
	begin(out []byte) []byte
	row(out []byte, r *rowResult) []byte
	end(out []byte, rows *rowCounts, stopped string) []byte
}

// results sends the results of an upload, each as soon as it is there.
type results struct {
	*exchange
	format resultWriter
	sink   *responseWriter
	body   *[]byte // the response to a row, until the next one
	plain  *[]byte // the same, unpacked
	out    *[]byte // what is sent next
}

// newResults chooses the format. Close them.
func (x *exchange) newResults() *results {
	s := &results{exchange: x, sink: x.writer(nil), body: buffer.Take(0), plain: buffer.Take(0), out: buffer.Take(0)}
	switch {
	case x.wanted.csv != nil:
		s.format = csvResults{x.wanted.csv}
	case x.wanted.lines:
		s.format = lineResults{}
	default:
		s.format = new(listResults)
	}
	return s
}

func (s *results) close() {
	buffer.Give(s.body)
	buffer.Give(s.plain)
	buffer.Give(s.out)
}

// begin sends the header and what comes before the first row. An error means that
// the client is gone.
func (s *results) begin() error {
	s.sink.setGatewayHeaders(metrics.NotDialled)
	h := s.sink.Header()
	h.Del(callHeader) // each row says it
	h.Set("Content-Type", s.format.contentType())
	h.Set("Cache-Control", "no-store")
	// Proxies in front must not wait for the end: RFC 10036, and nginx.
	h.Set("Incremental", "?1")
	h.Set("X-Accel-Buffering", "no")
	if csv := s.wanted.csv; csv != nil {
		h.Set("Content-Disposition", csv.dispositionFor(replacerOf(s.r)))
	}
	s.sink.begun, s.sink.status = true, http.StatusMultiStatus
	s.w.WriteHeader(http.StatusMultiStatus)
	return s.send(s.format.begin((*s.out)[:0]))
}

// write sends the result of a row.
func (s *results) write(r *rowResult) error { return s.send(s.format.row((*s.out)[:0], r)) }

// end sends what comes after the last row.
func (s *results) end(rows *rowCounts, stopped string) error {
	return s.send(s.format.end((*s.out)[:0], rows, stopped))
}

// send writes and flushes.
func (s *results) send(out []byte) error {
	*s.out = out
	if len(out) > 0 {
		if _, err := s.sink.sendUnseen(out); err != nil {
			return err
		}
	}
	err := s.sink.FlushError()
	if errors.Is(err, http.ErrNotSupported) { // by a handler in front; the result comes later, and whole
		return nil
	}
	return err
}

// take fills in what the response of a call says. The session is lent until the
// next one.
func (s *results) take(w *rowResponse, r *rowResult) {
	body, reason := w.json(s.plain)
	switch {
	case r.Status >= 400:
		r.Detail = orDefault(messageOf(body), http.StatusText(r.Status)+".")
		return
	case reason == "" && len(body) > 0 && !json.Valid(body):
		reason = reasonMalformed
	case reason == "":
		r.Session = body
		return
	}
	r.Detail = "The response to the call is not shown: " + reason + "."
}

// csvResults are results in CSV.
type csvResults struct{ *representation }

func (c csvResults) contentType() string { return c.representation.contentType }

func (c csvResults) begin(out []byte) []byte {
	return c.plan.AppendResultHeader(out, resultColumns...)
}

func (c csvResults) row(out []byte, r *rowResult) []byte {
	rule, detail := withWarnings(r.Rule, r.Detail, r.Warnings)
	cells := []transform.Cell{
		transform.NumberCell(r.Row), transform.TextCell(r.Ref), transform.NumberCell(r.Status),
		transform.TextCell(r.Outcome.String()), transform.TextCell(rule), transform.TextCell(detail),
	}
	row, err := c.plan.AppendResultRow(out, r.Session, cells...)
	if err != nil {
		cells[len(cells)-1] = transform.TextCell("The response to the call is not shown: it is not a session.")
		row, _ = c.plan.AppendResultRow(out, nil, cells...) // without JSON nothing is wrong with it
	}
	return row
}

func (csvResults) end(out []byte, _ *rowCounts, _ string) []byte { return out }

// lineResults are results in NDJSON: an object a line, and a summary in the last.
type lineResults struct{}

func (lineResults) contentType() string { return negotiate.NDJSON.MediaType() }

func (lineResults) begin(out []byte) []byte { return out }

func (lineResults) row(out []byte, r *rowResult) []byte { return append(r.appendJSON(out), '\n') }

func (lineResults) end(out []byte, rows *rowCounts, stopped string) []byte {
	sum := struct {
		Summary map[string]int `json:"summary"`
		Stopped string         `json:"stopped,omitempty"`
	}{make(map[string]int), stopped}
	for o, n := range rows {
		sum.Summary[metrics.RowOutcome(o).String()] = n
		sum.Summary["rows"] += n
	}
	text, _ := json.Marshal(sum) // text and numbers: no error is possible
	return append(append(out, text...), '\n')
}

// listResults are results in a JSON list.
type listResults struct{ begun bool }

func (*listResults) contentType() string { return negotiate.JSON.MediaType() }

func (*listResults) begin(out []byte) []byte { return append(out, '[') }

func (l *listResults) row(out []byte, r *rowResult) []byte {
	if l.begun {
		out = append(out, ',')
	}
	l.begun = true
	return r.appendJSON(append(out, '\n'))
}

func (*listResults) end(out []byte, _ *rowCounts, _ string) []byte { return append(out, "\n]\n"...) }

// appendJSON appends the result as one line of JSON.
func (r *rowResult) appendJSON(out []byte) []byte {
	text, _ := json.Marshal(r) // the session is valid, the rest text and numbers: no error is possible
	return append(out, text...)
}
