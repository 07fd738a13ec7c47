package handler

import (
	"net/http"
	"slices"
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

// record ends a request: it counts it, and tells logs and traces of it. It is
// called once for every request.
func (x *exchange) record(outcome metrics.Outcome) {
	x.outcome = outcome
	x.took = time.Since(x.started)
	x.response.captured.finish(outcome == metrics.OK)
	x.recordViolations()
	if x.response.forwarded && x.admission.request != nil && x.at.dials {
		x.h.metrics.Dialled(string(x.admission.verdict.Kind), x.admission.verdict.Country)
	}
	x.recordTranscoding()

	ended := metrics.Observation{Outcome: outcome, Call: x.response.call, Took: x.took, TraceID: traceID(x.r)}
	if x.wanted.format != negotiate.None {
		ended.Format = x.wanted.format.String()
	}
	if x.admission.request != nil {
		ended.RequestBytes = &x.admission.request.BodyBytes
	}
	if x.response.begun || x.response.forwarded {
		ended.ResponseBytes = &x.response.sent
	}
	x.h.metrics.RequestEnded(ended)

	if extra, ok := x.r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Add(zap.Object(name, x))
	}
	if c := x.h.logger.Check(zapcore.DebugLevel, "request ended"); c != nil {
		c.Write(zap.Object(name, x))
	}
	if span := trace.SpanFromContext(x.r.Context()); span.IsRecording() {
		span.SetAttributes(
			attribute.String(name+".format", x.wanted.format.String()),
			attribute.String(name+".outcome", outcome.String()),
			attribute.String(name+".call", x.response.call.String()),
			attribute.String(name+".destination.kind", string(x.admission.verdict.Kind)),
			attribute.StringSlice(name+".violated_rules", x.violatedRules()),
		)
		for i, value := range x.response.captured.values {
			span.SetAttributes(attribute.String(name+"."+responsePrefix+x.h.captures[i].name, maskNumbers(value)))
		}
	}
}

// recordViolations counts the rules that the request violates, and logs those in
// report mode.
func (x *exchange) recordViolations() {
	for _, v := range slices.Concat(x.admission.verdict.Reported, x.admission.verdict.Warnings) {
		x.h.metrics.Violated(v.Field, v.Rule.Name, rules.Report)
		x.h.sampled().Warn("request forwarded although it fails "+v.Rule.Name+", which is in report mode",
			zap.String("rule", v.Rule.Name),
			zap.String("field", v.Field),
			zap.String("detail", v.Detail),
		)
	}
	if x.refusal != nil {
		for _, v := range x.refusal.violations {
			x.h.metrics.Violated(v.Field, v.Rule.Name, rules.Enforce)
		}
	}
}

// recordTranscoding times a transcoding, and counts and logs a response that
// could not be transcoded.
func (x *exchange) recordTranscoding() {
	d := &x.response.delivery
	if d.transcode > 0 {
		x.h.metrics.Transcoded(d.transcode)
	}
	if d.fallback == "" {
		return
	}
	x.event("fallback", attribute.String("reason", d.fallback))
	x.h.metrics.FellBack(d.fallback)
	x.h.sampled().Warn("response passed through: transcoding to CSV failed",
		zap.String("reason", d.fallback),
		zap.Int("status", x.response.status),
		zap.String("content_type", x.w.Header().Get("Content-Type")),
	)
}

// violatedRules are the names of the rules that the request violates: those in
// report mode, then those for which it was refused.
func (x *exchange) violatedRules() []string {
	names := slices.Concat(ruleNames(x.admission.verdict.Reported), ruleNames(x.admission.verdict.Warnings))
	if x.refusal != nil {
		names = append(names, ruleNames(x.refusal.violations)...)
	}
	return names
}

// ruleNames are the names of the rules of violations.
func ruleNames(violations []rules.Violation) []string {
	names := make([]string, len(violations))
	for i, v := range violations {
		names[i] = v.Rule.Name
	}
	return names
}

// traceID is the id of a request's trace, empty unless it is sampled.
func traceID(r *http.Request) string {
	if s := trace.SpanContextFromContext(r.Context()); s.IsSampled() {
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
		if id := x.field(f.field); f.field.WellFormed(id) {
			text(f.key, id)
		}
	}
	verdict := &x.admission.verdict
	text("destination", destination.Mask(x.field(rules.Destination)))
	text("destination_kind", string(verdict.Kind))
	text("destination_country", verdict.Country)
	text("destination_hash", x.destinationHash())
	text("from_number", destination.Mask(x.field(rules.FromNumber)))
	text("from_country", verdict.FromCountry)
	text("correlation_id", x.correlationID)
	text("format", x.wanted.format.String())
	text("outcome", x.outcome.String())
	if o := x.admission.once; o != nil {
		text("idempotency_id", o.id.String())
		text("idempotency_result", o.result.String())
	}
	text("call", x.response.call.String())
	text("transcode_error", x.response.fallback)
	for i, value := range x.response.captured.values {
		text(responsePrefix+x.h.captures[i].name, maskNumbers(value))
	}
	if violated := x.violatedRules(); len(violated) > 0 {
		zap.Strings("violated_rules", violated).AddTo(enc)
	}
	enc.AddDuration("duration", x.took)
	if x.response.forwarded {
		enc.AddDuration("upstream_duration", x.response.upstream)
	}
	if x.response.transcode > 0 {
		enc.AddDuration("transcode_duration", x.response.transcode)
	}
	return nil
}
