package metrics

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// labels returns label sets of a realistic size.
func labels() Labels {
	l := Labels{
		Formats:         []string{"json", "csv", "xml", "jsv", "html"},
		FallbackReasons: []string{"malformed", "too_large"},
		Kinds:           []string{"phone", "sip", "client", "email", "name"},
		Fields:          []string{"sessionId", "callSid", "destination", "fromNumber"},
	}
	l.Rules = make(map[string][]string)
	for i := range 40 {
		l.Rules[fmt.Sprintf("rule_%d", i)] = append([]string{""}, l.Fields[:i%3]...)
	}
	return l
}

// forwarded is a request that was forwarded.
func forwarded(kind, country string) *Observation {
	return &Observation{Outcome: OK, Format: "json", Forwarded: true, Kind: kind, Country: country}
}

// drive makes every metric observe something.
func drive(c *Collectors) {
	c.RequestStarted()
	c.RequestStarted()
	c.RequestEnded(&Observation{
		Format: "csv", Outcome: OK, Took: time.Millisecond, Transcode: time.Millisecond,
		Forwarded: true, Kind: "phone", Country: "DE", RequestBytes: Bytes(1), ResponseBytes: Bytes(1),
	})
	c.UpstreamResponded(200, time.Millisecond, "")
	c.Violated("destination", "rule_1", "enforce")
	c.WouldRefuse()
	c.FellBack("malformed")
	c.LookedAlike()
	c.Idempotent(KeyNew)
	c.StoreUsed(StoreBegin, time.Millisecond)
	c.RowEnded(RowDialled)
}

// TestEveryMetricIsObserved holds that no entry of the table lacks a method that
// observes it.
func TestEveryMetricIsObserved(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := New(labels())
	if err := c.Register(reg); err != nil {
		t.Fatal(err)
	}
	drive(c)
	sums := scrape(t, reg)
	for name, observed := range sums {
		if observed == 0 {
			t.Errorf("nothing observes %s", name)
		}
	}
	if len(sums) != len(c.all) {
		t.Errorf("%d of the %d metrics of the table are exposed", len(sums), len(c.all))
	}
}

