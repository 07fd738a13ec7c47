package numbering

import (
	"cmp"
	"math/bits"
	"slices"
	"strconv"
	"sync"

	"github.com/nyaruka/phonenumbers"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// maxLength is the length of the longest national number that is looked up. E.164
// numbers have 15 digits with the country calling code.
const maxLength = 15

// The patterns of a plan, in the order in which libphonenumber tries them.
const (
	general = iota // whatever the type
	premiumRate
	tollFree
	sharedCost
	voip
	personalNumber
	pager
	uan
	voicemail
	fixedLine
	mobile

	numPatterns
)

// exclusive are the patterns of types whose numbers are of no other type: of those that
// match, the first counts.
const exclusive set = 1<<fixedLine - 1<<premiumRate

// kinds are the types of the patterns.
var kinds = [numPatterns]phonenumbers.PhoneNumberType{
	general:        phonenumbers.UNKNOWN,
	premiumRate:    phonenumbers.PREMIUM_RATE,
	tollFree:       phonenumbers.TOLL_FREE,
	sharedCost:     phonenumbers.SHARED_COST,
	voip:           phonenumbers.VOIP,
	personalNumber: phonenumbers.PERSONAL_NUMBER,
	pager:          phonenumbers.PAGER,
	uan:            phonenumbers.UAN,
	voicemail:      phonenumbers.VOICEMAIL,
	fixedLine:      phonenumbers.FIXED_LINE,
	mobile:         phonenumbers.MOBILE,
}

// plan is the numbering plan of one region. What most numbers need of it is in the
// first fields.
type plan struct {
	once  sync.Once // makes types
	same  bool      // mobile and fixed line numbers can't be told apart
	types automaton
	// possible are the patterns that a number of each length can match.
	possible [maxLength + 1]set
	region   string
	leading  *automaton // nil if the region has no leading digits
	err      error
	meta     *phonenumbers.PhoneMetadata
}

// build makes the automaton of the types, once.
func (p *plan) build() error {
	p.once.Do(func() { p.err = p.compile() })
	return p.err
}

func (p *plan) compile() error {
	descs := [numPatterns]*phonenumbers.PhoneNumberDesc{
		general:        p.meta.GetGeneralDesc(),
		premiumRate:    p.meta.GetPremiumRate(),
		tollFree:       p.meta.GetTollFree(),
		sharedCost:     p.meta.GetSharedCost(),
		voip:           p.meta.GetVoip(),
		personalNumber: p.meta.GetPersonalNumber(),
		pager:          p.meta.GetPager(),
		uan:            p.meta.GetUan(),
		voicemail:      p.meta.GetVoicemail(),
		fixedLine:      p.meta.GetFixedLine(),
		mobile:         p.meta.GetMobile(),
	}
	patterns := make([]string, numPatterns)
	for i, d := range descs {
		patterns[i] = d.GetNationalNumberPattern()
		lengths := d.GetPossibleLength()
		for n := range p.possible {
			// A type that does not exist has the one length -1.
			if len(lengths) == 0 || slices.Contains(lengths, int32(n)) {
				p.possible[n] |= 1 << i
			}
		}
	}
	types, err := compile(patterns)
	if err != nil {
		return err
	}
	p.types, p.same = *types, p.meta.GetSameMobileAndFixedLinePattern()
	return nil
}

// kind returns the type of a national number, UNKNOWN for one that the region
// does not assign.
func (p *plan) kind(national string) phonenumbers.PhoneNumberType {
	matched := p.types.match(national) & p.possible[len(national)]
	is := func(pattern int) bool { return matched&(1<<pattern) != 0 }
	if !is(general) {
		return phonenumbers.UNKNOWN
	}
	if first := matched & exclusive; first != 0 {
		return kinds[bits.TrailingZeros16(uint16(first))]
	}
	switch {
	case is(fixedLine) && (p.same || is(mobile)):
		return phonenumbers.FIXED_LINE_OR_MOBILE
	case is(fixedLine):
		return phonenumbers.FIXED_LINE
	case is(mobile) && !p.same:
		return phonenumbers.MOBILE
	}
	return phonenumbers.UNKNOWN
}

// code is a country calling code.
type code struct {
	// regions are those that have the code, the main one first.
	regions []string
	plans   []*plan // theirs
	// byFirst are the plans that a national number can be of, by its first digit.
	byFirst [10][]*plan
}

// add adds the plan of a region.
func (c *code) add(p *plan) (err error) {
	c.plans = append(c.plans, p)
	if digits := p.meta.GetLeadingDigits(); digits != "" {
		if p.leading, err = compile([]string{digits}); err != nil {
			return err
		}
	}
	for first := range c.byFirst {
		if a := p.leading; a == nil || a.states[a.start].accepted != 0 || a.states[a.start].next[first] != dead {
			c.byFirst[first] = append(c.byFirst[first], p)
		}
	}
	return nil
}

// maxCodeDigits is how many digits the longest country calling code has.
const maxCodeDigits = 3

// table holds the country calling codes, by number. It is filled when the first number
// is looked up.
var table struct {
	once  sync.Once
	err   error
	codes [1000]*code // nil for those that are not assigned
}

// codeOf returns a country calling code, or nil if it is not assigned.
func codeOf(callingCode int) *code {
	table.once.Do(fillTable)
	if callingCode < 0 || callingCode >= len(table.codes) {
		return nil
	}
	return table.codes[callingCode]
}

func fillTable() {
	collection, err := phonenumbers.MetadataCollection()
	table.err = err
	byRegion := make(map[string]*plan)
	for _, meta := range collection.GetMetadata() {
		region := meta.GetId()
		byRegion[key(region, int(meta.GetCountryCode()))] = &plan{region: region, meta: meta}
	}
	for number := range table.codes {
		regions := phonenumbers.GetRegionCodesForCountryCode(number)
		if len(regions) == 0 {
			continue
		}
		c := &code{regions: regions}
		table.codes[number] = c
		for _, region := range regions {
			if p, ok := byRegion[key(region, number)]; ok {
				table.err = cmp.Or(table.err, c.add(p))
			}
		}
	}
}

// key is the region of a plan, with the calling code if several codes have the region.
func key(region string, callingCode int) string {
	if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
		return region + strconv.Itoa(callingCode)
	}
	return region
}

