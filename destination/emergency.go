package destination

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"

	"github.com/evovoice-gateway/caddy-conference-members/internal/numbering"
)

// everywhere are the emergency numbers that a mobile phone takes for one in
// every country, 3GPP TS 22.101 section 10.1.1.
var everywhere = [...]string{"112", "911"}

// widespread are those that are one beside words and as a user of a host too,
// where no region says more: those of half the Commonwealth, beside everywhere.
var widespread = [...]string{"000", "999"}

// The longest emergency number of any country, and the longest number that can
// be one with digits after it.
const (
	maxEmergency    = 6
	maxEmergencyNSN = 8
)

// IsEmergency reports whether a dialler may take n for an emergency number.
func (d *Dialer) IsEmergency(n Number) bool {
	switch {
	case n.Digits == "":
		return true
	case n.Plus:
		return d.isEmergencyE164(n.Digits)
	default:
		return unlessPanic(func() bool { return d.isEmergencyBare(n) })
	}
}

// isEmergencyBare judges a number as dialled from a phone. In a region, a
// number that its plan has no place for connects as soon as its first digits
// are an emergency number.
func (d *Dialer) isEmergencyBare(n Number) bool {
	if rest, ok := afterInternationalPrefix(n.Digits); ok && d.isEmergencyE164(rest) {
		return true
	}
	if d.isEmergencyHere(n.Digits) {
		return true
	}
	switch {
	case d.region != "":
		return n.Whole && len(n.Digits) >= minNational && phonenumbers.ConnectsToEmergencyNumber(n.Digits, d.region)
	case n.Aside:
		return slices.Contains(widespread[:], n.Digits)
	}
	return len(n.Digits) <= maxEmergency && d.anyEmergency.MatchString(n.Digits)
}

// isEmergencyHere reports whether digits are an emergency number of the region
// or of everywhere.
func (d *Dialer) isEmergencyHere(digits string) bool {
	if len(digits) > maxEmergency {
		return false
	}
	return slices.Contains(everywhere[:], digits) ||
		d.region != "" && phonenumbers.IsEmergencyNumber(digits, d.region)
}

// isEmergencyE164 judges digits after a plus sign: an emergency number of one
// of the countries of the calling code (+1911), the same with a few digits
// more that make no number of it, or an emergency number that somebody put a
// plus sign before (+911).
func (d *Dialer) isEmergencyE164(digits string) bool {
	cc, nsn := numbering.CallingCode(digits)
	if len(nsn) > maxEmergencyNSN { // as most are
		return false
	}
	return unlessPanic(func() bool {
		if d.isEmergencyHere(digits) || slices.Contains(widespread[:], digits) {
			return true
		}
		if cc == 0 || nsn == "" {
			return false
		}
		connects := phonenumbers.IsEmergencyNumber
		switch phonenumbers.IsPossibleNumberWithReason(plain(cc, nsn)) {
		case phonenumbers.TOO_SHORT, phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
			connects = phonenumbers.ConnectsToEmergencyNumber
		default: // no more digits than an emergency number's count
		}
		return slices.ContainsFunc(numbering.Regions(cc), func(region string) bool { return connects(nsn, region) })
	})
}

// Dialer reads numbers as they are dialled from one region, or from none. It never
// changes, and may be used by any number of goroutines.
type Dialer struct {
	region       string
	anyEmergency *regexp.Regexp // nil with a region
}

// NewDialer returns a dialer of the region of an ISO 3166 code in upper case, or
// of none.
func NewDialer(region string) (*Dialer, error) {
	if region != "" {
		return &Dialer{region: region}, nil
	}
	pattern, err := emergencyPattern()
	if err != nil {
		return nil, fmt.Errorf("reading the emergency numbers of all countries: %w", err)
	}
	return &Dialer{anyEmergency: pattern}, nil
}

// Place returns a bare number as one of the dialer's region if it fits the region's
// numbering plan. The number is then whole, whatever text surrounds it.
func (d *Dialer) Place(n Number) Number {
	if n.Plus || d.region == "" {
		return n
	}
	s, ok := national(n.Digits, d.region, n.Spelled)
	if !ok {
		return n
	}
	n.Digits, n.Plus, n.Whole = s[1:], true, true
	return n
}

// CutCountryCode cuts the country calling code of the dialer's region off digits that
// begin with it.
func (d *Dialer) CutCountryCode(digits string) (national string, ok bool) {
	if d.region == "" {
		return digits, false
	}
	return strings.CutPrefix(digits, strconv.Itoa(phonenumbers.GetCountryCodeForRegion(d.region)))
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
