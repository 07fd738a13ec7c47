package request

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// csvRow is a row of values as gocsv reads it. An empty text is a cell that is
// empty or not there, which is not sent (recordings 506 and 507).
type csvRow struct {
	SessionID   string `csv:"sessionId"`
	CallSID     string `csv:"callSid"`
	Destination string `csv:"destination"`
	FromNumber  string `csv:"fromNumber"`
	Ref         string `csv:"ref"`
}

// fields returns the texts of the four fields in the order of [rules.Field].
func (r *csvRow) fields() [rules.NumFields]string {
	return [...]string{r.SessionID, r.CallSID, r.Destination, r.FromNumber}
}

// maxColumns is how many columns a body may have, those of a sheet of Excel. Each takes
// many times the byte that a client sends for it.
const maxColumns = 16384

// isTooWide reports whether a line of a body has more than maxColumns cells, if it
// has no quotes around line breaks. It is called before the cells are read.
func isTooWide(body []byte) bool {
	cells := 0
	for _, c := range body {
		switch c {
		case '\n':
			cells = 0
		case ',', ';', '\t':
			if cells++; cells >= maxColumns {
				return true
			}
		}
	}
	return false
}

// csvTable reads CSV, RFC 4180 with LF or CRLF, row by row.
type csvTable struct {
	reader  *csv.Reader
	skipped int      // lines of the body before the reader's first
	blanks  int      // rows without a value since the header row
	header  []string // the header row, if it has been read
	columns []column
	// typed is the header row, with the names of the tags of csvRow, and under
	// it the row that is read: what gocsv is given.
	typed headedRow
}

// headedRow is a header row and one row under it, as gocsv reads a table.
type headedRow [2][]string

// Read is there for [gocsv.CSVReader]; gocsv reads all rows at once.
func (*headedRow) Read() ([]string, error) { return nil, io.EOF }

// ReadAll returns the two rows.
func (r *headedRow) ReadAll() ([][]string, error) { return r[:], nil }

// column is a column of the header row.
type column struct {
	name   string
	at     mark
	ignore bool // because something is wrong with it
	typed  bool // a field of csvRow
}

// newCSVTable begins to read a body without a byte order mark. The delimiter is
// the one that the body declares, or by which its header row names a field.
func newCSVTable(body []byte) *csvTable {
	comma, declared := cutSeparator(&body)
	if declared {
		return &csvTable{reader: csvReader(body, comma), skipped: 1}
	}
	for _, comma := range []rune{',', ';', '\t'} {
		t := &csvTable{reader: csvReader(body, comma)}
		if header, err := t.nextRow(); err == nil && slices.ContainsFunc(header, namesField) {
			t.header = header
			return t
		}
	}
	return &csvTable{reader: csvReader(body, ',')}
}

// namesField reports whether a cell of a header row is the name of a field.
func namesField(cell string) bool { return IsField(strings.Trim(cell, " \t")) }

func csvReader(body []byte, comma rune) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(body))
	r.Comma = comma
	r.FieldsPerRecord = -1 // the length of a row has its own rule
	return r
}

// cutSeparator cuts off the line that tells Excel the delimiter of a file,
// such as "sep=;".
func cutSeparator(body *[]byte) (comma rune, declared bool) {
	const before = "sep="
	line, rest, found := bytes.Cut(*body, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if !found || len(line) != len(before)+1 || !ascii.EqualFold(line[:len(before)], before) {
		return ',', false
	}
	switch comma = rune(line[len(before)]); comma {
	case ',', ';', '\t':
		*body = rest
		return comma, true
	}
	return ',', false
}

// nextRow reads the next row that has a value.
func (t *csvTable) nextRow() ([]string, error) {
	for {
		cells, err := t.reader.Read()
		if err != nil || !isBlank(cells) {
			return cells, err
		}
		t.blanks++
	}
}

// isBlank reports whether a row has no value, as spreadsheets leave them behind
// those that have one.
func isBlank(cells []string) bool {
	for _, cell := range cells {
		if cell != "" {
			return false
		}
	}
	return true
}

// cellAt returns where a cell of the row that was last read is.
func (t *csvTable) cellAt(i int) mark {
	line, column := t.reader.FieldPos(i)
	return mark{line + t.skipped, column}
}

// row reads the next row that has a value, nil at the end.
func (t *csvTable) row(b *binding) (cells []string, ok bool) {
	cells, err := t.nextRow()
	if err == nil {
		return cells, true
	}
	if errors.Is(err, io.EOF) {
		return nil, true
	}
	detail, at := "A row can't be told into cells.", mark{}
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		at = mark{e.Line + t.skipped, e.Column}
		if errors.Is(e, csv.ErrQuote) {
			detail = "A cell in quotes is not closed, or text follows its closing quote."
		} else {
			detail = "A quote is in a cell that does not begin with one."
		}
	}
	b.violateAt(rules.MalformedCSV, at, detail)
	return nil, false
}

const tooWide = "A row has more than 16384 cells, which is the most that a sheet of Excel has."

// readCSV reads a header row and the one row of values under it.
func (b *binding) readCSV(body []byte) bool {
	t, ok := b.openCSV(body)
	if !ok {
		return false
	}
	cells, ok := t.row(b)
	if !ok {
		return false
	}
	if cells == nil {
		if t.blanks > 0 {
			return true // a row without a value is a body without fields (recording 506)
		}
		b.violate(rules.RowCount, "There is no row of values under a header row.")
		return false
	}
	ok = b.readCells(t, cells)
	return t.noMoreRows(b) && ok
}

