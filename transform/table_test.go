package transform

import "testing"

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
		{"no header row", Options{Header: "off", BOM: &off}, "1,\"a,\"\"b\"\"\"\r\n2,=1+1\r\n3,\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Compile(test.options)
			if err != nil {
				t.Fatal(err)
			}
			csv := p.AppendTableHeader(nil, "row", "ref")
			csv = p.AppendTableRow(csv, "1", `a,"b"`)
			csv = p.AppendTableRow(csv, "2", "=1+1")
			csv = p.AppendTableRow(csv, "3", "")
			if string(csv) != test.want {
				t.Errorf("%q, want %q", csv, test.want)
			}
		})
	}
}
