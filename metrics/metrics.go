package metrics

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// other is the label value of whatever lies outside a closed set.
const other = "other"

// The values of the label mode.
const (
	enforce = "enforce"
	report  = "report"
)

// none is the format of a request that ended before a format was chosen.
const none = "none"

// durationBuckets are the boundaries, in seconds, that OpenTelemetry's
// semantic conventions advise for HTTP durations.
var durationBuckets = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

// transcodeBuckets are boundaries in seconds: 10 us to 2.6 s, each four times
// the one before.
var transcodeBuckets = prometheus.ExponentialBuckets(10e-6, 4, 10)

// sizeBuckets are boundaries in bytes: 256 B to 16 MiB, each four times the one
// before.
var sizeBuckets = prometheus.ExponentialBuckets(256, 4, 9)

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
	// Fields are the names of the fields that a request can have.
	Fields []string
	// Rules are the names of the rules, each with the fields that can fail it,
	// an empty one for the request as a whole.
	Rules map[string][]string
	// Kinds are the kinds of destination.
	Kinds []string
}

// MaxCountries is how many countries have a series of their own: the first that
// are dialled. Which those are, operators decide, for only what was forwarded
// counts.
const MaxCountries = 40

// Collectors are the gateway's metrics. All methods are safe for concurrent use.
type Collectors struct {
	all []prometheus.Collector

	requests         *prometheus.CounterVec
	requestDuration  *prometheus.HistogramVec
	upstreamDuration *prometheus.HistogramVec
	fallbacks        *prometheus.CounterVec
	failures         *prometheus.CounterVec
	destinations     *prometheus.CounterVec
	transcode        prometheus.Histogram
	requestBytes     prometheus.Histogram
	responseBytes    *prometheus.HistogramVec
	inFlight         prometheus.Gauge

	formats, reasons, fields, rules, kinds closedSet

	mu        sync.Mutex
	countries closedSet // those with a series of their own
}

