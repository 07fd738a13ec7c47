package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/bench/rig"
)

// series is how costs grow with one thing.
type series struct {
	name   string // of the file of the plot
	x      string // what grows
	bytes  bool   // x is a size
	at     []int
	ways   []way
	load   func(x int) (session string, clients int)
	graphs []graph

	points [][]point // by way and x
}

// way is a way to respond to the request.
type way struct {
	name, accept, contentType string
	directives                func(x int) string
	// bare is without the module. Its costs grow because of Caddy, and of clients on the
	// same machine, so those of the other ways may grow as fast.
	bare bool
}

// point is what was measured at one x.
type point struct {
	x          float64
	rate       float64 // requests a second
	p50, p99   float64 // milliseconds
	cpu        float64 // microseconds of the gateway, a request
	resident   float64 // MiB at the most
	goroutines float64 // at the most
	start      float64 // milliseconds from the start of the process
}

// graph is one figure of the points, and how it may grow.
type graph struct {
	name  string
	value func(p *point) float64
	// linear says that it must not grow faster than x. Otherwise it is only shown.
	linear bool
}

var (
	throughput = graph{"requests a second", func(p *point) float64 { return p.rate }, false}
	median     = graph{"p50, ms", func(p *point) float64 { return p.p50 }, true}
	slowest    = graph{"p99, ms", func(p *point) float64 { return p.p99 }, false}
	cpu        = graph{"CPU a request, µs", func(p *point) float64 { return p.cpu }, true}
	memory     = graph{"resident memory, MiB", func(p *point) float64 { return p.resident }, true}
	goroutines = graph{"goroutines", func(p *point) float64 { return p.goroutines }, true}
	starting   = graph{"start, ms", func(p *point) float64 { return p.start }, true}
)

// steepest is the exponent up to which growth counts as linear: measurements are not
// exact.
const steepest = 1.15

const (
	asJSON  = "application/json; charset=utf-8"
	asCSV   = "text/csv; charset=utf-8"
	typical = "1200"
)

// sizes are the sizes of responses in bytes, 1 KiB to 8 MiB. The last is just small enough
// to be transcoded.
var sizes = []int{1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 8<<20 - 1<<10}

// responses returns sessions, named by their sizes.
func responses() map[string][]byte {
	all := map[string][]byte{typical: session(1200)}
	for _, size := range sizes {
		all[strconv.Itoa(size)] = session(size)
	}
	return all
}

