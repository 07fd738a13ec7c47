//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// texts are what callers and integrators put into a session.
var texts = []struct {
	text string
	// formula says that a spreadsheet would run it, so the excel dialect guards it.
	formula bool
	// numeric says that a spreadsheet makes a number of it by default.
	numeric bool
}{
	{text: "Pat O'Brien"},
	{text: "Müller, Jürgen"},
	{text: `she said "no"`},
	{text: "first line\nsecond line"},
	{text: "名簿 😀 e\u0301"},
	{text: "sip:100@example.com;transport=tls"},
	{text: "tab\there"},
	{text: " spaces  around "},
	{text: "'quoted'"},
	{text: `back\slash`},
	{text: "#N/A"},
	{text: "0x1F"},
	{text: "CA00E1"},

	{text: "+12025550123", numeric: true},
	{text: "00123", numeric: true},
	{text: "12345678901234567890", numeric: true},
	{text: "-5", numeric: true},
	{text: "1e5", numeric: true},
	{text: "1,234", numeric: true},
	{text: "2021-08-18", numeric: true},
	{text: "1/2", numeric: true},
	{text: "12:30", numeric: true},
	{text: "50%", numeric: true},
	{text: "TRUE", numeric: true},

	{text: "=1+1", formula: true},
	{text: "+1+1", formula: true},
	{text: "-1+1", formula: true},
	{text: "@SUM(1)", formula: true},
	{text: "=cmd|' /C calc'!A0", formula: true},
	{text: `=HYPERLINK("http://127.0.0.1:9/","click")`, formula: true},
	{text: "\t=1+1", formula: true},
	{text: "\n=1+1", formula: true},
	{text: `","=1+1`},
	{text: "x;=1+1;y"},
	{text: "x\t=1+1\ty"},
	{text: "x\n=1+1\ny"},
	{text: "' =1+1"},
	{text: `";=1+1;"`},
	{text: `5"&1+1&"5`},
	{text: `12";=1+1`},
	{text: `5",=1+1`},
}

// dateText is a date as the API writes it.
const dateText = "2025-03-04T09:39:58.1234567Z"

// cell is what a reader of the CSV must find.
type cell struct {
	text    string
	numeric bool
}

// dialect is how the tests expect a dialect to write.
type dialect struct {
	name    string
	header  func(transform.Property) string
	yes, no string
	guarded bool
}

var (
	rfc4180 = dialect{"rfc4180", func(p transform.Property) string { return p.Name }, "true", "false", false}
	excel   = dialect{"excel", transform.Property.Pascal, "TRUE", "FALSE", true}
)

// sessions returns a list of sessions as the upstream sends it, which has every text of
// texts in a column, and the table that the dialect makes of it.
func sessions(t *testing.T, d dialect) (body string, table [][]cell) {
	t.Helper()
	const breadcrumb = `[{"id":"1","name":"=1+1, \"a\""}]`
	properties := transform.Properties("session")
	header := make([]cell, len(properties))
	for i, p := range properties {
		header[i] = cell{text: d.header(p)}
	}
	table = append(table, header)
	var all []map[string]any
	for next := 0; next < len(texts); {
		session, row := make(map[string]any), make([]cell, len(properties))
		for i, p := range properties {
			switch p.Type {
			case transform.TypeText:
				text := texts[next%len(texts)] // the last row starts over
				session[p.Name] = text.text
				row[i] = cell{text.text, text.numeric}
				if d.guarded && text.formula {
					row[i].text = "'" + text.text
				}
				next++
			case transform.TypeEnum:
				session[p.Name], row[i].text = "Active", "Active"
			case transform.TypeDate:
				session[p.Name], row[i] = dateText, cell{dateText, true}
			case transform.TypeBool:
				session[p.Name], row[i] = true, cell{d.yes, true}
			case transform.TypeList:
				session[p.Name], row[i].text = json.RawMessage(breadcrumb), breadcrumb
			default:
				t.Fatalf("a session has no property of type %s", p.Type)
			}
		}
		all, table = append(all, session), append(table, row)
	}
	// A session without any property.
	all, table = append(all, map[string]any{}), append(table, make([]cell, len(properties)))
	table[len(table)-1][0].text = "Active"
	all[len(all)-1][properties[0].Name] = "Active"

	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(all); err != nil {
		t.Fatal(err)
	}
	return b.String(), table
}

// fetchSessions returns the CSV that the gateway makes of sessions with further
// options, and the table that is in it.
func fetchSessions(t *testing.T, d dialect, options ...string) (csv string, table [][]cell) {
	t.Helper()
	body, table := sessions(t, d)
	options = append([]string{"dialect " + d.name}, options...)
	return fetchCSV(t, body, strings.Join(options, "\n")), table
}

// fetchCSV returns the CSV that the gateway makes of a response of the upstream.
func fetchCSV(t *testing.T, body, options string) string {
	t.Helper()
	upstream := startUpstream(t)
	url := startGateway(t, upstream.URL, "csv {\n"+options+"\n}")[0] + membersPath + ".csv"
	upstream.Next(&upstreamtest.Fault{Reply: upstreamtest.Reply{Body: &body}})
	res, err := http.Post(url, "application/json", strings.NewReader(callJSON))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != "text/csv; charset=utf-8" {
		t.Fatalf("%s, %s\n%s", res.Status, got, &b)
	}
	return b.String()
}

// compare reports cells that differ from those wanted.
func compare(t *testing.T, got [][]string, want [][]cell) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for y := range min(len(got), len(want)) {
		if len(got[y]) != len(want[y]) {
			t.Errorf("row %d has %d cells, want %d", y+1, len(got[y]), len(want[y]))
		}
		for x := range min(len(got[y]), len(want[y])) {
			if got[y][x] != want[y][x].text {
				t.Errorf("row %d, column %d: %q, want %q", y+1, x+1, got[y][x], want[y][x].text)
			}
		}
	}
}
