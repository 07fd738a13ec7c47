package upstreamtest

// equalFold reports whether s and t are equal in any ASCII letter case. Beyond
// ASCII no letter is folded: to the server "ſ" is not an "s".
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

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
