package metrics

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The values of the label mode.
const (
	enforce = "enforce"
	report  = "report"
	warn    = "warn"
)

// durationBuckets are the boundaries, in seconds, that OpenTelemetry's
// semantic conventions advise for HTTP durations.
var durationBuckets = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

// transcodeBuckets are boundaries in seconds: 10 us to 2.6 s, each four times
// the one before.
var transcodeBuckets = prometheus.ExponentialBuckets(10e-6, 4, 10)

// storeBuckets are boundaries in seconds: 10 us to 2.6 s, each four times the one
// before.
var storeBuckets = transcodeBuckets

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
	// Formats are the names of the formats that a response can have.
	Formats []string
	// FallbackReasons are why a response is passed through because transcoding to CSV failed.
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
// are dialled. Operators decide which those are, because only what was forwarded
// counts.
const MaxCountries = 40

// MaxLabelSets is how many label sets a process may have. Every metric has a part of it,
// its budget; what is left is for metrics to come.
const MaxLabelSets = 400

// Collectors are the gateway's metrics. All methods are safe for concurrent use.
type Collectors struct {
	pending pending
	all     []prometheus.Collector // in the order of the table
	budgets map[string]int         // of label sets, by the full name
	formats *closed                // the label format

	requests         *family[prometheus.Counter]
	calls            *family[prometheus.Counter]
	requestDuration  *family[prometheus.Observer]
	upstreamDuration *family[prometheus.Observer]
	transcode        *family[prometheus.Observer]
	fallbacks        *family[prometheus.Counter]
	violations       *family[prometheus.Counter]
	wouldRefuse      *family[prometheus.Counter]
	destinations     *family[prometheus.Counter]
	requestBytes     *family[prometheus.Observer]
	responseBytes    *family[prometheus.Observer]
	lookAlikes       *family[prometheus.Counter]
	inFlight         atomic.Int64
	idempotency      *family[prometheus.Counter]
	store            *family[prometheus.Observer]
	bulkRows         *family[prometheus.Counter]
}

// New makes the collectors; they are not registered yet. It is the one table of
// metrics.
func New(l Labels) *Collectors {
	var (
		format    = newClosed("format", append([]string{none}, l.Formats...)...)
		outcome   = newClosed("outcome", outcomeNames()...)
		codeClass = newClosed("code_class", codeClasses[:]...)
		reason    = newClosed("reason", l.FallbackReasons...)
		field     = newClosed("field", append([]string{none}, l.Fields...)...)
		rule      = newClosed("rule", slices.Sorted(maps.Keys(l.Rules))...)
		mode      = newClosed("mode", enforce, report, warn)
		kind      = newClosed("kind", append([]string{none}, l.Kinds...)...)
		call      = newClosed("call", callNames()...)
		country   = newFirstSeen("country", MaxCountries)
	)
	c := &Collectors{pending: pending{next: newBatch(), spare: newBatch()}, budgets: make(map[string]int), formats: format}
	c.requests = c.counter(metric{
		name:   "requests_total",
		budget: 96,
		help:   "Requests on the conference members route that ended, by format of the response and outcome.",
		labels: []label{format, outcome},
		exists: func(v []string) bool { return canEnd(v[0], v[1]) },
	})
	c.calls = c.counter(metric{
		name:   "calls_total",
		budget: 4,
		help:   "Requests on the conference members route that ended, by what became of the call.",
		labels: []label{call},
	})
	c.requestDuration = c.histogram(metric{
		name:    "request_duration_seconds",
		budget:  20,
		help:    "Time from a request's arrival to the end of its response.",
		labels:  []label{outcome},
		buckets: durationBuckets,
	})
	c.upstreamDuration = c.histogram(metric{
		name:    "upstream_duration_seconds",
		budget:  8,
		help:    "Time from forwarding a request to the header of the response, or to the failure.",
		labels:  []label{codeClass},
		buckets: durationBuckets,
		exists:  func(v []string) bool { return v[0] != other },
	})
	c.transcode = c.histogram(metric{
		name:    "transcode_duration_seconds",
		budget:  1,
		help:    "Time spent transcoding a response to CSV.",
		buckets: transcodeBuckets,
	})
	c.fallbacks = c.counter(metric{
		name:   "transcode_fallbacks_total",
		budget: 16,
		help:   "Responses passed through because transcoding to CSV failed, by reason.",
		labels: []label{reason},
	})
	c.violations = c.counter(metric{
		name:   "validation_failures_total",
		budget: 140,
		help:   "Rules that requests violate, by field, rule and the rule's mode.",
		labels: []label{field, rule, mode},
		exists: func(v []string) bool {
			return v[2] == enforce && slices.ContainsFunc(l.Rules[v[1]], func(f string) bool { return cmp.Or(f, none) == v[0] })
		},
	})
	c.wouldRefuse = c.counter(metric{
		name:   "would_refuse_total",
		budget: 1,
		help:   "Requests forwarded that would have been refused if no rule were in mode report.",
	})
	c.destinations = c.counter(metric{
		name:   "destinations_total",
		budget: 48,
		help:   "Calls forwarded, by kind of the destination and, of a phone number, its country.",
		labels: []label{kind, country},
		exists: func(v []string) bool { return slices.Contains(l.Kinds, v[0]) && v[1] == none },
	})
	c.requestBytes = c.histogram(metric{
		name:    "request_body_bytes",
		budget:  1,
		help:    "Size of a request's body as it was sent.",
		buckets: sizeBuckets,
	})
	c.responseBytes = c.histogram(metric{
		name:    "response_body_bytes",
		budget:  8,
		help:    "Size of a response's body as it was delivered, by format.",
		labels:  []label{format},
		buckets: sizeBuckets,
	})
	c.lookAlikes = c.counter(metric{
		name:   "lookalikes_total",
		budget: 1,
		help:   "POST requests passed on unjudged whose path ends like the route: the gateway may be mounted in the wrong place.",
	})
	c.gauge(metric{
		name:   "requests_in_flight",
		budget: 1,
		help:   "Requests on the conference members route that have not ended.",
	}, func() float64 { return float64(c.inFlight.Load()) })
	c.idempotency = c.counter(metric{
		name:   "idempotency_total",
		budget: 14,
		help:   "What became of idempotency keys, by result.",
		labels: []label{newClosed("result", idempotencyNames()...)},
	})
	c.store = c.histogram(metric{
		name:    "store_duration_seconds",
		budget:  6,
		help:    "Time that the store of idempotency keys took, by operation.",
		labels:  []label{newClosed("op", storeOps[:]...)},
		buckets: storeBuckets,
	})
	c.bulkRows = c.counter(metric{
		name:   "bulk_rows_total",
		budget: 6,
		help:   "Rows of bulk uploads, by what became of the call.",
		labels: []label{newClosed("outcome", rowOutcomeNames()...)},
	})
	return c
}

