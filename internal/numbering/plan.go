package numbering

import (
	"slices"
	"sync"

	"github.com/nyaruka/phonenumbers"
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

// exclusive are the types whose numbers are of no other type, in the
// order in which they count.
var exclusive = [...]struct {
	pattern int
	kind    phonenumbers.PhoneNumberType
}{
	{premiumRate, phonenumbers.PREMIUM_RATE},
	{tollFree, phonenumbers.TOLL_FREE},
	{sharedCost, phonenumbers.SHARED_COST},
	{voip, phonenumbers.VOIP},
	{personalNumber, phonenumbers.PERSONAL_NUMBER},
	{pager, phonenumbers.PAGER},
	{uan, phonenumbers.UAN},
	{voicemail, phonenumbers.VOICEMAIL},
}

// plan is the numbering plan of one region.
type plan struct {
	region string
	meta   *phonenumbers.PhoneMetadata

	once    sync.Once
	err     error
	leading *automaton // nil if the region has no leading digits
	types   *automaton
	// possible are the patterns that a number of each length can match.
	possible [maxLength + 1]set
}

// build makes the automata, once.
func (p *plan) build() error {
	p.once.Do(func() { p.err = p.compile() })
	return p.err
}

func (p *plan) compile() (err error) {
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
	if p.types, err = compile(patterns); err != nil {
		return err
	}
	if digits := p.meta.GetLeadingDigits(); digits != "" {
		p.leading, err = compile([]string{digits})
	}
	return err
}

// kind returns the type of a national number, UNKNOWN for one that the region
// does not assign.
func (p *plan) kind(national string) phonenumbers.PhoneNumberType {
	matched := p.types.match(national) & p.possible[len(national)]
	is := func(pattern int) bool { return matched&(1<<pattern) != 0 }
	if !is(general) {
		return phonenumbers.UNKNOWN
	}
	for _, t := range exclusive {
		if is(t.pattern) {
			return t.kind
		}
	}
	same := p.meta.GetSameMobileAndFixedLinePattern()
	switch {
	case is(fixedLine) && (same || is(mobile)):
		return phonenumbers.FIXED_LINE_OR_MOBILE
	case is(fixedLine):
		return phonenumbers.FIXED_LINE
	case is(mobile) && !same:
		return phonenumbers.MOBILE
	}
	return phonenumbers.UNKNOWN
}

// plans are the plans by country calling code, the main region of a code first.
var plans = sync.OnceValues(func() (map[int][]*plan, error) {
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil, err
	}
	byRegion := make(map[string]*plan)
	all := make(map[int][]*plan)
	for _, meta := range collection.GetMetadata() {
		p := &plan{region: meta.GetId(), meta: meta}
		if p.region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
			all[int(meta.GetCountryCode())] = []*plan{p}
			continue
		}
		byRegion[p.region] = p
	}
	for code := range phonenumbers.GetSupportedCallingCodes() {
		for _, region := range phonenumbers.GetRegionCodesForCountryCode(code) {
			if p, ok := byRegion[region]; ok {
				all[code] = append(all[code], p)
			}
		}
	}
	return all, nil
})

// Look returns the region of a number and its type: the ISO 3166 code of the
// country, "001" (UN M.49, the world) for a number of no country, or the empty
// string where none of the calling code's countries has such numbers. A number
// that its region does not assign is of type UNKNOWN. Where a calling code has one
// region only, the region is still returned.
//
// The number is a country calling code and 1 to 15 ASCII digits after it. Look
// returns what libphonenumber's GetRegionCodeForNumber and GetNumberType do. The
// error is that of a plan that can't be read; no such plan is embedded.
func Look(callingCode int, national string) (region string, kind phonenumbers.PhoneNumberType, err error) {
	all, err := plans()
	if err != nil {
		return "", phonenumbers.UNKNOWN, err
	}
	if national == "" || len(national) > maxLength {
		return "", phonenumbers.UNKNOWN, nil
	}
	regions := all[callingCode]
	for _, p := range regions {
		if err := p.build(); err != nil {
			return "", phonenumbers.UNKNOWN, err
		}
		if p.leading != nil {
			if p.leading.matchPrefix(national) != 0 {
				return p.region, p.kind(national), nil
			}
			continue
		}
		if kind := p.kind(national); kind != phonenumbers.UNKNOWN || len(regions) == 1 {
			return p.region, kind, nil
		}
	}
	return "", phonenumbers.UNKNOWN, nil
}
