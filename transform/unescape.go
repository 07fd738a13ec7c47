package transform

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// appendUnescaped appends the text of a checked JSON string, given without its
// quotes. A \u escape that is half of a surrogate pair becomes U+FFFD
// (recording code-lone-surrogates).
func appendUnescaped(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		r, n := unescape(text[i:])
		dst = utf8.AppendRune(dst, r)
		text = text[i+n:]
	}
}

// unescape returns the character that the checked escape at the beginning of
// text stands for, and the escape's length.
func unescape(text []byte) (rune, int) {
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
