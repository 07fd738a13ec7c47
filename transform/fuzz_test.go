package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

// FuzzTranscoder holds that the CSV of a response, with no options and with some
// at random, is that of a slow second implementation, and that what the one
// refuses the other refuses.
func FuzzTranscoder(f *testing.F) {
	for _, text := range recordings.Sessions(".json") {
		f.Add(text, uint64(0))
	}
	for seed := range uint64(50) {
		r := newRandom(seed)
		f.Add([]byte(r.json(r.response())), seed)
	}
	for _, c := range refusals {
		f.Add([]byte(c.json), uint64(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		against(t, Options{}, text)
		against(t, newRandom(seed).options(), text)
	})
}

// FuzzOptions holds that any CSV options that compile make the CSV of the second
// implementation, and that the error of those that do not names the options.
func FuzzOptions(f *testing.F) {
	for seed := range uint64(50) {
		r := newRandom(seed)
		options, err := json.Marshal(r.options())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(options), []byte(r.json(r.response())))
	}
	for _, options := range []string{
		`{"dialect":"exel","columns":[{"name":"id"},{"name":"id"}],"booleans":{"true":"x","false":"x"},"null":"x","delimiter":"\"","lists":{"log":"drop"}}`,
		`{"columns":[],"lists":{},"bom":false,"null":null}`,
		`{"lists":{"":"0","a\nb":"json","log":"0"}}`,
		`{"columns":[{"name":"a\nb"},{"name":"a\nb"},{"name":"id","label":"a\nb"},{"path":"a\nb[","label":"a\nb"}],"null":"a\nb","dates":{"zone":"a\nb"}}`,
	} {
		f.Add(options, []byte(small))
	}
	names := optionNames()
	f.Fuzz(func(t *testing.T, options string, text []byte) {
		var o Options
		if json.Unmarshal([]byte(options), &o) != nil || bytes.Count(text, []byte("{"))*len(options) > 1<<16 {
			return
		}
		if _, err := Compile(o); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				option, _, _ := strings.Cut(line, ":")
				if name, _, _ := strings.Cut(option, "."); !slices.Contains(names, name) {
					t.Errorf("%s: the error %q begins with no option", options, line)
				}
			}
			return
		}
		against(t, o, text)
	})
}

// FuzzTextCells holds that text cells and the formula guard, each on or off and with
// any delimiter, leave no text that fits a formula to be taken for a number, a date
// or a formula, and lose none.
func FuzzTextCells(f *testing.F) {
	for k, text := range []string{
		"=1+1", "=A1", "=cmd|' /C calc'!A0", "@SUM(A1)", "-x", "-1+1", "-1.5e3", "+12025550123", "+0", "00123", "1E5", "3-4",
		`"&1+1&"`, `="x"`, `=""`, "plain", "5 pm", "5 apples", "\t=1", "\x00=1", "a;b", "", "12345678901234567890", strings.Repeat("1", 256),
	} {
		f.Add(text, uint8(k), k%2 == 0, uint8(k))
	}
	delimiters := []string{"", ";", "\t", "|", "=", "'", "-", "+", "@", " "}
	f.Fuzz(func(t *testing.T, text string, cells uint8, guard bool, delimiter uint8) {
		if !utf8.ValidString(text) {
			return
		}
		o := Options{
			Columns: []Column{{Name: "id"}}, Delimiter: delimiters[int(delimiter)%len(delimiters)],
			TextCells: Choices("text_cells")[int(cells)%len(Choices("text_cells"))], FormulaGuard: &guard,
		}
		p := compile(t, o)
		csv, err := p.AppendSessions(nil, []byte(jsonOf(object{{"id", text}})))
		if err != nil {
			t.Fatal(err)
		}
		cell, want := readBack(t, p, csv)[1][0], asRead(text)
		wrapped := o.TextCells != "off" && len(text) > 0 && cell == `="`+strings.ReplaceAll(want, `"`, `""`)+`"`
		fits := len(utf16.Encode([]rune(text))) <= 255 && !control.MatchString(text)
		switch {
		case !wrapped && cell != want && cell != "'"+want:
			t.Errorf("%q became %q with %+v", text, cell, o)
		case !wrapped && cell == want && guard && formula(text):
			t.Errorf("%q is not guarded with %+v", text, o)
		case !wrapped && cell == want && o.TextCells != "off" && fits && (numeric(text) || formula(text)):
			t.Errorf("%q is no text with %+v", text, o)
		case wrapped && !fits:
			t.Errorf("%q fits no formula, but is one with %+v", text, o)
		}
	})
}

// optionNames returns the names of the options in JSON.
func optionNames() []string {
	var names []string
	for field := range reflect.TypeFor[Options]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// FuzzErrors holds that the CSV of an error response is that of the second
// implementation.
func FuzzErrors(f *testing.F) {
	seed := uint64(0)
	for _, text := range recordings.Errors(".json") {
		f.Add(text, seed)
		seed++
	}
	for _, c := range refusals {
		f.Add([]byte(c.json), seed)
		seed++
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		for _, o := range []Options{{}, newRandom(seed).options()} {
			p := compile(t, o)
			got, err := p.AppendError(nil, text)
			v, reason := parse(text)
			response, _ := v.(object)
			status, ok := response.get("responseStatus").(object)
			if reason != "" || !ok {
				if e := new(Error); !errors.As(err, &e) || got != nil {
					t.Fatalf("%q, %v for %q", got, err, text)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%v for %q", err, text)
			}
			r := newReference(o)
			want := r.csv([][]*string{{r.text(status, "", false)}})
			body, found := bytes.CutPrefix(got, p.errorHeader)
			if !found || string(body) != want {
				t.Fatalf("got %q, want %q\n%+v\n%s", body, want, o, text)
			}
		}
	})
}
