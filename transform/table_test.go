package transform

import (
	"errors"
	"testing"
)

func TestTablesAreWrittenInTheDialect(t *testing.T) {
	on, off := true, false
	for _, test := range []struct {
		name    string
		options Options
		want    string
	}{
		{"upstream", Options{}, "row,ref\r\n1,\"a,\"\"b\"\"\"\r\n2,=1+1\r\n3,\r\n"},
		{"excel guards formulas", Options{Dialect: "excel"}, "\ufeffrow,ref\r\n1,\"a,\"\"b\"\"\"\r\n2,'=1+1\r\n3,\r\n"},
		{"semicolons", Options{Delimiter: ";", BOM: &on}, "\ufeffrow;ref\r\n1;\"a,\"\"b\"\"\"\r\n2;=1+1\r\n3;\r\n"},
		{"text that stays text, and numbers", Options{TextCells: "numbers"}, "row,ref\r\n1,\"a,\"\"b\"\"\"\r\n2,\"=\"\"=1+1\"\"\"\r\n3,\r\n"},
		{"all cells text", Options{TextCells: "all"}, "row,ref\r\n\"=\"\"1\"\"\",\"=\"\"a,\"\"\"\"b\"\"\"\"\"\"\"\r\n\"=\"\"2\"\"\",\"=\"\"=1+1\"\"\"\r\n\"=\"\"3\"\"\",\r\n"},
		{"no header row", Options{Header: "off", BOM: &off}, "1,\"a,\"\"b\"\"\"\r\n2,=1+1\r\n3,\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Compile(test.options)
			if err != nil {
				t.Fatal(err)
			}
			csv := p.AppendTableHeader(nil, "row", "ref")
			csv = p.AppendTableRow(csv, NumberCell(1), TextCell(`a,"b"`))
			csv = p.AppendTableRow(csv, NumberCell(2), TextCell("=1+1"))
			csv = p.AppendTableRow(csv, NumberCell(3), NumberCell(0))
			if string(csv) != test.want {
				t.Errorf("%q, want %q", csv, test.want)
			}
		})
	}
}

func TestResultsHaveTheSessionsColumns(t *testing.T) {
	id := []Column{{Name: "id"}, {Name: "members", Label: "Who"}}
	const session = `{"members":[{"displayName":"A, B"}],"id":"+1\"x"}`
	for _, test := range []struct {
		name    string
		options Options
		json    string
		want    string
		reason  Reason
	}{
		{"upstream", Options{Columns: id}, session, "row,Id,Who\r\n1,\"+1\"\"x\",\"[{displayName:\"\"A, B\"\"}]\"\r\n", ""},
		{"nothing known", Options{Columns: id, Null: new("-")}, "", "row,Id,Who\r\n1,-,-\r\n", ""},
		{"no header row, and a guard", Options{Columns: id[:1], Header: "off", Dialect: "excel"}, `{"id":"=1"}`, "\ufeff1,'=1\r\n", ""},
		{"no object", Options{Columns: id}, "[]", "row,Id,Who\r\n", ReasonUnexpectedShape},
		{"a list in it", Options{Columns: id}, "[{}]", "row,Id,Who\r\n", ReasonUnexpectedShape},
		{"broken off", Options{Columns: id}, `{"id":"a"`, "row,Id,Who\r\n", ReasonMalformed},
		{"something behind it", Options{Columns: id}, `{} {}`, "row,Id,Who\r\n", ReasonMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Compile(test.options)
			if err != nil {
				t.Fatal(err)
			}
			csv, err := p.AppendResultRow(p.AppendResultHeader(nil, "row"), []byte(test.json), NumberCell(1))
			reason := Reason("")
			if e, ok := errors.AsType[*Error](err); ok {
				reason = e.Reason
			}
			if string(csv) != test.want || reason != test.reason {
				t.Errorf("%q, %v; want %q, %q", csv, err, test.want, test.reason)
			}
		})
	}
	p, err := Compile(Options{Columns: id[:1]})
	if err != nil {
		t.Fatal(err)
	}
	if csv, err := p.AppendResultRow(nil, []byte(`{"id":"ID"}`), TextCell("")); string(csv) != ",ID\r\n" || err != nil {
		t.Errorf("behind an empty cell: %q, %v", csv, err)
	}
	p, err = Compile(Options{Rows: "members"})
	if err != nil {
		t.Fatal(err)
	}
	if p.HasRowForEachSession() {
		t.Error("a row for each member is said to be one for each session")
	}
}
