package destination

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// What is wrong with a SIP URI.
const (
	sipUserPart   = "is a SIP URI whose user part is empty, begins with a space, is not percent-encoded UTF-8, or holds control characters or a password"
	sipSubscriber = "is a SIP URI of a phone number whose user part is not one: a plus sign, digits and - . ( ) between them, then parameters, each once"
	sipHostPart   = "is a SIP URI without a valid host"
	sipParameter  = "is a SIP URI with a parameter that is malformed, appears twice, or leads elsewhere: maddr, method"
	sipHeader     = "is a SIP URI with a header that is malformed, appears twice, or is neither User-to-User nor an X- one"
)

// maxParameters is how many parameters, and how many headers, a URI may have.
const maxParameters = 16

// sipURI is what the dial policy asks about a SIP URI.
type sipURI struct {
	user   string // percent-decoded, with its own parameters; empty where there is none
	host   string // with the port
	params string // those of the URI, not decoded
	phone  bool   // the parameter user=phone: the user part is a phone number
	hosted bool   // there is a host, which makes sense of the user part
}

// The marks of RFC 3261 section 25.1 that are unencoded, beside letters and
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
// less than the RFC: no password, which does not belong in a destination; of the
// headers, which become headers of the INVITE, only User-to-User and X- ones; and
// nothing twice, where two readers might take different ones.
func parseSIP(s string) (u sipURI, problem string) {
	rest := s
	u.hosted = true
	if escaped, after, hasUser := strings.Cut(s, "@"); hasUser {
		user, ok := sipUnescape(escaped, sipUserMarks)
		if !ok || user == "" || beginsWithSpace(user) {
			return u, sipUserPart
		}
		if hasTrunkZero(user) {
			return u, trunkZero
		}
		u.user, rest = user, after
	}
	rest, headers, hasHeaders := strings.Cut(rest, "?")
	hostport, params, hasParams := strings.Cut(rest, ";")
	if !isHostPort(hostport) {
		return u, sipHostPart
	}
	u.host, u.params = hostport, params
	if hasParams {
		if !areParameters(params, ";", isSIPParameter) {
			return u, sipParameter
		}
		u.phone = saysPhone(params)
	}
	if hasHeaders && !areParameters(headers, "&", isSIPHeader) {
		return u, sipHeader
	}
	if (u.phone || strings.HasPrefix(u.user, "+")) && !isSubscriber(u.user) {
		return u, sipSubscriber
	}
	return u, ""
}

func beginsWithSpace(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(r)
}

// areParameters reports whether s is a list of parameters that are right, none
// of them twice.
func areParameters(s, separator string, isRight func(name, value string, hasValue bool) bool) bool {
	var names [maxParameters]string
	n := 0
	for param := range strings.SplitSeq(s, separator) {
		name, value, hasValue := strings.Cut(param, "=")
		if n == len(names) || !isRight(name, value, hasValue) {
			return false
		}
		for _, other := range names[:n] {
			if ascii.EqualFold(other, name) {
				return false
			}
		}
		names[n] = name
		n++
	}
	return true
}

// saysPhone reports whether the parameters of a URI say user=phone, in any letter
// case and however escaped (RFC 3261 section 19.1.4).
func saysPhone(params string) bool {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if ascii.EqualFold(name, "user") {
			value, _ := sipUnescape(value, sipParamMarks)
			return ascii.EqualFold(value, "phone")
		}
	}
	return false
}

// isSubscriber reports whether a decoded user part is a telephone-subscriber (RFC
// 3966 section 3): digits with visual separators, behind a plus sign or not, and
// parameters. Star and hash, which begin what a switch does before it dials, are
// not taken.
func isSubscriber(user string) bool {
	subscriber, params, hasParams := strings.Cut(user, ";")
	digits := 0
	for i := range len(subscriber) {
		switch c := subscriber[i]; {
		case ascii.IsDigit(c):
			digits++
		case c == '+' && i == 0:
		case strings.IndexByte("-.()", c) < 0:
			return false
		}
	}
	return digits > 0 && (!hasParams || areParameters(params, ";", func(name, _ string, _ bool) bool { return isSIPName(name) }))
}

func isSIPHeader(name, value string, hasValue bool) bool {
	isPrivate := len(name) > 2 && ascii.EqualFold(name[:2], "x-")
	if !hasValue || !isPrivate && !ascii.EqualFold(name, "User-to-User") || !isSIPName(name) {
		return false
	}
	_, ok := sipUnescape(value, sipHeadMarks)
	return ok
}

func isSIPParameter(name, value string, _ bool) bool {
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

// isClientParameters reports whether s can follow client:NAME? as the custom
// parameters that the app gets: NAME=VALUE, each once, percent-encoded.
func isClientParameters(s string) bool {
	return areParameters(s, "&", func(name, value string, hasValue bool) bool {
		_, ok := sipUnescape(value, sipMarks+"[]/?:+$,;@=")
		return ok && hasValue && isSIPName(name)
	})
}

// unescape percent-decodes what can be decoded of s, and leaves the rest.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) {
			if decoded, ok := ascii.HexByte(s[i+1], s[i+2]); ok {
				c = decoded
				i += 2
			}
		}
		b.WriteByte(c)
	}
	return b.String()
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
			if i+2 >= len(s) {
				return "", false
			}
			decoded, ok := ascii.HexByte(s[i+1], s[i+2])
			if !ok {
				return "", false
			}
			b.WriteString(s[plain:i])
			b.WriteByte(decoded)
			i += 2
			plain = i + 1
			continue
		}
		if !ascii.IsDigit(c) && !ascii.IsAlpha(c) && strings.IndexByte(marks, c) < 0 {
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
