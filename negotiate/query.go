package negotiate

import (
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// Query is what a parameter of a query asks for.
type Query struct {
	// Value is the decoded value of the parameter, or empty if there is none. It
	// may be unknown.
	Value string
	// Ambiguous is set if the parameter is there with different values,
	// of which Value is the first.
	Ambiguous bool
}

// FromQuery looks for the parameter name, given in lower case, in a raw query
// without its question mark. The name may have any letter case there (recording
// 218) and, like the value, be percent-encoded. An empty value is as good as
// none (recordings 225 and 315), and the same value twice is as good as once.
// Only an encoded value costs an allocation.
func FromQuery(rawQuery, name string) Query {
	if rawQuery == "" { // as nearly all are
		return Query{}
	}
	return fromQuery(rawQuery, name)
}

func fromQuery(rawQuery, name string) Query {
	var q Query
	for rawQuery != "" {
		var pair string
		pair, rawQuery, _ = strings.Cut(rawQuery, "&")
		rawName, raw, _ := strings.Cut(pair, "=")
		if raw == "" || !isNamed(rawName, name) {
			continue
		}
		switch value := decodeQuery(raw); {
		case q.Value == "":
			q.Value = value
		case !ascii.EqualFold(q.Value, value):
			q.Ambiguous = true
		}
	}
	return q
}

// isNamed reports whether a raw name is name when decoded.
func isNamed(raw, name string) bool {
	n := 0
	for i := 0; i < len(raw); n++ {
		var c byte
		c, i = decodeAt(raw, i)
		if n == len(name) || ascii.Lower(c) != name[n] {
			return false
		}
	}
	return n == len(name)
}

// decodeQuery decodes s. What is not an escape is left alone.
func decodeQuery(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		var c byte
		c, i = decodeAt(s, i)
		b = append(b, c)
	}
	return string(b)
}

// decodeAt decodes the byte at s[i] and returns the index of what follows.
func decodeAt(s string, i int) (c byte, next int) {
	switch s[i] {
	case '+':
		return ' ', i + 1
	case '%':
		if i+2 < len(s) {
			if c, ok := ascii.HexByte(s[i+1], s[i+2]); ok {
				return c, i + 3
			}
		}
	}
	return s[i], i + 1
}
