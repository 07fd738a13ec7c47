package request

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// csvTable reads CSV, RFC 4180 with LF or CRLF, row by row. gocsv's own
// matching of columns to the fields of a struct is not used: it depends on
// settings that any package of the process can change.
type csvTable struct {
	reader *csv.Reader // beneath rows, to ask where a cell stands
	rows   gocsv.SimpleDecoder
}

func newCSVTable(body []byte) *csvTable {
	r := csv.NewReader(bytes.NewReader(body))
	r.FieldsPerRecord = -1 // the length of a row has a rule of its own
	return &csvTable{reader: r, rows: gocsv.NewSimpleDecoderFromCSVReader(r)}
}

// cellAt returns where a cell of the row that was last read stands.
func (t *csvTable) cellAt(i int) mark {
	line, column := t.reader.FieldPos(i)
	return mark{line, column}
}

// row reads a row of cells, nil at the end.
func (t *csvTable) row(b *binding) (cells []string, ok bool) {
	cells, err := t.rows.GetCSVRow()
	if err == nil {
		return cells, true
	}
	if errors.Is(err, io.EOF) {
		return nil, true
	}
	detail, at := "A row can't be told into cells.", mark{}
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		at = mark{e.Line, e.Column}
		if errors.Is(e, csv.ErrQuote) {
			detail = "A cell in quotes is not closed, or text follows its closing quote."
		} else {
			detail = "A quote stands in a cell that does not begin with one."
		}
	}
	b.violateAt(rules.MalformedCSV, at, detail)
	return nil, false
}

// readCSV reads a header row and the one row under it. Empty lines are no
// rows.
func (b *binding) readCSV(body []byte) bool {
	body = cutByteOrderMark(body)
	b.body = body
	if at, found := invalidUTF8(body); found {
		b.violateAt(rules.MalformedCSV, markAt(at), "The text is not UTF-8 here.")
		return false
	}
	t := newCSVTable(body)
	columns, ok := t.readHeader(b)
	if !ok {
		return false
	}
	cells, ok := t.row(b)
	if !ok {
		return false
	}
	if cells == nil {
		b.violate(rules.RowCount, "There is no row of values under a header row.")
		return false
	}
	ok = b.readCells(t, columns, cells)
	return t.noMoreRows(b) && ok
}

// column is a column of the header row.
type column struct {
	name   string
	at     mark
	ignore bool // because something is wrong with it
}

// readHeader reads the header row.
func (t *csvTable) readHeader(b *binding) (columns []column, ok bool) {
	header, ok := t.row(b)
	if !ok {
		return nil, false
	}
	var seen names
	columns = make([]column, 0, len(header))
	for i, cell := range header {
		c := column{name: strings.Trim(cell, " \t"), at: t.cellAt(i)}
		if strings.Contains(c.name, "\r") {
			b.violateAt(rules.MalformedCSV, c.at, "A line has to end in LF or CRLF, not in CR alone.")
			return nil, false
		}
		if c.name != "" && seen.add(c.name) {
			c.ignore = true
			b.violateName(rules.DuplicateName, c.name, c.at,
				"The name of a column stands here for the second time; letter case makes no difference.")
		}
		columns = append(columns, c)
	}
	return columns, true
}

// readCells takes the row under the header row.
func (b *binding) readCells(t *csvTable, columns []column, cells []string) bool {
	if len(cells) != len(columns) {
		b.violateAt(rules.RowLength, mark{line: t.cellAt(0).line},
			fmt.Sprintf("The row has %d cells and the header row has %d.", len(cells), len(columns)))
		return false
	}
	unnamed := false
	for i, c := range columns {
		switch {
		case c.ignore:
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

// noMoreRows counts the rows after the first row of values, of which there must
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
			b.violate(rules.RowCount, fmt.Sprintf("There are %d rows of values; only one is taken.", n))
			return false
		}
		return true
	}
}
