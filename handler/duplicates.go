package handler

import (
	"context"

	"go.uber.org/zap"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// unrepeated places a call, unless the same call was placed a moment ago. It is a
// heuristic, for clients that send no key: when the store fails, it lets the call
// pass.
type unrepeated struct {
	*exchange
	next      placer
	recording recording
}

// guards reports whether a request is checked for being a duplicate. The key of an
// upload's row is not one that the client chose for it.
func (x *exchange) guards() bool {
	return x.h.duplicates != nil && (x.admission.once == nil || x.h.includeKeyed || x.row > 0)
}

// ownKey is the key of a call that no block idempotency looks at: a client that sends
// another one means another call. An invalid one is none.
func (u *unrepeated) ownKey() string {
	if u.h.keyed || u.h.includeKeyed || u.row > 0 {
		return ""
	}
	key, _ := idempotency.ParseKey(u.r.Header[DefaultKeyHeader])
	return key
}

func (u *unrepeated) place(ctx context.Context, a *admission, w *responseWriter) (placement, error) {
	h := u.h
	call := &a.request.Call
	id := h.keys.DuplicateID(h.scopeOf(u.r), u.ownKey(), call[rules.SessionID].Text, call[rules.CallSID].Text,
		h.policy.Canonical(call[rules.Destination].Text), h.policy.Canonical(call[rules.FromNumber].Text))
	found, err := h.duplicates.Begin(ctx, idempotency.NewClaim(id, idempotency.Fingerprint{}))
	claim := found.Claim
	switch {
	case err != nil:
		h.metrics.Idempotent(metrics.KeyGuardError)
		h.sampled().Warn("a call was not compared with those of a moment ago: the store failed", zap.Error(err))
		if claim != nil {
			_ = claim.Release() // the call is placed even if this fails
		}
		return u.next.place(ctx, a, w)
	case claim == nil:
		return u.duplicate(ctx, a, w, &found)
	}
	defer func() { _ = claim.Close() }() // unknown, unless it is recorded below

	kept := idempotency.Response{TooLarge: true}
	if h.replay && w.recording == nil {
		u.recording.start(h.maxStored)
		defer u.recording.release()
		w.recording = &u.recording
	}
	placed, err := u.next.place(ctx, a, w)
	switch w.certain(placed) {
	case metrics.Dialled:
		if w.recording != nil {
			kept = w.recording.response(w.written(), w.Header(), u.kind())
		}
		_ = claim.Finish(kept) // OnError logs a failure
	case metrics.NotDialled:
		_ = claim.Release()
	case metrics.Unknown: // Close records it
	}
	return placed, err
}

// duplicate responds to a call that was placed a moment ago.
func (u *unrepeated) duplicate(ctx context.Context, a *admission, w *responseWriter, found *idempotency.Found) (placement, error) {
	broken := rules.Violation{
		Rule:   rules.DuplicateCall,
		Detail: "The same destination was dialled into this session a moment ago, from the same number. Nothing was dialled for this request.",
	}
	switch {
	case u.h.policy.Mode(rules.DuplicateCall) == rules.Report:
		broken.Detail = "The same destination was dialled into this session a moment ago, from the same number."
		a.verdict.Reported = append(a.verdict.Reported, broken)
		return u.next.place(ctx, a, w)
	case u.h.replay && found.Result == idempotency.Replayed && found.Response.Format == u.kind():
		return w.replay(found.Response)
	default:
		return placement{refusal: &refusal{
			outcome: metrics.Refused, violations: []rules.Violation{broken}, retryAfter: found.RetryAfter,
		}}, nil
	}
}
