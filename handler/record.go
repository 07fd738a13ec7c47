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

// moduleName is the name of the handler in a configuration. In logs it is the field that
// holds what is known of a request, and on spans the prefix of attributes and events.
const moduleName = "conference_members"

// record ends a request: it counts it, and adds it to logs and to its trace. It is
// called once for every request.
func (x *exchange) record(outcome metrics.Outcome) {
	x.outcome = x.adopt(outcome)
	x.took = time.Since(x.started)
	x.response.captured.finish(x.outcome == metrics.OK)
	if x.inside { // the outer handler records the rest
		return
	}
	x.recordViolations()
	x.recordFallback()
	x.recordMetrics()
	x.addToAccessLog()
	x.addToLog()
	x.addToSpan()
}

// recordMetrics counts and times the request.
func (x *exchange) recordMetrics() {
	verdict := &x.admission.verdict
	ended := metrics.Observation{
		Outcome: x.outcome, Call: x.response.call, Took: x.took, Transcode: x.response.transcode, TraceID: traceID(x.span),
		Forwarded: x.response.forwarded && x.admission.request != nil && x.at.dials,
		Kind:      string(verdict.Kind), Country: verdict.Country,
	}
	if x.wanted.format != negotiate.None {
		ended.Format = x.wanted.format.String()
	}
	if x.admission.request != nil && x.row == 0 {
		ended.RequestBytes = metrics.Bytes(x.admission.request.BodyBytes)
	}
	if x.response.begun || x.response.forwarded {
		ended.ResponseBytes = metrics.Bytes(x.response.sent)
	}
	x.h.metrics.RequestEnded(&ended)
}

// addToAccessLog adds the request to its entry in the access log, if the server has one.
func (x *exchange) addToAccessLog() {
	ctx := x.r.Context()
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok && server != nil && server.Logs == nil {
		return
	}
	if extra, ok := ctx.Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Add(zap.Object(moduleName, x))
	}
}

// addToLog adds the request to the log of the handler. The access log has no entry for a
// row, so that of a row is not only for debugging.
func (x *exchange) addToLog() {
	if x.row > 0 {
		if c := x.h.logger.Check(zapcore.InfoLevel, "row ended"); c != nil {
			c.Write(zap.Object(moduleName, x), zap.String("uuid", x.uuid))
		}
		return
	}
	if c := x.h.logger.Check(zapcore.DebugLevel, "request ended"); c != nil {
		c.Write(zap.Object(moduleName, x))
	}
}

// addToSpan adds the request to its span, if a trace is recorded.
func (x *exchange) addToSpan() {
	if !x.span.IsRecording() {
		return
	}
	x.span.SetAttributes(
		attribute.String(moduleName+".format", x.wanted.format.String()),
		attribute.String(moduleName+".outcome", x.outcome.String()),
		attribute.String(moduleName+".call", x.response.call.String()),
		attribute.String(moduleName+".destination.kind", string(x.admission.verdict.Kind)),
		attribute.StringSlice(moduleName+".violated_rules", x.violatedRules()),
		attribute.Bool(moduleName+".would_refuse", x.wouldRefuse()),
	)
	for i, value := range x.response.captured.found() {
		x.span.SetAttributes(attribute.String(moduleName+"."+responsePrefix+x.h.captures[i].name, destination.MaskNumbers(value)))
	}
}

// recordViolations counts the rules that the request violates. Of a request that
// was forwarded it logs those in report mode, and those that only warn.
func (x *exchange) recordViolations() {
	for _, group := range []struct {
		mode       string
		violations []rules.Violation
		message    string
	}{
		{rules.Report, x.admission.verdict.Reported, "request forwarded although it violates a rule in report mode"},
		{rules.Warn, x.admission.verdict.Warnings, "request forwarded with a warning"},
	} {
		for i := range group.violations {
			v := &group.violations[i]
			x.h.metrics.Violated(v.Field, v.Rule.Name, group.mode)
			if x.response.forwarded {
				x.logViolation(group.message+": "+v.Rule.Name, v)
			}
		}
	}
	if x.refusal != nil {
		for _, v := range x.refusal.violations {
			x.h.metrics.Violated(v.Field, v.Rule.Name, rules.Enforce)
		}
	}
	if x.wouldRefuse() {
		x.h.metrics.WouldRefuse()
	}
}

// logViolation logs one violation, with what ties it to its request.
func (x *exchange) logViolation(message string, v *rules.Violation) {
	c := x.h.sampled().Check(zapcore.WarnLevel, message)
	if c == nil {
		return
	}
	fields := []zap.Field{zap.String("rule", v.Rule.Name), zap.String("field", v.Field), zap.String("detail", v.Detail)}
	if id := x.field(rules.SessionID); rules.SessionID.WellFormed(id) {
		fields = append(fields, zap.String("session_id", id))
	}
	if x.correlationID != "" {
		fields = append(fields, zap.String("correlation_id", x.correlationID))
	}
	if id := x.requestUUID(); id != "" {
		fields = append(fields, zap.String("uuid", id)) // as in the access log
	}
	c.Write(fields...)
}

// wouldRefuse reports whether the request was forwarded only because rules are in
// report mode.
func (x *exchange) wouldRefuse() bool {
	return x.response.forwarded && len(x.admission.verdict.Reported) > 0
}

// recordFallback counts and logs a response that could not be transcoded.
func (x *exchange) recordFallback() {
	reason := x.response.fallback
	if reason == "" {
		return
	}
	x.event("fallback", attribute.String("reason", reason))
	x.h.metrics.FellBack(reason)
	x.h.sampled().Warn("response passed through: transcoding to CSV failed",
		zap.String("reason", reason),
		zap.Int("status", x.response.status),
		zap.String("content_type", x.w.Header().Get("Content-Type")),
	)
}

// violatedRules are the names of the rules for which the request was refused, or
// would have been if they were not in report mode.
func (x *exchange) violatedRules() []string {
	names := ruleNames(x.admission.verdict.Reported)
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

// traceID is the id of a span's trace, empty unless it is sampled.
func traceID(span trace.Span) string {
	if s := span.SpanContext(); s.IsSampled() {
		return s.TraceID().String()
	}
	return ""
}

// event puts an event on the request's span.
func (x *exchange) event(what string, attributes ...attribute.KeyValue) {
	if x.span.IsRecording() {
		x.span.AddEvent(moduleName+"."+what, trace.WithAttributes(attributes...))
	}
}

// MarshalLogObject writes what logs hold about a request: no number and no name in
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
		text("idempotency_id", o.claim.ID.String())
		text("idempotency_result", o.result.String())
	}
	if x.tally != nil {
		_ = enc.AddObject("rows", x.tally) // writing numbers can't fail
	} else {
		text("call", x.response.call.String())
	}
	if x.row > 0 {
		enc.AddInt("row", x.row)
	}
	text("transcode_error", x.response.fallback)
	for i, value := range x.response.captured.found() {
		text(responsePrefix+x.h.captures[i].name, destination.MaskNumbers(value))
	}
	if violated := x.violatedRules(); len(violated) > 0 {
		zap.Strings("violated_rules", violated).AddTo(enc)
	}
	if warnings := x.admission.verdict.Warnings; len(warnings) > 0 {
		zap.Strings("warned_rules", ruleNames(warnings)).AddTo(enc)
	}
	if x.wouldRefuse() {
		zap.Bool("would_refuse", true).AddTo(enc)
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
