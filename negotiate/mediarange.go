package negotiate

import (
	"slices"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// maxWeight is the weight 1. Weights are counted in thousandths, because they have
// at most three decimals (RFC 9110 section 12.4.2).
const maxWeight = 1000

// mediaRange is a member of an Accept list (RFC 9110 section 12.5.1).
type mediaRange struct {
	typ, subtype string
	// params is the text from the first semicolon on. It is well-formed.
	params string
	weight int
}

// parseRange parses a member without surrounding whitespace. It returns false
// for what is not a media range, and for one with a malformed or a second weight.
//
// A parameter named q is the weight wherever it is among the parameters,
// and what follows it is a parameter like others (RFC 9110 section 12.5.1).
func parseRange(member string) (mediaRange, bool) {
	r := mediaRange{weight: maxWeight}
	var rest string
	r.typ, rest = cutToken(member)
	switch {
	case r.typ != "" && strings.HasPrefix(rest, "/"):
		r.subtype, r.params = cutToken(rest[1:])
	case r.typ == "*": // alone it is */*, as Java's HttpURLConnection has it
		r.subtype, r.params = "*", rest
	}
	if r.subtype == "" {
		return r, false
	}
	if r.typ == "*" && r.subtype != "*" {
		return r, false
	}
	weighed := false
	for rest := r.params; rest != ""; {
		var name, value string
		var ok bool
		if name, value, rest, ok = cutParam(rest); !ok {
			return r, false
		}
		if !isWeight(name) {
			continue
		}
		if r.weight, ok = parseWeight(value); !ok || weighed {
			return r, false
		}
		weighed = true
	}
	return r, true
}

// isWeight reports whether a parameter of that name is the weight.
func isWeight(name string) bool { return name == "q" || name == "Q" }

// covers returns how specifically the range covers an offer, or 0 if it does
// not. strict is false if it does only when the parameters are disregarded
// that the registration of the offer's media type does not define.
//
// At the same level a strict match goes before all others, however many of
// their parameters match: "application/json;q=0" holds against
// "application/json;odata=verbose".
func (r *mediaRange) covers(o *offer) (p precedence, strict bool) {
	const (
		paramUnit  precedence = 1
		strictUnit precedence = 1 << 4
		levelUnit  precedence = 1 << 5
	)
	f := &formats[o.format]
	switch {
	case ascii.EqualFold(r.typ, "application") && slices.ContainsFunc(f.aliases, func(alias string) bool { return ascii.EqualFold(r.subtype, alias) }):
		p = 3 * levelUnit
	case r.typ == "*":
		p = levelUnit
	case !ascii.EqualFold(r.typ, f.typ):
		return 0, false
	case r.subtype == "*":
		p = 2 * levelUnit
	case ascii.EqualFold(r.subtype, f.subtype):
		p = 3 * levelUnit
	default:
		return 0, false
	}
	strict = true
	var matched uint // a bit for each parameter of the offer
	for rest := r.params; rest != ""; {
		var name, value string
		name, value, rest, _ = cutParam(rest)
		if name == "" || isWeight(name) {
			continue
		}
		i := o.indexParam(name)
		switch {
		case i >= 0 && (equalValue(value, o.params[i].value) || equalValue(value, o.params[i].alias)):
			matched |= 1 << i
		case o.format.defines(name):
			return 0, false
		default:
			strict = false
		}
	}
	for ; matched != 0; matched &= matched - 1 {
		p += paramUnit
	}
	if strict {
		p += strictUnit
	}
	return p, strict
}

// indexParam returns the index of the offer's parameter of that name, or -1.
func (o *offer) indexParam(name string) int {
	for i := range o.params {
		if ascii.EqualFold(o.params[i].name, name) {
			return i
		}
	}
	return -1
}

// cutParam cuts the first parameter off s, which begins with optional
// whitespace and a semicolon. The value is a token or a quoted string as it
// is. Name and value are empty if no parameter follows the semicolon,
// which is allowed (RFC 9110 section 5.6.6).
func cutParam(s string) (name, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	if !strings.HasPrefix(s, ";") {
		return "", "", "", false
	}
	s = strings.TrimLeft(s[1:], " \t")
	if s == "" || s[0] == ';' {
		return "", "", s, true
	}
	if name, s = cutToken(s); name == "" || !strings.HasPrefix(s, "=") {
		return "", "", "", false
	}
	s = s[1:]
	if strings.HasPrefix(s, `"`) {
		value, rest = cutQuoted(s)
	} else {
		value, rest = cutToken(s)
	}
	return name, value, rest, value != ""
}

// cutToken cuts a token off s (RFC 9110 section 5.6.2). It is empty if s does
// not begin with one.
func cutToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && isTokenByte(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

// isTokenByte reports whether c is a tchar (RFC 9110 section 5.6.2).
func isTokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	default:
		return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
	}
}

// cutQuoted cuts a quoted string with its quotes off s, which begins with one
// (RFC 9110 section 5.6.4). It is empty if the string is malformed.
func cutQuoted(s string) (quoted, rest string) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return s[:i+1], s[i+1:]
		case '\\':
			i++ // whatever is escaped must be text as well
		}
		if i == len(s) || s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return "", ""
		}
	}
	return "", ""
}

// equalValue reports whether the value of a parameter, a token or a quoted
// string, is want in any ASCII letter case. The two spellings of a value are
// the same (RFC 9110 section 5.6.6), and all values that matter here ignore
// case (RFC 9110 section 8.3.2 for charset).
func equalValue(value, want string) bool {
	if !strings.HasPrefix(value, `"`) {
		return ascii.EqualFold(value, want)
	}
	value = value[1 : len(value)-1]
	n := 0
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' {
			i++
		}
		if n == len(want) || ascii.Lower(value[i]) != ascii.Lower(want[n]) {
			return false
		}
		n++
	}
	return n == len(want)
}

// parseWeight parses a qvalue (RFC 9110 section 12.4.2) into thousandths. A zero
// before the point may be left out, as people do. It returns false for what is
// no weight, such as "1.1" or "0.1234".
func parseWeight(s string) (weight int, ok bool) {
	if len(s) > 1 && s[0] == '.' {
		s = "0" + s
	}
	if len(s) == 0 || len(s) > len("0.123") || s[0] != '0' && s[0] != '1' {
		return 0, false
	}
	if len(s) > 1 && s[1] != '.' {
		return 0, false
	}
	weight = int(s[0]-'0') * maxWeight
	unit := maxWeight / 10
	for i := 2; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		weight += int(s[i]-'0') * unit
		unit /= 10
	}
	return weight, weight <= maxWeight
}
