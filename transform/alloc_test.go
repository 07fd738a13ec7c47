//go:build !race

// The race detector makes sync.Pool forget at random.

package transform

import (
	"runtime/debug"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
	"github.com/evovoice-gateway/caddy-conference-members/transform/transformtest"
)

func TestNothingIsAllocatedInSteadyState(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties pools
	status := recordings.Errors(".json")["validation-bad-number"]
	for name, c := range map[string]struct {
		options Options
		json    []byte
	}{
		"doc":     {Options{}, doc},
		"large":   {Options{}, transformtest.Large()},
		"members": {Options{Rows: RowsMembers, ExtraColumns: "append"}, transformtest.Large()},
		"paths":   {Options{Columns: []Column{{Label: "A", Path: "members.0.displayName"}, {Label: "B", Path: "log.0.x"}, {Label: "C", Path: "x.y"}}}, doc},
		"excel":   {Options{Dialect: "excel"}, transformtest.Large()},
		"names":   {Options{ExtraColumns: "append"}, []byte(`{` + manyNames(100, `"\u0041":1`) + `}`)},
	} {
		p := compile(t, c.options)
		var dst []byte
		var err error
		if n := testing.AllocsPerRun(5, func() {
			if dst, err = p.AppendSessions(dst[:0], c.json); err != nil {
				t.Fatal(err)
			}
			if dst, err = p.AppendError(dst[:0], status); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
