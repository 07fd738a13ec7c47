package destination

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/internal/numbering"
)

// Global is libphonenumber's region of the numbers that belong to no country,
// the code of the world in UN M.49.
const Global = "001"

// Number is a phone number that somebody could find in a destination.
type Number struct {
	// Digits are ASCII digits, without the plus sign. They are empty if there
	// are more numbers than are listed one by one, which could be any.
	Digits string
	// Plus says that Digits begin with a country calling code.
	Plus bool
	// Whole says that a dialler takes the digits for a phone number, which concerns
	// every rule. Others concern the emergency rule alone.
	Whole bool
	// Aside says that the digits are beside words, or are a user of a host: if
	// they are few, they are rather an extension than an emergency number of some
	// far country.
	Aside bool
	// Spelled says that some of Digits were letters, by the keypad of a phone.
	Spelled bool
}

// otherDigits are the runs of characters that are digits by Unicode (Numeric_Type
// Digit), but neither of category Nd nor compatible with such a digit (NFKD), and
// the value of the first of each: in dark and double circles, Ethiopic and others.
var otherDigits = [...]struct {
	from, to rune
	value    byte
}{
	{0x1369, 0x1371, 1},
	{0x19da, 0x19da, 1},
	{0x24f5, 0x24fd, 1},
	{0x24ff, 0x24ff, 0},
	{0x2776, 0x277e, 1},
	{0x2780, 0x2788, 1},
	{0x278a, 0x2792, 1},
	{0x10a40, 0x10a43, 1},
	{0x10e60, 0x10e68, 1},
	{0x11052, 0x1105a, 1},
}

// decimal returns the ASCII digit of a digit of another script. The ranges of
// category Nd are runs of ten, from zero up.
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
	for _, run := range otherDigits {
		if run.from <= r && r <= run.to {
			return '0' + run.value + byte(r-run.from), true
		}
	}
	return 0, false
}

// Mask returns the number as details and logs show it.
func (n Number) Mask() string {
	if n.Plus {
		return Mask("+" + n.Digits)
	}
	return Mask(n.Digits)
}

