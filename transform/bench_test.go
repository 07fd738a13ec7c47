package transform

import (
	"testing"

	"github.com/tidwall/gjson"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
	"github.com/evovoice-gateway/caddy-conference-members/transform/transformtest"
)

// doc is the session of the API's documentation.
var doc = recordings.Session("doc", ".json")

func benchmarkCSV(b *testing.B, o Options, json []byte) {
	p := compile(b, o)
	dst, err := p.AppendSessions(nil, json)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(json)))
	b.ReportAllocs()
	for b.Loop() {
		if dst, err = p.AppendSessions(dst[:0], json); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSessionCSV(b *testing.B) {
	b.Run("doc", func(b *testing.B) { benchmarkCSV(b, Options{}, doc) })
	b.Run("large", func(b *testing.B) { benchmarkCSV(b, Options{}, transformtest.Large()) })
	b.Run("members", func(b *testing.B) { benchmarkCSV(b, Options{Rows: RowsMembers}, transformtest.Large()) })
	b.Run("excel", func(b *testing.B) { benchmarkCSV(b, Options{Dialect: "excel"}, transformtest.Large()) })
}

// BenchmarkGjsonValid is the limit to reach for: it only checks, and less than we do.
func BenchmarkGjsonValid(b *testing.B) {
	for name, json := range map[string][]byte{"doc": doc, "large": transformtest.Large()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(json)))
			b.ReportAllocs()
			for b.Loop() {
				if !gjson.ValidBytes(json) {
					b.Fatal("not valid")
				}
			}
		})
	}
}

// BenchmarkColumnsByPath measures what three columns by path cost: with keys alone, and
// with parts that gjson evaluates.
func BenchmarkColumnsByPath(b *testing.B) {
	for _, c := range []struct {
		name  string
		paths []string
	}{
		{"without", nil},
		{"keys", []string{"members.0.displayName", "members.0.applicationData.String", "log.0.message"}},
		{"queries", []string{"members.#", `members.#(role=="None").displayName`, "members.#.callSid"}},
	} {
		o := Options{Columns: []Column{{Name: AllColumns}}}
		for _, path := range c.paths {
			o.Columns = append(o.Columns, Column{Label: path, Path: path})
		}
		b.Run(c.name, func(b *testing.B) { benchmarkCSV(b, o, doc) })
	}
}
