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
	"sync/atomic"
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
	load   func(x int) load
	graphs []graph
	// long has points measured four times as long. It is for large heaps, whose garbage is
	// collected less often than once a second.
	long bool

	points [][]point // by way and x
}

// load is what the clients do while a point is measured.
type load struct {
	session string // names the response
	clients int
	keys    int // that calls put into the store before; 0 if calls have none
	rows    int // of each upload; 0 for single calls
}

// way is a way to respond to the request.
type way struct {
	name, accept, contentType string
	directives                func(x int) string
	version                   rig.Version
	// bare is without the module. Its costs grow because of Caddy, and of clients on the
	// same machine, so those of the other ways of its version may grow as fast.
	bare bool
	// replays has the keys sent again that are in the store, instead of new ones.
	replays bool
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
	uploadCPU  = graph{"CPU an upload, µs", cpu.value, true}
	uploadTime = graph{"an upload, ms", median.value, true}
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

// withKeys takes keys into a store that is large enough to drop no response.
const withKeys = `conference_members {
	idempotency {
		store memory {
			max_size 4GiB
		}
	}
}`

// withUploads takes uploads.
const withUploads = `conference_members {
	idempotency {
	}
	bulk {
		max_rows 1000
		pace 0
	}
}`

// all returns the series.
func all(upstream string) []*series {
	proxy := "\nreverse_proxy " + upstream
	always := func(directives string) func(int) string { return func(int) string { return directives + proxy } }
	bare := way{name: "bare", accept: "application/json", contentType: asJSON, directives: always(""), bare: true}
	inJSON := way{name: "JSON", accept: "application/json", contentType: asJSON, directives: always("conference_members")}
	inCSV := way{name: "CSV", accept: "text/csv", contentType: asCSV, directives: always("conference_members")}
	over := func(w way, version rig.Version, name, tls string) way {
		directives := w.directives
		w.name, w.version = w.name+", "+name, version
		w.directives = func(x int) string { return tls + directives(x) }
		return w
	}
	with := func(w way, directives func(x int) string) way {
		w.directives = directives
		return w
	}
	ways := []way{
		bare, inJSON, inCSV,
		over(bare, rig.HTTP2, "HTTP/2", ""), over(inJSON, rig.HTTP2, "HTTP/2", ""),
		over(bare, rig.HTTP3, "HTTP/3", rig.TLS), over(inJSON, rig.HTTP3, "HTTP/3", rig.TLS),
	}
	manyHandlers := func(x int) string { return handlers(x) + proxy }
	newKeys := with(inJSON, always(withKeys))
	newKeys.name = "new keys"
	replays := newKeys
	replays.name, replays.replays = "replays", true
	rowsInJSON := with(inJSON, always(withUploads))
	rowsInJSON.contentType = "application/json" // the gateway's own, not the upstream's
	return []*series{
		{
			name: "size", x: "size of the response", bytes: true, at: sizes, ways: ways,
			load:   func(x int) load { return load{session: strconv.Itoa(x), clients: 8} },
			graphs: []graph{throughput, cpu, memory},
		},
		{
			name: "clients", x: "clients at once", at: []int{1, 3, 10, 32, 100, 320, 1000}, ways: ways,
			load:   func(x int) load { return load{session: typical, clients: x} },
			graphs: []graph{throughput, median, slowest, cpu, memory, goroutines},
		},
		{
			// Each request passes all handlers, and is for the last of them.
			name: "handlers", x: "handlers in the configuration", at: []int{1, 2, 5, 10, 20, 50},
			ways:   []way{with(inJSON, manyHandlers), with(inCSV, manyHandlers)},
			load:   func(int) load { return load{session: typical, clients: 32} },
			graphs: []graph{throughput, cpu, memory, goroutines, starting},
		},
		{
			name: "keys", x: "keys in the store", at: []int{1000, 3000, 10000, 30000, 100000},
			ways:   []way{newKeys, replays},
			load:   func(x int) load { return load{session: typical, clients: 32, keys: x} },
			graphs: []graph{throughput, slowest, cpu, memory}, long: true,
		},
		{
			name: "rows", x: "rows of an upload", at: []int{1, 3, 10, 32, 100, 320, 1000},
			ways:   []way{rowsInJSON, with(inCSV, always(withUploads))},
			load:   func(x int) load { return load{session: typical, clients: 1, rows: x} },
			graphs: []graph{uploadTime, uploadCPU, memory},
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
	if s.long {
		length *= 4
	}
	started := time.Now()
	g, err := rig.StartGateway(ctx, []string{program}, w.directives(x))
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	p.start = milliseconds(time.Since(started))

	l := s.load(x)
	q := &rig.Request{
		Addr: g.Addrs[0], Version: w.version, Session: l.session, Accept: w.accept, ContentType: w.contentType,
		Numbers: []string{"+12125550123", "+493012345678"}, Rows: l.rows,
	}
	if l.keys > 0 || l.rows > 0 {
		q.Key = keys(w, l.keys)
	}
	if l.keys > 0 {
		q.Numbers = q.Numbers[:1] // of a key that is sent again, the call must be the same
	}
	clients, err := rig.Connect(ctx, q, l.clients)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, clients.Close()) }()
	if l.keys > 0 {
		_, err = clients.Send(ctx, l.keys)
		q.Replayed = w.replays
	} else {
		_, err = clients.Load(ctx, length/3)
	}
	if err != nil {
		return p, fmt.Errorf("warming up: %w", err)
	}
	before, err := g.Usage(ctx)
	if err != nil {
		return p, err
	}
	res, peak, err := rig.Peak(ctx, g, func() (*rig.Result, error) { return clients.Load(ctx, length) })
	if err != nil {
		return p, err
	}
	p.x, p.rate = float64(x), res.Rate()
	p.p50, p.p99 = milliseconds(res.Quantile(.5)), milliseconds(res.Quantile(.99))
	p.cpu = float64((peak.CPU - before.CPU).Microseconds()) / float64(len(res.Latencies))
	p.resident, p.goroutines = peak.Resident/(1<<20), peak.Goroutines
	return p, nil
}

// keys returns a function that returns a new key at each call or, if the way replays,
// begins again after n keys.
func keys(w *way, n int) func() string {
	var sent atomic.Int64
	return func() string {
		i := sent.Add(1) - 1
		if w.replays {
			i %= int64(n)
		}
		return "key-" + strconv.FormatInt(i, 10)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// print prints a table in Markdown for each graph, with a column for each way. It returns
// an error if anything grew faster than it may.
func (s *series) print(out io.Writer) error {
	var errs []error
	fmt.Fprintf(out, "\n## %s\n", s.name)
	for _, g := range s.graphs {
		fmt.Fprintf(out, "\n%s:\n\n| %s |", title(g.name), s.x)
		for _, w := range s.ways {
			fmt.Fprintf(out, " %s |", w.name)
		}
		fmt.Fprintf(out, "\n|%s\n", strings.Repeat("---|", 1+len(s.ways)))
		for k, x := range s.at {
			fmt.Fprintf(out, "| %s |", s.label(x))
			for i := range s.ways {
				fmt.Fprintf(out, " %s |", figure(g.value(&s.points[i][k])))
			}
			fmt.Fprintln(out)
		}
		fmt.Fprint(out, "| exponent |")
		for i := range s.ways {
			w, e := &s.ways[i], exponent(s.points[i], g.value)
			fmt.Fprintf(out, " %.2f |", e)
			if g.linear && !w.bare && e > s.limit(w, g) {
				errs = append(errs, fmt.Errorf("%s, %s: %s grows with the exponent %.2f", s.name, w.name, g.name, e))
			}
		}
		fmt.Fprintln(out)
	}
	return errors.Join(errs...)
}

// title is text that begins with a capital letter.
func title(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// figure writes a number with the digits that matter.
func figure(v float64) string {
	if v >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// limit returns the exponent up to which a figure of a way may grow: steepest, or what it
// is without the module over the same version of HTTP if that is more.
func (s *series) limit(w *way, g graph) float64 {
	const noise = steepest - 1
	limit := steepest
	for i, other := range s.ways {
		if other.bare && other.version == w.version {
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
