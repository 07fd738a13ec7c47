package request

import (
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// Surrogates stand for a character beyond the basic plane two by two, the high
// one first.
const (
	highSurrogate = 0xd800
	lowSurrogate  = 0xdc00
	lastSurrogate = 0xdfff
)

func isSurrogate(r rune) bool { return highSurrogate <= r && r <= lastSurrogate }

// unescaped returns what a one-letter escape stands for, or 0 for what is none.
func unescaped(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}

// unescape returns what a JSON string stands for. raw is what the scanner
// found between the quotes, so that its escapes are known to be right.
func unescape(raw []byte) []byte {
	var dst []byte
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			continue
		}
		i++
		if raw[i] != 'u' {
			dst = append(dst, unescaped(raw[i]))
			continue
		}
		r, _ := ascii.Hex4(raw[i+1:])
		i += 4
		if isSurrogate(r) {
			low, _ := ascii.Hex4(raw[i+3:])
			r = 0x10000 + (r-highSurrogate)<<10 + low - lowSurrogate
			i += 6
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// appendString appends text as a JSON string. What is not UTF-8 becomes
// U+FFFD.
func appendString(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0 // of what need not be escaped
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
	return append(append(dst, text[start:]...), '"')
}

// appendCanonical appends a valid JSON value as the canonical body has it:
// without the white space between its parts, and its texts in the one spelling
// of [appendString]. Its numbers stay as they are.
func appendCanonical(dst, json []byte) []byte {
	for i := 0; i < len(json); i++ {
		c := json[i]
		if c != '"' {
			if !isSpace(c) {
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
		dst = appendString(dst, string(unescape(json[start:i])))
	}
	return dst
}
