package command

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestProgressIsToldOfLargeFilesOnATerminal holds that progress is one line, which each
// MiB overwrites, and that only a terminal gets it.
func TestProgressIsToldOfLargeFilesOnATerminal(t *testing.T) {
	for _, tt := range []struct {
		rule string
		size int
		want string
	}{
		{"of a small file nothing", 1<<20 - 1, ""},
		{"each MiB, and a new line at the end", 5 << 19, "\rread 1 MiB of guests.csv\rread 2 MiB of guests.csv\n"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			for _, terminal := range []bool{true, false} {
				var told bytes.Buffer
				in := &input{ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat("x", tt.size))), name: "guests.csv"}
				want := ""
				if terminal {
					in.progress, want = &told, tt.want
				}
				n, err := io.Copy(io.Discard, struct{ io.Reader }{in})
				if n != int64(tt.size) || err != nil || told.String() != want {
					t.Errorf("terminal %v: %d bytes, %v, %q, want %q", terminal, n, err, told.String(), want)
				}
			}
		})
	}
}

// TestTheKindOfAFile holds that the name tells the kind, or else the beginning.
func TestTheKindOfAFile(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"guests.csv", "{", "text/csv"},
		{"GUESTS.CSV", "[", "text/csv"},
		{"guests.jsonl", "x", ndjson},
		{"guests.json", "destination", "application/json"},
		{"guests", "destination\n", "text/csv"},
		{"guests", "\ufeff [{}]", "application/json"},
		{"guests", "{\"destination\":\n\"911\"}", "application/json"},
		{"guests", "{\"a\":1}", "application/json"},
		{"guests", "{\"a\":1}\n {\"a\":2}\n", ndjson},
		{"guests", "{\"a\":1}\nx", "application/json"},
	} {
		in := &input{ReadCloser: io.NopCloser(strings.NewReader(tt.text)), name: tt.name}
		body, got, err := in.sniff()
		if err != nil || got != tt.want {
			t.Errorf("%s %q: %s, %v, want %s", tt.name, tt.text, got, err, tt.want)
			continue
		}
		if text, err := io.ReadAll(body); string(text) != tt.text || err != nil {
			t.Errorf("%s %q: %q, %v is left", tt.name, tt.text, text, err)
		}
	}
	for _, text := range []string{"", " \r\n\n", "\ufeff", "\ufeff\n"} {
		in := &input{ReadCloser: io.NopCloser(strings.NewReader(text)), name: "guests.csv"}
		if _, _, err := in.sniff(); err == nil || err.Error() != "guests.csv is empty" {
			t.Errorf("%q: %v", text, err)
		}
	}
}
