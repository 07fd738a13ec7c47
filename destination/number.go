package destination

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/internal/numbering"
)

// Global is libphonenumber's region of the numbers that belong to no country,
// the code of the world in UN M.49.
const Global = "001"

// separators are the characters that people write between the digits of a
// number, and that are taken out where a number is rewritten.
const separators = " -.()/"

// pauses are the characters, beside those of dialWords, at which a dialler
// stops to dial what follows later, as post-dial digits or as an extension.
const pauses = ",;#*"

// Number is a phone number inside a value.
type Number struct {
	// Digits are ASCII digits, without the plus sign.
	Digits string
	// Plus says that Digits begin with a country calling code.
	Plus bool
	// Whole says that the value is dialled as a phone number. Otherwise it is a
	// name, an extension or the user part of an address, which concerns the
	// emergency rule alone.
	Whole bool
	// Hosted says that a host, not the gateway's own network, makes sense of the
	// digits.
	Hosted bool
}

// Dialled returns the digits that the most lenient dialler would dial for s:
// digits of any script without what stands between them, up to the first
// pause, after a plus sign if there is one. It reports false if there is none,
// or if s holds words beyond those of dialWords.
func Dialled(s string) (n Number, ok bool) {
	if isDigits(s) {
		return Number{Digits: s}, true
	}
	if IsE164(s) {
		return Number{Digits: s[1:], Plus: true}, true
	}
	if hasWords(s) {
		return Number{}, false
	}
	var b strings.Builder
	for _, r := range s {
		d, ok := decimal(r)
		switch {
		case ok:
			b.WriteByte(d)
		case isLetter(r) || r < 0x80 && strings.IndexByte(pauses, byte(r)) >= 0:
			if b.Len() > 0 {
				return Number{Digits: b.String(), Plus: n.Plus}, true
			}
		case r == '+' || r == '\uff0b':
			n.Plus = n.Plus || b.Len() == 0
		}
	}
	n.Digits = b.String()
	return n, n.Digits != ""
}

// decimal returns the ASCII digit of a decimal digit of another script. The
// ranges of category Nd are runs of ten, from zero up.
func decimal(r rune) (byte, bool) {
	if r < 0x80 {
		return byte(r), ascii.IsDigit(byte(r))
	}
	for _, run := range unicode.Nd.R16 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return '0' + byte((r-rune(run.Lo))%10), true
		}
	}
	for _, run := range unicode.Nd.R32 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return '0' + byte((r-rune(run.Lo))%10), true
		}
	}
	return 0, false
}

// NumberIn returns the phone number in a destination of kind k, as [Classify]
// tells it.
func NumberIn(s string, k Kind) (Number, bool) {
	switch k {
	case Phone:
		if s[0] == '+' {
			return Number{Digits: s[1:], Plus: true, Whole: true}, true
		}
		return Number{Digits: s, Whole: true}, true
	case SIP:
		_, rest, _ := cutScheme(s)
		u, _ := parseSIP(rest)
		return numberInUser(u)
	case Client:
		_, rest, _ := cutScheme(s)
		n, ok := Dialled(rest)
		n.Hosted = true
		return n, ok
	case Email:
		local, _, _ := strings.Cut(s, "@")
		return numberInUser(sipURI{user: local})
	case Name:
		return Dialled(s)
	}
	return numberInAny(s)
}

// numberInAny returns the phone number in a destination of no kind. Such a one
// gets this far only where the rule destination_format is not enforced, and may
// be dialled all the same, by whoever reads an address more leniently than this
// package does.
func numberInAny(s string) (Number, bool) {
	scheme, rest, ok := cutScheme(s)
	if !ok {
		rest = s
	}
	user, after, isAddress := strings.Cut(rest, "@")
	switch {
	case scheme == "client":
		return NumberIn(s, Client)
	case scheme == "sip", scheme == "sips", scheme == "" && isAddress:
		user, _, _ = strings.Cut(user, ":") // a password, or a port
		if decoded, err := url.PathUnescape(user); err == nil {
			user = decoded
		}
		return numberInUser(sipURI{user: user, phone: strings.Contains(strings.ToLower(after), "user=phone")})
	}
	n, ok := Dialled(rest)
	n.Whole = n.Plus || len(n.Digits) >= minNational
	return n, ok
}

// numberInUser returns the phone number that is the user part of a URI (RFC
// 3261 section 19.1.6): one with a plus sign, or one that user=phone says is
// dialled. Other digits are a user of that host, who may still be an emergency
// number.
func numberInUser(u sipURI) (Number, bool) {
	subscriber, params, _ := strings.Cut(u.user, ";")
	n, ok := Dialled(subscriber)
	if !ok {
		return n, false
	}
	n.Whole = n.Plus || u.phone
	n.Hosted = !n.Whole
	if n.Plus {
		return n, true
	}
	// RFC 3966 section 5.1.5: a local number in the context of a global prefix.
	for param := range strings.SplitSeq(params, ";") {
		name, context, _ := strings.Cut(param, "=")
		if !ascii.EqualFold(name, "phone-context") {
			continue
		}
		if prefix, ok := Dialled(context); ok && prefix.Plus {
			return Number{Digits: prefix.Digits + n.Digits, Plus: true, Whole: true}, true
		}
	}
	return n, true
}

