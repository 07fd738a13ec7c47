package destination

import (
	"unicode"
	"unicode/utf8"
)

// HasControls reports whether s holds what does not show: control characters,
// line and paragraph separators, format characters such as marks of writing
// direction and the byte order mark, or bytes that are not UTF-8. The joiners
// inside words of Persian or Hindi are let through; see isName.
func HasControls(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f {
			return hasControlRunes(s[i:])
		}
	}
	return false
}

func hasControlRunes(s string) bool {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			return true
		}
		if r != zwnj && r != zwj && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return true
		}
		s = s[size:]
	}
	return false
}
