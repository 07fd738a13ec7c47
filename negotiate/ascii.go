package negotiate

// equalFold reports whether s and t are equal in any ASCII letter case. Unlike
// strings.EqualFold it folds no other letters: "\u017f" is no "s" in a token.
func equalFold(s, t string) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != lower(t[i]) {
			return false
		}
	}
	return true
}

// lower returns an ASCII letter in lower case and any other byte as it is.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