func TestObservingAllocatesNothing(t *testing.T) {
	c := New(labels())
	drive(c) // allocates what is made on first use
	if n := testing.AllocsPerRun(100, func() { drive(c) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNamesAndHelpAreClean(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	c := New(labels())
	if err := c.Register(reg); err != nil {
		t.Fatal(err)
	}
	drive(c)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestRegisteringTwiceIsNoError(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := New(labels())
	for range 2 {
		if err := c.Register(reg); err != nil {
			t.Fatal(err)
		}
	}
	if err := New(labels()).Register(reg); err == nil {
		t.Error("other collectors of the same names were registered, and would count in vain")
	}
}

func TestCountsOutliveARegistry(t *testing.T) {
	c := New(labels())
	for range 2 { // a configuration, and the one after a reload
		reg := prometheus.NewRegistry()
		if err := c.Register(reg); err != nil {
			t.Fatal(err)
		}
		c.RequestStarted()
		c.RequestEnded(&Observation{Format: "csv", Outcome: OK, Took: time.Millisecond})
	}
	c.countPending()
	if got := testutil.ToFloat64(c.requests.of("csv", "ok")); got != 2 {
		t.Errorf("requests_total = %v, want 2", got)
	}
	if got := c.inFlight.Load(); got != 0 {
		t.Errorf("requests_in_flight = %v, want 0", got)
	}
}

func TestKnownLabelValuesExistFromTheStart(t *testing.T) {
	c := New(labels())
	want := 0
	for _, o := range Outcomes() {
		switch {
		case !outcomes[o].formatted, o == Fallback:
			want++
		default:
			want += len(labels().Formats)
		}
	}
	if got := testutil.CollectAndCount(c.requests); got != want {
		t.Errorf("requests_total has %d series at the start, want %d", got, want)
	}
	if got := testutil.CollectAndCount(c.violations); got < len(labels().Rules) {
		t.Errorf("validation_failures_total has %d series at the start, want one a rule and field", got)
	}
	if got, want := testutil.CollectAndCount(c.fallbacks), len(labels().FallbackReasons); got != want {
		t.Errorf("transcode_fallbacks_total has %d series at the start, want %d", got, want)
	}
}

// TestLabelSetsAreClosed gives every label thousands of unknown values.
func TestLabelSetsAreClosed(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := New(labels())
	if err := c.Register(reg); err != nil {
		t.Fatal(err)
	}
	for i := range 5000 {
		odd := fmt.Sprintf("odd %d", i)
		for _, o := range Outcomes() {
			c.RequestStarted()
			c.RequestEnded(&Observation{Format: odd, Outcome: o})
		}
		c.UpstreamResponded(i, 0, "")
		c.FellBack(odd)
		c.RequestEnded(forwarded("phone", odd))
		c.RequestEnded(forwarded(odd, odd))
		c.Violated("destination", fmt.Sprintf("rule_%d", i%40), odd)
		c.Violated(odd, odd, "report")
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n, most := len(f.GetMetric()), c.Budgets()[f.GetName()]; n > most {
			t.Errorf("%s has %d label sets, want at most %d", f.GetName(), n, most)
		}
	}
	for value, count := range map[string]prometheus.Counter{
		"format": c.requests.of(other, "ok"),
		"reason": c.fallbacks.of(other),
		"field":  c.violations.of(other, other, "report"),
	} {
		if testutil.ToFloat64(count) != 5000 {
			t.Errorf("%s: not every odd value was counted as %s", value, other)
		}
	}
}

// TestBudgetsOfLabelSets holds that the budgets of all metrics are no more than a process
// may have.
func TestBudgetsOfLabelSets(t *testing.T) {
	sum := 0
	for name, budget := range New(labels()).Budgets() {
		if budget < 1 {
			t.Errorf("%s has no budget", name)
		}
		sum += budget
	}
	if sum > MaxLabelSets {
		t.Errorf("the budgets are %d label sets, want at most %d", sum, MaxLabelSets)
	}
}

func TestTheFirstCountriesHaveSeriesOfTheirOwn(t *testing.T) {
	c := New(labels())
	for i := range 2 * MaxCountries {
		c.RequestEnded(forwarded("phone", fmt.Sprint("country ", i)))
	}
	c.RequestEnded(forwarded("phone", "country 0"))
	c.countPending()
	if got := testutil.ToFloat64(c.destinations.of("phone", "country 0")); got != 2 {
		t.Errorf("the first country was counted %v times, want 2", got)
	}
	if got := testutil.ToFloat64(c.destinations.of("phone", other)); got != MaxCountries {
		t.Errorf("%v calls were counted as other, want %d", got, MaxCountries)
	}
}

// scrape returns what has been counted, gauged or observed, by the name of the metric.
func scrape(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Error(err)
	}
	sums := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			sums[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sums
}

// TestAScrapeMissesNothing scrapes after each number of requests, from several
// goroutines that go on observing, and compares the last one with what was observed.
func TestAScrapeMissesNothing(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := New(labels())
	if err := c.Register(reg); err != nil {
		t.Fatal(err)
	}
	const clients, each = 4, 3*batchSize + 1
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range each {
				c.RequestStarted()
				c.UpstreamResponded(200, time.Millisecond, "")
				c.StoreUsed(StoreBegin, time.Millisecond)
				c.RequestEnded(&Observation{Format: "json", Outcome: OK, Forwarded: true, Kind: "phone", ResponseBytes: Bytes(1)})
				scrape(t, reg)
			}
		})
	}
	all.Wait()
	sums := scrape(t, reg)
	for name, want := range map[string]float64{
		"requests_total": clients * each, "calls_total": clients * each, "destinations_total": clients * each,
		"request_duration_seconds": clients * each, "upstream_duration_seconds": clients * each,
		"response_body_bytes": clients * each, "store_duration_seconds": clients * each, "requests_in_flight": 0,
	} {
		if got := sums["caddy_conference_members_"+name]; got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}

func TestASampledTraceIsAnExemplar(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := New(labels())
	if err := c.Register(reg); err != nil {
		t.Fatal(err)
	}
	c.RequestStarted()
	c.RequestEnded(&Observation{Format: "csv", Outcome: OK, Took: time.Millisecond, TraceID: "0af7651916cd43dd8448eb211c80319c"})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "caddy_conference_members_request_duration_seconds" {
			continue
		}
		for _, b := range f.GetMetric()[0].GetHistogram().GetBucket() {
			if e := b.GetExemplar(); e != nil && e.GetLabel()[0].GetValue() == "0af7651916cd43dd8448eb211c80319c" {
				return
			}
		}
	}
	t.Error("no bucket has the trace as its exemplar")
}

func TestUpstreamResponsesAreCountedByClass(t *testing.T) {
	c := New(labels())
	for _, status := range []int{0, 101, 204, 302, 404, 503, 999, -1} {
		c.UpstreamResponded(status, 0, "")
	}
	c.countPending()
	for _, class := range []string{none, "1xx", "2xx", "3xx", "4xx", "5xx"} {
		if n := count(t, c.upstreamDuration.of(class)); n == 0 {
			t.Errorf("no response was counted as %s", class)
		}
	}
	if n := count(t, c.upstreamDuration.of(other)); n == 0 {
		t.Errorf("no response was counted as %s", other)
	}
}

// count returns the number of observations of a histogram.
func count(t *testing.T, o prometheus.Observer) uint64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	h, ok := o.(prometheus.Metric)
	if !ok {
		t.Fatal("no metric")
	}
	if err := reg.Register(single{h}); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families[0].GetMetric()[0].GetHistogram().GetSampleCount()
}

