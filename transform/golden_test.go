package transform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

var update = flag.Bool("update", false, "write the CSV of the dialects into testdata")

func compile(t testing.TB, o Options) *Plan {
	t.Helper()
	p, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ofRecording returns the options that make the columns that the API had when a CSV was
// recorded: none, unless it has got more since.
func ofRecording(t testing.TB, csv []byte) Options {
	t.Helper()
	header, _, _ := strings.Cut(string(csv), "\r\n")
	if all := compile(t, Options{}); string(all.header) == header+"\r\n" {
		return Options{}
	}
	var o Options
	for name := range strings.SplitSeq(header, ",") {
		k := slices.IndexFunc(sessionProperties, func(p Property) bool { return p.Pascal() == name })
		if k < 0 {
			t.Fatalf("a recording has a column %s, which no property has", name)
		}
		o.Columns = append(o.Columns, Column{Name: sessionProperties[k].Name})
	}
	return o
}

func TestSessionIsByteForByteTheRecordedCSV(t *testing.T) {
	want := recordings.Sessions(".csv")
	for name, json := range recordings.Sessions(".json") {
		got, err := compile(t, ofRecording(t, want[name])).AppendSessions(nil, json)
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
	want := recordings.Errors(".csv")
	for name, json := range recordings.Errors(".json") {
		if len(json) == 0 {
			continue
		}
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
	want := recordings.Sessions(".jsv")
	for name, json := range recordings.Sessions(".json") {
		var o cellBuffer
		o.jsv(json, 0)
		got := strings.ReplaceAll(string(o.buf[:o.n]), `""`, `"`)
		if got != string(want[name]) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want[name])
		}
	}
}

// The recorded exchanges keep only the hashes of these bodies.
func TestBodiesHaveTheRecordedHashes(t *testing.T) {
	full := string(recordings.Session("full", ".json"))
	p := compile(t, ofRecording(t, recordings.Session("full", ".csv")))
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
	csv := recordings.Sessions(".csv")
	p := compile(t, ofRecording(t, csv["full"]))
	var list, want []byte
	for name, json := range recordings.Sessions(".json") {
		if !bytes.HasPrefix(csv[name], p.header) {
			continue // recorded when there were other columns
		}
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

// TestTheNewestRecordingHasEveryColumn holds that the defaults are what the API
// sends, with every column where the API has it.
func TestTheNewestRecordingHasEveryColumn(t *testing.T) {
	if o := ofRecording(t, recordings.Session("doc", ".csv")); o.Columns != nil {
		t.Errorf("the session doc was recorded with the columns %v, the defaults are %v", o.Columns, compile(t, Options{}).Header())
	}
}

// nasty is a session of whatever dialects write differently.
const nasty = `[{"id":"S1","accountName":"=1+1","fromName":" Pat, \"the\" ;\tO'Brien ","channel":"[Voice]","ended":true,
	"log":[{"date":"d:1","message":null}],"members":[]},{"id":"\\.","fromName":"+15551234567","ended":false}]`

// TestEveryDialectMakesItsCSV compares the CSV of the nasty session in every
// dialect with a file; with -update that is written, to be read before it is
// committed.
func TestEveryDialectMakesItsCSV(t *testing.T) {
	const folder = "testdata/dialects"
	for _, d := range Dialects() {
		o := Options{Dialect: d.Name}
		for _, name := range []string{"id", "accountName", "fromName", "channel", "ended", "members", "log"} {
			o.Columns = append(o.Columns, Column{Name: name})
		}
		got, err := compile(t, o).AppendSessions(nil, []byte(nasty))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, d.Name+".csv")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v (go test ./transform -update writes it)\ngot  %q\nwant %q", d.Name, err, got, want)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != len(dialects) {
		t.Errorf("%d files for %d dialects, %v", len(files), len(dialects), err)
	}
}
