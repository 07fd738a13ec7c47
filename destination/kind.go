// Package destination reads a destination: its kind, the phone number that a
// carrier could find in it, and what numbering plans say about that number.
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
	rounded      = "is a number that a spreadsheet has rounded, such as 1.20256E+10; its digits are lost, so format the column as text and enter the number again"
	spacePlus    = "begins with a space where a plus sign may have been lost: in a form and in a query a plus sign stands for a space, so write it as %2B"
	trunkZero    = "holds (0) behind other digits; leave out the zero in brackets, which is not dialled behind a country code"
	notNumber    = "is not a phone number"
	numberURI    = "is a URI of a phone number; send the number alone"
	notClient    = "is client: without a name of letters, digits and . _ - ~ @ after it, or with parameters that are not NAME=VALUE, each once and percent-encoded"
	notEmail     = "holds an @ but is not an email address"
	notName      = "is not a phone number, URI or address, and holds a character that the name of a user, team or extension can't hold"
)

// Destination is what a text means as a destination.
type Destination struct {
	// Kind is the kind, empty for what is of no kind.
	Kind Kind
	// Problem says what is wrong with a text that is of no kind, as the rest of a
	// sentence that begins with the field's name.
	Problem string

	first Number
	more  []Number
	n     int
}

// Len returns how many numbers there are in the destination.
func (d *Destination) Len() int { return d.n }

// At returns the number at i, from 0. The first is the one that is dialled, if
// any is.
func (d *Destination) At(i int) Number {
	if i == 0 {
		return d.first
	}
	return d.more[i-1]
}

func (d *Destination) add(n Number) {
	if d.n == 0 {
		d.first = n
	} else {
		d.more = append(d.more, n)
	}
	d.n++
}

// Parse returns the kind of a destination that is not empty, and the numbers that a
// carrier could find in it, whatever its kind. The order matters: whatever begins
// with a plus sign is a phone number or nothing, and so is a text of digits alone
// from seven up, so that neither can pass as a name.
func Parse(s string) Destination {
	var d Destination
	if problem := PhoneProblem(s); problem != notNumber {
		if problem == "" {
			digits, plus := strings.CutPrefix(s, "+")
			return Destination{Kind: Phone, first: Number{Digits: digits, Plus: plus, Whole: true}, n: 1}
		}
		d.Problem = problem
		d.findAny(s)
		return d
	}
	scheme, rest, ok := cutScheme(s)
	switch {
	case ok && (ascii.EqualFold(scheme, "sip") || ascii.EqualFold(scheme, "sips")):
		u, problem := parseSIP(rest)
		if d.Problem = problem; problem == "" {
			d.Kind = SIP
			d.findInUser(u)
			return d
		}
	case ok && ascii.EqualFold(scheme, "client"):
		name, params, hasParams := strings.Cut(rest, "?")
		if !isClientName(name) || hasParams && !isClientParameters(params) {
			d.Problem = notClient
			break
		}
		d.Kind = Client
		d.findIn(name, true)
		return d
	case strings.IndexByte(s, '@') >= 0:
		if !isEmail(s) {
			d.Problem = notEmail
			break
		}
		d.Kind = Email
		local, _, _ := strings.Cut(s, "@")
		d.findIn(local, true)
		return d
	case ok && (isNumberScheme(scheme) || looksLikeNumber(rest)):
		d.Problem = numberURI
	case !ok && looksLikeNumber(s):
		d.Problem = numberProblem(s)
	case lostPlus(s):
		d.Problem = spacePlus
	case !isName(s):
		d.Problem = notName
	default:
		d.Kind = Name
		d.findIn(s, false)
		return d
	}
	d.findAny(s)
	return d
}

// numberSchemes are the schemes of URIs of phone numbers.
var numberSchemes = [...]string{"tel", "callto", "phone", "sms", "whatsapp"}

func isNumberScheme(scheme string) bool {
	for _, s := range numberSchemes {
		if ascii.EqualFold(scheme, s) {
			return true
		}
	}
	return false
}

// numberProblem says what is wrong with what looks like a number.
func numberProblem(s string) string {
	switch {
	case lostPlus(s):
		return spacePlus
	case hasTrunkZero(s):
		return trunkZero
	case isRounded(s):
		return rounded
	}
	return likeNumber
}

// isRounded reports whether a text is a number in the notation that spreadsheets
// fall back to for long ones, with the decimal point or comma of any language.
func isRounded(s string) bool {
	mantissa, exponent, ok := strings.Cut(s, "E+")
	if i := strings.IndexAny(mantissa, ".,"); i >= 0 {
		mantissa = mantissa[:i] + mantissa[i+1:]
	}
	return ok && isDigits(mantissa) && isDigits(exponent)
}

// findIn adds the numbers in a text. If it is one that a host makes sense of, few
// digits are an extension.
func (d *Destination) findIn(s string, hosted bool) {
	if isDigits(s) {
		d.add(Number{Digits: s, Whole: len(s) >= minNational, Aside: hosted && len(s) < minNational})
		return
	}
	for _, n := range find(s).numbers {
		if hosted && n.Aside && !n.Plus && len(n.Digits) < minAmongWords {
			n.Whole = n.Digits == ""
		}
		n.Aside = n.Aside || hosted && !n.Whole
		d.add(n)
	}
}