// New makes the collectors; they are not registered yet.
func New(l Labels) *Collectors {
	const ns, sub = "caddy", "conference_members"
	histogram := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{
			Namespace: ns, Subsystem: sub, Name: name, Help: help,
			Buckets:                        buckets,
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
			histogram("request_duration_seconds", "Time from a request's arrival to the end of its answer.", durationBuckets),
			[]string{"format", "outcome"}),
		upstreamDuration: prometheus.NewHistogramVec(
			histogram("upstream_duration_seconds", "Time from forwarding a request to the header of the answer, or to the failure.", durationBuckets),
			[]string{"code_class"}),
		fallbacks: prometheus.NewCounterVec(
			counter("transcode_fallbacks_total", "Answers that could not be made CSV and were delivered as they came, by reason."),
			[]string{"reason"}),
		failures: prometheus.NewCounterVec(
			counter("validation_failures_total", "Rules that requests failed, by field, rule and the rule's mode."),
			[]string{"field", "rule", "mode"}),
		destinations: prometheus.NewCounterVec(
			counter("destinations_total", "Calls forwarded, by kind of the destination and, of a phone number, its country."),
			[]string{"kind", "country"}),
		transcode: prometheus.NewHistogram(
			histogram("transcode_duration_seconds", "Time that it took to make an answer CSV.", transcodeBuckets)),
		requestBytes: prometheus.NewHistogram(
			histogram("request_body_bytes", "Size of a request's body as it was sent.", sizeBuckets)),
		responseBytes: prometheus.NewHistogramVec(
			histogram("response_body_bytes", "Size of an answer's body as it was delivered, by format.", sizeBuckets),
			[]string{"format"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "requests_in_flight",
			Help: "Requests on the conference members route that have not ended.",
		}),
		formats: newClosedSet(l.Formats),
		reasons: newClosedSet(l.FallbackReasons),
		fields:  newClosedSet(l.Fields),
		rules:   newClosedSet(slices.Collect(maps.Keys(l.Rules))),
		kinds:   newClosedSet(l.Kinds),

		countries: make(closedSet, MaxCountries),
	}
	c.all = []prometheus.Collector{
		c.requests, c.requestDuration, c.upstreamDuration, c.transcode, c.fallbacks,
		c.failures, c.destinations, c.requestBytes, c.responseBytes, c.inFlight,
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
	for rule, fields := range l.Rules {
		for _, f := range fields {
			c.failures.WithLabelValues(c.field(f), rule, enforce)
		}
	}
	for _, k := range l.Kinds {
		c.destinations.WithLabelValues(k, none)
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

// Ended is what there is to say of a request that ended.
type Ended struct {
	// Format is the name of the answer's format, empty where none was chosen.
	Format string
	// Outcome is how it ended.
	Outcome Outcome
	// Took is the time since it arrived.
	Took time.Duration
	// RequestBytes is the size of its body as far as it was read, negative if
	// nobody looked at it.
	RequestBytes int64
	// ResponseBytes is the size of the answer's body, negative if the answer is
	// somebody else's.
	ResponseBytes int64
	// TraceID is the id of its trace, empty if it is not sampled.
	TraceID string
}

// RequestEnded counts a request that RequestStarted counted as in flight.
func (c *Collectors) RequestEnded(e Ended) {
	defer c.inFlight.Dec() // last: with none in flight, all is counted
	format := none
	if outcomes[e.Outcome].formatted && e.Format != "" {
		format = c.formats.value(e.Format)
	}
	c.requests.WithLabelValues(format, e.Outcome.String()).Inc()
	observe(c.requestDuration.WithLabelValues(format, e.Outcome.String()), e.Took.Seconds(), e.TraceID)
	if e.RequestBytes >= 0 {
		c.requestBytes.Observe(float64(e.RequestBytes))
	}
	if e.ResponseBytes >= 0 {
		c.responseBytes.WithLabelValues(format).Observe(float64(e.ResponseBytes))
	}
}

// observe observes v, with the trace as its exemplar if there is one.
func observe(o prometheus.Observer, v float64, traceID string) {
	if e, ok := o.(prometheus.ExemplarObserver); ok && traceID != "" {
		e.ObserveWithExemplar(v, prometheus.Labels{"trace_id": traceID})
		return
	}
	o.Observe(v)
}

// Dialled counts a call that was forwarded. The country is that of a phone
// number, empty where it can't be told.
func (c *Collectors) Dialled(kind, country string) {
	if kind == "" {
		kind = none
	} else {
		kind = c.kinds.value(kind)
	}
	if kind != "phone" || country == "" {
		country = none
	} else {
		country = c.country(country)
	}
	c.destinations.WithLabelValues(kind, country).Inc()
}

// country returns the label value of a country.
func (c *Collectors) country(code string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.countries[code]; !ok {
		if len(c.countries) == MaxCountries {
			return other
		}
		c.countries[code] = struct{}{}
	}
	return code
}

// Transcoded records the time that it took to make an answer CSV.
func (c *Collectors) Transcoded(took time.Duration) { c.transcode.Observe(took.Seconds()) }

// codeClasses are the values of the label code_class, indexed by the first
// digit of the status; index 0 stands for no answer at all.
var codeClasses = [...]string{none, "1xx", "2xx", "3xx", "4xx", "5xx"}

// UpstreamAnswered records the time to the header of the upstream's answer.
// Status 0 stands for no answer. The trace id is empty if it is not sampled.
func (c *Collectors) UpstreamAnswered(status int, took time.Duration, traceID string) {
	class := other
	if i := status / 100; i >= 0 && i < len(codeClasses) {
		class = codeClasses[i]
	}
	observe(c.upstreamDuration.WithLabelValues(class), took.Seconds(), traceID)
}

// TranscodeFellBack counts an answer that was delivered as it came.
func (c *Collectors) TranscodeFellBack(reason string) {
	c.fallbacks.WithLabelValues(c.reasons.value(reason)).Inc()
}

// ValidationFailed counts a rule that a request failed: mode is "enforce" if
// the request was refused, "report" if it was forwarded. The field is empty
// where the rule is about the request as a whole.
func (c *Collectors) ValidationFailed(field, rule, mode string) {
	if mode != report {
		mode = enforce
	}
	c.failures.WithLabelValues(c.field(field), c.rules.value(rule), mode).Inc()
}

// field returns the label value of a field, empty for the request as a whole.
func (c *Collectors) field(name string) string {
	if name == "" {
		return none
	}
	return c.fields.value(name)
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
