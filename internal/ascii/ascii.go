// Package ascii compares text in any ASCII letter case. Unlike the functions of
// package strings it folds no other letters: to HTTP, and to the upstream, the
// long s (U+017F) is no "s" and the Kelvin sign (U+212A) no "k".
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
