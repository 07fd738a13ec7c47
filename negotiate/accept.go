package negotiate

import (
	"cmp"
	"strings"
)

// Accept returns the format that suits the lines of an Accept field best, and
// false if none is acceptable. Without lines, or where they hold nothing but
// empty members, any format is acceptable and the first offer is returned.
//
// The offer with the highest weight wins. Of equals, the one that the more
// specific range covers, then the one whose range is listed first; of those
// that the same range covers, the one offered first. The weight of an offer is
// that of the most specific range that covers it; where such a range is
// listed twice, the higher weight counts.
//
// The time is linear in the length of the lines and nothing is allocated.
func (o Offers) Accept(lines []string) (Format, bool) {
	if len(o.list) == 0 {
		return None, false
	}
	if len(lines) == 1 {
		for i := range o.usual {
			if p := &o.usual[i]; p.line == lines[0] {
				return p.format, p.ok
			}
		}
	}
	var n tally
	for _, line := range lines {
		for more := true; more; {
			var member string
			member, line, more = cutMember(line)
			if member == "" {
				continue // RFC 9110 section 5.6.1.2
			}
			n.members++
			if r, ok := parseRange(member); ok {
				n.add(&r, o.list)
			}
		}
	}
	if n.members == 0 {
		return o.list[0].format, true
	}
	if f := choose(o.list, &n.strict); f != None {
		return f, true
	}
	f := choose(o.list, &n.lenient)
	return f, f != None
}

// tally is what the members read so far say about each format.
type tally struct {
	members int
	// strict holds the ranges whose parameters the representations have.
	// lenient also holds those with parameters that mean nothing to the type.
	strict, lenient [numFormats]verdict
}

// verdict is what the most specific range so far says about a format. The zero
// value is that of a format that no range covers.
type verdict struct {
	precedence precedence
	weight     int // in thousandths
	position   int // of the range in the list, from 1
}

// precedence orders the ranges that cover a representation (RFC 9110 section
// 12.5.1). Greater is more specific; zero covers nothing.
type precedence int

// add judges each offer by r.
func (n *tally) add(r *mediaRange, offers []offer) {
	for i := range offers {
		f := offers[i].format
		p, strict := r.covers(&offers[i])
		if p == 0 {
			continue
		}
		v := verdict{p, r.weight, n.members}
		if strict {
			n.strict[f].improve(v)
		}
		n.lenient[f].improve(v)
	}
}

// improve replaces v by w if w counts for more.
func (v *verdict) improve(w verdict) {
	if w.precedence > v.precedence || w.precedence == v.precedence && w.weight > v.weight {
		*v = w
	}
}

// beats reports whether the offer of v is preferred to the earlier one of w.
func (v *verdict) beats(w *verdict) bool {
	return cmp.Or(
		cmp.Compare(v.weight, w.weight),
		cmp.Compare(v.precedence, w.precedence),
		cmp.Compare(w.position, v.position),
	) > 0
}

// choose returns the format of the best offer, or None if none is acceptable.
func choose(offers []offer, verdicts *[numFormats]verdict) Format {
	best := None
	for i := range offers {
		f := offers[i].format
		if v := &verdicts[f]; v.weight > 0 && v.beats(&verdicts[best]) { // no offer is None: its verdict has no weight
			best = f
		}
	}
	return best
}

// cutMember cuts the first member off a list and trims it. A comma in a quoted
// string separates nothing. A quoted string that is not closed takes the rest
// of the line with it; no string goes on in the next line, as each line is a
// list of its own (RFC 9110 section 5.3).
func cutMember(list string) (member, rest string, more bool) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return trimOWS(list[:i]), list[i+1:], true
		}
	}
	return trimOWS(list), "", false
}

// trimOWS trims optional whitespace (RFC 9110 section 5.6.3).
func trimOWS(s string) string { return strings.Trim(s, " \t") }
