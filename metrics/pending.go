package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// pending is what was observed and is not in the metrics yet. Between all else that a
// request takes, counting it costs several times what it costs right after counting
// another, because the processor has neither the code nor the series in its caches any
// more. So some requests are counted at a time, and all before every scrape.
type pending struct {
	mu   sync.Mutex // of next
	next batch

	counting sync.Mutex // held while a batch is counted
	spare    batch
}

// batch is what is counted at a time.
type batch struct {
	ended     []Observation
	responded []responded
	stored    []stored
}

// responded is that the upstream responded. It is observed when the header of the
// response arrives, because the body may take any time.
type responded struct {
	status  int
	took    time.Duration
	traceID string
}

// stored is that a store was used.
type stored struct {
	op   StoreOp
	took time.Duration
}

// atOnce is how many observations of a kind are counted at a time.
const atOnce = 32

func newBatch() batch {
	return batch{make([]Observation, 0, atOnce), make([]responded, 0, atOnce), make([]stored, 0, atOnce)}
}

// add adds an observation to one of the lists of the next batch. All is counted if that is
// full, or if the observation has a trace: the time of an exemplar is when it is counted.
func add[T any](c *Collectors, list *[]T, observation T, traceID string) {
	c.pending.mu.Lock()
	*list = append(*list, observation)
	full := len(*list) >= atOnce
	c.pending.mu.Unlock()
	if full || traceID != "" {
		c.countPending()
	}
}

// countPending counts all that is pending.
func (c *Collectors) countPending() {
	p := &c.pending
	p.counting.Lock()
	defer p.counting.Unlock()
	p.mu.Lock()
	p.next, p.spare = p.spare, p.next
	p.mu.Unlock()
	b := &p.spare
	for i := range b.responded {
		c.upstreamResponded(&b.responded[i])
	}
	for i := range b.ended {
		c.requestEnded(&b.ended[i])
	}
	for _, s := range b.stored {
		c.store.at(int(s.op)).Observe(s.took.Seconds())
	}
	b.responded, b.ended, b.stored = b.responded[:0], b.ended[:0], b.stored[:0]
}

// requestEnded puts a request into the metrics.
func (c *Collectors) requestEnded(o *Observation) {
	format, outcome := c.formats.number(none), o.Outcome.number()
	if outcomes[o.Outcome].formatted {
		format = c.formats.number(o.Format)
	}
	c.requests.at(format, outcome).Inc()
	if o.Outcome != Bulk && o.Outcome != Checked { // rows of an upload are counted; a check is no call
		c.calls.at(int(o.Call)).Inc()
	}
	if o.Forwarded {
		country := o.Country
		if o.Kind != "phone" {
			country = none
		}
		c.destinations.of(o.Kind, country).Inc()
	}
	observe(c.requestDuration.at(outcome), o.Took.Seconds(), o.TraceID)
	if o.Transcode > 0 {
		c.transcode.of().Observe(o.Transcode.Seconds())
	}
	if o.RequestBytes.known {
		c.requestBytes.of().Observe(float64(o.RequestBytes.bytes))
	}
	if o.ResponseBytes.known {
		c.responseBytes.at(format).Observe(float64(o.ResponseBytes.bytes))
	}
	c.inFlight.Add(-1) // last: with none in flight, all is counted
}

// codeClasses are the values of the label code_class, indexed by the first
// digit of the status; index 0 means no response at all.
var codeClasses = [...]string{none, "1xx", "2xx", "3xx", "4xx", "5xx"}

// upstreamResponded puts the time of an upstream into the metrics.
func (c *Collectors) upstreamResponded(r *responded) {
	class := r.status / 100
	if class < 0 || class > len(codeClasses) {
		class = len(codeClasses) // other
	}
	observe(c.upstreamDuration.at(class), r.took.Seconds(), r.traceID)
}

// observe observes v, with the trace as its exemplar if there is one.
func observe(o prometheus.Observer, v float64, traceID string) {
	if traceID == "" {
		o.Observe(v)
	} else if e, ok := o.(prometheus.ExemplarObserver); ok {
		e.ObserveWithExemplar(v, prometheus.Labels{"trace_id": traceID})
	}
}

// complete is a metric with what was pending.
type complete struct {
	prometheus.Collector

	collectors *Collectors
}

// Collect implements [prometheus.Collector].
func (m *complete) Collect(ch chan<- prometheus.Metric) {
	m.collectors.countPending()
	m.Collector.Collect(ch)
}
