package destination

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// minMasked is the fewest digits of which a mask shows four. Below that the
// four would be most of the number.
const minMasked = 7

// hidden stands for a text of which a mask shows nothing, not even its length.
const hidden = "****"

// Mask returns a phone number with all digits but the first two and the last
// two as asterisks, without its punctuation: "+14*******00". Numbers of fewer
// than 7 digits, and texts that are not phone numbers, become "****". An empty
// text stays empty.
func Mask(number string) string {
	if number == "" {
		return ""
	}
	digits, plus := 0, false
	for i := range len(number) {
		c := number[i]
		switch {
		case ascii.IsDigit(c):
			digits++
		case c == '+' && i == 0:
			plus = true
		case c >= 0x80 || !isSeparator(rune(c)):
			return hidden
		}
	}
	if digits < minMasked {
		return hidden
	}
	var b strings.Builder
	b.Grow(1 + digits)
	if plus {
		b.WriteByte('+')
	}
	seen := 0
	for i := range len(number) {
		c := number[i]
		if !ascii.IsDigit(c) {
			continue
		}
		if seen >= 2 && seen < digits-2 {
			c = '*'
		}
		b.WriteByte(c)
		seen++
	}
	return b.String()
}

// MaskNumbers masks the phone numbers in a text: seven or more digits of any script
// in a row, whatever is between them but letters and what ends a number, become
// their first two and their last two with asterisks between them. Digits behind
// letters are a number only if they are ten or more and behind one word. Ids of
// letters and digits, UUIDs and dates in ISO 8601 are left alone.
func MaskNumbers(text string) string {
	if !hasNumber(text) {
		return text
	}
	m := masker{text: text}
	for m.at < len(text) {
		rest := text[m.at:]
		if r, size := utf8.DecodeRuneInString(rest); !inPiece(r) {
			if strings.ContainsRune(ends, r) {
				m.end()
			}
			m.at += size
		} else if n := noNumber(rest); n > 0 {
			m.end()
			m.at += n
		} else {
			m.piece(rest[:pieceLen(rest)])
		}
	}
	m.end()
	m.b.WriteString(text[m.written:])
	return m.b.String()
}

// masker reads a text, one piece of letters and digits at a time.
type masker struct {
	text        string
	at, written int // how much was read, and copied
	b           strings.Builder
	start, stop int    // where the digits of the run are
	digits      string // of the run
}

// add adds digits to the run.
func (m *masker) add(digits string, start, stop int) {
	if m.digits == "" {
		m.start = start
	}
	m.digits += digits
	m.stop = stop
}

// end ends the run, and masks it if it is a number.
func (m *masker) end() {
	if len(m.digits) >= minMasked {
		before := strings.TrimSuffix(m.text[m.written:m.start], "(")
		m.b.WriteString(before)
		m.b.WriteString(Mask(m.digits))
		m.written = m.stop
	}
	m.digits = ""
}

// piece reads a piece of letters and digits.
func (m *masker) piece(piece string) {
	start := m.at
	m.at += len(piece)
	lead := strings.IndexFunc(piece, isLetter)
	if lead < 0 {
		m.add(digitsOf(piece), start, m.at)
		return
	}
	digits, words, glued, inWord := digitsOf(piece), 0, false, false
	for _, r := range piece {
		if isLetter(r) && !inWord {
			words++
		}
		glued = glued || words > 0 && isDigit(r)
		inWord = !isDigit(r)
	}
	switch {
	case glued && words == 1 && len(digits) >= minAmongWords:
		m.end()
		m.b.WriteString(m.text[m.written:start])
		m.written = m.at
		n := 0
		for _, r := range piece {
			if isDigit(r) {
				if n++; n > 2 && n <= len(digits)-2 {
					r = '*'
				}
			}
			m.b.WriteRune(r)
		}
	case lead > 0 && (!glued || utf8.RuneCountInString(piece) < minID):
		m.add(digitsOf(piece[:lead]), start, start+lead)
	}
	m.end()
}

// isDigit reports whether r is a digit of any script.
func isDigit(r rune) bool {
	if r < 0x80 {
		return ascii.IsDigit(byte(r))
	}
	return digitsOf(string(r)) != ""
}

// inPiece reports whether r is a letter or a digit, or belongs to one.
func inPiece(r rune) bool {
	return isDigit(r) || isLetter(r) || unicode.Is(unicode.M, r) || r == zwj || r == zwnj
}

// pieceLen is the length of the piece that s begins with.
func pieceLen(s string) int {
	if end := strings.IndexFunc(s, func(r rune) bool { return !inPiece(r) }); end >= 0 {
		return end
	}
	return len(s)
}

// isoDate is a date, with or without a time, RFC 3339.
var isoDate = regexp.MustCompile(`^(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?`)

// noNumber is the length of what s begins with if that is a UUID or a date, else 0.
func noNumber(s string) int {
	n := len(isoDate.FindString(s))
	if len(s) >= 36 && isUUID(s[:36]) {
		n = 36
	}
	if r, _ := utf8.DecodeRuneInString(s[n:]); n < len(s) && inPiece(r) {
		return 0
	}
	return n
}
