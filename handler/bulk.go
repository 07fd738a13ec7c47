package handler

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

// Defaults and limits of the options of bulk.
const (
	// DefaultPace is the time from one dial of an upload to the next.
	DefaultPace = time.Second
	// MostRows is the largest number of rows that can be allowed.
	MostRows = 10000

	// BulkStop ends a run when a call failed.
	BulkStop = "stop"
	// BulkContinue goes on with the next row.
	BulkContinue = "continue"
)

// Bulk says how many calls are placed with one upload.
type Bulk struct {
	// The largest number of rows of an upload, up to 10000. Default: 100.
	MaxRows int `json:"max_rows,omitempty"`

	// The largest body in bytes, unpacked too. More than 1 GiB counts as 1 GiB. Default:
	// 262144.
	MaxBody int64 `json:"max_body,omitempty"`

	// The time from one dial to the next; 0 for none. Default: 1s.
	Pace *caddy.Duration `json:"pace,omitempty"`

	// What happens when the outcome of a call is unknown, when the upstream responds with
	// 5xx, 401 or 403, or when it can't be reached: `stop` dials no further row,
	// `continue` goes on. Default: `stop`.
	OnFailure string `json:"on_failure,omitempty"`
}

// Validate finds every mistake.
func (b *Bulk) Validate() error {
	errs := []error{oneOf("on_failure", b.OnFailure, BulkStop, BulkContinue)}
	if b.MaxRows < 0 || b.MaxRows > MostRows {
		errs = append(errs, fmt.Errorf("max_rows: %d is out of range: from 1 to %d", b.MaxRows, MostRows))
	}
	if b.MaxBody < 0 {
		errs = append(errs, fmt.Errorf("max_body: %d is negative", b.MaxBody))
	}
	if b.Pace != nil {
		errs = append(errs, stores.CheckDuration("pace", *b.Pace))
	}
	return errors.Join(errs...)
}

// bulkOptions are the options in the form in which uploads are served.
type bulkOptions struct {
	pace      time.Duration
	continues bool // after a failure
}

func (b *Bulk) compile() *bulkOptions {
	o := &bulkOptions{pace: DefaultPace, continues: b.OnFailure == BulkContinue}
	if b.Pace != nil {
		o.pace = time.Duration(*b.Pace)
	}
	return o
}

// upload is a request for many calls, each of which may be placed.
type upload struct {
	rows        *request.Rows
	key         string // the client's
	fingerprint idempotency.Fingerprint
	each        target // what each call addresses
}

// bulk serves an upload. All rows are judged before the first is dialled.
func (x *exchange) bulk(next caddyhttp.Handler) error {
	u, refused, err := x.readUpload()
	switch {
	case err != nil:
		return x.abandon(err)
	case refused == nil:
		refused = x.h.claimUpload(x.r, u)
	}
	if refused != nil {
		return x.refuse(refused)
	}
	x.tally = new(rowCounts)
	run := &run{exchange: x, upload: u, next: next}
	run.results = x.newResults()
	defer run.results.close()
	return run.serve()
}

// readUpload reads an upload and judges its rows.
func (x *exchange) readUpload() (*upload, *refusal, error) {
	h := x.h
	if csv := x.wanted.csv; csv != nil && !csv.plan.HasRowForEachSession() {
		return nil, newRefusal(metrics.NotAcceptable, rules.BulkView, rules.BulkView.Title+"."), nil
	}
	rows, violations, err := h.rowReader.Rows(x.r, x.at.SessionID)
	if err != nil {
		return nil, nil, err
	}
	x.admission.request = &request.Request{BodyBytes: rows.BodyBytes}
	x.admission.request.Call[rules.SessionID] = rules.Value{Text: x.at.SessionID, Set: true}

	u := &upload{rows: rows, each: target{operation: addConferenceMember, Match: route.Match{Kind: route.Members, SessionID: x.at.SessionID}}}
	if _, ok := h.route.Path(x.at.SessionID, ""); !ok {
		u.each.SessionID = "" // what can't be forwarded is judged as any that is set
	}
	found := &refusal{outcome: metrics.Refused}
	omitted := found.take(violations)
	key, violation := h.readKey(x.r, true)
	if violation != nil {
		omitted += found.take([]rules.Violation{*violation})
	}
	u.key = key
	if len(violations) == 0 {
		for row := range rows.All() {
			u.add(h, x.r, row)
			if _, refused := h.admitRow(x.r, u.each, row); refused != nil {
				omitted += found.take(refused.violations)
			}
		}
	}
	if len(found.violations) == 0 {
		return u, nil, nil
	}
	if omitted > 0 {
		last := &found.violations[len(found.violations)-1]
		last.Detail += fmt.Sprintf(" There are %d more violations, which are not listed.", omitted)
	}
	found.sort()
	if found.status() == http.StatusRequestEntityTooLarge {
		found.outcome = metrics.TooLarge
	}
	return nil, found, nil
}

