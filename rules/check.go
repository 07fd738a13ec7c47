package rules

import (
	"slices"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
)

// checkInput is what a check looks at: the field whose turn it is, and what was
// found out about it once for all checks. Checks get it by value, so that
// judging allocates nothing.
type checkInput struct {
	policy *Policy
	// text is that of the field, never empty but for [Required].
	text string
	// from is the text of fromNumber, empty where it is absent.
	from string
	// kind is the kind of the destination, and problem is what is wrong with the
	// field as a destination or as a phone number, empty if nothing is.
	kind    destination.Kind
	problem string
	// number is the phone number in the field, if dialled says that there is one,
	// and facts is what is known of it, if it is whole.
	number  destination.Number
	dialled bool
	facts   destination.Facts
}

// failIf returns detail if what is asked is bad, or nothing.
func failIf(bad bool, detail string) string {
	if bad {
		return detail
	}
	return ""
}

// isWhole reports whether the field is dialled as a phone number.
func (s checkInput) isWhole() bool { return s.dialled && s.number.Whole }

func (s checkInput) allowFrom() string {
	p := s.policy
	if p.allowFrom == nil || p.allowFrom[s.text] {
		return ""
	}
	return "(" + destination.Mask(s.text) + ") is not one of the numbers allowed here"
}

// destinationKind judges what is of no kind as well, for that is none of those
// allowed. It goes without saying where such a destination is refused already.
func (s checkInput) destinationKind() string {
	p := s.policy
	if p.destinations == nil || p.takes(s.kind) || s.kind == "" && p.Mode(DestinationFormat) == Enforce {
		return ""
	}
	return "is of another kind than those allowed here: " + p.kindList
}

func (s checkInput) emergency() string {
	return failIf(s.dialled && s.policy.dialer.IsEmergency(s.number), "is an emergency number, or connects to one")
}

// distinct judges whether somebody would be called from their own number.
func (s checkInput) distinct() string {
	if !s.isWhole() {
		return ""
	}
	from, ok := destination.Dialled(s.from)
	return failIf(ok && from.Digits == s.number.Digits, "is the same number as destination")
}

// validity judges whether a number exists, which nobody can tell of a bare
// number without a region. An emergency number does exist, though no table of
// long numbers has it.
func (s checkInput) validity() string {
	p := s.policy
	if !s.isWhole() || s.facts.Valid || !s.number.Plus && p.region == "" || p.dialer.IsEmergency(s.number) {
		return ""
	}
	return "(" + s.number.Mask() + ") is not a number that any country assigns"
}

func (s checkInput) countryAllowed() string {
	switch {
	case !s.isWhole() || s.policy.allowsCountry(s.facts):
		return ""
	case s.facts.Region == "":
		return "(" + s.number.Mask() + ") is a number whose country can't be told, and not every country is dialled here"
	}
	return "(" + s.number.Mask() + ") is a number of " + countryName(s.facts.Region) + ", which is not dialled here"
}

func (s checkInput) numberType() string {
	if !s.isWhole() || !s.policy.denyTypes[s.facts.Type] {
		return ""
	}
	return "(" + s.number.Mask() + ") is a number of type " + s.facts.Type + ", which is not dialled here"
}

// takes reports whether destinations of kind k are allowed.
func (p *Policy) takes(k destination.Kind) bool {
	return slices.Contains(p.destinations, k)
}