// Mask returns the number as details and logs show it.
func (n Number) Mask() string {
	if n.Plus {
		return Mask("+" + n.Digits)
	}
	return Mask(n.Digits)
}

// Facts are what libphonenumber tells about a number in E.164.
type Facts struct {
	// Region is the ISO 3166 code of the country, Global for a number of no
	// country, and empty where it can't be told.
	Region string
	// Shared are the regions of the number's calling code, if there are several.
	Shared []string
	// Type is the type of number, one of [Types], or empty.
	Type string
	// Valid says that the number's country assigns such numbers.
	Valid bool
}

// Country returns the ISO 3166 code of the country, or the empty string.
func (f *Facts) Country() string {
	if f.Region == Global {
		return ""
	}
	return f.Region
}

// Lookup finds out about the number whose E.164 digits these are. A number that
// is not valid as it stands is read again as libphonenumber reads what people
// type, without a trunk prefix after the country code, and then without the
// digits that are too many: switches drop them, so that +1900 and eight digits
// rings the same premium number as +1900 and seven.
func Lookup(digits string) Facts {
	digits = digits[:min(len(digits), maxDigits)]
	return unlessPanic(func() Facts {
		cc, nsn := callingCode(digits)
		if cc == 0 {
			return Facts{}
		}
		var f Facts
		if regions := phonenumbers.GetRegionCodesForCountryCode(cc); len(regions) > 1 {
			f.Shared = regions
		}
		if nsn != "" {
			f.classify(cc, nsn)
		}
		if !f.Valid {
			f.lookupLenient(digits)
		}
		if special := specialType(digits); special != "" {
			f.Type = special
		}
		return f
	})
}

// classify fills in f from a national number behind a country calling code. What
// can't be read is unknown.
func (f *Facts) classify(cc int, nsn string) {
	region, t, err := numbering.Look(cc, nsn)
	if err != nil {
		return
	}
	f.Region, f.Type, f.Valid = region, typeName(t), t != phonenumbers.UNKNOWN
}

// lookupLenient fills in f from a second, more lenient reading.
func (f *Facts) lookupLenient(digits string) {
	n, err := phonenumbers.Parse("+"+digits, phonenumbers.UNKNOWN_REGION)
	if err != nil {
		return
	}
	lenient := Facts{Shared: f.Shared}
	lenient.fromNumber(n)
	if !lenient.Valid && phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.TOO_LONG && phonenumbers.TruncateTooLongNumber(n) {
		lenient.fromNumber(n)
		lenient.Valid = false // as it stands it is not
	}
	if lenient.Region == "" {
		lenient.Region = f.Region
	}
	*f = lenient
}

// fromNumber fills in f from a number that was parsed.
func (f *Facts) fromNumber(n *phonenumbers.PhoneNumber) {
	f.classify(int(n.GetCountryCode()), phonenumbers.GetNationalSignificantNumber(n))
}

// callingCode splits the digits of an E.164 number after the country calling
// code. It returns 0 for a code that is not assigned.
func callingCode(digits string) (cc int, nsn string) {
	for i := 0; i < len(digits) && i < 3; i++ {
		cc = cc*10 + int(digits[i]-'0')
		if cc == 0 {
			return 0, ""
		}
		if len(phonenumbers.GetRegionCodesForCountryCode(cc)) > 0 {
			return cc, digits[i+1:]
		}
	}
	return 0, ""
}

// plain makes a number of its parts as they stand. Parse would take five times
// as long, and would mend what is to be judged.
func plain(cc int, nsn string) *phonenumbers.PhoneNumber {
	code := int32(cc) // three digits at most
	var national uint64
	var zeros int32
	for i := range len(nsn) {
		national = national*10 + uint64(nsn[i]-'0')
		if national == 0 && i < len(nsn)-1 {
			zeros++
		}
	}
	n := &phonenumbers.PhoneNumber{CountryCode: &code, NationalNumber: &national}
	if zeros > 0 {
		italian := true
		n.ItalianLeadingZero, n.NumberOfLeadingZeros = &italian, &zeros
	}
	return n
}

