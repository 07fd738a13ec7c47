package transform

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func TestLargeScratchIsLetGo(t *testing.T) {
	s := new(scanner)
	s.names = make([]uint64, maxScratch/8+1)
	s.text = make([]byte, maxScratch+1)
	s.extra = make([]byte, maxScratch+1)
	s.json = []byte("{}")
	s.release()
	if s.names != nil || s.text != nil || s.extra != nil || s.json != nil {
		t.Error("scratch is kept")
	}
	s.names, s.text, s.extra = make([]uint64, maxScratch/8), make([]byte, maxScratch), make([]byte, maxScratch)
	s.release()
	if s.names == nil || s.text == nil || s.extra == nil {
		t.Error("scratch of an ordinary size is let go")
	}
}

func TestCSVOutOfProportionIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		json    string
	}{
		"many empty sessions":        {Options{Null: new("0123456789")}, "[" + strings.Repeat("{},", 50_000) + "{}]"},
		"a large text in every row":  {pick(Options{Rows: "log"}, "session.consoleData"), `{"consoleData":"` + strings.Repeat("x", 1e6) + `","log":[` + strings.Repeat("{},", 1000) + `{}]}`},
		"a large id in every row":    {Options{Rows: "log"}, `{"log":[` + strings.Repeat("null,", 1000) + `null],"id":"` + strings.Repeat("x", 1e6) + `"}`},
		"a large text, several rows": {pick(Options{Rows: "log"}, "session.consoleData"), `[{"consoleData":"` + strings.Repeat("x", 9e6) + `","log":[{},{},{}]}]`},
	} {
		p, text := compile(t, c.options), []byte(c.json)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := p.AppendSessions(nil, text)
		runtime.ReadMemStats(&after)
		if e := new(Error); !errors.As(err, &e) || e.Reason != ReasonTooLarge || got != nil {
			t.Errorf("%s: %v", name, err)
		}
		// Growing slices count several times over.
		if n := after.TotalAlloc - before.TotalAlloc; n > 200<<20 {
			t.Errorf("%s: %d bytes were allocated on the way", name, n)
		}
	}
}

func TestCSVInProportionIsNotRefused(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		json    string
	}{
		"many empty sessions, small in all": {Options{}, "[" + strings.Repeat("{},", 50_000) + "{}]"},
		"a text of quotes":                  {Options{}, `{"fromName":"` + strings.Repeat(`\"`, 1e7) + `"}`},
	} {
		if _, err := compile(t, c.options).AppendSessions(nil, []byte(c.json)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What takes more than linear time would take hours here.
func TestHostileResponsesTakeTimeByTheirSize(t *testing.T) {
	const n = 1 << 19
	count := map[string]string{"members": "count"}
	numbered := func(format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		options Options
		json    string
	}{
		"unknown names":         {Options{ExtraColumns: "append"}, `{` + numbered(`"%d":0,`) + `"id":"S"}`},
		"escaped unknown names": {Options{}, `{` + numbered(`"\u0061%d":0,`) + `"id":"S"}`},
		"map keys":              {Options{}, `{"members":[{"applicationData":{` + numbered(`"%d":null,`) + `"":""}}]}`},
		"small objects":         {Options{}, `{"members":[` + numbered(`{"%d":0},`) + `{}]}`},
		"a count in every row":  {pick(Options{Rows: "log", Lists: count}, "session.members"), `{"log":[` + strings.Repeat("{},", n) + `null],"members":[` + strings.Repeat("0,", n) + `0]}`},
	} {
		if _, err := compile(t, c.options).AppendSessions(nil, []byte(c.json)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
