package destination

import (
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// The limits of an address, RFC 5321 section 4.5.3.1, and of a label, RFC 1035
// section 2.3.4.
const (
	maxLocalPart = 64
	maxDomain    = 255
	maxLabel     = 63
)

// isEmail reports whether s is an address such as people have: a dot-atom (RFC
// 5322 section 3.2.3; letters of any script as in RFC 6531) and a domain with
// a dot. Quoted local parts, comments and address literals are not taken.
func isEmail(s string) bool {
	local, domain, _ := strings.Cut(s, "@")
	return isDotAtom(local) && isHostname(domain) && strings.IndexByte(domain, '.') > 0
}

func isDotAtom(s string) bool {
	if len(s) > maxLocalPart {
		return false
	}
	dot := true // where a dot may not be: at the start and after a dot
	for _, r := range s {
		if r == '.' {
			if dot {
				return false
			}
			dot = true
			continue
		}
		dot = false
		if !isLetter(r) && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) {
			return false
		}
	}
	return !dot
}

// isHostname reports whether s is a name of letter-digit-hyphen labels whose
// last one begins with a letter (RFC 3261 section 25.1, hostname): what is all
// digits is an IP address or a phone number, not a name.
func isHostname(s string) bool {
	if len(s) > maxDomain {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !ascii.IsDigit(c) && !ascii.IsAlpha(c) && c != '-' {
				return false
			}
		}
		last = label
	}
	return !ascii.IsDigit(last[0])
}