// maxRowViolations is how many violations of an upload a refusal lists.
const maxRowViolations = 100

// take takes violations as long as there is room, and returns how many it left.
func (f *refusal) take(violations []rules.Violation) (left int) {
	n := min(len(violations), maxRowViolations-len(f.violations))
	f.violations = append(f.violations, violations[:n]...)
	return len(violations) - n
}

// add makes a row part of the fingerprint: as its client sent it, before it is
// enriched.
func (u *upload) add(h *Handler, r *http.Request, row *request.Row) {
	call := h.fingerprint(r, &row.Request)
	u.fingerprint = h.keys.Fingerprint([]idempotency.Field{
		{Name: "before", Value: string(u.fingerprint[:])}, {Name: "call", Value: string(call[:])},
	})
}

// claim is the claim of a row: the upload's, under a key of its own.
func (u *upload) claim(x *exchange, row *request.Row) *idempotency.Claim {
	return idempotency.NewClaim(x.h.callID(x.r, u.key+" "+strconv.Itoa(row.Number)), u.fingerprint) // no key has a space
}

// claimUpload notes under the key which calls it is for. A key that was sent with
// others before is refused.
func (h *Handler) claimUpload(r *http.Request, u *upload) *refusal {
	ctx, id := r.Context(), h.callID(r, u.key)
	found, err := h.calls.Begin(ctx, idempotency.NewClaim(id, u.fingerprint))
	switch {
	case err != nil && found.Claim == nil: // the record can't be read, and the key is taken
		h.metrics.Idempotent(metrics.KeyUnknown)
		h.sampled().Error("the record of an idempotency key can't be read", zap.Stringer("id", id), zap.Error(err))
		return newRefusal(metrics.Refused, rules.IdempotencyKeyReused, "The idempotency key was used before, and what for can't be read.")
	case err != nil:
		_ = found.Claim.Release() // OnError logs a failure
		if h.unguarded {
			return nil // as each row will be
		}
		h.metrics.Idempotent(metrics.KeyStoreError)
		h.sampled().Error("an upload was refused: the store of idempotency keys failed", zap.Stringer("id", id), zap.Error(err))
		return storeUnavailable()
	case found.Claim != nil:
		_ = found.Claim.Finish(idempotency.Response{Status: http.StatusMultiStatus, TooLarge: true}) // OnError logs a failure
	case found.Result == idempotency.Reused:
		h.metrics.Idempotent(metrics.KeyReused)
		return newRefusal(metrics.Refused, rules.IdempotencyKeyReused, "The idempotency key was sent before with another upload or call. Nothing was dialled for this upload.")
	}
	return nil
}

// run is an upload whose rows are dialled, one after the other.
type run struct {
	*exchange
	*upload
	next    caddyhttp.Handler
	results *results

	dialled time.Time // when the last call began
	stopped string    // why no further row is dialled, empty while they are
	blind   bool      // the store failed when it was asked about a row
}

