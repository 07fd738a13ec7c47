// Package ascii compares text in any ASCII letter case, and classifies and decodes
// bytes. Unlike the functions of package strings it folds no other letters: to
// HTTP, and to the upstream, the long s (U+017F) is not an "s" and the Kelvin sign
// (U+212A) not a "k".
package ascii

// EqualFold reports whether a and b are equal in any ASCII letter case.
func EqualFold[A, B string | []byte](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if Lower(a[i]) != Lower(b[i]) {
			return false
		}
	}
	return true
}

// Lower returns an ASCII letter in lower case and any other byte as it is.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// IsDigit reports whether c is one of 0 to 9.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }

// IsAlpha reports whether c is a letter of either case.
func IsAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// IsHex reports whether c is a hexadecimal digit of either case.
func IsHex(c byte) bool { return IsDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// Unhex returns the value of a hexadecimal digit.
func Unhex(c byte) byte {
	if IsDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// Hex4 returns the number that four hexadecimal digits at the start of b mean,
// as in \u00e9. It is not ok if they are not there.
func Hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		if !IsHex(c) {
			return 0, false
		}
		r = r<<4 | rune(Unhex(c))
	}
	return r, true
}

// HexByte returns the byte that two hexadecimal digits mean. It is not ok if one
// of them is not a digit.
func HexByte(high, low byte) (c byte, ok bool) {
	return Unhex(high)<<4 | Unhex(low), IsHex(high) && IsHex(low)
}
