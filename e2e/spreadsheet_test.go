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
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The options of LibreOffice's import of CSV, token by token: separators, text
// delimiter, charset (76 is UTF-8), first line, column formats, language,
// quoted field as text, detect special numbers, three of the export, sheet,
// evaluate formulas. What is left out at the end is false, except formulas,
// which then are evaluated.
const (
	// dialogDefaults are what the import dialog proposes to a new user.
	dialogDefaults = "44/59/9,34,76,1,,0,false,false,false,false,false,0,false"
	// evaluating are the same with "Evaluate formulas" ticked.
	evaluating = "44/59/9,34,76,1,,0,false,false,false,false,false,0,true"
)

// allText returns the options that docs recommend: comma as the only separator, and Text as
// the type of all columns.
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

// TestLibreOfficeOpensTheExcelDialect holds that LibreOffice shows what is in the session,
// each value in its column, and runs none of it, whatever one chooses in the dialog.
func TestLibreOfficeOpensTheExcelDialect(t *testing.T) {
	text, want := fetchSessions(t, excel)
	tests := []struct {
		name, options string
		// numbers says that cells that look like numbers may become numbers.
		numbers bool
	}{
		{"with all columns as text", allText(len(want[0])), false},
		{"as the dialog proposes", dialogDefaults, true},
		{"with formulas evaluated", evaluating, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sheet := openSheet(t, text, test.options, "en-US")
			compareSheet(t, sheet, want, test.numbers)
		})
	}
}

// TestLibreOfficeKeepsTextCells holds that LibreOffice shows texts of text_cells as they are
// where it evaluates formulas, which it does by default without the dialog. Where that is
// off, it shows the formula and runs nothing.
func TestLibreOfficeKeepsTextCells(t *testing.T) {
	for _, which := range []string{"numbers", "all"} {
		text, want := fetchSessions(t, excel, "text_cells "+which)
		for name, options := range map[string]string{"without the dialog": "44,34,76", "with formulas evaluated": evaluating} {
			t.Run(which+" "+name, func(t *testing.T) {
				sheet := openSheet(t, text, options, "en-US")
				for _, row := range sheet {
					for x := range row {
						if textFormula.MatchString(row[x].formula) {
							row[x].formula = "" // only what it shows is compared
						}
					}
				}
				for y := range want {
					for x := range want[y] {
						text := want[y][x].text // texts without digits, booleans and dates stay as they are
						want[y][x].numeric = text == "TRUE" || text == dateText && which == "numbers"
					}
				}
				compareSheet(t, sheet, want, true)
			})
		}
		t.Run(which+" as the dialog proposes", func(t *testing.T) {
			found := false
			for y, row := range openSheet(t, text, dialogDefaults, "en-US") {
				for x, c := range row {
					found = found || c.text == `="+12025550123"`
					if c.formula != "" {
						t.Errorf("row %d, column %d: the formula %s", y+1, x+1, c.formula)
					}
				}
			}
			if !found {
				t.Error("no cell shows its formula: docs/csv.md says that one does")
			}
		})
	}
}

// textFormula finds a formula that is one text.
var textFormula = regexp.MustCompile(`^of:="([^"]|"")*"$`)

// TestLibreOfficeInGermanOpensTheGermanRecipe holds that a German LibreOffice shows a row for
// each member, with the recipe's five columns under their labels.
func TestLibreOfficeInGermanOpensTheGermanRecipe(t *testing.T) {
	docs, err := os.ReadFile("../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, recipe, _ := strings.Cut(string(docs), "### A spreadsheet in German\n")
	_, recipe, found := strings.Cut(recipe, "\t\tcsv {\n")
	recipe, _, end := strings.Cut(recipe, "\n\t\t}\n")
	if !found || !end {
		t.Fatal("docs/recipes.md has no such recipe")
	}
	text := fetchCSV(t, `{"accountName":"Müller & Söhne; Köln","dateCreated":"2025-03-04T09:39:58.1234567Z","members":[
		{"identity":"+4930123456","displayName":"Jürgen; =1+1","role":"Agent"},
		{"identity":"00123","displayName":"=1+1","role":"Caller"}]}`, recipe)
	for name, options := range map[string]string{"without the dialog": "59,34,76", "in the dialog": "59,34,76,1,,0,false,true,false,false,false,0,true"} {
		t.Run(name, func(t *testing.T) {
			var got [][]string
			for _, row := range openSheet(t, text, options, "de-DE") {
				var texts []string
				for _, c := range row {
					if c.formula != "" && !textFormula.MatchString(c.formula) {
						t.Errorf("the formula %s", c.formula)
					}
					if c.kind == "date" {
						c.text = "the date " + c.date
					}
					texts = append(texts, c.text)
				}
				got = append(got, texts)
			}
			want := [][]string{
				{"Konto", "Rufnummer", "Name", "Rolle", "Beginn"},
				{"Müller & Söhne; Köln", "+4930123456", "Jürgen; =1+1", "Agent", "the date 2025-03-04T10:39:00"},
				{"Müller & Söhne; Köln", "00123", "'=1+1", "Caller", "the date 2025-03-04T10:39:00"},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%q\nwant %q", got, want)
			}
		})
	}
}

// openSheet opens a CSV in a LibreOffice with a locale, and returns its cells.
func openSheet(t *testing.T, text, options, locale string) [][]sheetCell {
	t.Helper()
	soffice := program(t, "soffice", "libreoffice-calc")
	dir := t.TempDir()
	for name, content := range map[string]string{
		"sessions.csv": text,
		"profile/user/registrymodifications.xcu": `<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>` + locale + `</value></prop></item>
</oor:items>`,
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	output(t, soffice, "-env:UserInstallation="+(&url.URL{Scheme: "file", Path: filepath.Join(dir, "profile")}).String(),
		"--headless", "--infilter=Text - txt - csv (StarCalc):"+options,
		"--convert-to", "fods", "--outdir", dir, filepath.Join(dir, "sessions.csv"))
	f, err := os.Open(filepath.Join(dir, "sessions.fods"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sheet, err := readSheet(f)
	if err != nil {
		t.Fatal(err)
	}
	return sheet
}

// compareSheet reports formulas, and cells that differ from those wanted.
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
			var c sheetCell // cells at the end may be left out
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

// sheetCell is a cell of a spreadsheet: its type, its formula, the text that it shows, and
// its value if it is a date.
type sheetCell struct {
	kind, formula, text, date string
}

// The parts of a flat OpenDocument spreadsheet (OpenDocument 1.3 part 3,
// sections 9.1 and 6.1) that hold rows, cells and their text.
type sheetRow struct {
	Repeated string `xml:"number-rows-repeated,attr"`
	Cells    []struct {
		Repeated   string      `xml:"number-columns-repeated,attr"`
		Kind       string      `xml:"value-type,attr"`
		Formula    string      `xml:"formula,attr"`
		Date       string      `xml:"date-value,attr"`
		Paragraphs []paragraph `xml:"p"`
	} `xml:"table-cell"`
}

// paragraph is the text of a paragraph.
type paragraph string

// UnmarshalXML reads text in which spaces and tabs may be elements.
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

// repeats returns how often an element occurs, by the attribute that says so.
func repeats(attribute string) int {
	if n, err := strconv.Atoi(attribute); err == nil {
		return n
	}
	return 1
}

// readSheet reads the first sheet, without empty rows and cells at the end.
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
		cell := sheetCell{c.Kind, c.Formula, strings.Join(lines, "\n"), c.Date}
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
