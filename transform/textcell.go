package transform

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// textCells is which cells are written as ="text", a formula whose value is that
// very text, so that a spreadsheet does not make a number of it.
type textCells uint8

const (
	textCellsOff textCells = iota
	// textCellsNumbers is for texts that look like numbers, dates or formulas.
	textCellsNumbers
	// textCellsAll is for all texts and numbers.
	textCellsAll
)

// textCellsByName are the values of Options.TextCells.
var textCellsByName = map[string]textCells{"off": textCellsOff, "numbers": textCellsNumbers, "all": textCellsAll}

const (
	// longestFormulaText is how many UTF-16 units a text in a formula of Excel may have.
	longestFormulaText = 255
	// exactDigits is how many digits of a number a spreadsheet keeps.
	exactDigits = 15
)

// finishText is finishCell for a text of the JSON.
func (f *format) finishText(o *cellBuffer, start int) {
	text := o.buf[start:o.n]
	if f.textCells == textCellsOff || f.textCells == textCellsNumbers && !looksNumeric(text) && !isFormula(text) || !f.wrap(o, start) {
		f.finishCell(o, start)
	}
}

// finishNumber is finishCell for a number of the JSON.
func (f *format) finishNumber(o *cellBuffer, start int) {
	text := o.buf[start:o.n]
	if f.textCells == textCellsOff || f.textCells == textCellsNumbers && countDigits(text) <= exactDigits || !f.wrap(o, start) {
		f.finishCell(o, start)
	}
}

// wrap makes a cell ="text" of the text that was written from start on, quotes
// included, and reports whether that can be. What the guard puts an apostrophe
// before is text by that.
func (f *format) wrap(o *cellBuffer, start int) bool {
	text := o.buf[start:o.n]
	if len(text) == 0 || f.guard && isFormula(text) || !fitsFormula(text) {
		return false
	}
	o.quote(start) // as a text in a formula
	o.byte(0)
	text = o.buf[start:o.n]
	copy(text[1:], text)
	text[0] = '='
	o.quote(start) // as a cell
	return true
}

// fitsFormula reports whether text can be in a formula: it is not too long, and
// has no control characters.
func fitsFormula(text []byte) bool {
	units := 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if units += utf16.RuneLen(r); units > longestFormulaText || r < ' ' || r == 0x7f {
			return false
		}
		i += n
	}
	return true
}

// countDigits returns how many digits text has.
func countDigits(text []byte) int {
	n := 0
	for _, c := range text {
		if ascii.IsDigit(c) {
			n++
		}
	}
	return n
}

// numericWords are the words that are in what spreadsheets take for numbers,
// dates and times.
var numericWords = func() map[string]bool {
	words := map[string]bool{"e": true, "a": true, "p": true, "am": true, "pm": true, "sept": true}
	for month := range strings.FieldsSeq("january february march april may june july august september october november december") {
		words[month], words[month[:3]] = true, true
	}
	return words
}()

// longestNumericWord is the length of the longest of them.
const longestNumericWord = len("september")

// looksNumeric reports whether a spreadsheet could take text for a number, a date
// or a time: it has a digit, and no words but numericWords. What is beyond ASCII counts
// as punctuation, as currency signs and spaces are.
func looksNumeric(text []byte) bool {
	digit := false
	for i := 0; i < len(text); {
		c := text[i]
		if ascii.IsDigit(c) {
			digit = true
		}
		end := i
		for end < len(text) && ascii.IsAlpha(text[end]) {
			end++
		}
		if end == i {
			i++
			continue
		}
		if end-i > longestNumericWord || !numericWords[strings.ToLower(string(text[i:end]))] {
			return false
		}
		i = end
	}
	return digit
}
