package handler

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// replayedHeader marks a response that was sent before, as Stripe does.
const replayedHeader = "Idempotent-Replayed"

// once places a call that has an idempotency key, if it was not placed before.
type once struct {
	*exchange
	next placer

	claim     idempotency.Claim
	result    metrics.Idempotency
	recording recording
}

// identify reads the key of a request, and what its call is by the client's own
// values: what the configuration adds may differ from one request to the next. It
// returns nil if the request has no key.
func (h *Handler) identify(r *http.Request, asked *request.Request) (*once, *rules.Violation) {
	key, violation := h.readKey(r, h.require)
	if key == "" {
		return nil, violation
	}
	return newOnce(h.callID(r, key), h.fingerprint(r, asked)), nil
}

func newOnce(id idempotency.ID, call idempotency.Fingerprint) *once {
	return &once{claim: *idempotency.NewClaim(id, call)}
}

// readKey reads the key of a request, or the empty string.
func (h *Handler) readKey(r *http.Request, required bool) (string, *rules.Violation) {
	key, err := idempotency.ParseKey(r.Header[h.keyHeader])
	switch {
	case err == nil:
		return key, nil
	case err != idempotency.ErrKeyMissing:
		h.metrics.Idempotent(metrics.KeyMalformed)
		return "", &rules.Violation{Rule: rules.IdempotencyKeyMalformed, Detail: sentence(err.Detail), Fix: sentence(err.Fix)}
	case required:
		h.metrics.Idempotent(metrics.KeyMissing)
		return "", &rules.Violation{Rule: rules.IdempotencyKeyMissing, Detail: "The request has no " + h.keyHeader + " header."}
	default:
		return "", nil
	}
}

// callID is the ID of a key in the scope of a request.
func (h *Handler) callID(r *http.Request, key string) idempotency.ID {
	return h.keys.CallID(h.scopeOf(r), h.route.String(), key)
}

// sentence capitalizes a text and ends it with a period.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// fingerprint tells the call of a request from others. The format that the client
// wants is not part of it.
func (h *Handler) fingerprint(r *http.Request, asked *request.Request) idempotency.Fingerprint {
	fields := make([]idempotency.Field, 0, rules.NumFields+1)
	for _, f := range [...]rules.Field{rules.CallSID, rules.Destination, rules.FromNumber, rules.SessionID} { // sorted by name
		if text := asked.Call[f].Text; text != "" {
			fields = append(fields, idempotency.Field{Name: f.String(), Value: text})
		}
	}
	for name, value := range asked.Extras() {
		fields = append(fields, idempotency.Field{Name: "member " + name, Value: value})
	}
	if r.URL.RawQuery != "" {
		query := request.StripQuery(r.URL.RawQuery, func(name string) bool {
			return request.IsField(name) || strings.EqualFold(name, formatParameter) || strings.EqualFold(name, viewParameter)
		})
		fields = append(fields, idempotency.Field{Name: "query", Value: query})
	}
	return h.keys.Fingerprint(fields)
}

// place claims the key and places the call, or responds with what is known of it.
func (o *once) place(ctx context.Context, a *admission, w *responseWriter) (placement, error) {
	found, err := o.h.calls.Begin(ctx, &o.claim)
	switch {
	case err == nil && found.Claim == nil:
		return o.repeat(&found, w)
	case found.Claim == nil:
		return o.unreadable(err)
	case ctx.Err() != nil: // the client is gone
		_ = o.claim.Release() // OnError logs a failure
		return placement{outcome: metrics.ClientGone}, caddyhttp.Error(statusClientClosedRequest, ctx.Err())
	case err != nil && !o.h.unguarded:
		_ = o.claim.Release()
		return o.storeFailed(err)
	case err != nil:
		o.h.sampled().Error("a call is placed unguarded: the store of idempotency keys failed", zap.Stringer("id", o.claim.ID), zap.Error(err))
		o.count(metrics.KeyStoreError)
	default:
		o.count(metrics.KeyNew)
	}
	return o.placeClaimed(a, w)
}

// placeClaimed places a call whose key is claimed, and records what became of it. The
// call goes on when the client leaves.
func (o *once) placeClaimed(a *admission, w *responseWriter) (placement, error) {
	defer o.close()
	o.recording.start(o.h.maxStored)
	defer o.recording.release()
	w.recording = &o.recording
	ctx, cancel := o.claim.Context()
	defer cancel()
	placed, err := o.next.place(ctx, a, w)
	switch w.certain(placed) {
	case metrics.Dialled:
		if o.claim.Finish(o.recording.response(w.written(), w.Header(), o.kind())) != nil {
			o.h.metrics.Idempotent(metrics.KeyLost)
		}
	case metrics.NotDialled:
		if o.claim.Release() == nil {
			o.h.metrics.Idempotent(metrics.KeyReleased)
		}
	case metrics.Unknown: // close records it
	}
	return placed, err
}

// recall responds to a refused request whose key is known, from a configuration that
// accepted the call. Nothing is dialled, and the client still learns what became of the
// call.
func (o *once) recall(x *exchange, refused *refusal) (placement, error) {
	o.exchange = x
	found, ok, err := o.h.calls.Find(x.r.Context(), &o.claim)
	switch {
	case errors.Is(err, idempotency.ErrUnreadable):
		return o.unreadable(err)
	case err != nil && !o.h.unguarded:
		return o.storeFailed(err)
	case !ok || found.Result == idempotency.Reused:
		return placement{refusal: refused}, nil
	}
	return o.repeat(&found, x.writer(x.wanted.csv))
}