// numberTypes are the types of number by libphonenumber, by their names here.
var numberTypes = [...]struct {
	name string
	code phonenumbers.PhoneNumberType
}{
	{"fixed_line", phonenumbers.FIXED_LINE},
	{"mobile", phonenumbers.MOBILE},
	{"fixed_line_or_mobile", phonenumbers.FIXED_LINE_OR_MOBILE},
	{"toll_free", phonenumbers.TOLL_FREE},
	{"premium_rate", phonenumbers.PREMIUM_RATE},
	{"shared_cost", phonenumbers.SHARED_COST},
	{"voip", phonenumbers.VOIP},
	{"personal_number", phonenumbers.PERSONAL_NUMBER},
	{"pager", phonenumbers.PAGER},
	{"uan", phonenumbers.UAN},
	{"voicemail", phonenumbers.VOICEMAIL},
}

// Types returns the types of number by their names.
func Types() []string {
	types := append(make([]string, 0, 1+len(numberTypes)), Satellite)
	for _, t := range numberTypes {
		types = append(types, t.name)
	}
	return types
}

func typeName(t phonenumbers.PhoneNumberType) string {
	for _, known := range numberTypes {
		if known.code == t {
			return known.name
		}
	}
	return ""
}

// Satellite is a type that libphonenumber does not know.
const Satellite = "satellite"

// specialTypes are the types of the calling codes that belong to no country,
// by ITU-T E.164 Annex and the list of assigned country codes: whatever
// follows them, valid or not. Of +882 and +883 some networks are satellites,
// others ships and aircraft reached by one, and all are priced alike.
var specialTypes = [...]struct{ prefix, name string }{
	{"800", "toll_free"},
	{"808", "shared_cost"},
	{"870", Satellite},
	{"878", "personal_number"},
	{"881", Satellite},
	{"882", Satellite},
	{"883", Satellite},
	{"888", "uan"},
	{"979", "premium_rate"},
}

func specialType(digits string) string {
	for _, t := range specialTypes {
		if strings.HasPrefix(digits, t.prefix) {
			return t.name
		}
	}
	return ""
}

// Readings are the E.164 digits that a bare number may stand for where no
// region says: itself with a forgotten plus sign, and what follows the two
// widespread international prefixes.
func Readings(bare string) [2]string {
	var r [2]string
	if bare[0] != '0' {
		r[0] = bare
	}
	if rest, ok := afterInternationalPrefix(bare); ok {
		r[1] = rest
	}
	return r
}

// afterInternationalPrefix returns what follows 00 (most of the world) or 011
// (North America), if a country calling code can stand there.
func afterInternationalPrefix(bare string) (string, bool) {
	for _, prefix := range [...]string{"00", "011"} {
		if rest, ok := strings.CutPrefix(bare, prefix); ok && rest != "" && rest[0] != '0' {
			return rest, true
		}
	}
	return "", false
}

// E164 rewrites a national number, or a punctuated one, to E.164 as dialled
// from region. It reports false for what it leaves alone: what has other
// characters than digits and separators, what is not 7 digits long without a
// plus sign, and what no number of the region can be.
func E164(s, region string) (string, bool) {
	s = strings.Trim(s, " ")
	if s == "" || strings.IndexByte("+(0123456789", s[0]) < 0 {
		return "", false
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case ascii.IsDigit(c):
			b.WriteByte(c)
		case c == '+' && i == 0:
		case strings.IndexByte(separators, c) < 0:
			return "", false
		}
	}
	digits := b.String()
	if s[0] == '+' {
		return international(digits)
	}
	// 011 and 15 digits is the longest that anybody dials.
	if len(digits) < minNational || len(digits) > 3+maxDigits {
		return "", false
	}
	number := unlessPanic(func() string {
		n, err := phonenumbers.Parse(digits, region)
		if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
			return ""
		}
		return phonenumbers.Format(n, phonenumbers.E164)
	})
	return number, IsE164(number)
}

// international returns digits after a plus sign, without the trunk prefix of
// "+44 (0)20 7946 0000" where only that makes a valid number of them.
func international(digits string) (string, bool) {
	number := "+" + digits
	if !IsE164(number) {
		return "", false
	}
	mended := unlessPanic(func() string {
		if cc, nsn := callingCode(digits); cc == 0 || nsn == "" || phonenumbers.IsValidNumber(plain(cc, nsn)) {
			return ""
		}
		n, err := phonenumbers.Parse(number, phonenumbers.UNKNOWN_REGION)
		if err != nil || !phonenumbers.IsValidNumber(n) {
			return ""
		}
		return phonenumbers.Format(n, phonenumbers.E164)
	})
	if IsE164(mended) {
		return mended, true
	}
	return number, true
}

// unlessPanic returns what f returns, or the zero value if f panics: the
// number is then unknown. libphonenumber's port indexes and compiles from
// tables, and a mistake in one of them must not take a request down.
func unlessPanic[T any](f func() T) (v T) {
	defer func() {
		if recover() != nil {
			var zero T
			v = zero
		}
	}()
	return f()
}
