package rules

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest session id, in characters.
const maxSessionID = 128

// The shape of a call SID.
const (
	callSIDPrefix = "CA"
	callSIDDigits = 32
)

// isSessionID reports whether s is 1 to 128 of the characters that a path
// takes as they are (RFC 3986 section 2.3), and no dot segment.
func isSessionID(s string) bool {
	if s == "" || len(s) > maxSessionID || s == "." || s == ".." {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && !isAlpha(c) && strings.IndexByte("._~-", c) < 0 {
			return false
		}
	}
	return true
}

// isCallSID reports whether s is CA and 32 hex digits of either case.
func isCallSID(s string) bool {
	digits, ok := strings.CutPrefix(s, callSIDPrefix)
	if !ok || len(digits) != callSIDDigits {
		return false
	}
	for i := range len(digits) {
		if !isHex(digits[i]) {
			return false
		}
	}
	return true
}

// isTooLong reports whether s has more than [MaxText] characters. A byte that
// is not UTF-8 counts as one.
func isTooLong(s string) bool {
	return len(s) > MaxText && utf8.RuneCountInString(s) > MaxText
}

// hasControls reports whether s holds what does not show: control characters,
// line and paragraph separators, format characters such as marks of writing
// direction and the byte order mark, or bytes that are not UTF-8. The joiners
// inside words of Persian or Hindi are let through; see isName.
func hasControls(s string) bool {
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
