package handler

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// name is under what logs hold a request's fields, and with what the names of
// span attributes begin.
const name = "conference_members"

// observe counts a request that has ended, and tells logs and traces of it.
func (x *exchange) observe() {
	if !x.forwarded.IsZero() && !x.answered {
		x.headerArrived(0)
	}
	x.took = time.Since(x.started)
	ended := metrics.Ended{
		Outcome: x.outcome, Took: x.took, TraceID: x.traceID(),
		RequestBytes: x.requestBytes, ResponseBytes: x.answer.sent,
	}
	if x.answer.x == nil { // refused
		ended.ResponseBytes = x.refusalBytes
	}
	if x.format != negotiate.None {
		ended.Format = x.format.String()
	}
	x.h.shared.RequestEnded(ended)

	if extra, ok := x.r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Add(zap.Object(name, x))
	}
	if c := x.h.logger.Check(zapcore.DebugLevel, "request ended"); c != nil {
		c.Write(zap.Object(name, x))
	}
	if span := trace.SpanFromContext(x.r.Context()); span.IsRecording() {
		span.SetAttributes(
			attribute.String(name+".format", x.format.String()),
			attribute.String(name+".outcome", x.outcome.String()),
			attribute.String(name+".destination.kind", string(x.verdict.Kind)),
			attribute.StringSlice(name+".rules_failed", x.failed),
		)
	}
}

// traceID is the id of the request's trace, empty unless it is sampled.
func (x *exchange) traceID() string {
	if s := trace.SpanContextFromContext(x.r.Context()); s.IsSampled() {
		return s.TraceID().String()
	}
	return ""
}

// event puts an event on the request's span.
func (x *exchange) event(what string, attributes ...attribute.KeyValue) {
	if span := trace.SpanFromContext(x.r.Context()); span.IsRecording() {
		span.AddEvent(name+"."+what, trace.WithAttributes(attributes...))
	}
}

// transcoded notes how long it took to make the answer CSV.
func (x *exchange) transcoded(took time.Duration) {
	x.transcodeTook = took
	x.h.shared.Transcoded(took)
}

// fail notes rules that the request failed, in a mode, and counts them.
func (x *exchange) fail(violations []rules.Violation, mode string) {
	for _, v := range violations {
		x.h.shared.ValidationFailed(v.Field, v.Rule.Name, mode)
		x.failed = append(x.failed, v.Rule.Name)
	}
}

// MarshalLogObject writes what logs hold of a request: no number and no name in
// full, and no id that is not shaped like one.
func (x *exchange) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	text := func(key, value string) {
		if value != "" {
			enc.AddString(key, value)
		}
	}
	for _, f := range []struct {
		key   string
		field rules.Field
	}{{"session_id", rules.SessionID}, {"call_sid", rules.CallSID}} {
		if id := x.call[f.field].Text; f.field.WellFormed(id) {
			text(f.key, id)
		}
	}
	text("destination", destination.Mask(x.call[rules.Destination].Text))
	text("destination_kind", string(x.verdict.Kind))
	text("destination_country", x.verdict.Country)
	text("destination_hash", x.destinationHash())
	text("from_number", destination.Mask(x.call[rules.FromNumber].Text))
	text("from_country", x.verdict.FromCountry)
	text("correlation_id", x.correlationID)
	text("format", x.format.String())
	text("outcome", x.outcome.String())
	text("transcode_error", x.fellBack)
	if len(x.failed) > 0 {
		zap.Strings("rules_failed", x.failed).AddTo(enc)
	}
	enc.AddDuration("duration", x.took)
	if x.answered {
		enc.AddDuration("upstream_duration", x.upstreamTook)
	}
	if x.transcodeTook > 0 {
		enc.AddDuration("transcode_duration", x.transcodeTook)
	}
	return nil
}
