package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/bench/rig"
)

// grown returns points at which memory grows with an exponent.
func grown(e float64) *series {
	s := &series{name: "size", x: "bytes", at: []int{1, 10, 100, 1000}, ways: []way{{name: "module"}}, graphs: []graph{memory, throughput}}
	points := make([]point, len(s.at))
	for i, x := range s.at {
		points[i] = point{x: float64(x), resident: 7 * math.Pow(float64(x), e), rate: math.Pow(float64(x), 2)}
	}
	s.points = [][]point{points}
	return s
}

func TestGrowthBeyondLinearIsAnError(t *testing.T) {
	for _, tt := range []struct {
		rule  string
		e     float64
		steep bool
	}{
		{"nothing grows", 0, false},
		{"linear", 1, false},
		{"a little steeper, as measurements are", 1.1, false},
		{"quadratic", 2, true},
		{"n log n and more", 1.3, true},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			s := grown(tt.e)
			if got := exponent(s.points[0], memory.value); math.Abs(got-tt.e) > 1e-9 {
				t.Errorf("exponent %v, want %v", got, tt.e)
			}
			var out bytes.Buffer
			err := s.print(&out)
			if (err != nil) != tt.steep {
				t.Errorf("error %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), memory.name) {
				t.Errorf("the error does not name the memory: %v", err)
			}
			if n := strings.Count(out.String(), "\n| "); n != len(s.graphs)*(len(s.at)+2) {
				t.Errorf("the tables have %d rows:\n%s", n, out.String())
			}
		})
	}
}

func TestEverySeriesIsPlotted(t *testing.T) {
	dir := t.TempDir()
	if err := grown(1).plot(dir); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "scale-size.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", memory.name, throughput.name, "module"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("nothing of %q in the plot", want)
		}
	}
}

func TestResponsesHaveTheirSizes(t *testing.T) {
	for _, size := range sizes {
		if n := len(session(size)); n < size-100 || n > size+100 {
			t.Errorf("a response of %d bytes has %d", size, n)
		}
	}
	if last := sizes[len(sizes)-1]; len(session(last)) > 8<<20 {
		t.Errorf("the largest response is too large to be made CSV")
	}
}

func TestCostsMayGrowAsTheyDoWithoutTheModule(t *testing.T) {
	for _, tt := range []struct {
		rule      string
		bare, own float64
		version   rig.Version
		steep     bool
	}{
		{"as steep", 1.5, 1.5, rig.HTTP1, false},
		{"steeper", 1.5, 1.8, rig.HTTP1, true},
		{"the bare one alone", 1.5, 0.5, rig.HTTP1, false},
		{"a bare one that grows slowly excuses nothing", 0.1, 1.3, rig.HTTP1, true},
		{"nor does one over another version of HTTP", 1.5, 1.5, rig.HTTP2, true},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			s := grown(tt.own)
			s.ways = append(s.ways, way{name: "bare", bare: true, version: tt.version})
			s.points = append(s.points, grown(tt.bare).points[0])
			if err := s.print(new(bytes.Buffer)); (err != nil) != tt.steep {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestReplaysSendTheKeysOfTheStoreAgain(t *testing.T) {
	for _, tt := range []struct {
		rule    string
		replays bool
		want    int
	}{
		{"new keys", false, 6},
		{"replays", true, 3},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			sent, key := make(map[string]bool), keys(&way{replays: tt.replays}, 3)
			for range 6 {
				sent[key()] = true
			}
			if len(sent) != tt.want {
				t.Errorf("%d keys %v, want %d", len(sent), sent, tt.want)
			}
		})
	}
}

func TestSeriesAreChosenByName(t *testing.T) {
	for _, tt := range []struct {
		names, want string
		fails       bool
	}{
		{"", "size clients handlers keys rows", false},
		{"rows,size", "rows size", false},
		{"row", "", true},
	} {
		chosen, err := choose(all("upstream"), tt.names)
		var got []string
		for _, s := range chosen {
			got = append(got, s.name)
		}
		if strings.Join(got, " ") != tt.want || (err != nil) != tt.fails {
			t.Errorf("%q: %v, error %v", tt.names, got, err)
		}
	}
}

// TestEverySeriesIsMeasured measures the first point of each for an instant.
func TestEverySeriesIsMeasured(t *testing.T) {
	program, err := rig.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	upstream, err := rig.StartUpstream(responses())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := upstream.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, s := range all(upstream.Addr) {
		t.Run(s.name, func(t *testing.T) {
			s.at = s.at[:1]
			if err := s.measure(t.Context(), program, time.Millisecond); err != nil {
				t.Fatal(err)
			}
			for i, w := range s.ways {
				for _, g := range s.graphs {
					if v := g.value(&s.points[i][0]); !(v > 0) {
						t.Errorf("%s: %s is %v", w.name, g.name, v)
					}
				}
			}
		})
	}
}
