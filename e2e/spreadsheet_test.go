//go:build e2e

package e2e

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The options of LibreOffice's import of CSV, token by token: separators, text
// delimiter, charset (76 is UTF-8), first line, column formats, language,
// quoted field as text, detect special numbers, three of the export, sheet,
// evaluate formulas. What is left out at the end is false, but for formulas,
// which then are evaluated.
const (
	// dialogDefaults are what a new user's import dialog proposes.
	dialogDefaults = "44/59/9,34,76,1,,0,false,false,false,false,false,0,false"
	// evaluating are the same with "Evaluate formulas" ticked.
	evaluating = "44/59/9,34,76,1,,0,false,false,false,false,false,0,true"
)

// allText are the options that docs recommend: separated by comma only, and
// the column type of all columns set to Text.
func allText(columns int) string {
	var b strings.Builder
	b.WriteString("44,34,76,1,")
	for i := range columns {
		if i > 0 {
			b.WriteByte('/')
		}
		fmt.Fprintf(&b, "%d/2", i+1)
	}
	return b.String()
}

// LibreOffice shows what is in the session, each value in its column, and runs
// nothing of it, whatever a person chooses in the dialog.
func TestLibreOfficeOpensTheExcelDialect(t *testing.T) {
	soffice := program(t, "soffice", "libreoffice-calc")
	text, want := fetchSessions(t, excel)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sessions.csv"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, options string
		// numbers: cells that look like numbers may become numbers.
		numbers bool
	}{
		{"with all columns as text", allText(len(want[0])), false},
		{"as the dialog proposes", dialogDefaults, true},
		{"with formulas evaluated", evaluating, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := t.TempDir()
			output(t, soffice, "-env:UserInstallation="+(&url.URL{Scheme: "file", Path: filepath.Join(dir, "profile")}).String(),
				"--headless", "--infilter=Text - txt - csv (StarCalc):"+test.options,
				"--convert-to", "fods", "--outdir", out, filepath.Join(dir, "sessions.csv"))
			f, err := os.Open(filepath.Join(out, "sessions.fods"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			sheet, err := readSheet(f)
			if err != nil {
				t.Fatal(err)
			}
			compareSheet(t, sheet, want, test.numbers)
		})
	}
}

// compareSheet reports formulas, and the cells that are not as they are to be.
func compareSheet(t *testing.T, sheet [][]sheetCell, want [][]cell, numbers bool) {
	t.Helper()
	if len(sheet) != len(want) {
		t.Errorf("%d rows, want %d", len(sheet), len(want))
	}
	for y := range min(len(sheet), len(want)) {
		if len(sheet[y]) > len(want[y]) {
			t.Errorf("row %d has %d cells, want %d", y+1, len(sheet[y]), len(want[y]))
		}
		for x, w := range want[y] {
			var c sheetCell // those at the end may be left out
			if x < len(sheet[y]) {
				c = sheet[y][x]
			}
			if c.formula != "" {
				t.Errorf("row %d, column %d: the formula %s, want %q", y+1, x+1, c.formula, w.text)
				continue
			}
			if numbers && w.numeric {
				continue
			}
			if c.text != w.text || c.kind != "string" && w.text != "" {
				t.Errorf("row %d, column %d: %s %q, want text %q", y+1, x+1, c.kind, c.text, w.text)
			}
		}
	}
}

// sheetCell is a cell of a spreadsheet: its type, its formula, and the text
// that it shows.
type sheetCell struct {
	kind, formula, text string
}

// The parts of a flat OpenDocument spreadsheet (OpenDocument 1.3 part 3,
// sections 9.1 and 6.1) that hold rows, cells and their text.
type sheetRow struct {
	Repeated string `xml:"number-rows-repeated,attr"`
	Cells    []struct {
		Repeated   string      `xml:"number-columns-repeated,attr"`
		Kind       string      `xml:"value-type,attr"`
		Formula    string      `xml:"formula,attr"`
		Paragraphs []paragraph `xml:"p"`
	} `xml:"table-cell"`
}

// paragraph is the text of one.
type paragraph string

// UnmarshalXML reads text in which spaces and tabs may stand as elements.
func (p *paragraph) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var b strings.Builder
	for depth := 1; depth > 0; {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.CharData:
			b.Write(token)
		case xml.EndElement:
			depth--
		case xml.StartElement:
			depth++
			switch token.Name.Local {
			case "s":
				b.WriteString(strings.Repeat(" ", repeats(attribute(token, "c"))))
			case "tab":
				b.WriteByte('\t')
			case "line-break":
				b.WriteByte('\n')
			}
		}
	}
	*p = paragraph(b.String())
	return nil
}

// attribute returns an attribute by its local name.
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// repeats is how often something stands that may say so.
func repeats(attribute string) int {
	if n, err := strconv.Atoi(attribute); err == nil {
		return n
	}
	return 1
}

// readSheet reads the first sheet without the empty rows and cells behind the
// last that is not.
func readSheet(r io.Reader) ([][]sheetCell, error) {
	d := xml.NewDecoder(r)
	var rows [][]sheetCell
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no sheet")
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.EndElement:
			if token.Name.Local == "table" {
				return rows, nil
			}
		case xml.StartElement:
			if token.Name.Local != "table-row" {
				continue
			}
			var row sheetRow
			if err := d.DecodeElement(&row, &token); err != nil {
				return nil, err
			}
			cells := row.cells()
			if len(cells) == 0 {
				continue
			}
			for range repeats(row.Repeated) {
				rows = append(rows, cells)
			}
		}
	}
}

// cells returns the cells of a row up to the last that is not empty.
func (r *sheetRow) cells() []sheetCell {
	var cells []sheetCell
	empty := 0
	for _, c := range r.Cells {
		lines := make([]string, len(c.Paragraphs))
		for i, p := range c.Paragraphs {
			lines[i] = string(p)
		}
		cell := sheetCell{c.Kind, c.Formula, strings.Join(lines, "\n")}
		if cell == (sheetCell{}) {
			empty += repeats(c.Repeated)
			continue
		}
		cells = append(cells, make([]sheetCell, empty)...)
		empty = 0
		for range repeats(c.Repeated) {
			cells = append(cells, cell)
		}
	}
	return cells
}
