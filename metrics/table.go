package metrics

import (
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is an entry of the table of metrics, see [New].
type metric struct {
	// name is the name behind the prefix.
	name string
	// help is one sentence, for /metrics and for the documentation.
	help string
	// labels are its labels.
	labels []label
	// budget is how many label sets it may have.
	budget int
	// buckets are the boundaries of a histogram.
	buckets []float64
	// exists reports whether a series is there, with zero, before it is first used, by
	// the values of its labels. The default is: a counter's series if no value is none
	// or other, and no series of a histogram, which has many samples each. A metric
	// without labels is always there.
	exists func(values []string) bool
}

// maxLabels is the most labels that a metric has.
const maxLabels = 3

// The prefix of all names.
const (
	namespace = "caddy"
	subsystem = "conference_members"
)

// family is a metric with its series. They are made when they are first used and
// found again by the numbers of their labels' values.
type family[M any] struct {
	prometheus.Collector

	labels []label
	series []atomic.Pointer[M]
	// resolve makes a series, or finds it.
	resolve func(values ...string) M
}

// of returns the series of some values, one for each label. Values outside a
// label's set are other.
func (f *family[M]) of(values ...string) M {
	var room [maxLabels]int
	numbers := room[:len(f.labels)]
	for i, l := range f.labels {
		numbers[i] = l.number(values[i])
	}
	return f.at(numbers...)
}

// at returns the series of the values of some numbers, one for each label.
func (f *family[M]) at(numbers ...int) M {
	k := 0
	for i, l := range f.labels {
		k = k*l.size() + numbers[i]
	}
	if m := f.series[k].Load(); m != nil {
		return *m
	}
	m := f.resolve(f.values(k)...)
	f.series[k].Store(&m)
	return m
}

// values returns the values of the labels of a series.
func (f *family[M]) values(k int) []string {
	values := make([]string, len(f.labels))
	for i, l := range slices.Backward(f.labels) {
		values[i] = l.value(k % l.size())
		k /= l.size()
	}
	return values
}

// newFamily makes the family of a vector, with the series that exist before they are
// used.
func newFamily[M any](c *Collectors, m *metric, vector prometheus.Collector, resolve func(values ...string) M) *family[M] {
	f := &family[M]{Collector: c.add(m, vector), labels: m.labels, resolve: resolve}
	size := 1
	for _, l := range m.labels {
		size *= l.size()
	}
	f.series = make([]atomic.Pointer[M], size)
	for k := range f.series {
		if values := f.values(k); len(m.labels) == 0 || m.exists != nil && m.exists(values) {
			f.of(values...)
		}
	}
	return f
}

// add adds a metric to all, and returns it as it is exposed.
func (c *Collectors) add(m *metric, col prometheus.Collector) prometheus.Collector {
	col = &upToDate{col, c}
	c.all = append(c.all, col)
	c.budgets[prometheus.BuildFQName(namespace, subsystem, m.name)] = m.budget
	return col
}

// names returns the names of the labels.
func (m *metric) names() []string {
	names := make([]string, len(m.labels))
	for i, l := range m.labels {
		names[i] = l.name()
	}
	return names
}

// counter puts a counter into the table.
func (c *Collectors) counter(m metric) *family[prometheus.Counter] {
	if m.exists == nil {
		m.exists = func(values []string) bool {
			return !slices.Contains(values, none) && !slices.Contains(values, other)
		}
	}
	v := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: m.name, Help: m.help,
	}, m.names())
	return newFamily(c, &m, v, v.WithLabelValues)
}

// histogram puts a histogram into the table, which is a native one as well.
func (c *Collectors) histogram(m metric) *family[prometheus.Observer] {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Subsystem: subsystem, Name: m.name, Help: m.help,
		Buckets:                        m.buckets,
		NativeHistogramBucketFactor:    nativeBucketFactor,
		NativeHistogramMaxBucketNumber: nativeMaxBuckets,
	}, m.names())
	return newFamily(c, &m, v, v.WithLabelValues)
}

// gauge puts a gauge without labels into the table.
func (c *Collectors) gauge(m metric, value func() float64) {
	c.add(&m, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: m.name, Help: m.help,
	}, value))
}