// close leaves the outcome of a call unknown, unless it was recorded.
func (o *once) close() {
	if o.claim.Ended() {
		return
	}
	o.h.metrics.Idempotent(metrics.KeyLost)
	o.h.logger.Warn("the outcome of a call is unknown", zap.Stringer("id", o.claim.ID))
	_ = o.claim.Close() // OnError logs a failure
}

// count counts what became of the key.
func (o *once) count(result metrics.Idempotency) {
	o.result = result
	o.h.metrics.Idempotent(result)
}

// kind is what the upstream is asked for: CSV is made of its JSON.
func (x *exchange) kind() string {
	if x.wanted.format == negotiate.CSV {
		return negotiate.JSON.String()
	}
	return x.wanted.format.String()
}

// repeat responds to a request whose key is taken.
func (o *once) repeat(found *idempotency.Found, w *responseWriter) (placement, error) {
	switch found.Result {
	case idempotency.Replayed:
		if found.Response.Format == o.kind() {
			o.count(metrics.KeyReplayed)
			return w.replay(found.Response)
		}
		return o.refused(metrics.KeyNotKept, notKept(
			fmt.Sprintf("The call was placed. Its response was kept as %s, and can't be sent in another format.", strings.ToUpper(found.Response.Format))))
	case idempotency.ResponseNotKept:
		return o.refused(metrics.KeyNotKept, notKept("The call was placed. Its response was not kept: it was too large, of a kind that is not kept, or the store was full."))
	case idempotency.InFlight:
		f := newRefusal(metrics.Refused, rules.IdempotencyInFlight, "The call with this idempotency key is being placed; its outcome is not known yet.")
		f.call = metrics.Unknown
		f.retryAfter = min(max(found.RetryAfter, time.Second), inFlightRetry)
		return o.refused(metrics.KeyInFlight, f)
	case idempotency.Reused:
		return o.refused(metrics.KeyReused, newRefusal(metrics.Refused, rules.IdempotencyKeyReused, "The idempotency key was sent before with another call. Nothing was dialled for this request."))
	default:
		return o.refused(metrics.KeyUnknown, o.outcomeUnknown())
	}
}

const (
	// inFlightRetry is after how long a client asks again at the latest: most calls take
	// less.
	inFlightRetry = 2 * time.Second
	// storeRetry is after how long a store that failed may be back.
	storeRetry = 5 * time.Second
)

// refused is a call that is refused because of its key.
func (o *once) refused(result metrics.Idempotency, f *refusal) (placement, error) {
	o.count(result)
	return placement{refusal: f}, nil
}

// unreadable refuses a call whose key is taken, by a record that can't be read.
func (o *once) unreadable(err error) (placement, error) {
	o.h.sampled().Error("the record of an idempotency key can't be read", zap.Stringer("id", o.claim.ID), zap.Error(err))
	return o.refused(metrics.KeyUnknown, o.outcomeUnknown())
}

// storeFailed refuses a call whose key can't be looked for.
func (o *once) storeFailed(err error) (placement, error) {
	o.h.sampled().Error("a call was refused: the store of idempotency keys failed", zap.Stringer("id", o.claim.ID), zap.Error(err))
	return o.refused(metrics.KeyStoreError, storeUnavailable())
}

func (o *once) outcomeUnknown() *refusal {
	f := newRefusal(metrics.Refused, rules.OutcomeUnknown,
		"The call with this idempotency key was sent, and it is not known whether it was placed: the phone may be ringing. It is known to the operator as "+o.claim.ID.String()+".")
	f.call = metrics.Unknown
	return f
}

// notKept refuses a call that was placed and has no response left to replay.
func notKept(detail string) *refusal {
	f := newRefusal(metrics.Refused, rules.ResponseNotKept, detail)
	f.call = metrics.Dialled
	return f
}

func storeUnavailable() *refusal {
	f := newRefusal(metrics.Refused, rules.StoreUnavailable, "The store of idempotency keys does not respond, and without it a repeated call can't be told from a new one.")
	f.retryAfter = storeRetry
	return f
}

// replay sends a response that was kept.
func (w *responseWriter) replay(kept *idempotency.Response) (placement, error) {
	h := w.Header()
	for name, value := range map[string]string{"Content-Type": kept.ContentType, "Location": kept.Location} {
		if value != "" {
			h.Set(name, value)
		}
	}
	h.Set(replayedHeader, "true")
	if kept.Status != http.StatusNoContent && kept.Status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(kept.Body)))
	}
	w.outcome, w.call, w.dials = metrics.Replayed, metrics.Dialled, true
	w.WriteHeader(kept.Status)
	if len(kept.Body) > 0 {
		if _, err := w.Write(kept.Body); err != nil {
			w.outcome = metrics.ClientGone
		}
	}
	return w.placement, nil
}

// written is the status of the response: a handler that writes nothing leaves the
// server to send an empty 200.
func (w *responseWriter) written() int { return orDefault(w.status, http.StatusOK) }

// certain returns what is certain about a call once the next placer has returned. If its
// response is incomplete, that is Unknown.
func (w *responseWriter) certain(placed placement) metrics.Call {
	if placed.call == metrics.Dialled && w.recording != nil && !w.recording.complete(w.written(), w.Header()) {
		return metrics.Unknown
	}
	return placed.call
}