// session makes a session of about size bytes, of members with text that must be quoted.
func session(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"callState":"Connected","callSid":"CA0123456789abcdef0123456789abcdef","members":[{"identity":"first"}`)
	for b.Len() < size-100 {
		b.WriteString(`,{"identity":"user:42","displayName":"Ann \"A\" Other, ext. 42","muted":false}`)
	}
	b.WriteString(`],"id":"S1"}`)
	return b.Bytes()
}

// all returns the series.
func all(upstream string) []*series {
	proxy := "\nreverse_proxy " + upstream
	always := func(directives string) func(int) string { return func(int) string { return directives + proxy } }
	ways := []way{
		{"bare reverse_proxy", "application/json", asJSON, always(""), true},
		{"module, JSON", "application/json", asJSON, always("conference_members"), false},
		{"module, CSV", "text/csv", asCSV, always("conference_members"), false},
	}
	return []*series{
		{
			name: "size", x: "size of the response", bytes: true, at: sizes, ways: ways,
			load:   func(x int) (string, int) { return strconv.Itoa(x), 8 },
			graphs: []graph{throughput, cpu, memory},
		},
		{
			name: "clients", x: "clients at once", at: []int{1, 3, 10, 32, 100, 320, 1000}, ways: ways,
			load:   func(x int) (string, int) { return typical, x },
			graphs: []graph{throughput, median, slowest, cpu, memory, goroutines},
		},
		{
			// Each request passes all handlers, and is for the last of them.
			name: "handlers", x: "handlers in the configuration", at: []int{1, 2, 5, 10, 20, 50},
			ways: []way{
				{"module, JSON", "application/json", asJSON, func(x int) string { return handlers(x) + proxy }, false},
				{"module, CSV", "text/csv", asCSV, func(x int) string { return handlers(x) + proxy }, false},
			},
			load:   func(int) (string, int) { return typical, 32 },
			graphs: []graph{throughput, cpu, memory, goroutines, starting},
		},
	}
}

// handlers returns n handlers one after another, the last with the route of the requests.
func handlers(n int) string {
	var b strings.Builder
	b.WriteString("route {\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "conference_members {\nroute /tenant%d/sessions/{sessionId}/conference/members\ncsv {\nview sheet {\ndialect excel\n}\n}\n}\n", i)
	}
	b.WriteString("conference_members\n}\n")
	return b.String()
}

// measure measures all points.
func (s *series) measure(ctx context.Context, program string, length time.Duration) error {
	s.points = make([][]point, len(s.ways))
	for _, x := range s.at {
		for i := range s.ways {
			p, err := s.point(ctx, program, &s.ways[i], x, length)
			if err != nil {
				return fmt.Errorf("%s at %d: %w", s.ways[i].name, x, err)
			}
			s.points[i] = append(s.points[i], p)
		}
	}
	return nil
}

// point measures one point.
func (s *series) point(ctx context.Context, program string, w *way, x int, length time.Duration) (p point, err error) {
	started := time.Now()
	g, err := rig.StartGateway(ctx, []string{program}, w.directives(x))
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	p.start = milliseconds(time.Since(started))

	session, clients := s.load(x)
	q := &rig.Request{Addr: g.Addrs[0], Session: session, Accept: w.accept, ContentType: w.contentType, Numbers: []string{"+12125550123", "+493012345678"}}
	if _, err := rig.Load(ctx, q, clients, length/3); err != nil { // warm-up
		return p, err
	}
	before, err := g.Usage(ctx)
	if err != nil {
		return p, err
	}
	res, peak, err := rig.Peak(ctx, g, func() (*rig.Result, error) { return rig.Load(ctx, q, clients, length) })
	if err != nil {
		return p, err
	}
	p.x, p.rate = float64(x), res.Rate()
	p.p50, p.p99 = milliseconds(res.Quantile(.5)), milliseconds(res.Quantile(.99))
	p.cpu = float64((peak.CPU - before.CPU).Microseconds()) / float64(len(res.Latencies))
	p.resident, p.goroutines = peak.Resident/(1<<20), peak.Goroutines
	return p, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// print prints the points as tables in Markdown. It returns an error if anything grew
// faster than it may.
func (s *series) print(out io.Writer) error {
	var errs []error
	for i, w := range s.ways {
		fmt.Fprintf(out, "\n%s, %s:\n\n| %s", s.name, w.name, s.x)
		for _, g := range s.graphs {
			fmt.Fprintf(out, " | %s", g.name)
		}
		fmt.Fprint(out, " |\n|---")
		for range s.graphs {
			fmt.Fprint(out, "|---")
		}
		fmt.Fprintln(out, "|")
		for k := range s.points[i] {
			fmt.Fprintf(out, "| %d", s.at[k])
			for _, g := range s.graphs {
				fmt.Fprintf(out, " | %.4g", g.value(&s.points[i][k]))
			}
			fmt.Fprintln(out, " |")
		}
		fmt.Fprint(out, "| exponent")
		for _, g := range s.graphs {
			e := exponent(s.points[i], g.value)
			fmt.Fprintf(out, " | %.2f", e)
			if g.linear && !w.bare && e > s.limit(g) {
				errs = append(errs, fmt.Errorf("%s, %s: %s grows with the exponent %.2f", s.name, w.name, g.name, e))
			}
		}
		fmt.Fprintln(out, " |")
	}
	return errors.Join(errs...)
}

// limit returns the exponent up to which a figure may grow: steepest, or what it is without
// the module if that is more.
func (s *series) limit(g graph) float64 {
	const noise = steepest - 1
	limit := steepest
	for i, w := range s.ways {
		if w.bare {
			limit = max(limit, exponent(s.points[i], g.value)+noise)
		}
	}
	return limit
}

// exponent returns the slope of a figure over x, both as logarithms, between the middle
// point and the last: at small x, costs that do not depend on x prevail.
func exponent(points []point, value func(*point) float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for i := len(points) / 2; i < len(points); i++ {
		x, y := math.Log(points[i].x), math.Log(value(&points[i]))
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
