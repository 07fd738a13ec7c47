package route

// foldings are the letters beyond ASCII that some table of letter cases takes
// for an ASCII letter. The upstream's own lower-casing knows the Kelvin sign;
// which others count depends on its version and on the host's language.
var foldings = [...]struct {
	letter string
	ascii  byte
}{
	{"\u212a", 'k'}, // Kelvin sign
	{"\u0130", 'i'}, // I with dot above
	{"\u0131", 'i'}, // dotless i
	{"\u017f", 's'}, // long s
}

// folds reports whether s is the literal in any letter case. The literal is in
// lower case.
func folds[T text](s T, literal string) bool {
	rest, ok := cutFold(s, literal)
	return ok && len(rest) == 0
}

// cutFold cuts the literal, in any letter case, off the beginning of s. The
// literal is in lower case.
func cutFold[T text](s T, literal string) (rest T, ok bool) {
	for i := range len(literal) {
		if len(s) == 0 {
			return s, false
		}
		c, size := s[0], 1
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c >= 0x80:
			c, size = foldLetter(s)
		}
		if c != literal[i] {
			return s, false
		}
		s = s[size:]
	}
	return s, true
}

// foldLetter returns the ASCII letter for which the first of s can be taken,
// and how many bytes it has. Without such a letter it returns a byte that is
// in no literal.
func foldLetter[T text](s T) (ascii byte, size int) {
	for _, f := range foldings {
		if n := len(f.letter); len(s) >= n && string(s[:n]) == f.letter {
			return f.ascii, n
		}
	}
	return s[0], 1
}
