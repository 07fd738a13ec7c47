package recordings

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestEverySessionIsRecordedInEveryFormat(t *testing.T) {
	ids := slices.Sorted(maps.Keys(Sessions(".json")))
	if len(ids) < 71 {
		t.Errorf("%d sessions, want at least 71", len(ids))
	}
	for _, ext := range []string{".csv", ".jsv"} {
		if got := slices.Sorted(maps.Keys(Sessions(ext))); !slices.Equal(got, ids) {
			t.Errorf("%s: %v, want %v", ext, got, ids)
		}
	}
}

func TestEveryErrorIsRecordedInEveryFormatWithItsHead(t *testing.T) {
	names := slices.Sorted(maps.Keys(Errors(".json")))
	if got := slices.Sorted(maps.Keys(Errors(".csv"))); !slices.Equal(got, names) || len(names) < 15 {
		t.Errorf("CSV of %v, JSON of %v", got, names)
	}
	for _, name := range names {
		for _, ext := range []string{".json", ".csv"} {
			if head := ErrorHead(name, ext); !strings.HasPrefix(head[0], "HTTP/1.1 4") && !strings.HasPrefix(head[0], "HTTP/1.1 5") {
				t.Errorf("%s%s has the status line %q", name, ext, head[0])
			}
		}
	}
}

func TestColumnsAreThePropertiesOfTheSession(t *testing.T) {
	columns := Columns("full")
	var properties map[string]json.RawMessage
	if err := json.Unmarshal(Session("full", ".json"), &properties); err != nil {
		t.Fatal(err)
	}
	if len(columns) != len(properties) {
		t.Errorf("%d columns, %d properties", len(columns), len(properties))
	}
	for _, name := range columns {
		if properties[name] == nil {
			t.Errorf("there is no property %s", name)
		}
	}
}

// A checkout that converts line ends would break every recording.
func TestLinesOfCSVEndAsRecorded(t *testing.T) {
	for id, csv := range Sessions(".csv") {
		if !bytes.HasSuffix(csv, []byte("\r\n")) {
			t.Errorf("%s does not end in CRLF", id)
		}
	}
}

func TestExchangesAreWhole(t *testing.T) {
	all := Exchanges()
	if len(all) != 385 {
		t.Errorf("%d exchanges, want 385", len(all))
	}
	seen := make(map[int]bool)
	for _, e := range all {
		if seen[e.N] {
			t.Errorf("two exchanges have the number %d", e.N)
		}
		seen[e.N] = true
		if e.Group == "" || e.Response.Status == 0 || len(strings.Split(e.Line(), " ")) < 2 {
			b, _ := json.Marshal(e)
			t.Errorf("%s", b)
		}
		e.Bound()
	}
	if n := len(Exchanges("accept", "body")); n == 0 || n == len(all) {
		t.Errorf("%d exchanges of two groups", n)
	}
}