// serve dials the rows and sends the result of each before the next one is dialled.
func (r *run) serve() error {
	r.requestUUID() // that of the rows too
	r.extendDeadline()
	defer r.clearDeadline()
	err := r.results.begin()
	for row := range r.rows.All() {
		result := rowResult{Row: row.Number, Ref: row.Ref}
		if r.goesOn() {
			r.place(row, nil, &result)
		} else if known := r.find(row); known != nil {
			r.place(row, known, &result)
		} else {
			result.Outcome, result.Detail = metrics.RowNotAttempted, r.stopped
		}
		r.count(result.Outcome)
		if err == nil {
			err = r.results.write(&result)
		}
		if err != nil && r.stopped == "" {
			r.stopped = stoppedClient
		}
	}
	if err == nil {
		_ = r.results.end(r.tally, r.stopped) // nothing depends on it
	}
	r.record(metrics.Bulk)
	return nil
}

// find returns what an earlier upload with the same key left of a row that this run does
// not come to, and nil if there is nothing or nobody is left to tell. Once the store
// fails, it is not asked again.
func (r *run) find(row *request.Row) *idempotency.Found {
	if r.blind || r.stopped == stoppedClient {
		return nil
	}
	found, ok, err := r.h.calls.Find(r.r.Context(), r.claim(r.exchange, row))
	switch {
	case errors.Is(err, idempotency.ErrUnreadable):
		return &idempotency.Found{Result: idempotency.OutcomeUnknown}
	case err != nil:
		r.blind = true
		return nil
	case !ok:
		return nil
	default:
		return &found
	}
}

// Why a run stops.
const (
	stoppedClient  = "The client left."
	stoppedGateway = "The gateway is being stopped or set up anew. Send the upload again, with the same key."
)

// goesOn reports whether a row is to be dialled, and waits until it may be.
func (r *run) goesOn() bool {
	if r.stopped != "" {
		return false
	}
	var wait time.Duration
	if !r.dialled.IsZero() {
		wait = r.h.bulk.pace - time.Since(r.dialled)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.r.Context().Done():
	case <-r.h.stopping.Done():
	}
	switch {
	case r.r.Context().Err() != nil:
		r.stopped = stoppedClient
	case r.h.stopping.Err() != nil || caddy.Exiting():
		r.stopped = stoppedGateway
	}
	return r.stopped == ""
}

// rowTimeout is how long a client may take to read a result.
const rowTimeout = 30 * time.Second

// extendDeadline gives the connection time for one more row, whatever the server's
// write timeout is.
func (r *run) extendDeadline() {
	r.setDeadline(time.Now().Add(r.h.bulk.pace + r.h.callTimeout + rowTimeout))
}

func (r *run) clearDeadline() { r.setDeadline(time.Time{}) }

func (r *run) setDeadline(t time.Time) {
	if _, idle := caddyhttp.IdleTimeoutsFromContext(r.r.Context()); idle != nil {
		idle.Deadline.HardDeadline = t
	}
	_ = http.NewResponseController(r.w).SetWriteDeadline(t) // an error means that there is none to extend
}

// count counts a row.
func (r *run) count(o metrics.RowOutcome) {
	r.tally[o]++
	r.h.metrics.RowEnded(o)
}

// rowCounts are the numbers of rows by outcome.
type rowCounts [metrics.NumRowOutcomes]int

// MarshalLogObject writes those that are not 0.
func (c *rowCounts) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	for o, n := range c {
		if n > 0 {
			enc.AddInt(metrics.RowOutcome(o).String(), n)
		}
	}
	return nil
}

// fails reports whether a row ends the run: what went wrong would go wrong with the
// next one too, or somebody has to look first. What an earlier upload left unknown
// does not.
func (r *run) fails(row *exchange, result *rowResult) bool {
	if r.h.bulk.continues || result.Outcome == metrics.RowReplayed {
		return false
	}
	if o := row.admission.once; o != nil && o.result == metrics.KeyUnknown {
		return false
	}
	return result.Outcome == metrics.RowUnknown || result.Status >= 500 ||
		result.Status == http.StatusUnauthorized || result.Status == http.StatusForbidden ||
		row.outcome == metrics.Unreachable
}

// stopAt says that a run stopped at a row.
func stopAt(row int) string { return "The run stopped at row " + strconv.Itoa(row) + "." }
