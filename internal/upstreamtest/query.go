package upstreamtest

import "strings"

// pair is a name and a value of a query string or a form.
type pair struct{ name, value string }

// pairs are in the order in which they were sent.
type pairs []pair

// get joins the values of a name, in any letter case, with commas.
func (p pairs) get(name string) string {
	var values []string
	for _, x := range p {
		if equalFold(x.name, name) {
			values = append(values, x.value)
		}
	}
	return strings.Join(values, ",")
}

// parsePairs reads name=value&name=value. "+" is a space, and an escape that
// can't be decoded stays as it is.
func parsePairs(s string) pairs {
	var p pairs
	for part := range strings.SplitSeq(s, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		p = append(p, pair{unescapeQuery(name), unescapeQuery(value)})
	}
	return p
}

func unescapeQuery(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		}
		if d, ok := percentByte(s[i:]); ok {
			c = d
			i += 2
		}
		b = append(b, c)
	}
	return string([]rune(string(b)))
}
