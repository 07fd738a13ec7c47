package route

import (
	"slices"

	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
)

// Kind is what a path addresses.
type Kind uint8

const (
	// None is a path that the gateway leaves alone.
	None Kind = iota
	// LookAlike is a path that ends like the route or like a predefined route,
	// but is neither. Where a client sends such a POST, the gateway is probably
	// mounted in the wrong place.
	LookAlike
	// Members is the route of the template, or an operation below it.
	Members
	// Predefined is another route by which the upstream reaches the same
	// operation, with no session id in the path.
	Predefined
	// Batch is a predefined route that takes a list of calls at once.
	Batch
	// SOAP is an endpoint where the body names the operation.
	SOAP
)

// Match is what a path was found to address.
type Match struct {
	Kind Kind
	// Ambiguous is set if the upstream itself would not match the path as it
	// is, but might if a proxy before it read the path in its own manner.
	Ambiguous bool
	// Format is the format that the first segment of a predefined route names, or
	// [negotiate.None].
	Format negotiate.Format
	// UnknownSuffix is set if the path has a suffix that is not a format's. The
	// recorded upstream returns 404; a host that has registered more formats cuts
	// it off and dials.
	UnknownSuffix bool
	// Operation is the name of an operation below the route, as it was given to
	// [Parse]. It is empty for the route itself and if Kind is not Members.
	Operation string
	// SessionID is the session id as the upstream reads it: decoded, with a
	// space for every plus sign. Empty unless Kind is Members.
	SessionID string
	// Suffix is the format suffix with its dot, such as ".csv", or empty.
	Suffix string
}

// rank orders what a path can be read as: a path that dials in one of its
// readings is that, and nothing else.
func (m *Match) rank() int {
	switch {
	case m.Kind <= LookAlike:
		return int(m.Kind)
	case m.UnknownSuffix:
		return int(LookAlike) + 1
	default:
		return dials
	}
}

// dials is the rank of a path for which the upstream dials.
const dials = int(LookAlike) + 2

// Match looks at an escaped path, without a query. The time is linear in its
// length. Nothing is allocated for a path of up to 512 bytes but a session id
// that has to be decoded, and nothing at all for a path without escapes.
func (t *Template) Match(escapedPath string) Match {
	if id, ok := t.plainID(escapedPath); ok {
		return Match{Kind: Members, SessionID: id}
	}
	return t.read(escapedPath)
}

// plainID returns the id of a path that is the template to the letter and can't be
// read in two ways, as nearly all are.
func (t *Template) plainID(path string) (id string, ok bool) {
	n := len(path) - len(t.after)
	if !t.plain || n <= len(t.before) || path[n:] != t.after || path[:len(t.before)] != t.before {
		return "", false
	}
	id = path[len(t.before):n]
	for i := range len(id) {
		if !isUnreserved(id[i]) || id[i] == '.' || id[i] == '~' {
			return "", false
		}
	}
	return id, true
}

// read reads a path as proxies and hosts may.
func (t *Template) read(escapedPath string) Match {
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
	if m, ok := matchMembers(t, path); ok {
		return m
	}
	if m := matchPredefined(path); m.Kind != None {
		return m
	}
	if t.prefix != nil {
		if rest, ok := cutSegments(path, t.prefix); ok {
			if m := matchPredefined(rest); m.Kind != None {
				return m
			}
		}
	}
	if looksAlike(t, path) {
		return Match{Kind: LookAlike}
	}
	return Match{}
}

// matchMembers matches a path with the template, or with an operation below it.
func matchMembers[T text](t *Template, path T) (m Match, ok bool) {
	rest, suffix := cutSuffix(path)
	m = Match{Kind: Members, Suffix: suffix}
	var id, dotted T // dotted is what follows the path matched so far, from a dot on
	for i, literal := range t.segments {
		var s T
		if s, rest = cutSegment(rest); len(s) == 0 {
			return Match{}, false
		}
		if literal == "" {
			id = s
			continue
		}
		if dotted, ok = cutFold(s, literal); !ok || len(dotted) > 0 && (dotted[0] != '.' || i < len(t.segments)-1) {
			return Match{}, false
		}
	}
	next, rest := cutSegment(rest)
	switch {
	case len(next) == 0:
		m.UnknownSuffix = suffix == "" && t.after == "" && hasDot(id)
	case len(dotted) > 0:
		return Match{}, false
	case next[0] == '.':
		dotted = next
	default:
		if m.Operation, dotted, ok = cutOperation(t, next); !ok {
			return Match{}, false
		}
		next, rest = cutSegment(rest)
		if len(dotted) == 0 && len(next) > 0 && next[0] == '.' {
			dotted, next = next, next[:0]
		}
		if len(next) > 0 {
			return Match{}, false
		}
		m.UnknownSuffix = suffix != "" && suffix != negotiate.CSV.Suffix() && suffix != negotiate.JSON.Suffix()
	}
	if next, _ = cutSegment(rest); len(next) > 0 {
		return Match{}, false
	}
	m.SessionID = string(id)
	if m.UnknownSuffix = m.UnknownSuffix || len(dotted) > 0; m.UnknownSuffix {
		m.Suffix = ""
	}
	return m, true
}

// cutOperation cuts the name of an operation off a segment. What is left is
// empty, or begins with a dot.
func cutOperation[T text](t *Template, segment T) (name string, dotted T, ok bool) {
	for _, name := range t.operations {
		if dotted, ok := cutFold(segment, name); ok && (len(dotted) == 0 || dotted[0] == '.') {
			return name, dotted, true
		}
	}
	return "", dotted, false
}

// hasDot reports whether there is a dot in a segment.
func hasDot[T text](segment T) bool {
	for i := range len(segment) {
		if segment[i] == '.' {
			return true
		}
	}
	return false
}

// looksAlike reports whether a path ends like the route, or names the operation
// in its last segment, with whatever suffix.
func looksAlike[T text](t *Template, path T) bool {
	path, last := cutLastSegment(path)
	for len(last) > 0 && last[0] == '.' {
		path, last = cutLastSegment(path)
	}
	if m := matchOperation(last); m.Kind != None {
		return true
	}
	n := len(t.tail) - 1
	if dotted, ok := cutFold(last, t.tail[n]); !ok || len(dotted) > 0 && dotted[0] != '.' {
		return false
	}
	for _, literal := range slices.Backward(t.tail[:n]) {
		var s T
		if path, s = cutLastSegment(path); !folds(s, literal) {
			return false
		}
	}
	return true
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

// cutLastSegment cuts the last segment off that is not empty. It returns an empty
// one if there is none.
func cutLastSegment[T text](path T) (rest, segment T) {
	j := len(path)
	for j > 0 && path[j-1] == '/' {
		j--
	}
	i := j
	for i > 0 && path[i-1] != '/' {
		i--
	}
	return path[:i], path[i:j]
}
