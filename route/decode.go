package route

import (
	"strings"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// appendDecoded appends the path to dst, decoded once as the upstream does it:
// escapes that make up a letter in UTF-8 are decoded, all others stay, and so
// do "%2F" and "%2f". The result begins with a slash.
func appendDecoded(dst []byte, escaped string) []byte {
	if !strings.HasPrefix(escaped, "/") {
		dst = append(dst, '/')
	}
	for i := 0; i < len(escaped); {
		if escaped[i] != '%' {
			dst = append(dst, escaped[i])
			i++
			continue
		}
		var letter [utf8.UTFMax]byte
		n := 0
		for n < len(letter) && (n == 0 || !utf8.FullRune(letter[:n])) {
			c, ok := unescape(escaped[i+3*n:])
			if !ok {
				break
			}
			letter[n] = c
			n++
		}
		r, size := utf8.DecodeRune(letter[:n])
		if n == 0 || r == utf8.RuneError && size <= 1 {
			dst = append(dst, '%')
			i++
			continue
		}
		dst = append(dst, letter[:size]...)
		i += 3 * size
	}
	return dst
}

// unescape returns the byte of an escape at the beginning of s. It returns
// false for an encoded slash, which is not decoded.
func unescape(s string) (c byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	c, ok = ascii.HexByte(s[1], s[2])
	return c, ok && c != '/'
}
