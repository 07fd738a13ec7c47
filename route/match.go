package route

import "github.com/evovoice-gateway/caddy-conference-members/negotiate"

// Kind is what a path addresses.
type Kind uint8

const (
	// None is a path that is none of our business.
	None Kind = iota
	// Members is the route of the template.
	Members
	// Predefined is another route by which the upstream reaches the same
	// operation, with no session id in the path.
	Predefined
)

// Match is what a path was found to address.
type Match struct {
	Kind Kind
	// SessionID is the session id as the upstream reads it: decoded, with a
	// space for every plus sign. Empty unless Kind is Members.
	SessionID string
	// Suffix is the format suffix with its dot, such as ".csv", or empty.
	Suffix string
	// Ambiguous is set if the upstream itself would not match the path as it
	// stands, but might if a proxy before it read the path in its own manner.
	Ambiguous bool
}

// Match looks at an escaped path, without a query. The time is linear in its
// length. Nothing is allocated for a path of up to 512 bytes but a session id
// that has to be decoded, and nothing at all for a path without escapes.
func (t *Template) Match(escapedPath string) Match {
	if isPlain(escapedPath) {
		return match(t, escapedPath)
	}
	return t.matchReadings(escapedPath)
}

// isPlain reports whether all readings of a path are alike: the path itself.
func isPlain(path string) bool {
	last := byte('/')
	for i := range len(path) {
		switch c := path[i]; {
		case c == '%' || c == '+' || c == '\\':
			return false
		case c == '.' && last == '/':
			return false // may be a dot segment
		default:
			last = c
		}
	}
	return last != '/' || len(path) <= 1
}

// text is a path that was read: a path as it came, or a normalised copy.
type text interface{ string | []byte }

// match matches a path that was read.
func match[T text](t *Template, path T) Match {
	base, suffix := cutSuffix(path)
	if id, ok := bind(t, base); ok {
		return Match{Kind: Members, SessionID: string(id), Suffix: suffix}
	}
	if isPredefined(path) {
		return Match{Kind: Predefined}
	}
	if t.prefix != nil {
		if rest, ok := cutSegments(path, t.prefix); ok && isPredefined(rest) {
			return Match{Kind: Predefined}
		}
	}
	return Match{}
}

// cutSuffix cuts a format suffix off the path.
func cutSuffix[T text](path T) (base T, suffix string) {
	for i := len(path) - 1; i >= 0 && path[i] != '/'; i-- {
		if path[i] != '.' {
			continue
		}
		if f, ok := negotiate.BySuffix(string(path[i:])); ok {
			return path[:i], f.Suffix()
		}
		break
	}
	return path, ""
}

// bind returns the session id if the segments of path are those of t.
func bind[T text](t *Template, path T) (id T, ok bool) {
	for _, literal := range t.segments {
		var s T
		s, path = cutSegment(path)
		switch {
		case len(s) == 0:
			return id, false
		case literal == "":
			id = s
		case !folds(s, literal):
			return id, false
		}
	}
	extra, _ := cutSegment(path)
	return id, len(extra) == 0
}

// cutSegments cuts segments off the path.
func cutSegments[T text](path T, literals []string) (rest T, ok bool) {
	for _, literal := range literals {
		var s T
		if s, path = cutSegment(path); !folds(s, literal) {
			return path, false
		}
	}
	return path, true
}

// cutSegment cuts the first segment off that is not empty. It returns an empty
// one if there is none.
func cutSegment[T text](path T) (segment, rest T) {
	i := 0
	for i < len(path) && path[i] == '/' {
		i++
	}
	j := i
	for j < len(path) && path[j] != '/' {
		j++
	}
	return path[i:j], path[j:]
}
