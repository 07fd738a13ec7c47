package main

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The size of one graph.
const (
	graphWidth  = 12 * vg.Centimeter
	graphHeight = 7 * vg.Centimeter
	gap         = 5 * vg.Millimeter
	legendLine  = 5 * vg.Millimeter
	perRow      = 2
)

// plot draws the graphs of the series into one SVG, below one legend. Both axes are
// logarithmic, so linear growth is a line of slope 1.
func (s *series) plot(dir string) (err error) {
	rows := (len(s.graphs) + perRow - 1) / perRow
	legend := gap + vg.Length(len(s.ways))*legendLine
	canvas := vgsvg.New(perRow*graphWidth, vg.Length(rows)*graphHeight+legend)
	tiles := draw.Tiles{Cols: perRow, Rows: rows, PadX: gap, PadY: gap, PadTop: gap, PadBottom: gap, PadLeft: gap, PadRight: gap}
	whole := draw.New(canvas)
	graphs := draw.Crop(whole, 0, 0, 0, -legend)
	for i, g := range s.graphs {
		p, err := s.graph(g)
		if err != nil {
			return err
		}
		if i == 0 {
			p.Legend.Padding = vg.Millimeter
			p.Legend.Draw(draw.Crop(whole, gap, -gap, 0, -gap))
		}
		p.Legend = plot.NewLegend()
		p.Draw(tiles.At(graphs, i%perRow, i/perRow))
	}
	f, err := os.Create(filepath.Join(dir, "scale-"+s.name+".svg")) //nolint:gosec // the folder that the caller names
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = canvas.WriteTo(f)
	return err
}

// graph draws one figure, a line for each way.
func (s *series) graph(g graph) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = g.name
	p.X.Label.Text = s.x
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker = plot.ConstantTicks(s.ticks())
	p.Legend.Top = true
	p.Legend.Left = true
	p.Add(plotter.NewGrid())
	low, high := math.Inf(1), math.Inf(-1)
	lines := make([]any, 0, 2*len(s.ways))
	for i, w := range s.ways {
		xys := make(plotter.XYs, len(s.points[i]))
		for k := range s.points[i] {
			y := g.value(&s.points[i][k])
			xys[k] = plotter.XY{X: s.points[i][k].x, Y: y}
			low, high = min(low, y), max(high, y)
		}
		lines = append(lines, w.name, xys)
	}
	if err := plotutil.AddLinePoints(p, lines...); err != nil {
		return nil, err
	}
	// At least a whole decade, so that a flat line looks flat.
	p.Y.Min, p.Y.Max = low/1.5, max(high*1.5, low*15)
	p.Y.Tick.Marker = decades{}
	return p, nil
}

// ticks returns a tick for each point.
func (s *series) ticks() []plot.Tick {
	all := make([]plot.Tick, len(s.at))
	for i, x := range s.at {
		all[i] = plot.Tick{Value: float64(x), Label: s.label(x)}
	}
	return all
}

// label writes what grows.
func (s *series) label(x int) string {
	if s.bytes {
		return size(x)
	}
	return strconv.Itoa(x)
}

// decades are ticks at 1, 2 and 5 of each power of ten.
type decades struct{}

// Ticks implements [plot.Ticker].
func (decades) Ticks(low, high float64) []plot.Tick {
	var all []plot.Tick
	for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
		for _, m := range []float64{1, 2, 5} {
			if v := m * math.Pow(10, e); v >= low && v <= high {
				all = append(all, plot.Tick{Value: v, Label: short(v)})
			}
		}
	}
	return all
}

// short writes a number with a letter for thousands.
func short(v float64) string {
	if v >= 1000 {
		return strconv.FormatFloat(v/1000, 'g', 4, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// size writes a number of bytes.
func size(x int) string {
	switch {
	case x >= 1<<20-1<<10:
		return strconv.Itoa((x+1<<10)>>20) + " MiB"
	case x >= 1<<10:
		return strconv.Itoa(x>>10) + " KiB"
	}
	return strconv.Itoa(x)
}