// CallingCode cuts the country calling code off the digits of an E.164 number. It
// returns 0 for a code that is not assigned.
func CallingCode(digits string) (callingCode int, national string) {
	for i := range min(len(digits), maxCodeDigits) {
		callingCode = callingCode*10 + int(digits[i]-'0')
		if callingCode == 0 {
			return 0, ""
		}
		if codeOf(callingCode) != nil {
			return callingCode, digits[i+1:]
		}
	}
	return 0, ""
}

// Regions returns the regions of a country calling code, the main one first: ISO 3166
// codes, or "001" (UN M.49, the world). It is empty for a code that is not assigned. Do
// not change it.
func Regions(callingCode int) []string {
	if c := codeOf(callingCode); c != nil {
		return c.regions
	}
	return nil
}

// Look returns the region of a number and its type: the ISO 3166 code of the
// country, "001" for a number of no country, or the empty string where none of the
// calling code's countries has such numbers. A number that its region does not assign is
// of type UNKNOWN. Where a calling code has one region only, the region is still
// returned.
//
// The number is a country calling code and 1 to 15 ASCII digits after it. Look
// returns what libphonenumber's GetRegionCodeForNumber and GetNumberType do. The
// error is that of a plan that can't be read; no such plan is embedded.
func Look(callingCode int, national string) (region string, kind phonenumbers.PhoneNumberType, err error) {
	c := codeOf(callingCode)
	if table.err != nil {
		return "", phonenumbers.UNKNOWN, table.err
	}
	if c == nil || national == "" || len(national) > maxLength || !ascii.IsDigit(national[0]) {
		return "", phonenumbers.UNKNOWN, nil
	}
	for _, p := range c.byFirst[national[0]-'0'] {
		if p.leading != nil && p.leading.matchPrefix(national) == 0 {
			continue
		}
		if err := p.build(); err != nil {
			return "", phonenumbers.UNKNOWN, err
		}
		if kind := p.kind(national); kind != phonenumbers.UNKNOWN || p.leading != nil || len(c.plans) == 1 {
			return p.region, kind, nil
		}
	}
	return "", phonenumbers.UNKNOWN, nil
}
