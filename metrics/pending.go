package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// pending holds observations that are not in the metrics yet. They are counted in
// batches, and all of them before a scrape. To count one request at a time costs several
// times as much: by the next request, the processor has neither the code nor the series
// in its caches any more.
type pending struct {
	mu   sync.Mutex // guards next
	next batch

	counting sync.Mutex // guards spare, and is held while that is counted
	spare    batch      // empty unless it is counted
}

// batch is a list of each kind of observation.
type batch struct {
	ended     []Observation
	responded []responded
	stored    []stored
}

// responded is the observation that the upstream responded. It is made when the header of
// the response arrives, because the body may take any time.
type responded struct {
	status  int // 0 for no response
	took    time.Duration
	traceID string
}

// stored is the observation that a store was used.
type stored struct {
	op   StoreOp
	took time.Duration
}

// batchSize is how many observations of a kind are counted at a time.
const batchSize = 32

func newBatch() batch {
	return batch{make([]Observation, 0, batchSize), make([]responded, 0, batchSize), make([]stored, 0, batchSize)}
}

// observeLater appends an observation to a list of the next batch. The batch is counted
// if the list is full, or if the observation has a trace: an exemplar has the time at which
// it is counted.
func observeLater[T any](c *Collectors, list *[]T, observation T, traceID string) {
	c.pending.mu.Lock()
	*list = append(*list, observation)
	full := len(*list) >= batchSize
	c.pending.mu.Unlock()
	if full || traceID != "" {
		c.countPending()
	}
}

// countPending counts the batch.
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
	c.inFlight.Add(-1) // last: when none is in flight, all are counted
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

// upToDate is a metric that counts what is pending before it is collected.
type upToDate struct {
	prometheus.Collector

	collectors *Collectors
}

// Collect implements [prometheus.Collector].
func (m *upToDate) Collect(ch chan<- prometheus.Metric) {
	m.collectors.countPending()
	m.Collector.Collect(ch)
}
