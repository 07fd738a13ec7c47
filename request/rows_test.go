package request

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

const ndjsonType = "application/x-ndjson"

// allRows reads the rows of a request that arrives whole. What is wrong with the
// request as a whole is a row of its own.
func allRows(t testing.TB, rd *Reader, contentType, query, body string) []*Row {
	t.Helper()
	rows, violations, err := rd.Rows(post(contentType, query, body), "abc")
	if err != nil {
		t.Fatal(err)
	}
	if len(violations) > 0 {
		return []*Row{{Number: -1, Violations: violations}}
	}
	all := slices.Collect(rows.All())
	again := slices.Collect(rows.All())
	if len(all) != len(again) {
		t.Fatalf("%d rows, and then %d", len(all), len(again))
	}
	for i := range all {
		if all[i].Call != again[i].Call || all[i].Number != again[i].Number || failed(all[i].Violations) != failed(again[i].Violations) {
			t.Fatalf("row %d is read as %v, and then as %v", i, all[i], again[i])
		}
	}
	return all
}

// said returns a row as one line.
func said(r *Row) string {
	s := fmt.Sprintf("%d@%d", r.Number, r.Line)
	if r.Ref != "" {
		s += " ref=" + r.Ref
	}
	if len(r.Violations) == 0 {
		return s + " " + string(r.AppendJSON(nil))
	}
	for _, v := range r.Violations {
		s += fmt.Sprintf(" %s(row %d, %d:%d%s)", v.Rule.Name, v.Row, v.Line, v.Column, v.Pointer)
	}
	if r.Readable {
		s += " readable"
	}
	return s
}

