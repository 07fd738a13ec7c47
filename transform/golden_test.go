package transform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recordings returns the recorded files of a folder of testdata by name.
func recordings(t testing.TB, folder, ext string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*"+ext))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings in %s: %v", folder, err)
	}
	files := make(map[string][]byte, len(paths))
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ext)] = b
	}
	return files
}

func compile(t testing.TB, o Options) *Plan {
	t.Helper()
	p, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSessionIsByteForByteTheRecordedCSV(t *testing.T) {
	p := compile(t, Options{})
	want := recordings(t, "sessions", ".csv")
	for name, json := range recordings(t, "sessions", ".json") {
		got, err := p.AppendSessions(nil, json)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(got, want[name]) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want[name])
		}
	}
}

func TestErrorIsByteForByteTheRecordedCSV(t *testing.T) {
	p := compile(t, Options{})
	want := recordings(t, "errors", ".csv")
	for name, json := range recordings(t, "errors", ".json") {
		got, err := p.AppendError(nil, json)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(got, want[name]) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want[name])
		}
	}
}

func TestSessionIsTheRecordedJSV(t *testing.T) {
	want := recordings(t, "sessions", ".jsv")
	for name, json := range recordings(t, "sessions", ".json") {
		var o out
		o.jsv(json, 0)
		got := strings.ReplaceAll(string(o.buf[:o.n]), `""`, `"`)
		if got != string(want[name]) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want[name])
		}
	}
}

// The recorded exchanges keep only the hashes of these bodies.
func TestBodiesHaveTheRecordedHashes(t *testing.T) {
	full := string(recordings(t, "sessions", ".json")["full"])
	p := compile(t, Options{})
	for name, c := range map[string]struct{ json, hash string }{
		"recording 1":   {strings.Replace(full, `"id":"full"`, `"id":"abc"`, 1), "4203a43b2ff88ea2293280cf7ea0d51da7003a8a55db7394705b272c84c0bdf7"},
		"recording 752": {`[]`, "9eedf5dd1458c853dc6d49a40167cc730de3672714b0023004c948e483ef89d9"},
	} {
		got, err := p.AppendSessions(nil, []byte(c.json))
		if sum := sha256.Sum256(got); err != nil || hex.EncodeToString(sum[:]) != c.hash {
			t.Errorf("%s: %v\n%q", name, err, got)
		}
	}
}

func TestAListHasOneHeaderAndARowPerSession(t *testing.T) {
	p := compile(t, Options{})
	csv := recordings(t, "sessions", ".csv")
	var list, want []byte
	for name, json := range recordings(t, "sessions", ".json") {
		if list = append(list, ','); want == nil {
			list[0] = '['
			want = append(want, p.header...)
		}
		list = append(list, json...)
		want = append(want, bytes.TrimPrefix(csv[name], p.header)...)
	}
	got, err := p.AppendSessions(nil, append(list, ']'))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\ngot  %q\nwant %q", err, got, want)
	}
}