// single collects one metric.
type single struct{ prometheus.Metric }

func (s single) Describe(ch chan<- *prometheus.Desc) { ch <- s.Desc() }
func (s single) Collect(ch chan<- prometheus.Metric) { ch <- s.Metric }

func TestEveryOutcomeIsExplained(t *testing.T) {
	seen := make(map[string]bool)
	for _, o := range Outcomes() {
		if o.String() == "" || seen[o.String()] {
			t.Errorf("outcome %d has no name of its own: %q", o, o)
		}
		seen[o.String()] = true
		if !strings.HasSuffix(o.Meaning(), ".") {
			t.Errorf("outcome %s has no meaning: %q", o, o.Meaning())
		}
	}
}

func BenchmarkRequestEnded(b *testing.B) {
	c := New(labels())
	b.ReportAllocs()
	for b.Loop() {
		c.RequestStarted()
		c.RequestEnded(&Observation{Format: "csv", Outcome: OK, Took: time.Millisecond})
	}
}

// TestWhatIsNoCallIsNotCountedAsOne holds that for a check, and for an upload, whose rows
// are the calls.
func TestWhatIsNoCallIsNotCountedAsOne(t *testing.T) {
	for outcome, want := range map[Outcome]float64{OK: 1, Refused: 1, Checked: 0, Bulk: 0} {
		reg := prometheus.NewRegistry()
		c := New(labels())
		if err := c.Register(reg); err != nil {
			t.Fatal(err)
		}
		c.RequestStarted()
		c.RequestEnded(&Observation{Outcome: outcome})
		sums := scrape(t, reg)
		const ours = "caddy_conference_members_"
		if got := sums[ours+"calls_total"]; got != want || sums[ours+"requests_total"] != 1 {
			t.Errorf("%s counts as %v calls and %v requests, want %v and 1", outcome, got, sums[ours+"requests_total"], want)
		}
	}
}
