package route

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
)

// DefaultTemplate is the route as the API documents it.
const DefaultTemplate = "/sessions/{sessionId}/conference/members"

// placeholder is the segment in place of the session id.
const placeholder = "{sessionId}"

// Template is a compiled route. It is immutable.
type Template struct {
	// before and after are the text around the placeholder.
	before, after string
	// plain is whether a path that is the template to the letter, with an id of
	// letters, digits, hyphens and underscores, has no other reading.
	plain bool
	text  string
	// segments are the segments in lower case, empty for the session id.
	segments []string
	// prefix are the segments in lower case that are before DefaultTemplate,
	// below which the upstream has its predefined routes as well.
	prefix []string
	// tail are the last segments in lower case, by which a look-alike is known.
	tail []string
	// operations are the names of the operations below the route, in lower case.
	operations []string
}

// Parse compiles a template: a path of literal segments and one segment
// "{sessionId}". It returns an error for what no path could match.
//
// The operations are names in lower case, such as "bulk" for the path
// /sessions/{sessionId}/conference/members/bulk. They are matched as loosely as
// the route, with one of the suffixes .csv and .json or without. A path below the
// route that names no operation is not matched.
func Parse(template string, operations ...string) (*Template, error) {
	rest, ok := strings.CutPrefix(template, "/")
	if !ok {
		return nil, errors.New("the template must begin with a slash")
	}
	t := &Template{text: template, operations: operations}
	for s := range strings.SplitSeq(rest, "/") {
		if s == placeholder {
			t.segments = append(t.segments, "")
			continue
		}
		if err := checkLiteral(s); err != nil {
			return nil, err
		}
		t.segments = append(t.segments, strings.ToLower(s))
	}
	switch strings.Count(template, placeholder) {
	case 0:
		return nil, fmt.Errorf("the template must have a segment %s", placeholder)
	case 1:
	default:
		return nil, fmt.Errorf("the template must have one segment %s only", placeholder)
	}
	if dot := strings.LastIndexByte(template, '.'); dot >= 0 {
		if _, ok := negotiate.BySuffix(template[dot:]); ok {
			return nil, fmt.Errorf("the template must not end with the suffix %q, which is understood", template[dot:])
		}
	}
	t.before, t.after, _ = strings.Cut(template, placeholder)
	t.prefix = prefixOf(template)
	t.tail = tailOf(t.after)
	t.plain = t.read(t.before+"S1"+t.after) == Match{Kind: Members, SessionID: "S1"}
	return t, nil
}

// checkLiteral returns an error if no path has a segment that reads s.
func checkLiteral(s string) error {
	switch {
	case s == "":
		return errors.New("the template must not have empty segments nor a slash at its end")
	case s == "." || s == "..":
		return fmt.Errorf("the template must not have the segment %q", s)
	case strings.Contains(s, placeholder):
		return fmt.Errorf("%s must be a segment of its own, not a part of %q", placeholder, s)
	case strings.ContainsAny(s, "{}*"):
		return fmt.Errorf("segment %q: the one placeholder is %s, and there are no wildcards", s, placeholder)
	case strings.ContainsAny(s, "?#"):
		return fmt.Errorf("segment %q: the template must be a path without query and fragment", s)
	}
	for i := range len(s) {
		if !isUnreserved(s[i]) && strings.IndexByte("!$&'(),;=:@", s[i]) < 0 {
			return fmt.Errorf("segment %q must not hold %q", s, s[i])
		}
	}
	return nil
}

// prefixOf returns the segments before DefaultTemplate, nil if there are none
// or if the template is another one.
func prefixOf(template string) []string {
	lower := strings.ToLower(template)
	prefix, ok := strings.CutSuffix(lower, strings.ToLower(DefaultTemplate))
	if !ok || prefix == "" {
		return nil
	}
	return strings.Split(prefix[1:], "/")
}

// tailOf returns the segments behind the session id, if there are two at least.
// Fewer are on too many paths that have nothing to do with the route, and those of
// DefaultTemplate are taken in their place.
func tailOf(after string) []string {
	if strings.Count(after, "/") < 2 {
		_, after, _ = strings.Cut(DefaultTemplate, placeholder)
	}
	return strings.Split(strings.ToLower(after[1:]), "/")
}

// String returns the template as it was given to [Parse].
func (t *Template) String() string { return t.text }

// Path returns the plain path of a session, escaped, with a suffix such as
// ".csv" or the empty string. The upstream, and [Template.Match], read exactly
// this id and suffix from it.
//
// It returns false for an id that no path conveys: an empty one, "." and "..",
// one with a slash, a plus sign, a NUL, a literal "%2f" or invalid UTF-8, and,
// where the template ends with the id and there is no suffix, an id with a dot,
// behind which a host could find one. It also returns false for an unknown suffix.
func (t *Template) Path(sessionID, suffix string) (escaped string, ok bool) {
	if !conveyable(sessionID) {
		return "", false
	}
	if suffix != "" {
		if _, ok := negotiate.BySuffix(suffix); !ok {
			return "", false
		}
	} else if t.after == "" && hasDot(sessionID) {
		return "", false
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(t.text) + len(sessionID) + len(suffix))
	b.WriteString(t.before)
	for i := range len(sessionID) {
		if c := sessionID[i]; isUnreserved(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	b.WriteString(t.after)
	b.WriteString(suffix)
	return b.String(), true
}

// IsPath reports whether an escaped path is what [Template.Path] makes of an id
// that needs no escaping, so that nothing has to be allocated. It is called with
// an id and a suffix that [Template.Match] found.
func (t *Template) IsPath(escaped, sessionID, suffix string) bool {
	n := len(t.before)
	if len(escaped) != n+len(sessionID)+len(t.after)+len(suffix) || escaped[:n] != t.before {
		return false
	}
	escaped = escaped[n:]
	n = len(sessionID)
	if escaped[:n] != sessionID || escaped[n:n+len(t.after)] != t.after || escaped[n+len(t.after):] != suffix {
		return false
	}
	for i := range n {
		if !isUnreserved(sessionID[i]) {
			return false
		}
	}
	return true
}

// conveyable reports whether the upstream can read the id from a path.
func conveyable(id string) bool {
	return id != "" && id != "." && id != ".." &&
		!strings.ContainsAny(id, "/+\x00") && !strings.Contains(id, "%2f") && utf8.ValidString(id)
}

// isUnreserved reports whether c is never escaped (RFC 3986 section 2.3).
func isUnreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	default:
		return c == '-' || c == '.' || c == '_' || c == '~'
	}
}
