package rules

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// everywhere are the emergency numbers that a mobile phone takes for one in
// every country, 3GPP TS 22.101 section 10.1.1.
var everywhere = [...]string{"112", "911"}

// widespread are those that a host which is not ours may take for one, where
// no region says more: those of half the Commonwealth, beside everywhere.
var widespread = [...]string{"000", "999"}

// The longest emergency number of any country, and the longest number that can
// be one with digits after it.
const (
	maxEmergency    = 6
	maxEmergencyNSN = 8
)

// isEmergency reports whether a dialler may take n for an emergency number.
func (p *Policy) isEmergency(n number) bool {
	return unlessPanic(func() bool {
		if n.plus {
			return p.isEmergencyE164(n.digits)
		}
		return p.isEmergencyBare(n)
	})
}

// isEmergencyBare judges a number as dialled from a phone. In a region, a
// number that its plan has no place for connects as soon as its first digits
// are an emergency number.
func (p *Policy) isEmergencyBare(n number) bool {
	if rest, ok := afterInternationalPrefix(n.digits); ok && p.isEmergencyE164(rest) {
		return true
	}
	if p.isEmergencyHere(n.digits) {
		return true
	}
	switch {
	case p.region != "":
		return n.whole && len(n.digits) >= minNational && phonenumbers.ConnectsToEmergencyNumber(n.digits, p.region)
	case n.hosted:
		return slices.Contains(widespread[:], n.digits)
	}
	return len(n.digits) <= maxEmergency && p.anyEmergency.MatchString(n.digits)
}

// isEmergencyHere reports whether digits are an emergency number of the region
// or of everywhere.
func (p *Policy) isEmergencyHere(digits string) bool {
	if len(digits) > maxEmergency {
		return false
	}
	return slices.Contains(everywhere[:], digits) ||
		p.region != "" && phonenumbers.IsEmergencyNumber(digits, p.region)
}

// isEmergencyE164 judges digits after a plus sign: an emergency number of one
// of the countries of the calling code (+1911), the same with a few digits
// more that make no number of it, or an emergency number that somebody put a
// plus sign before (+911).
func (p *Policy) isEmergencyE164(digits string) bool {
	if p.isEmergencyHere(digits) || slices.Contains(widespread[:], digits) {
		return true
	}
	cc, nsn := callingCode(digits)
	if cc == 0 || nsn == "" || len(nsn) > maxEmergencyNSN {
		return false
	}
	connects := phonenumbers.IsEmergencyNumber
	switch phonenumbers.IsPossibleNumberWithReason(plain(cc, nsn)) {
	case phonenumbers.TOO_SHORT, phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		connects = phonenumbers.ConnectsToEmergencyNumber
	default: // no more digits than an emergency number's count
	}
	for _, region := range phonenumbers.GetRegionCodesForCountryCode(cc) {
		if connects(nsn, region) {
			return true
		}
	}
	return false
}

// emergencyPattern returns a pattern of the emergency numbers of all
// countries, from libphonenumber's table of short numbers. It is made once: a
// policy is compiled for every line of a Caddyfile.
var emergencyPattern = sync.OnceValues(func() (*regexp.Regexp, error) {
	table, err := phonenumbers.ShortNumberMetadataCollection()
	if err != nil {
		return nil, err
	}
	var patterns []string
	for _, country := range table.GetMetadata() {
		if p := country.GetEmergency().GetNationalNumberPattern(); p != "" {
			patterns = append(patterns, p)
		}
	}
	slices.Sort(patterns)
	return regexp.Compile("^(?:" + strings.Join(slices.Compact(patterns), "|") + ")$")
})
