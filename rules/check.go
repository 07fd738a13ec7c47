package rules

import "slices"

// subject is what a check looks at: the field whose turn it is, and what was
// found out about it once for all checks. Checks get it by value, so that
// judging allocates nothing.
type subject struct {
	policy *Policy
	// text is that of the field, never empty but for [Required].
	text string
	// from is the text of fromNumber, empty where it is absent.
	from string
	// kind is the kind of the destination, and problem is what is wrong with the
	// field as a destination or as a phone number, empty if nothing is.
	kind    Kind
	problem string
	// number is the phone number in the field, if dialled says that there is one,
	// and facts is what is known of it, if it is whole.
	number  number
	dialled bool
	facts   facts
}

// unless returns detail, or nothing if all is well.
func unless(well bool, detail string) string {
	if well {
		return ""
	}
	return detail
}

// isWhole reports whether the field is dialled as a phone number.
func (s subject) isWhole() bool { return s.dialled && s.number.whole }

func (s subject) allowFrom() string {
	p := s.policy
	if p.allowFrom == nil || p.allowFrom[s.text] {
		return ""
	}
	return "(" + Mask(s.text) + ") is not one of the numbers allowed here"
}

func (s subject) fromNumberFormat() string {
	if s.problem == notNumber && looksLikeNumber(s.text) {
		return likeNumber
	}
	return s.problem
}

// destinationKind judges what is of no kind as well, for that is none of those
// allowed. It goes without saying where such a destination is refused already.
func (s subject) destinationKind() string {
	p := s.policy
	if p.destinations == nil || p.takes(s.kind) || s.kind == "" && p.Mode(DestinationFormat) == Enforce {
		return ""
	}
	return "is of another kind than those allowed here: " + p.kindList
}

func (s subject) emergency() string {
	return unless(!s.dialled || !s.policy.isEmergency(s.number), "is an emergency number, or connects to one")
}

// distinct judges whether somebody would be called from their own number.
func (s subject) distinct() string {
	if !s.isWhole() {
		return ""
	}
	from, ok := dialled(s.from)
	return unless(!ok || from.digits != s.number.digits, "is the same number as destination")
}

// validity judges whether a number exists, which nobody can tell of a bare
// number without a region. An emergency number does exist, though no table of
// long numbers has it.
func (s subject) validity() string {
	p := s.policy
	if !s.isWhole() || s.facts.valid || !s.number.plus && p.region == "" || p.isEmergency(s.number) {
		return ""
	}
	return "(" + s.number.mask() + ") is not a number that any country assigns"
}

func (s subject) countryAllowed() string {
	switch {
	case !s.isWhole() || s.policy.allowsCountry(s.facts):
		return ""
	case s.facts.region == "":
		return "(" + s.number.mask() + ") is a number whose country can't be told, and not every country is dialled here"
	}
	return "(" + s.number.mask() + ") is a number of " + countryName(s.facts.region) + ", which is not dialled here"
}

func (s subject) numberType() string {
	if !s.isWhole() || !s.policy.denyTypes[s.facts.kind] {
		return ""
	}
	return "(" + s.number.mask() + ") is a number of type " + s.facts.kind + ", which is not dialled here"
}

// takes reports whether destinations of kind k are allowed.
func (p *Policy) takes(k Kind) bool {
	return slices.Contains(p.destinations, k)
}
