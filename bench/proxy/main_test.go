package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// newOptions returns the options of the shortest run.
func newOptions(t *testing.T) *options {
	t.Helper()
	for _, program := range []string{"wrk", "h2load"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	return &options{rounds: 1, slot: 100 * time.Millisecond, session: "../../internal/recordings/testdata/sessions/doc.json"}
}

func TestEverySiteIsMeasured(t *testing.T) {
	for _, keys := range []bool{false, true} {
		o, all := newOptions(t), sites()
		if o.keys = keys; keys {
			all = keySites()
		}
		var out bytes.Buffer
		if err := run(t.Context(), o, &out); err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if !strings.Contains(out.String(), " | "+s.name+" |") {
				t.Errorf("no column %s in:\n%s", s.name, out.String())
			}
		}
		for _, r := range rows {
			if !strings.Contains(out.String(), "\n| "+r.name+" | ") {
				t.Errorf("no row %s in:\n%s", r.name, out.String())
			}
		}
	}
}

func TestEverySiteIsProfiled(t *testing.T) {
	o, out := newOptions(t), new(bytes.Buffer)
	o.profiles = t.TempDir()
	if err := run(t.Context(), o, out); err != nil {
		t.Fatal(err)
	}
	for _, s := range sites() {
		f, err := os.Open(filepath.Join(o.profiles, s.file()+".pprof"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		p, err := profile.Parse(f)
		if err != nil || len(p.Sample) == 0 {
			t.Errorf("%s: no samples, error %v", s.name, err)
		}
	}
}

func TestASiteIsComparedWithItsBareProxy(t *testing.T) {
	var out bytes.Buffer
	of := func(cpu ...float64) (all []figures) {
		for _, c := range cpu {
			all = append(all, figures{cpu: c, rate: 1e6 / c})
		}
		return all
	}
	printTable(&out, []*site{
		{name: "bare", figures: of(50, 40, 50)},
		{name: "slow", figures: of(75, 60, 50), goal: 1.03},
		{name: "bare, HTTP/2", figures: of(100, 100, 100), http2: true},
		{name: "slow, HTTP/2", figures: of(150, 125, 100), http2: true},
	})
	for _, want := range []string{
		"| CPU a request, µs | 50.0 (40.0 to 50.0) | 60.0 (50.0 to 75.0) | 100.0 (100.0 to 100.0) | 125.0 (100.0 to 150.0) |",
		"| CPU, ratio | 1.000 (1.000 to 1.000) | 1.500 (1.000 to 1.500) | 1.000 (1.000 to 1.000) | 1.250 (1.000 to 1.500) |",
		"| Throughput, ratio | 1.000 (1.000 to 1.000) | 0.667 (0.667 to 1.000) | 1.000 (1.000 to 1.000) | 0.800 (0.667 to 1.000) |",
		"| Goal for the CPU, ratio |  | 1.03 |  |  |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no row %q in:\n%s", want, out.String())
		}
	}
}

func TestTheIntervalOfAMedian(t *testing.T) {
	for n, want := range map[int][2]float64{1: {1, 1}, 6: {1, 6}, 10: {1, 10}, 25: {7, 19}, 100: {40, 61}} {
		ranks := make([]float64, n)
		for i := range ranks {
			ranks[i] = float64(i + 1)
		}
		if low, high := confidence(ranks); low != want[0] || high != want[1] {
			t.Errorf("of %d values: ranks %v to %v, want %v", n, low, high, want)
		}
	}
}