// Register adds the collectors to reg. Adding them once more, for a second
// handler of the same configuration, is not an error.
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

// LookedAlike counts a request whose path only ends like the route.
func (c *Collectors) LookedAlike() { c.lookAlikes.of().Inc() }

// Budgets returns the most label sets of every metric, by its full name.
func (c *Collectors) Budgets() map[string]int { return maps.Clone(c.budgets) }

// RequestStarted counts a request as in flight until RequestEnded.
func (c *Collectors) RequestStarted() { c.inFlight.Add(1) }

// RequestLeft takes back that a request is in flight, without counting it.
func (c *Collectors) RequestLeft() { c.inFlight.Add(-1) }

// Observation describes a request that ended.
type Observation struct {
	// Format is the name of the response's format, empty where none was chosen.
	Format string
	// Outcome is how it ended.
	Outcome Outcome
	// Call is what became of the call.
	Call Call
	// Forwarded says whether a call was forwarded, to a destination of a Kind and, if
	// that is a phone number and its country is known, a Country.
	Forwarded     bool
	Kind, Country string
	// Took is the time since it arrived.
	Took time.Duration
	// Transcode is the time spent transcoding the response to CSV, 0 if it was not.
	Transcode time.Duration
	// RequestBytes is the size of its body as far as it was read, unknown if nobody
	// looked at it.
	RequestBytes Size
	// ResponseBytes is the size of the response's body, unknown if the response is
	// somebody else's.
	ResponseBytes Size
	// TraceID is the id of its trace, empty if it is not sampled.
	TraceID string
}

// Size is a number of bytes that may be unknown, as its zero value is.
type Size struct {
	known bool
	bytes int64
}

// Bytes is a known number of bytes.
func Bytes(n int64) Size { return Size{true, n} }

// RequestEnded counts a request that RequestStarted counted as in flight.
func (c *Collectors) RequestEnded(o *Observation) {
	observeLater(c, &c.pending.next.ended, *o, o.TraceID)
}

// UpstreamResponded records the time to the header of the upstream's response.
// Status 0 means no response. The trace id is empty if it is not sampled.
func (c *Collectors) UpstreamResponded(status int, took time.Duration, traceID string) {
	observeLater(c, &c.pending.next.responded, responded{status, took, traceID}, traceID)
}

// FellBack counts a response that was passed through because transcoding to CSV failed.
func (c *Collectors) FellBack(reason string) {
	c.fallbacks.of(reason).Inc()
}

// Violated counts a rule that a request violates: mode is "enforce" if the request
// is refused for it, "report" if it would be in that mode, "warn" if it would not be
// either. The field is empty where the rule is about the request as a whole.
func (c *Collectors) Violated(field, rule, mode string) {
	if mode != report && mode != warn {
		mode = enforce
	}
	c.violations.of(field, rule, mode).Inc()
}

// WouldRefuse counts a request that was forwarded only because rules are in report
// mode.
func (c *Collectors) WouldRefuse() { c.wouldRefuse.of().Inc() }
