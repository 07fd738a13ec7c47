package upstreamtest

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// bindJSV binds {name:value,...}. Names in quotes are not known, and the end
// may be missing (recordings 533 to 538).
func bindJSV(b *Bound, body string) string {
	s := strings.TrimLeft(text(body), " \t\r\n")
	if s == "" {
		return outOfBounds
	}
	if s[0] != '{' {
		return noObject(s)
	}
	for s = s[1:]; s != ""; {
		name, rest, ok := strings.Cut(s, ":")
		if !ok {
			return ""
		}
		value, rest := cutJSV(rest)
		if value != "" {
			b.set(strings.TrimSpace(name), value)
		}
		if !strings.HasPrefix(rest, ",") {
			return ""
		}
		s = rest[1:]
	}
	return ""
}

// cutJSV splits a value off s.
func cutJSV(s string) (value, rest string) {
	if strings.HasPrefix(s, `"`) {
		return cutQuoted(s)
	}
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth < 0 || depth == 0 && s[i] == ',' {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// cutQuoted splits off a value in quotes, in which a quote is doubled.
func cutQuoted(s string) (value, rest string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] == '"' {
			if i+1 == len(s) || s[i+1] != '"' {
				return b.String(), s[i+1:]
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// bindCSV binds the first row under a header row (recordings 491 to 518). Rows
// after it are dropped, a short row is fine, a long one is refused, an empty
// cell binds nothing, and of a doubled column the last counts.
func bindCSV(b *Bound, body string) string {
	rows := readCSV(text(body))
	for i, row := range rows {
		if len(row) > len(rows[0]) {
			return "Index was out of range. Must be non-negative and less than the size of the collection. (Parameter 'index')"
		}
		if i != 1 {
			continue
		}
		for j, cell := range row {
			if cell != "" {
				b.set(strings.TrimSpace(rows[0][j]), cell)
			}
		}
	}
	return ""
}

// readCSV splits s into rows of cells and leaves out empty lines. A cell is
// quoted if it begins with a quote.
func readCSV(s string) [][]string {
	var rows [][]string
	var row []string
	for s != "" {
		var cell string
		if strings.HasPrefix(s, `"`) {
			cell, s = cutQuoted(s)
		}
		end := strings.IndexAny(s, ",\r\n")
		if end < 0 {
			end = len(s)
		}
		row = append(row, cell+s[:end])
		s = s[end:]
		if strings.HasPrefix(s, ",") {
			if s = s[1:]; s == "" {
				row = append(row, "")
			}
			continue
		}
		s = strings.TrimPrefix(strings.TrimPrefix(s, "\r"), "\n")
		if len(row) > 1 || row[0] != "" {
			rows = append(rows, row)
		}
		row = nil
	}
	if row != nil {
		rows = append(rows, row)
	}
	return rows
}

// bindXML binds the elements of a document (recordings 539 and 540).
func bindXML(b *Bound, body string) string {
	d := xml.NewDecoder(strings.NewReader(text(body)))
	var element string
	for depth := 0; ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && depth == 0 {
			return ""
		}
		var syntax *xml.SyntaxError
		if errors.As(err, &syntax) && strings.Contains(syntax.Msg, "EOF") {
			return "Unexpected end of file."
		}
		if err != nil {
			return "The document is not well-formed."
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth == 2 {
				element = t.Name.Local
			}
		case xml.EndElement:
			depth--
			element = ""
		case xml.CharData:
			if depth == 0 && len(strings.TrimSpace(string(t))) > 0 {
				return "Data at the root level is invalid. Line 1, position 1."
			}
			if element != "" {
				b.set(element, string(t))
			}
		}
	}
}
