package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metrics are the samples of one page that the books account for: counters, and counts
// and sums of histograms, each by its series and, if it has labels, the total by its name.
// Durations have only counts.
type metrics map[string]float64

// inFlight is the name of the only gauge.
const inFlight = "requests_in_flight"

// readMetrics reads this module's metrics off a page in the text format.
func readMetrics(page io.Reader) (metrics, error) {
	const ours = "caddy_conference_members_"
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(page)
	if err != nil {
		return nil, fmt.Errorf("reading the metrics: %w", err)
	}
	m := make(metrics)
	for name, family := range families {
		name, found := strings.CutPrefix(name, ours)
		if !found {
			continue
		}
		for _, sample := range family.GetMetric() {
			m.add(name, sample)
		}
	}
	if len(m) == 0 {
		return nil, fmt.Errorf("reading the metrics: none of %s* is there", ours)
	}
	return m, nil
}

// add adds a sample of one series.
func (m metrics) add(name string, sample *dto.Metric) {
	labels := make([]string, 0, 2*len(sample.GetLabel()))
	for _, l := range sample.GetLabel() {
		labels = append(labels, l.GetName(), l.GetValue())
	}
	put := func(name string, value float64) {
		m[name] += value
		if len(labels) > 0 {
			m[seriesName(name, labels...)] += value
		}
	}
	h := sample.GetHistogram()
	if h == nil {
		put(name, sample.GetCounter().GetValue()+sample.GetGauge().GetValue())
		return
	}
	put(name+"_count", float64(h.GetSampleCount()))
	if strings.HasSuffix(name, "_bytes") {
		put(name+"_sum", h.GetSampleSum())
	}
}

// scrape gets the page of metrics.
func scrape(ctx context.Context, url string) (metrics, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("scraping: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("scraping: %s", res.Status)
	}
	return readMetrics(res.Body)
}