// Facts are what libphonenumber knows about a number in E.164.
type Facts struct {
	// Region is the ISO 3166 code of the country, Global for a number of no
	// country, and empty where it is not known.
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
// is not valid as it is written is read again as libphonenumber reads what people
// type, without a trunk prefix after the country code, and then without the
// digits that are too many: switches drop them, so that +1900 and eight digits
// rings the same premium number as +1900 and seven.
func Lookup(digits string) Facts {
	digits = digits[:min(len(digits), maxDigits)]
	cc, nsn := numbering.CallingCode(digits)
	if cc == 0 {
		return Facts{}
	}
	var f Facts
	if regions := numbering.Regions(cc); len(regions) > 1 {
		f.Shared = regions
	}
	f.classify(cc, nsn)
	if !f.Valid {
		f = f.lenient(digits)
	}
	if special := specialType(digits); special != "" {
		f.Type = special
	}
	return f
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

// lenient returns what a second, more lenient reading finds out.
func (f *Facts) lenient(digits string) Facts {
	strict := *f
	return unlessPanic(func() Facts {
		n, err := phonenumbers.Parse("+"+digits, phonenumbers.UNKNOWN_REGION)
		if err != nil {
			return strict
		}
		lenient := Facts{Shared: strict.Shared}
		lenient.fromNumber(n)
		if !lenient.Valid && phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.TOO_LONG && phonenumbers.TruncateTooLongNumber(n) {
			lenient.fromNumber(n)
			lenient.Valid = false // as it is written it is not
		}
		if lenient.Region == "" {
			lenient.Region = strict.Region
		}
		return lenient
	})
}

// fromNumber fills in f from a number that was parsed.
func (f *Facts) fromNumber(n *phonenumbers.PhoneNumber) {
	f.classify(int(n.GetCountryCode()), phonenumbers.GetNationalSignificantNumber(n))
}

// plain makes a number of its parts, unchanged. Parse would take five times
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

// numberTypes are the names of libphonenumber's types of number.
var numberTypes = [...]string{
	phonenumbers.FIXED_LINE:           "fixed_line",
	phonenumbers.MOBILE:               "mobile",
	phonenumbers.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
	phonenumbers.TOLL_FREE:            "toll_free",
	phonenumbers.PREMIUM_RATE:         "premium_rate",
	phonenumbers.SHARED_COST:          "shared_cost",
	phonenumbers.VOIP:                 "voip",
	phonenumbers.PERSONAL_NUMBER:      "personal_number",
	phonenumbers.PAGER:                "pager",
	phonenumbers.UAN:                  "uan",
	phonenumbers.VOICEMAIL:            "voicemail",
}

// Types returns the types of number by their names.
func Types() []string { return append([]string{Satellite}, numberTypes[:]...) }

func typeName(t phonenumbers.PhoneNumberType) string {
	if int(t) >= len(numberTypes) { // UNKNOWN
		return ""
	}
	return numberTypes[t]
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
	if digits == "" || digits[0] < '8' { // as most are
		return ""
	}
	for _, t := range specialTypes {
		if strings.HasPrefix(digits, t.prefix) {
			return t.name
		}
	}
	return ""
}

// Readings are the E.164 digits that a bare number may stand for where no
// region says: itself with a forgotten plus sign, and what follows the two
// widespread international prefixes. A reading that can't be is empty.
func Readings(bare string) [2]string {
	var r [2]string
	if bare != "" && bare[0] != '0' {
		r[0] = bare
	}
	if rest, ok := afterInternationalPrefix(bare); ok {
		r[1] = rest
	}
	return r
}

// afterInternationalPrefix returns what follows 00 (most of the world) or 011
// (North America), if a country calling code can be there.
func afterInternationalPrefix(bare string) (string, bool) {
	for _, prefix := range [...]string{"00", "011"} {
		if rest, ok := strings.CutPrefix(bare, prefix); ok && rest != "" && rest[0] != '0' {
			return rest, true
		}
	}
	return "", false
}

// isSeparator reports whether people write r between the digits of a number: a
// space of any width, a dash of any length, and . ( ) /.
func isSeparator(r rune) bool {
	if r < 0x80 {
		return r == ' ' || r == '-' || r == '.' || r == '(' || r == ')' || r == '/'
	}
	return unicode.In(r, unicode.Zs, unicode.Pd) || r == '\u2212'
}

// E164 rewrites a national number, or a punctuated one, to E.164 as dialled
// from region. It reports false for what it leaves alone: what has other
// characters than digits and separators, what is not 7 digits long without a
// plus sign, what no number of the region can be, and what would be guessed: a
// number that may have lost its plus sign, or has a trunk zero in brackets
// behind other digits.
func E164(s, region string) (string, bool) {
	if lostPlus(s) || hasTrunkZero(s) {
		return "", false
	}
	s = strings.TrimFunc(s, isSpace)
	if s == "" || strings.IndexByte("+(0123456789", s[0]) < 0 {
		return "", false
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case '0' <= r && r <= '9':
			b.WriteByte(byte(r))
		case r == '+' && i == 0:
		case !isSeparator(r):
			return "", false
		}
	}
	digits := b.String()
	if s[0] == '+' {
		return international(digits)
	}
	return national(digits, region, false)
}

// isSpace reports whether r is a space that a form may have made of a plus sign,
// or any other space, except tabs and line breaks.
func isSpace(r rune) bool { return unicode.Is(unicode.Zs, r) }

// lostPlus reports whether s is a number behind a space, which may have been a
// plus sign: that is what it means in a form and in a query.
func lostPlus(s string) bool {
	rest := strings.TrimLeftFunc(s, unicode.IsSpace)
	if len(rest) == len(s) || rest == "" {
		return false
	}
	r, _ := utf8.DecodeRuneInString(rest)
	_, isDigit := decimal(r)
	return isDigit || r == '('
}

// hasTrunkZero reports whether (0) or (00) is behind a digit, as in +44 (0)20. It is
// dialled within the country and left out from abroad, which only a person can
// tell.
func hasTrunkZero(s string) bool {
	isBlank := func(r rune) bool { return r != '(' && r != ')' && isSeparator(r) }
	behind := false
	for {
		before, after, ok := strings.Cut(s, "(")
		if !ok {
			return false
		}
		behind = behind || strings.ContainsAny(before, "0123456789")
		inside := strings.TrimLeftFunc(after, isBlank)
		zeros := strings.TrimLeft(inside, "0")
		if len(zeros) < len(inside) && behind && strings.HasPrefix(strings.TrimLeftFunc(zeros, isBlank), ")") {
			return true
		}
		s = after
	}
}

// national returns digits as a number dialled from region. A number that is too
// long is none, unless it is cut: switches drop the digits that are too many.
func national(digits, region string, cut bool) (string, bool) {
	// 011 and 15 digits is the longest that anybody dials.
	if len(digits) < minNational || len(digits) > 3+maxDigits && !cut {
		return "", false
	}
	if cut {
		digits = digits[:min(len(digits), maxDigits)]
	}
	number := unlessPanic(func() string {
		n, err := phonenumbers.Parse(digits, region)
		if err != nil {
			return ""
		}
		switch phonenumbers.IsPossibleNumberWithReason(n) {
		case phonenumbers.IS_POSSIBLE:
		case phonenumbers.TOO_LONG:
			if !cut || !phonenumbers.TruncateTooLongNumber(n) {
				return ""
			}
		default:
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
		if cc, nsn := numbering.CallingCode(digits); cc == 0 || nsn == "" || phonenumbers.IsValidNumber(plain(cc, nsn)) {
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

// unlessPanic returns what f returns, or the zero value if f panics: the number is then
// unknown. f calls libphonenumber's port, which indexes and compiles from tables, and a
// mistake in one of them must not take a request down.
func unlessPanic[T any](f func() T) (v T) {
	defer func() {
		if recover() != nil {
			var zero T
			v = zero
		}
	}()
	return f()
}
