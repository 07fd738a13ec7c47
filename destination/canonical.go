package destination

import "strings"

// Canonical returns what a destination calls, the same for every spelling of it: the
// digits of a phone number after "tel:", the scheme, user and host of a SIP URI
// without what does not lead elsewhere (RFC 3261 section 19.1.4), or the app, address
// or name, in small letters. It is for counting and comparing calls; nobody dials it.
func (d *Dialer) Canonical(s string) string {
	parsed := Parse(s)
	for i := range parsed.Len() {
		n := d.Place(parsed.At(i))
		if !n.Whole && (parsed.Kind != "" || n.Aside) || n.Digits == "" {
			continue
		}
		if rest, ok := afterInternationalPrefix(n.Digits); ok && !n.Plus {
			n.Digits = rest
		}
		return "tel:" + n.Digits
	}
	scheme, rest, _ := cutScheme(s)
	switch parsed.Kind {
	case SIP:
		u, _ := parseSIP(rest)
		user, _, _ := strings.Cut(u.user, ";")
		host := u.host
		if end := strings.LastIndexByte(host, ':'); end > strings.LastIndexByte(host, ']') {
			host = host[:end]
		}
		return "sip:" + strings.ToLower(user+"@"+strings.TrimSuffix(host, "."))
	case Client:
		name, _, _ := strings.Cut(rest, "?")
		return strings.ToLower(scheme + ":" + name)
	default:
		return strings.ToLower(strings.Join(strings.Fields(s), " "))
	}
}
