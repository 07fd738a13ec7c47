package metrics

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// other is the label value of whatever lies outside a closed set.
const other = "other"

// none is the format of a request that ended before a format was chosen.
const none = "none"

// durationBuckets are the boundaries, in seconds, that OpenTelemetry's
// semantic conventions advise for HTTP durations.
var durationBuckets = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

// nativeBucketFactor is the growth of native histogram buckets: at most 10 %
// from one to the next. nativeMaxBuckets caps what one series can hold.
const (
	nativeBucketFactor = 1.1
	nativeMaxBuckets   = 100
)

// Labels are the closed label sets that other packages own.
type Labels struct {
	// Formats are the names of the formats an answer can have.
	Formats []string
	// FallbackReasons are the reasons for which an answer is delivered as it came.
	FallbackReasons []string
	// Fields are the names of the fields that a rule can fail for.
	Fields []string
	// Rules are the names of the rules.
	Rules []string
}

// Collectors are the gateway's metrics. All methods are safe for concurrent use.
type Collectors struct {
	all []prometheus.Collector

	requests         *prometheus.CounterVec
	requestDuration  *prometheus.HistogramVec
	upstreamDuration *prometheus.HistogramVec
	fallbacks        *prometheus.CounterVec
	failures         *prometheus.CounterVec
	inFlight         prometheus.Gauge

	formats, reasons, fields, rules closedSet
}

// New makes the collectors; they are not registered yet.
func New(l Labels) *Collectors {
	const ns, sub = "caddy", "conference_members"
	histogram := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{
			Namespace: ns, Subsystem: sub, Name: name, Help: help,
			Buckets:                        durationBuckets,
			NativeHistogramBucketFactor:    nativeBucketFactor,
			NativeHistogramMaxBucketNumber: nativeMaxBuckets,
		}
	}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: ns, Subsystem: sub, Name: name, Help: help}
	}
	c := &Collectors{
		requests: prometheus.NewCounterVec(
			counter("requests_total", "Requests on the conference members route that ended, by format of the answer and outcome."),
			[]string{"format", "outcome"}),
		requestDuration: prometheus.NewHistogramVec(
			histogram("request_duration_seconds", "Time from a request's arrival to the end of its answer."),
			[]string{"format", "outcome"}),
		upstreamDuration: prometheus.NewHistogramVec(
			histogram("upstream_duration_seconds", "Time from forwarding a request to the header of the answer, or to the failure."),
			[]string{"code_class"}),
		fallbacks: prometheus.NewCounterVec(
			counter("transcode_fallbacks_total", "Answers that could not be made CSV and were delivered as they came, by reason."),
			[]string{"reason"}),
		failures: prometheus.NewCounterVec(
			counter("validation_failures_total", "Rules that requests failed, by field, rule and the rule's mode."),
			[]string{"field", "rule", "mode"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "requests_in_flight",
			Help: "Requests on the conference members route that have not ended.",
		}),
		formats: newClosedSet(l.Formats),
		reasons: newClosedSet(l.FallbackReasons),
		fields:  newClosedSet(l.Fields),
		rules:   newClosedSet(l.Rules),
	}
	c.all = []prometheus.Collector{
		c.requests, c.requestDuration, c.upstreamDuration, c.fallbacks, c.failures, c.inFlight,
	}

	for o := range numOutcomes {
		if !outcomes[o].formatted {
			c.requests.WithLabelValues(none, o.String())
			continue
		}
		for _, f := range l.Formats {
			if o != Fallback || f == "csv" {
				c.requests.WithLabelValues(f, o.String())
			}
		}
	}
	for _, r := range l.FallbackReasons {
		c.fallbacks.WithLabelValues(r)
	}
	for _, class := range codeClasses {
		c.upstreamDuration.WithLabelValues(class)
	}
	return c
}

// Register adds the collectors to reg. Adding them once more, for a second
// handler of the same configuration, is no error.
func (c *Collectors) Register(reg prometheus.Registerer) error {
	for _, col := range c.all {
		if err := reg.Register(col); err != nil {
			if are, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok && are.ExistingCollector == col {
				continue
			}
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

// RequestStarted counts a request as in flight until RequestEnded.
func (c *Collectors) RequestStarted() { c.inFlight.Inc() }

// RequestEnded counts a request that RequestStarted counted as in flight. The
// format is empty where none was chosen.
func (c *Collectors) RequestEnded(format string, o Outcome, took time.Duration) {
	c.inFlight.Dec()
	if !outcomes[o].formatted || format == "" {
		format = none
	} else {
		format = c.formats.value(format)
	}
	c.requests.WithLabelValues(format, o.String()).Inc()
	c.requestDuration.WithLabelValues(format, o.String()).Observe(took.Seconds())
}

// codeClasses are the values of the label code_class, indexed by the first
// digit of the status; index 0 stands for no answer at all.
var codeClasses = [...]string{none, "1xx", "2xx", "3xx", "4xx", "5xx"}

// UpstreamAnswered records the time to the header of the upstream's answer.
// Status 0 stands for no answer.
func (c *Collectors) UpstreamAnswered(status int, took time.Duration) {
	class := other
	if i := status / 100; i >= 0 && i < len(codeClasses) {
		class = codeClasses[i]
	}
	c.upstreamDuration.WithLabelValues(class).Observe(took.Seconds())
}

// TranscodeFellBack counts an answer that was delivered as it came.
func (c *Collectors) TranscodeFellBack(reason string) {
	c.fallbacks.WithLabelValues(c.reasons.value(reason)).Inc()
}

// ValidationFailed counts a rule that a request failed: mode is "enforce" if
// the request was refused, "report" if it was forwarded. The field is empty
// where the rule is about the request as a whole.
func (c *Collectors) ValidationFailed(field, rule, mode string) {
	if field == "" {
		field = none
	} else {
		field = c.fields.value(field)
	}
	if mode != "report" {
		mode = "enforce"
	}
	c.failures.WithLabelValues(field, c.rules.value(rule), mode).Inc()
}

// closedSet is the set of values that a label has, besides other.
type closedSet map[string]struct{}

func newClosedSet(values []string) closedSet {
	s := make(closedSet, len(values))
	for _, v := range values {
		s[v] = struct{}{}
	}
	return s
}

// value returns v if it is in the set, else other.
func (s closedSet) value(v string) string {
	if _, ok := s[v]; ok {
		return v
	}
	return other
}
