package bench

import (
	"bytes"
	"encoding/csv"
	"os"
	"slices"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/transform/transformtest"
)

// session is one of the sessions that are timed.
type session struct {
	name string
	json []byte
}

func sessions(t testing.TB) []session {
	t.Helper()
	doc, err := os.ReadFile("../internal/recordings/testdata/sessions/doc.json")
	if err != nil {
		t.Fatal(err)
	}
	return []session{{"doc", doc}, {"large", transformtest.Large()}}
}

func rivals(t testing.TB) []Rival {
	t.Helper()
	all, err := Rivals()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAllRivalsMakeTheSameTable(t *testing.T) {
	for _, s := range sessions(t) {
		var want [][]string
		for _, r := range rivals(t) {
			text, err := r.CSV(nil, s.json)
			if err != nil {
				t.Fatalf("%s: %v", r.Name, err)
			}
			got, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
			if err != nil {
				t.Fatalf("%s: %v", r.Name, err)
			}
			if want == nil {
				want = got
			}
			if !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%s of %s differs:\ngot  %.2000q\nwant %.2000q", r.Name, s.name, got, want)
			}
		}
	}
}

func BenchmarkCSV(b *testing.B) {
	for _, s := range sessions(b) {
		for _, r := range rivals(b) {
			b.Run(s.name+"/"+r.Name, func(b *testing.B) {
				var dst []byte
				var err error
				b.SetBytes(int64(len(s.json)))
				b.ReportAllocs()
				for b.Loop() {
					if dst, err = r.CSV(dst[:0], s.json); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
