package transform

import (
	"bytes"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
)

// formulaStarts are the characters by which spreadsheets recognize a formula, and
// those that they skip before it. LibreOffice skips a TAB of a cell without
// quotes, and drops every NUL of a file.
const formulaStarts = "=+-@\t\r\n\x00"

// isFormula reports whether a spreadsheet could take text for a formula. An
// E.164 number (+ and 2 to 15 digits, the first not 0) and a plain negative
// number are not formulas.
func isFormula(text []byte) bool {
	seen := bytes.TrimLeft(text, "\x00")
	if len(seen) == 0 || strings.IndexByte(formulaStarts, seen[0]) < 0 {
		return false
	}
	switch text[0] {
	case '+':
		n := len(text) - 1
		return n < 2 || n > 15 || text[1] == '0' || jsonwire.Digits(text, 1) != len(text)
	case '-':
		return !isNumber(text[1:])
	}
	return true
}

// isNumber reports whether text is digits, perhaps with a fraction, perhaps
// with an exponent.
func isNumber(text []byte) bool {
	i := jsonwire.Digits(text, 0)
	if i == 0 {
		return false
	}
	if i < len(text) && text[i] == '.' {
		end := jsonwire.Digits(text, i+1)
		if end == i+1 {
			return false
		}
		i = end
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		end := jsonwire.Digits(text, i)
		if end == i {
			return false
		}
		i = end
	}
	return i == len(text)
}