func TestRows(t *testing.T) {
	ab := []string{`1@2 {"sessionId":"abc","destination":"a"}`, `2@3 {"sessionId":"abc","destination":"b"}`}
	tests := []struct {
		name, contentType, query, body string
		want                           []string
	}{
		// What spreadsheets save.
		{"CSV", csvType, "", "Destination\r\na\r\nb\r\n", ab},
		{"CSV of LibreOffice and Google Sheets, with a comma in a cell", csvType, "", "ref,Destination\r\n\"Smith, Ann\",a\r\n,b", []string{
			`1@2 ref=Smith, Ann {"sessionId":"abc","destination":"a"}`, ab[1],
		}},
		{"CSV of Excel in Europe", csvType, "", "\ufeffREF;destination;callSid\r\n1;a;\r\n2;b;CA1\r\n;;\r\n", []string{
			`1@2 ref=1 {"sessionId":"abc","destination":"a"}`, `2@3 ref=2 {"sessionId":"abc","callSid":"CA1","destination":"b"}`,
		}},
		{"CSV of Excel that says its delimiter", csvType, "", "\ufeffsep=;\r\ndestination\r\na\r\nb\r\n", []string{
			`1@3 {"sessionId":"abc","destination":"a"}`, `2@4 {"sessionId":"abc","destination":"b"}`,
		}},
		{"Unicode text of Excel, with tabs", csvType, "", "destination\tref\r\na\t\r\nb\t\r\n", ab},
		{"a line break in a cell", csvType, "", "ref,destination\n\"x\ny\",a\n,b\n", []string{
			"1@2 ref=x\ny " + `{"sessionId":"abc","destination":"a"}`, `2@4 {"sessionId":"abc","destination":"b"}`,
		}},
		{"blank rows are no rows", csvType, "", "destination,ref\n,\na,\n\n,,,\nb,\n", []string{
			`1@3 {"sessionId":"abc","destination":"a"}`, `2@6 {"sessionId":"abc","destination":"b"}`,
		}},
		{"spaces of a value stay", csvType, "", "destination\n +1 \n", []string{`1@2 {"sessionId":"abc","destination":" +1 "}`}},

		// JSON.
		{"a list", jsonType, "", "[{\"destination\":\"a\"}\n,\n{\"destination\":\"b\",\"ref\":7}]", []string{
			`1@1 {"sessionId":"abc","destination":"a"}`, `2@3 ref=7 {"sessionId":"abc","destination":"b"}`,
		}},
		{"a list without a type", "", "", "\ufeff\n[{\"destination\":\"a\"},\n{\"destination\":\"b\"}]", ab},
		{"one object", jsonType, "", `{"destination":"a","ref":"\u0061"}`, []string{`1@1 ref=a {"sessionId":"abc","destination":"a"}`}},
		{"JSON labelled CSV", csvType, "", `{"destination":"a"}`, []string{`1@1 {"sessionId":"abc","destination":"a"}`}},
		{"lines", ndjsonType, "", "\n{\"destination\":\"a\"}\r\n { \"destination\" : \"b\" } ", ab},
		{"lines as application/jsonl", "application/jsonl; charset=utf-8", "", "\ufeff\n{\"destination\":\"a\"}\n{\"destination\":\"b\"}\n\n", ab},
		{"members are told apart by row", ndjsonType, "", "{\"destination\":\"a\",\"callSid\":\"x\"}\n{\"destination\":\"b\"}", []string{
			`1@1 {"sessionId":"abc","callSid":"x","destination":"a"}`, ab[1][:2] + `2 {"sessionId":"abc","destination":"b"}`,
		}},

		// The places that all rows have in common.
		{"a field of the query is one of every row", csvType, "callSid=CA1", "destination\na\nb\n", []string{
			`1@2 {"sessionId":"abc","callSid":"CA1","destination":"a"}`, `2@3 {"sessionId":"abc","callSid":"CA1","destination":"b"}`,
		}},
		{"a row may not say otherwise", csvType, "callSid=CA1", "destination,callSid\na,CA1\nb,CA2\n", []string{
			`1@2 {"sessionId":"abc","callSid":"CA1","destination":"a"}`, "2@3 conflict(row 2, 0:0#/2/callSid) readable",
		}},
		{"another session", csvType, "", "destination,sessionId\na,abc\nb,abd\n", []string{
			ab[0], "2@3 conflict(row 2, 0:0#/2/sessionId) readable",
		}},

		// What is wrong with one row.
		{"a value of a wrong type", jsonType, "", `[{"destination":"a"},{"destination":true},{"destination":"b"}]`, []string{
			`1@1 {"sessionId":"abc","destination":"a"}`, "2@1 wrong_type(row 2, 0:0#/2/destination) readable", `3@1 {"sessionId":"abc","destination":"b"}`,
		}},
		{"a row that is no object", jsonType, "", `[1,{"destination":"b"}]`, []string{"1@1 wrong_type(row 1, 1:2)", `2@1 {"sessionId":"abc","destination":"b"}`}},
		{"a ref that is no text", jsonType, "", `[{"ref":[]}]`, []string{"1@1 wrong_type(row 1, 0:0#/1/ref) readable"}},
		{"the longest ref", csvType, "", "destination,ref\na," + strings.Repeat("é", 256), []string{"1@2 ref=" + strings.Repeat("é", 256) + ` {"sessionId":"abc","destination":"a"}`}},
		{"a ref that is too long", csvType, "", "destination,ref\na," + strings.Repeat("é", 257), []string{"1@2 text_length(row 1, 0:0#/1/ref) readable"}},
		{"a name twice", ndjsonType, "", "{\"destination\":\"a\"}\n{\"ref\":1,\"REF\":2}", []string{
			`1@1 {"sessionId":"abc","destination":"a"}`, "2@2 ref=1 duplicate_name(row 2, 2:10) readable",
		}},
		{"a misspelt field", csvType, "", "destinaton\na\n", []string{"1@2 unknown_field(row 1, 1:1) readable"}},
		{"a short row and a long one", csvType, "", "destination,ref\na,1\nb\nc,2,3\nd,4\n", []string{
			`1@2 ref=1 {"sessionId":"abc","destination":"a"}`, "2@3 row_length(row 2, 3:0)", "3@4 row_length(row 3, 4:0)", `4@5 ref=4 {"sessionId":"abc","destination":"d"}`,
		}},
		{"a line that is no JSON", ndjsonType, "", "{\"destination\":\"a\"}\n{\"destination\":\n{\"destination\":\"b\"}\n", []string{
			`1@1 {"sessionId":"abc","destination":"a"}`, "2@2 malformed_json(row 2, 2:16)", `3@3 {"sessionId":"abc","destination":"b"}`,
		}},
		{"two objects in a line", ndjsonType, "", "{} {}\n", []string{"1@1 malformed_json(row 1, 1:4)"}},
		{"a line that is not UTF-8", ndjsonType, "", "{}\n{\"ref\":\"\xff\"}", []string{`1@1 {"sessionId":"abc"}`, "2@2 malformed_json(row 2, 2:9)"}},

		// What leaves no way to go on.
		{"a quote that is not closed", csvType, "", "destination\na\n\"b\nc\n", []string{ab[0], "2@0 malformed_csv(row 2, 4:2)"}},
		{"a list that breaks off", jsonType, "", "[{\"destination\":\"a\"},\n{\"dest", []string{
			`1@1 {"sessionId":"abc","destination":"a"}`, "2@2 malformed_json(row 2, 2:7)",
		}},
		{"a list that is not closed", jsonType, "", `[{"destination":"a"}`, []string{`1@1 {"sessionId":"abc","destination":"a"}`, "2@1 malformed_json(row 2, 1:21)"}},
		{"a comma at the end", jsonType, "", `[{},]`, []string{`1@1 {"sessionId":"abc"}`, "2@1 malformed_json(row 2, 1:5)"}},
		{"text behind the list", jsonType, "", `[{}] x`, []string{`1@1 {"sessionId":"abc"}`, "2@1 malformed_json(row 2, 1:6)"}},
		{"lines labelled JSON", jsonType, "", "{}\n{}", []string{`1@1 {"sessionId":"abc"}`, "2@2 malformed_json(row 2, 2:1)"}},
		{"a list that is nested too deeply", jsonType, "", "[{\"x\":" + strings.Repeat("[", 32), []string{"1@1 body_too_deep(row 1, 1:38)"}},

		// What is wrong with all rows.
		{"a column twice", csvType, "", "destination,Destination\na,b\n", []string{"0@0 duplicate_name(row 0, 1:13#/destination)"}},
		{"a header row alone", csvType, "", "destination\n", []string{"0@0 row_count(row 0, 0:0)"}},
		{"an empty list", jsonType, "", "[ ]", []string{"0@0 row_count(row 0, 0:0)"}},
		{"nothing", "", "", "", []string{"0@0 row_count(row 0, 0:0)"}},
		{"empty lines", ndjsonType, "", "\n\n", []string{"0@0 row_count(row 0, 0:0)"}},
		{"a form", formType, "", "destination=a", []string{"-1@0 content_type(row 0, 0:0)"}},
		{"a name twice in the query", csvType, "callSid=1&callSid=1", "destination\na\n", []string{"-1@0 repeated_name(row 0, 0:0)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, r := range allRows(t, new(Reader), test.contentType, test.query, test.body) {
				got = append(got, said(r))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("read\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestTheFirstRowTellsTheColumnsThatAreLeftOut(t *testing.T) {
	all := allRows(t, new(Reader), csvType, "", "note,destination,ref,,team\n1,a,r,,x\n2,b,s,,y\n")
	if len(all) != 2 || !slices.Equal(all[0].LeftOut, []int{1, 5}) || all[1].LeftOut != nil {
		t.Errorf("%d rows, left out %v", len(all), all[0].LeftOut)
	}
}

func TestABodyIsAListOrAnObjectOrOfRows(t *testing.T) {
	for _, tt := range []struct {
		rule, contentType, body string
		list, object            bool
	}{
		{"a JSON list", jsonType, "\ufeff [{}]", true, false},
		{"a JSON object", jsonType, "{}", false, true},
		{"JSON lines", ndjsonType, "{}\n", true, false},
		{"CSV", csvType, "destination\na\n", false, false},
		{"CSV that begins like a list", csvType, "[destination\na\n", false, false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			rows, _, err := new(Reader).Rows(post(tt.contentType, "", tt.body), "abc")
			if err != nil {
				t.Fatal(err)
			}
			if rows.IsList() != tt.list || rows.IsObject() != tt.object {
				t.Errorf("list: %v, object: %v", rows.IsList(), rows.IsObject())
			}
		})
	}
}

func TestNoMoreRowsThanTheLimitAreTaken(t *testing.T) {
	for contentType, body := range map[string]string{
		csvType: "destination\na\nb\nc\nd\n", jsonType: `[{},{},{},{}]`, ndjsonType: "{}\n{}\n{}\n{}\n",
	} {
		all := allRows(t, &Reader{MaxRows: 3}, contentType, "", body)
		if n := len(all); n != 4 || all[3].Number != 4 || failed(all[3].Violations) != "row_count" {
			t.Errorf("%s: %d rows, the last %v", contentType, n, said(all[n-1]))
		}
		if all := allRows(t, &Reader{MaxRows: 4}, contentType, "", body); len(all) != 4 || len(all[3].Violations) > 0 {
			t.Errorf("%s: of 4 rows %d were read", contentType, len(all))
		}
	}
}

// TestNoMoreColumnsThanTheLimitAreTaken holds that the number of columns has a limit: a
// body of commas, of which a kilobyte of gzip holds many, would take hundreds of times
// its length.
func TestNoMoreColumnsThanTheLimitAreTaken(t *testing.T) {
	rd := &Reader{MaxBody: 1 << 20}
	fill := func(cell string, n int) string { return strings.Repeat(","+cell, n) }
	for name, tt := range map[string]struct{ body, want string }{
		"as many as a sheet has":       {"destination" + fill("", maxColumns-1) + "\na" + fill("", maxColumns-1) + "\n", `[1@2 {"sessionId":"abc","destination":"a"}]`},
		"one more":                     {"destination" + fill("", maxColumns) + "\na" + fill("", maxColumns) + "\n", "[0@0 malformed_csv(row 0, 0:0)]"},
		"under other names":            {"destination" + fill("x", maxColumns) + "\na\n", "[0@0 malformed_csv(row 0, 0:0)]"},
		"in quotes around line breaks": {"destination" + fill("\"\n\"", maxColumns) + "\na\n", "[0@0 malformed_csv(row 0, 0:0)]"},
		"in a row, behind a short one": {"destination\na\nb" + fill("", maxColumns) + "\n", "[0@0 malformed_csv(row 0, 0:0)]"},
		"by semicolons":                {"destination" + strings.Repeat(";", maxColumns) + "\n", "[0@0 malformed_csv(row 0, 0:0)]"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, row := range allRows(t, rd, csvType, "", tt.body) {
				got = append(got, said(row))
			}
			if s := fmt.Sprint(got); s != tt.want {
				t.Errorf("read %.300s, want %s", s, tt.want)
			}
		})
	}
}

func TestTheBodyOfManyRowsHasALimit(t *testing.T) {
	all := allRows(t, &Reader{MaxBody: 20}, csvType, "", "destination\n"+strings.Repeat("a\n", 10))
	if len(all) != 1 || failed(all[0].Violations) != "body_too_large" {
		t.Errorf("read %s", said(all[0]))
	}
}

// TestRowsTakeMemoryOneByOne holds that judging a thousand rows does not hold a
// thousand in memory.
func TestRowsTakeMemoryOneByOne(t *testing.T) {
	const n = 10_000
	bodies := map[string]string{
		csvType:    "destination,ref\n" + strings.Repeat("+12025550123,x\n", n),
		jsonType:   "[" + strings.Repeat(`{"destination":"+12025550123"},`, n) + "{}]",
		ndjsonType: strings.Repeat(`{"destination":"+12025550123"}`+"\n", n),
	}
	for contentType, body := range bodies {
		rows, violations, err := (&Reader{MaxBody: 1 << 20, MaxRows: 2 * n}).Rows(post(contentType, "", body), "abc")
		if err != nil || len(violations) > 0 {
			t.Fatal(violations, err)
		}
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		most := uint64(0)
		for r := range rows.All() {
			if r.Number%1000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			}
		}
		if most > before.HeapAlloc+256<<10 {
			t.Errorf("%s: %d bytes more are held", contentType, most-before.HeapAlloc)
		}
	}
}

// FuzzRows holds that a row of many is read as a body of it alone is, and that
// what is accepted binds what was judged.
func FuzzRows(f *testing.F) {
	for _, s := range seeds {
		f.Add(s.body, s.body)
	}
	f.Add(`{"destination":"a"}`, `{"destination":true}`)
	f.Add("a;b", `" +1"`)
	u := newUpstream(f)
	f.Fuzz(func(t *testing.T, one, two string) {
		// Lines that are JSON by themselves, and CSV rows made of any two texts.
		rd := &Reader{UnknownFields: Pass}
		if !strings.Contains(one+two, "\n") {
			all := allRows(t, rd, ndjsonType, "", one+"\n"+two)
			i := 0
			for _, body := range []string{one, two} {
				body = strings.TrimPrefix(body, "\ufeff")
				if strings.Trim(body, " \t\r") == "" || i == len(all) {
					continue
				}
				row := all[i]
				i++
				if strings.Contains(asciiLower(body), `ref`) || strings.Contains(body, `\u`) || body != one && strings.HasPrefix(two, "\ufeff") {
					continue // a ref is no member, and a mark no beginning of a line
				}
				q, violations := read(t, rd, post(jsonType, "", body))
				if accepted := len(violations) == 0; accepted != (len(row.Violations) == 0) || accepted && row.Call != q.Call {
					t.Errorf("%q alone: %v %s, as a row: %s", body, q.Call, failed(violations), said(row))
				}
			}
		}
		quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
		for _, delimiter := range []string{",", ";", "\t"} {
			body := strings.Join([]string{"destination", "fromNumber"}, delimiter) + "\r\n" + quote(one) + delimiter + quote(two) + "\r\nx" + delimiter + "y\r\n"
			all := allRows(t, rd, csvType, "", body)
			last := all[len(all)-1]
			if bytes.ContainsRune([]byte(one+two), '\r') || len(last.Violations) > 0 {
				continue
			}
			first := all[0]
			if one+two != "" && (first.Call[rules.Destination].Text != one || first.Call[rules.FromNumber].Text != two) || last.Call[rules.Destination].Text != "x" {
				t.Errorf("%q is read as %s and %s", body, said(first), said(last))
			}
			r := post(csvType, "", "")
			if got := bound(t, u, r, &first.Request); got != first.Call || !json.Valid(first.AppendJSON(nil)) {
				t.Errorf("%q: the upstream bound %v of %v", body, got, first.Call)
			}
		}
	})
}

// FuzzRowsOfAnything holds that whatever is sent, rows are numbered, told at
// places in the body, and end.
func FuzzRowsOfAnything(f *testing.F) {
	for _, s := range seeds {
		f.Add(s.contentType, s.body)
		f.Add(ndjsonType, s.body+"\n"+s.body)
		f.Add(jsonType, "["+s.body+",\n"+s.body+"]")
	}
	f.Add(csvType, "sep=;\ndestination;ref\n\"a\nb\";1\n;;;\n\"")
	u := newUpstream(f)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		for i, row := range allRows(t, &Reader{MaxRows: 5}, contentType, "", body) {
			checkPlaces(t, strings.TrimPrefix(body, "\ufeff"), row.Violations)
			if row.Number > 0 && row.Number != i+1 || row.Line > strings.Count(body, "\n")+1 || i > 5 {
				t.Errorf("%q: row %d is %s", body, i, said(row))
			}
			if len(row.Violations) > 0 {
				continue
			}
			if got := bound(t, u, post("", "", ""), &row.Request); got != row.Call {
				t.Errorf("%q: the upstream bound %v of row %s", body, got, said(row))
			}
		}
	})
}
