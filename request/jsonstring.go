package request

import (
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
	"github.com/evovoice-gateway/caddy-conference-members/internal/swar"
)

// appendString appends text as a JSON string. What is not UTF-8 becomes
// U+FFFD.
func appendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	begin := len(dst)
	dst = append(dst, text...)
	if n := plain(dst[begin:]); n < len(text) {
		dst = appendEscaped(dst[:begin+n], text[n:])
	}
	return append(dst, '"')
}

// appendEscaped appends text with its escapes.
func appendEscaped(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	start := 0 // of what needs no escape
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, text[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		dst = append(dst, text[start:i]...)
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(dst, text[start:]...)
}

// appendCanonical appends a valid JSON value as the canonical body has it:
// without the white space between its parts, and its texts in the one spelling
// of [appendString]. Its numbers stay as they are.
func appendCanonical(dst, json []byte) []byte {
	for i := 0; i < len(json); i++ {
		c := json[i]
		if c != '"' {
			if !jsonwire.IsSpace(c) {
				dst = append(dst, c)
			}
			continue
		}
		start := i + 1
		for i++; json[i] != '"'; i++ {
			if json[i] == '\\' {
				i++
			}
		}
		dst = appendString(dst, string(jsonwire.AppendUnescaped(nil, json[start:i])))
	}
	return dst
}

// plain returns how many bytes at the beginning of text hold nothing but printable
// ASCII without quotes and backslashes: all of them, or a multiple of eight that may
// leave out some.
func plain(text []byte) int {
	i := 0
	for ; i+8 <= len(text); i += 8 {
		if !isPlain(swar.Load(text, i)) {
			return i
		}
	}
	if i > 0 && isPlain(swar.Load(text, len(text)-8)) { // the last eight
		return len(text)
	}
	return i
}

// isPlain reports whether eight bytes are such characters.
func isPlain(x uint64) bool {
	marks := swar.Controls(x) | swar.Equal(x, swar.Ones*'"') | swar.Equal(x, swar.Ones*'\\') | swar.Equal(x, swar.Ones*0x7f)
	return x&swar.Highs|swar.Clear(marks, x) == 0
}
