package rules

import (
	"slices"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
)

// checkInput is what a check looks at: the field whose turn it is, and what was
// found out about it once for all checks. Checks get it by value, so that
// judging a phone number allocates nothing.
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
	// first is the number that the field is, or that is found first in it, if there
	// are any, and more are the others.
	first call
	any   bool
	more  []call
}

// check is a rule that a policy holds fields to, and what judges a field by it. Policies
// list them so that judging reads no more of a rule than it needs.
type check struct {
	rule  *Rule
	judge func(checkInput) string
}

// call is a number that somebody may dial for a field.
type call struct {
	destination.Number
	// facts is what is known about the number, if it is whole.
	facts destination.Facts
}

// firstProblem returns what check says about the first number that it finds something
// wrong with.
func (s *checkInput) firstProblem(check func(*Policy, call) string) string {
	if !s.any {
		return ""
	}
	if problem := check(s.policy, s.first); problem != "" {
		return problem
	}
	for _, c := range s.more {
		if problem := check(s.policy, c); problem != "" {
			return problem
		}
	}
	return ""
}

// failIf returns detail if what is asked is bad, or nothing.
func failIf(bad bool, detail string) string {
	if bad {
		return detail
	}
	return ""
}

func (s checkInput) allowFrom() string {
	if s.policy.allowFrom[s.text] {
		return ""
	}
	return "(" + destination.Mask(s.text) + ") is not one of the numbers allowed here"
}

// destinationKind also fails a destination of no kind, unless destination_format already
// refuses the call.
func (s checkInput) destinationKind() string {
	p := s.policy
	if p.takes(s.kind) || s.kind == "" && p.Mode(DestinationFormat) == Enforce {
		return ""
	}
	return "is of another kind than those allowed here: " + p.kindList
}

func (s checkInput) emergency() string { return s.firstProblem(emergency) }

func emergency(p *Policy, c call) string {
	return failIf(p.dialer.IsEmergency(c.Number), "is an emergency number, or connects to one")
}

// distinct judges whether a person would be called from their own number.
func (s checkInput) distinct() string {
	if !s.any || s.from == "" {
		return ""
	}
	from := destination.Parse(s.from)
	if from.Len() == 0 {
		return ""
	}
	digits := s.policy.dialer.Place(from.At(0)).Digits
	if s.first.Whole && s.first.Digits == digits {
		return sameNumber
	}
	for _, c := range s.more {
		if c.Whole && c.Digits == digits {
			return sameNumber
		}
	}
	return ""
}

const sameNumber = "is the same number as destination"

func (s checkInput) validity() string { return s.firstProblem(validity) }

// validity judges whether a number exists, which can't be known of a bare
// number without a region, nor of what only may be one. An emergency number does
// exist, though no table of long numbers has it.
func validity(p *Policy, c call) string {
	if !c.Whole || c.Aside || c.facts.Valid || !c.Plus && p.region == "" || p.dialer.IsEmergency(c.Number) {
		return ""
	}
	return "(" + c.Mask() + ") is not a number that any country assigns"
}

// lostPlus judges whether a number is invalid as it is written, and valid in some country with
// a plus sign before it. Without a region nobody knows what a bare number is, so
// what it is with a plus sign is all there is to go by.
func (s checkInput) lostPlus() string {
	p := s.policy
	if s.problem != "" || !s.any || s.kind != "" && s.kind != destination.Phone || s.first.facts.Valid {
		return ""
	}
	digits, plus := strings.CutPrefix(s.text, "+")
	if plus { // perhaps put there with the country code of the region
		var ok bool
		if digits, ok = p.dialer.CutCountryCode(digits); !ok {
			return ""
		}
	}
	with := destination.Lookup(digits)
	if !with.Valid {
		return ""
	}
	without := "may be one of any country"
	if p.region != "" {
		without = "is not one of " + p.region
	}
	return "(" + destination.Mask(digits) + ") " + without + " without a plus sign, and is one of " + countryName(with.Region) + " with it; a spreadsheet may have dropped the sign"
}

func (s checkInput) countryAllowed() string { return s.firstProblem(countryAllowed) }

func countryAllowed(p *Policy, c call) string {
	switch {
	case !c.Whole || p.allowsCountry(c.facts):
		return ""
	case c.facts.Region == "" && !c.Plus && p.region == "":
		return "(" + c.Mask() + ") is a number whose country can't be told without a plus sign and a country code, or a region in the configuration" + p.countries
	case c.facts.Region == "":
		return "(" + c.Mask() + ") is a number whose country can't be told" + p.countries
	}
	return "(" + c.Mask() + ") is a number of " + countryName(c.facts.Region) + ", which is not dialled here" + p.countries
}

func (s checkInput) numberType() string { return s.firstProblem(numberType) }

// numberType judges the type of a number. One of unknown type may be of
// any of those denied, except an emergency number, which has its own rule.
func numberType(p *Policy, c call) string {
	switch {
	case !c.Whole:
		return ""
	case p.denyTypes[c.facts.Type]:
		return "(" + c.Mask() + ") is a number of type " + c.facts.Type + ", which is not dialled here"
	case c.facts.Type != "" || p.dialer.IsEmergency(c.Number):
		return ""
	case !c.Plus && p.region == "":
		return "(" + c.Mask() + ") is a number whose type can't be told without a plus sign and a country code, or a region in the configuration, and not every type is dialled here"
	}
	return "(" + c.Mask() + ") is a number whose type can't be told, and not every type is dialled here"
}

// takes reports whether destinations of kind k are allowed.
func (p *Policy) takes(k destination.Kind) bool {
	return slices.Contains(p.destinations, k)
}