// findAny adds the numbers in a text of no kind. It may still be dialled
// where the rule destination_format is not enforced, by a switch that reads an address
// more leniently than this package does.
func (d *Destination) findAny(s string) {
	scheme, rest, hasScheme := cutScheme(s)
	if !hasScheme {
		rest = s
	}
	end := strings.LastIndexByte(rest, '@')
	if end < 0 {
		d.findInUser(sipURI{user: unescape(rest)})
		return
	}
	user, after := rest[:end], rest[end+1:]
	if strings.Trim(user, "@") == "" { // only a host-like part is left
		d.findInUser(sipURI{user: unescape(after)})
		return
	}
	isSIP := !hasScheme || ascii.EqualFold(scheme, "sip") || ascii.EqualFold(scheme, "sips")
	u := sipURI{user: unescape(user), hosted: isSIP}
	if _, params, ok := strings.Cut(after, ";"); ok {
		u.params = unescape(params)
		u.phone = strings.Contains(strings.ToLower(u.params), "user=phone")
	}
	d.findInUser(u)
}

// findInUser adds the numbers in the user part of a URI (RFC 3261 section 19.1.6,
// RFC 3966, RFC 4694): the subscriber, alone and behind its phone-context, the
// number by which it is routed, and that of the carrier.
func (d *Destination) findInUser(u sipURI) {
	subscriber, params, _ := strings.Cut(u.user, ";")
	before := d.n
	text := u.user
	if u.hosted && isSubscriber(u.user) {
		text = subscriber
	} // else it has no parameters, and a semicolon is a character like any other
	d.findIn(text, u.hosted && !u.phone)
	if d.n > before && u.phone && before == 0 {
		d.first.Whole = true
	}
	for _, list := range [...]string{params, u.params} {
		if list != "" && hasNumber(list) {
			d.findInParameters(subscriber, list)
		}
	}
}

// findInParameters adds the numbers in parameters: those of rn and cic, and those
// that a context completes, RFC 3966 section 5.1.5 and RFC 4694 section 4. No more
// parameters are read than a URI may have.
func (d *Destination) findInParameters(subscriber, params string) {
	n := 0
	for param := range strings.SplitSeq(params, ";") {
		if n++; n > maxParameters { // the others may hold any number
			d.add(Number{Whole: true})
			return
		}
		name, value := cutParameter(param)
		of, isContext := strings.CutSuffix(name, "-context")
		if !isContext && name != "rn" && name != "cic" {
			continue
		}
		digits := digitsOf(value)
		if !isContext || len(digits) >= minNational {
			d.findIn(value, true)
		}
		if !isContext || digits == "" || hasWords(value) {
			continue
		}
		local := subscriber
		if of != "phone" {
			local = parameter(params, of)
		}
		if local = digitsOf(local); local != "" {
			d.add(Number{Digits: digits + local, Plus: true, Whole: true})
		}
	}
}

// cutParameter returns the name of a parameter in lower case and its value, both
// without escapes.
func cutParameter(param string) (name, value string) {
	name, value, _ = strings.Cut(param, "=")
	value, _, _ = strings.Cut(value, "?")
	return strings.ToLower(strings.TrimSpace(unescape(name))), unescape(value)
}

// parameter returns the value of the first parameter of that name.
func parameter(params, name string) string {
	for param := range strings.SplitSeq(params, ";") {
		if n, value := cutParameter(param); n == name {
			return value
		}
	}
	return ""
}

// digitsOf returns the digits of s alone.
func digitsOf(s string) string {
	var b strings.Builder
	for _, r := range plainText(s) {
		if d, ok := decimal(r); ok {
			b.WriteByte(d)
		}
	}
	return b.String()
}

// CallerProblem says why s is not a phone number as a caller has one, or returns
// the empty string. A text that is only written like one is not one.
func CallerProblem(s string) string {
	problem := PhoneProblem(s)
	if problem != notNumber {
		return problem
	}
	if lostPlus(s) || looksLikeNumber(s) {
		return numberProblem(s)
	}
	return problem
}

// PhoneProblem says why s is not a phone number, or returns the empty string
// for one that is: E.164, or a bare national number of 7 to 15 digits.
func PhoneProblem(s string) string {
	if strings.HasPrefix(s, "+") {
		switch {
		case IsE164(s):
			return ""
		case hasTrunkZero(s):
			return trunkZero
		}
		return notE164
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

// cutScheme cuts s at its first colon if what is before it can be a scheme
// (RFC 3986 section 3.1).
func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, ":")
	if !ok || scheme == "" || !ascii.IsAlpha(scheme[0]) {
		return "", "", false
	}
	for i := range len(scheme) {
		if c := scheme[i]; !ascii.IsAlpha(c) && !ascii.IsDigit(c) && c != '+' && c != '-' && c != '.' {
			return "", "", false
		}
	}
	return scheme, rest, true
}
