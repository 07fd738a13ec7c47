package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// uploaded is an upload of one to four calls.
func (t *traffic) uploaded(x *exchange, _ *call) {
	x.kind = "an upload"
	x.request.site = "keyed"
	x.request.path += "/bulk"
	x.request.header.Set(keyHeader, x.id)
	x.request.header.Set("Accept", "application/x-ndjson")
	var body bytes.Buffer
	w := &x.want
	for range 1 + t.random.IntN(4) {
		c := t.call(x.id)
		w.rows = append(w.rows, c)
		body.Write(c.json(asIs))
		body.WriteByte('\n')
	}
	x.request.send("application/x-ndjson", body.Bytes())
	w.shape = *pick(t, t.small)
	w.arrives = true
	w.status, w.outcome, w.format, w.negotiated, w.read = http.StatusMultiStatus, "bulk", none, none, true
	w.contentType, w.body = "application/x-ndjson", x.judgeRows
}

// judgeRowsBound holds that the upstream bound the rows of an upload in their order, and
// returns how many must have arrived: all, unless a reload stopped the upload.
func (x *exchange) judgeRowsBound(note func(format string, args ...any)) (arrivals int) {
	for i, b := range x.rows {
		if i < len(x.want.rows) {
			if want := bound(x.id, x.want.rows[i]); b.String() != want.String() {
				note("of row %d the upstream bound %s, want %s", i+1, b, want)
			}
		}
	}
	arrivals = len(x.want.rows)
	if x.response.complete() { // judgeRows reads it in full
		arrivals -= bytes.Count(x.response.body, []byte(`"outcome":"not_attempted"`))
	}
	return arrivals
}

// rowResult is a line of the response to an upload; the last has no row.
type rowResult struct {
	Row     int
	Outcome string
	Session struct{ ID string }
}

// judgeRows holds that each row of an upload has its result: it was dialled or, after a
// reload stopped the upload, not attempted.
func (x *exchange) judgeRows(resp *response) string {
	var all []rowResult
	for line := range bytes.Lines(resp.body) {
		var r rowResult
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Sprintf("line %d of the results: %v", len(all)+1, err)
		}
		all = append(all, r)
	}
	if len(all) != len(x.want.rows)+1 {
		return fmt.Sprintf("%d lines in %s, want one for each of %d rows and one more", len(all), start(resp.body), len(x.want.rows))
	}
	stopped := false
	for i, r := range all[:len(x.want.rows)] {
		want := "dialled"
		if stopped = stopped || r.Outcome == "not_attempted" && resp.reloaded; stopped {
			want = "not_attempted"
		}
		if r.Row != i+1 || r.Outcome != want || !stopped && r.Session.ID != x.id {
			return fmt.Sprintf("row %d: %+v, want %s", i+1, r, want)
		}
	}
	return ""
}

// postRows posts what the rows of an upload add to the metrics.
func (x *exchange) postRows(l ledger, once span) {
	if x.want.rows == nil {
		return
	}
	postStore(l, "new", once) // of the upload's own key
	for i, c := range x.want.rows {
		if i >= len(x.rows) || x.inDoubt() {
			l.post("bulk_rows_total", once, "outcome", "not_attempted")
			l.post("store_duration_seconds_count", once, "op", "scan") // an earlier upload may have dialled it
		}
		if i >= len(x.rows) && !x.inDoubt() {
			continue
		}
		l.post("bulk_rows_total", once, "outcome", "dialled")
		l.post("calls_total", once, "call", "dialled")
		l.post("requests_total", once, "format", "json", "outcome", "ok")
		l.post("request_duration_seconds_count", once, "outcome", "ok")
		l.post("destinations_total", once, "kind", c.kind, "country", c.country)
		l.post("upstream_duration_seconds_count", once, "code_class", "2xx")
		postKey(l, "new", once)
		l.post("response_body_bytes_count", once, "format", "json")
		size := float64(len(x.want.shape.in("json", x.id)))
		l.post("response_body_bytes_sum", span{once.lo * size, once.hi * size}, "format", "json")
	}
}
