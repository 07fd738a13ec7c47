package rules

import (
	"strings"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
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
		if c := s[i]; !ascii.IsDigit(c) && !ascii.IsAlpha(c) && strings.IndexByte("._~-", c) < 0 {
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
		if !ascii.IsHex(digits[i]) {
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
