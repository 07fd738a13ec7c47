package transform

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

// readBack reads CSV of a plan with encoding/csv.
func readBack(t testing.TB, p *Plan, text []byte) [][]string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte(bom))))
	r.Comma = rune(p.format.delimiter)
	r.FieldsPerRecord = len(p.Header())
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatalf("encoding/csv: %v\n%q", err, text)
	}
	return rows
}

// asRead returns a text as encoding/csv hands it out.
func asRead(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// searchesTexts reports whether gjson may look for the value of a column in a text,
// where it finds what depends on how the text is escaped. The reference has only
// the JSON without needless escapes.
func searchesTexts(c Column) bool {
	_, rest := split(strings.TrimPrefix(c.Path, "row:"))
	return strings.ContainsAny(rest, pathSeparators)
}

// against holds the engine's CSV of one response against the reference.
func against(t testing.TB, o Options, text []byte) {
	t.Helper()
	p := compile(t, o)
	r := newReference(o)
	v, reason := parse(text)
	var rows [][]*string
	if reason == "" {
		if slices.ContainsFunc(o.Columns, searchesTexts) {
			text = []byte(jsonOf(v))
		}
		rows, reason = r.rows(v)
	}
	before := []byte("before")
	got, err := p.AppendSessions(before, text)
	if reason != "" {
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("no error, want %s\n%+v\n%s", reason, o, text)
		}
		if string(got) != "before" {
			t.Fatalf("dst was extended in spite of %v", err)
		}
		if e.Offset < 0 || e.Offset > len(text) {
			t.Fatalf("offset %d is outside of the JSON", e.Offset)
		}
		if e.Reason == ReasonMalformed && json.Valid(bytes.TrimPrefix(text, []byte(bom))) ||
			e.Reason == ReasonInvalidUTF8 && utf8.Valid(text) ||
			e.Reason == ReasonTooDeep && nesting(text) <= MaxDepth {
			t.Fatalf("%v, but the reason does not apply: %q", err, text)
		}
		return
	}
	if err != nil {
		t.Fatalf("%v\n%+v\n%s", err, o, text)
	}
	if !bytes.HasPrefix(got, append(before, p.header...)) {
		t.Fatalf("no header\n%+v\n%q", o, got)
	}
	body := got[len(before)+len(p.header):]
	if want := r.csv(rows); string(body) != want {
		t.Fatalf("\ngot  %q\nwant %q\n%+v\n%s", body, want, o, text)
	}
	read := readBack(t, p, got[len(before):])
	if p.HeaderPresent() {
		for i, name := range p.Header() {
			if name := r.guarded(name); asRead(name) != read[0][i] {
				t.Fatalf("column %d is %q, want %q", i, read[0][i], name)
			}
		}
		read = read[1:]
	}
	if len(read) != len(rows) {
		t.Fatalf("%d rows, want %d\n%+v\n%q", len(read), len(rows), o, got)
	}
	for i, row := range rows {
		for j, cell := range row {
			want := r.guarded(o.nullText())
			if cell != nil {
				want = *cell
			}
			if read[i][j] != asRead(want) {
				t.Fatalf("row %d column %d is %q, want %q\n%+v", i, j, read[i][j], want, o)
			}
		}
	}
}

func TestAnyOptionsMakeTheReferencesCSVOfAnySession(t *testing.T) {
	for seed := range uint64(5000) {
		r := newRandom(seed)
		o := r.options()
		against(t, o, []byte(r.json(r.response())))
	}
}

func TestDefaultsMakeTheReferencesCSVOfAnySession(t *testing.T) {
	for seed := range uint64(3000) {
		r := newRandom(seed)
		against(t, Options{}, []byte(r.json(r.response())))
	}
}

func TestDamagedResponsesAreRefusedAsTheReferenceDoes(t *testing.T) {
	for seed := range uint64(5000) {
		r := newRandom(seed)
		text := []byte(r.json(r.response()))
		for range 1 + r.IntN(2) {
			i := r.IntN(len(text))
			switch r.IntN(4) {
			case 0:
				text = text[:i+1]
			case 1:
				text[i] = byte(r.IntN(256))
			case 2:
				text = append(text[:i:i], text[i+1:]...)
				text = append(text, ' ')
			case 3:
				text[i] = `"\{}[],:0-eu `[r.IntN(13)]
			}
		}
		against(t, r.options(), text)
	}
}

func TestRecordedSessionsUnderRandomOptions(t *testing.T) {
	seed := uint64(0)
	for _, text := range recordings.Sessions(".json") {
		for range 20 {
			seed++
			against(t, newRandom(seed).options(), text)
		}
	}
}
