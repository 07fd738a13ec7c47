// Package jsonwire reads the tokens of JSON (RFC 8259): white space, literals,
// numbers and strings. It is the lexical layer under both readers of the module,
// of request bodies and of responses; they read objects and lists themselves.
package jsonwire

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/internal/swar"
)

// Fault is what is wrong with a token.
type Fault uint8

// The faults, and none.
const (
	None        Fault = iota
	NoLiteral         // neither true nor false nor null
	NoDigit           // a digit is missing
	Open              // a string is not closed before the end
	Control           // a control character is not escaped
	BadEscape         // there is no such escape
	BadHex            // \u without four hexadecimal digits
	InvalidUTF8       // bytes that are not UTF-8
)

// IsSpace reports whether c is white space by RFC 8259 section 2. For most bytes the
// first comparison decides.
func IsSpace(c byte) bool {
	return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t')
}

// Literal reads true, false or null at i.
func Literal(b []byte, i int) (end int, fault Fault) {
	word := "null"
	switch b[i] {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return i, NoLiteral
	}
	return i + len(word), None
}

// Number reads a number at i by the grammar of RFC 8259 section 6. With a fault it
// returns where the digit is missing.
func Number(b []byte, i int) (end int, fault Fault) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case Digits(b, i) > i:
		i = Digits(b, i)
	default:
		return i, NoDigit
	}
	if i < len(b) && b[i] == '.' {
		if end = Digits(b, i+1); end == i+1 {
			return end, NoDigit
		}
		i = end
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if end = Digits(b, i); end == i {
			return end, NoDigit
		}
		i = end
	}
	return i, None
}

// Digits returns the index of the first byte from i on that is not a digit.
func Digits(b []byte, i int) int {
	for i < len(b) && ascii.IsDigit(b[i]) {
		i++
	}
	return i
}

// String reads a string whose text begins at i and returns the index after its
// closing quote. With a fault it returns where that is. Half a surrogate pair is
// no fault here; see [LoneSurrogate].
func String(b []byte, i int) (end int, fault Fault) {
	start := i
	var all uint64 // the bytes passed, to see whether any is beyond ASCII
	for {
		for i+8 <= len(b) {
			x := swar.Load(b, i)
			all |= x
			if m := swar.Clear(swar.Equal(x, swar.Ones*'"')|swar.Equal(x, swar.Ones*'\\')|swar.Controls(x), x); m != 0 {
				i += swar.First(m)
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			all |= uint64(b[i])
			i++
		}
		switch {
		case i >= len(b):
			return i, Open
		case b[i] < ' ':
			return i, Control
		case b[i] == '\\':
			if i, fault = escape(b, i); fault != None {
				return i, fault
			}
		default:
			if all&swar.Highs != 0 && !utf8.Valid(b[start:i]) {
				return start + FirstInvalid(b[start:i]), InvalidUTF8
			}
			return i + 1, None
		}
	}
}

// escape reads the escape at i (RFC 8259 section 7).
func escape(b []byte, i int) (end int, fault Fault) {
	if i+1 >= len(b) {
		return i, Open
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, None
	case 'u':
		if _, ok := ascii.Hex4(b[i+2:]); !ok {
			return i, BadHex
		}
		return i + 6, None
	}
	return i, BadEscape
}

// FirstInvalid returns the index of the first byte of b that is not UTF-8, or -1.
func FirstInvalid(b []byte) int {
	for i, r := range string(b) {
		if r == utf8.RuneError && !bytes.HasPrefix(b[i:], []byte("\ufffd")) {
			return i
		}
	}
	return -1
}

// AppendUnescaped appends the text of a checked string, given without its quotes.
// Half a surrogate pair becomes U+FFFD.
func AppendUnescaped(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		r, n := Unescape(text[i:])
		dst = utf8.AppendRune(dst, r)
		text = text[i+n:]
	}
}

// Unescape returns the character that the checked escape at the beginning of
// text stands for, and the escape's length.
func Unescape(text []byte) (rune, int) {
	switch c := text[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, _ := ascii.Hex4(text[2:])
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
			low, _ := ascii.Hex4(text[8:])
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	default:
		return rune(c), 2
	}
}

// LoneSurrogate returns the index of the first escape in the text of a checked
// string that is half of a surrogate pair, or -1.
func LoneSurrogate(text []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '\\')
		if i < 0 {
			return -1
		}
		at += i
		r, n := Unescape(text[at:])
		if r == utf8.RuneError && n == 6 && !bytes.EqualFold(text[at+2:at+6], []byte("fffd")) {
			return at
		}
		at += n
	}
}