// saveAsUTF8 is what to do in a spreadsheet program about a file that can't be read.
const saveAsUTF8 = " Save the sheet as CSV in UTF-8; Excel calls it CSV UTF-8."

// notCSV says what a body is that spreadsheet programs save and that is not CSV in
// UTF-8, by its first bytes. It is empty for anything else.
func notCSV(body []byte) string {
	for _, of := range [...]struct{ start, problem string }{
		{"PK\x03\x04", "This is the file of a spreadsheet program, such as .xlsx or .ods, and not CSV."},
		{"\xd0\xcf\x11\xe0", "This is the file of a spreadsheet program, such as .xls, and not CSV."},
		{"\xff\xfe", "The text is UTF-16 and not UTF-8."},
		{"\xfe\xff", "The text is UTF-16 and not UTF-8."},
	} {
		if bytes.HasPrefix(body, []byte(of.start)) {
			return of.problem
		}
	}
	return ""
}

// openCSV reads a body up to the end of its header row.
func (b *binding) openCSV(body []byte) (t *csvTable, ok bool) {
	body = cutByteOrderMark(body)
	b.body = body
	if problem := notCSV(body); problem != "" {
		b.violate(rules.MalformedCSV, problem+saveAsUTF8)
		return nil, false
	}
	if at, found := invalidUTF8(body); found {
		b.violateAt(rules.MalformedCSV, markAt(at), "The text is not UTF-8 here."+saveAsUTF8)
		return nil, false
	}
	if isTooWide(body) {
		b.violate(rules.MalformedCSV, tooWide)
		return nil, false
	}
	t = newCSVTable(body)
	return t, t.readHeader(b)
}

// readHeader reads the header row.
func (t *csvTable) readHeader(b *binding) bool {
	header := t.header
	if header == nil {
		var ok bool
		if header, ok = t.row(b); !ok {
			return false
		}
	}
	if len(header) > maxColumns {
		b.violate(rules.MalformedCSV, tooWide)
		return false
	}
	var seen names
	t.blanks = 0
	t.columns = make([]column, 0, len(header))
	t.typed[0] = make([]string, len(header))
	for i, cell := range header {
		c := column{name: strings.Trim(cell, " \t"), at: t.cellAt(i)}
		if strings.Contains(c.name, "\r") {
			b.violateAt(rules.MalformedCSV, c.at, "A line has to end in LF or CRLF, not in CR alone.")
			return false
		}
		if c.name != "" && seen.add(c.name) {
			c.ignore = true
			b.violateName(rules.DuplicateName, c.name, c.at,
				"The name of a column appears here for the second time; letter case makes no difference.")
		}
		t.typed[0][i] = "\x00" + strconv.Itoa(i) // no field's
		if tag, ok := b.tagOf(c.name); ok && !c.ignore {
			t.typed[0][i], c.typed = tag, true
		}
		t.columns = append(t.columns, c)
	}
	return true
}

// leftOut returns the columns, from 1, that have names and are not fields of csvRow.
func (t *csvTable) leftOut() []int {
	var columns []int
	for i, c := range t.columns {
		if !c.typed && c.name != "" {
			columns = append(columns, i+1)
		}
	}
	return columns
}

// tagOf returns the tag of csvRow for the name of a column.
func (b *binding) tagOf(name string) (tag string, ok bool) {
	if f, ok := rules.FieldByName(name); ok {
		return f.String(), true
	}
	return refName, b.isRef(name)
}

// readCells takes a row under the header row.
func (b *binding) readCells(t *csvTable, cells []string) bool {
	if len(cells) != len(t.columns) {
		b.violateAt(rules.RowLength, mark{line: t.cellAt(0).line},
			fmt.Sprintf("The row has %d cells and the header row has %d.", len(cells), len(t.columns)))
		return false
	}
	t.typed[1] = cells
	var rows []csvRow
	if err := gocsv.UnmarshalCSV(&t.typed, &rows); err != nil || len(rows) != 1 {
		b.violateAt(rules.MalformedCSV, mark{line: t.cellAt(0).line}, "The row can't be read.")
		return false
	}
	for f, text := range rows[0].fields() {
		if text != "" {
			b.bind(rules.Field(f), text, inBody)
		}
	}
	b.bindRef(rows[0].Ref)
	unnamed := false
	for i, c := range t.columns {
		switch {
		case c.ignore, c.typed:
		case c.name != "":
			b.bindText(c.name, cells[i], c.at)
		case cells[i] == "": // as a spreadsheet leaves them behind the last
		case unnamed:
			b.violateAt(rules.DuplicateName, c.at, "A second column has no name.")
		default:
			unnamed = true
			b.bindText("", cells[i], c.at)
		}
	}
	return true
}

// noMoreRows counts the rows after the first row of values; there must
// be none.
func (t *csvTable) noMoreRows(b *binding) bool {
	for n := 1; ; n++ {
		cells, ok := t.row(b)
		switch {
		case !ok:
			return false
		case cells != nil:
			continue
		case n > 1:
			b.request.HasMoreRows = true
			b.violate(rules.RowCount, fmt.Sprintf("There are %d rows of values; only one is taken.", n))
			return false
		}
		return true
	}
}
