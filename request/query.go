package request

import (
	"strings"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// readQuery reads the fields of a query string. It ignores other
// parameters, except for names that can't be read: what the upstream makes of
// them is not known.
func (b *binding) readQuery(raw string) {
	if raw == "" {
		return
	}
	if !isVisibleASCII(raw) {
		b.violate(rules.MalformedQuery, "The query string holds spaces, control characters or characters beyond ASCII that are not percent-encoded.")
		return
	}
	var sent [rules.NumFields]int
	for pair := range strings.SplitSeq(raw, "&") {
		rawName, rawText, _ := strings.Cut(pair, "=")
		name, ok := unescapePair(rawName)
		if !ok {
			b.violate(rules.MalformedQuery, "A name in the query string is not percent-encoded UTF-8.")
			continue
		}
		f, ok := rules.FieldByName(name)
		if !ok {
			if looksLikeField(name) || IsField(strings.TrimSpace(name)) {
				b.violate(rules.UnknownField, lookAlike+" It is in the query string.")
			} else {
				b.suspect(name, inQuery, mark{})
			}
			continue
		}
		if sent[f]++; sent[f] > 1 {
			if sent[f] == 2 {
				b.violateField(rules.RepeatedName, f, inQuery, f.String()+" appears more than once in the query string.")
			}
			continue
		}
		text, ok := unescapePair(rawText)
		if !ok {
			b.violateField(rules.MalformedQuery, f, inQuery, f.String()+" in the query string is not percent-encoded UTF-8.")
			continue
		}
		if text != "" {
			b.bind(f, text, inQuery)
		}
	}
}

// StripQuery returns a raw query string without the parameters for whose name
// drop reports true. All else stays byte for byte, in its order. Drop is called
// once or twice with each name, decoded; what can't be decoded in it stays as it
// is. Use [IsField] for the four fields.
func StripQuery(raw string, drop func(name string) bool) string {
	if raw == "" {
		return ""
	}
	dropped := false
	for pair := range strings.SplitSeq(raw, "&") {
		if dropped = drop(nameOf(pair)); dropped {
			break
		}
	}
	if !dropped {
		return raw
	}
	var kept strings.Builder
	separator := ""
	for pair := range strings.SplitSeq(raw, "&") {
		if drop(nameOf(pair)) {
			continue
		}
		kept.WriteString(separator)
		kept.WriteString(pair)
		separator = "&"
	}
	return kept.String()
}

// nameOf returns the name of a pair, decoded.
func nameOf(pair string) string {
	raw, _, _ := strings.Cut(pair, "=")
	name, _ := unescapePair(raw)
	return name
}

// unescapePair decodes a name or a value of a query string or a form: "+" is a space, %XX
// a byte. A % without two hexadecimal digits stays as it is.
//
// ok is false where a host may read another text:
//   - a % has no two digits behind it: classic ASP.NET decodes %uXXXX.
//   - s or the text is not UTF-8: what becomes of a character that is only partly escaped
//     depends on whether a host decodes bytes or characters first.
func unescapePair(s string) (text string, ok bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, utf8.ValidString(s)
	}
	ok = utf8.ValidString(s)
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			b = append(b, ' ')
		case '%':
			c, isByte := unescapeByte(s[i:])
			if !isByte {
				ok = false
				b = append(b, '%')
				continue
			}
			b = append(b, c)
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b), ok && utf8.Valid(b)
}

// unescapeByte decodes the escape at the beginning of s.
func unescapeByte(s string) (c byte, ok bool) {
	if len(s) < 3 {
		return 0, false
	}
	return ascii.HexByte(s[1], s[2])
}

func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
