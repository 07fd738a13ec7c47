package destination

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// What is wrong with a SIP URI.
const (
	sipCharacters = "is a SIP URI with a character that has to be percent-encoded or may not stand there"
	sipUserPart   = "is a SIP URI whose user part is empty, not percent-encoded UTF-8, or holds control characters or a password"
	sipHostPart   = "is a SIP URI without a valid host"
	sipParameter  = "is a SIP URI with a parameter that is malformed or leads elsewhere: maddr, method"
	sipHeader     = "is a SIP URI with a header other than X- ones"
)

// sipURI is what the dial policy asks about a SIP URI.
type sipURI struct {
	user  string // percent-decoded, with its own parameters; empty where there is none
	phone bool   // the parameter user=phone: the user part is a phone number
}

// The marks of RFC 3261 section 25.1 that stand unencoded, beside letters and
// digits, in the parts of a URI.
const (
	sipMarks      = "-_.!~*'()"
	sipUserMarks  = sipMarks + "&=+$,;?/"
	sipParamMarks = sipMarks + "[]/:&+$"
	sipHeadMarks  = sipMarks + "[]/?:+$"
)

// sipElsewhere are the parameters that send the request to another host or
// make it another request than a call (RFC 3261 section 19.1.1).
var sipElsewhere = [...]string{"maddr", "method"}

// parseSIP reads what follows sip: or sips: by RFC 3261 section 19.1. It takes
// less than the RFC: no password, which does not belong in a destination, and
// of the headers, which become headers of the INVITE, only X- ones.
func parseSIP(s string) (u sipURI, problem string) {
	rest := s
	if escaped, after, hasUser := strings.Cut(s, "@"); hasUser {
		user, ok := sipUnescape(escaped, sipUserMarks)
		if !ok || user == "" {
			return u, sipUserPart
		}
		u.user, rest = user, after
	}
	rest, headers, hasHeaders := strings.Cut(rest, "?")
	hostport, params, hasParams := strings.Cut(rest, ";")
	if !isHostPort(hostport) {
		return u, sipHostPart
	}
	if hasParams {
		for param := range strings.SplitSeq(params, ";") {
			name, value, _ := strings.Cut(param, "=")
			if !isSIPParameter(name, value) {
				return u, sipParameter
			}
			if ascii.EqualFold(name, "user") && ascii.EqualFold(value, "phone") {
				u.phone = true
			}
		}
	}
	if hasHeaders {
		for header := range strings.SplitSeq(headers, "&") {
			name, value, ok := strings.Cut(header, "=")
			if !ok || len(name) < 3 || !ascii.EqualFold(name[:2], "x-") || !isSIPName(name) {
				return u, sipHeader
			}
			if _, ok := sipUnescape(value, sipHeadMarks); !ok {
				return u, sipHeader
			}
		}
	}
	return u, ""
}

func isSIPParameter(name, value string) bool {
	if !isSIPName(name) {
		return false
	}
	for _, elsewhere := range sipElsewhere {
		if ascii.EqualFold(name, elsewhere) {
			return false
		}
	}
	_, ok := sipUnescape(value, sipParamMarks)
	return ok
}

// isSIPName reports whether s is the name of a parameter or header. Nothing in
// it may be percent-encoded, so that no name hides from a comparison.
func isSIPName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !ascii.IsDigit(c) && !ascii.IsAlpha(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != ""
}

// sipUnescape percent-decodes s. It reports false for a character that is
// neither a letter, a digit, one of marks nor percent-encoded, and for text
// that decodes to control characters or is not UTF-8.
func sipUnescape(s, marks string) (string, bool) {
	var b strings.Builder
	plain := 0 // where the text not yet copied begins
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) || !ascii.IsHex(s[i+1]) || !ascii.IsHex(s[i+2]) {
				return "", false
			}
			b.WriteString(s[plain:i])
			b.WriteByte(ascii.Unhex(s[i+1])<<4 | ascii.Unhex(s[i+2]))
			i += 2
			plain = i + 1
			continue
		}
		if c >= utf8.RuneSelf || !ascii.IsDigit(c) && !ascii.IsAlpha(c) && strings.IndexByte(marks, c) < 0 {
			return "", false
		}
	}
	if plain == 0 {
		return s, true
	}
	b.WriteString(s[plain:])
	text := b.String()
	return text, !HasControls(text)
}

// isHostPort reports whether s is a host with or without a port, 1 to 65535.
func isHostPort(s string) bool {
	var host, port string
	var hasPort bool
	if end := strings.IndexByte(s, ']'); end >= 0 {
		host, port = s[:end+1], s[end+1:]
		if port != "" {
			if port[0] != ':' {
				return false
			}
			port, hasPort = port[1:], true
		}
	} else {
		host, port, hasPort = strings.Cut(s, ":")
	}
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return false
		}
	}
	return isHost(host)
}

// isHost reports whether s is a hostname, an IPv4 address or an IPv6 address
// in brackets.
func isHost(s string) bool {
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		addr, err := netip.ParseAddr(s[1 : len(s)-1])
		return err == nil && addr.Is6() && addr.Zone() == ""
	}
	if s != "" && ascii.IsDigit(s[len(s)-1]) {
		if addr, err := netip.ParseAddr(s); err == nil {
			return addr.Is4()
		}
	}
	return isHostname(s)
}
