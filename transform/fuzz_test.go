package transform

import (
	"bytes"
	"encoding/csv"
	"errors"
	"testing"
)

func FuzzSessions(f *testing.F) {
	for _, text := range recordings(f, "sessions", ".json") {
		f.Add(text, uint64(0))
	}
	for seed := range uint64(50) {
		r := newRandom(seed)
		f.Add([]byte(r.json(r.answer())), seed)
	}
	for _, c := range refusals {
		f.Add([]byte(c.json), uint64(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		against(t, Options{}, text)
		against(t, newRandom(seed).options(), text)
	})
}

func FuzzErrors(f *testing.F) {
	for _, text := range recordings(f, "errors", ".json") {
		f.Add(text)
	}
	for _, c := range refusals {
		f.Add([]byte(c.json))
	}
	p := compile(f, Options{})
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := p.AppendError(nil, text)
		v, reason := parse(text)
		o, _ := v.(object)
		status, ok := o.get("responseStatus").(object)
		if reason != "" || !ok {
			if e := new(Error); !errors.As(err, &e) || got != nil {
				t.Fatalf("%q, %v for %q", got, err, text)
			}
			return
		}
		if err != nil {
			t.Fatalf("%v for %q", err, text)
		}
		rows, err := csv.NewReader(bytes.NewReader(got)).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 1 || rows[1][0] != asRead(jsvOf(status)) {
			t.Fatalf("%q, %v for %q", rows, err, text)
		}
	})
}
