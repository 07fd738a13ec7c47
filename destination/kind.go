// Package destination reads what a call is to: which kind of destination a text
// is, which phone number a carrier could find in it, and what numbering plans
// tell of that number.
package destination

import (
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// Kind is a kind of destination. It is empty for what is of no kind.
type Kind string

// The kinds of destination.
const (
	Phone  Kind = "phone"  // E.164, or a national number of 7 to 15 digits
	SIP    Kind = "sip"    // a sip: or sips: URI
	Client Kind = "client" // client:NAME, an app that is logged in
	Email  Kind = "email"  // the address of a user
	Name   Kind = "name"   // a user, team or extension
)

// kinds holds every kind, in the order of the documentation.
var kinds = [...]Kind{Phone, SIP, Client, Email, Name}

// Kinds returns the kinds of destination, in the order of the documentation.
func Kinds() []Kind { return append([]Kind(nil), kinds[:]...) }

// The digits of phone numbers. E.164 has 15 digits at most, its section 6.1;
// shorter bare numbers are extensions.
const (
	minE164     = 2
	minNational = 7
	maxDigits   = 15
)

// What is wrong with a text that is of no kind. Each completes the sentence
// that begins with the field's name.
const (
	notE164      = "begins with a plus sign but is not in E.164: a plus sign, then at least two and at most fifteen digits, the first of them not 0, and nothing else"
	tooManyDigit = "has more digits than a phone number can have, which is fifteen"
	likeNumber   = "looks like a phone number but holds other characters: spaces, punctuation, letters, pauses or digits of another script"
	notNumber    = "is not a phone number"
	telURI       = "is a tel: URI; send the number alone"
	notClient    = "is client: without a name of letters, digits and . _ - ~ @ after it"
	notEmail     = "holds an @ but is not an email address"
	notName      = "is no phone number, URI or address, and holds a character that the name of a user, team or extension can't hold"
)

// Classify tells the kind of a destination that is not empty. For what is of
// no kind it returns what is wrong instead. The order matters: whatever begins
// with a plus sign is a phone number or nothing, and so is a text of digits
// alone from seven up, so that neither can pass as a name.
func Classify(s string) (k Kind, problem string) {
	if problem := PhoneProblem(s); problem != notNumber {
		if problem == "" {
			return Phone, ""
		}
		return "", problem
	}
	if scheme, rest, ok := cutScheme(s); ok {
		switch scheme {
		case "sip", "sips":
			if _, problem := parseSIP(rest); problem != "" {
				return "", problem
			}
			return SIP, ""
		case "client":
			if !isClientName(rest) {
				return "", notClient
			}
			return Client, ""
		case "tel":
			return "", telURI
		}
	}
	if strings.IndexByte(s, '@') >= 0 {
		if !isEmail(s) {
			return "", notEmail
		}
		return Email, ""
	}
	if looksLikeNumber(s) {
		return "", likeNumber
	}
	if !isName(s) {
		return "", notName
	}
	return Name, ""
}

// CallerProblem says why s is not a phone number as a caller has one, or returns
// the empty string. A text that is only written like one is told apart.
func CallerProblem(s string) string {
	problem := PhoneProblem(s)
	if problem == notNumber && looksLikeNumber(s) {
		return likeNumber
	}
	return problem
}

// PhoneProblem says why s is not a phone number, or returns the empty string
// for one that is: E.164, or a bare national number of 7 to 15 digits.
func PhoneProblem(s string) string {
	if strings.HasPrefix(s, "+") {
		if !IsE164(s) {
			return notE164
		}
		return ""
	}
	if !isDigits(s) || len(s) < minNational {
		return notNumber
	}
	if len(s) > maxDigits {
		return tooManyDigit
	}
	return ""
}

// IsE164 reports whether s is a plus sign and 2 to 15 digits, the first not 0.
func IsE164(s string) bool {
	return len(s) > minE164 && len(s) <= 1+maxDigits && s[0] == '+' && s[1] != '0' && isDigits(s[1:])
}

// isDigits reports whether s is made of ASCII digits, one at least.
func isDigits(s string) bool {
	for i := range len(s) {
		if !ascii.IsDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// cutScheme cuts s at its first colon if what stands before it is one of the
// schemes that are told apart, in any letter case (RFC 3986 section 3.1).
func cutScheme(s string) (scheme, rest string, ok bool) {
	before, rest, ok := strings.Cut(s, ":")
	if !ok {
		return "", "", false
	}
	for _, scheme := range [...]string{"sip", "sips", "client", "tel"} {
		if ascii.EqualFold(before, scheme) {
			return scheme, rest, true
		}
	}
	return "", "", false
}
