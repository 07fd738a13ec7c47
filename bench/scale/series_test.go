package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
			if n := strings.Count(out.String(), "\n| "); n != len(s.at)+2 {
				t.Errorf("the table has %d rows:\n%s", n, out.String())
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
		steep     bool
	}{
		{"as steep", 1.5, 1.5, false},
		{"steeper", 1.5, 1.8, true},
		{"the bare one alone", 1.5, 0.5, false},
		{"a bare one that grows slowly excuses nothing", 0.1, 1.3, true},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			s := grown(tt.own)
			s.ways = append(s.ways, way{name: "bare", bare: true})
			s.points = append(s.points, grown(tt.bare).points[0])
			if err := s.print(new(bytes.Buffer)); (err != nil) != tt.steep {
				t.Errorf("error %v", err)
			}
		})
	}
}
