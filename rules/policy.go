package rules

import (
	"slices"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
)

// Policy judges calls. It is made by [Compile], never changes, and may be used
// by any number of goroutines.
type Policy struct {
	region       string
	dialer       *destination.Dialer
	require      []Field
	anyField     []check            // of the rules that every field is held to, except required
	byField      [NumFields][]check // of the rules of one field
	modes        []string           // the mode of each rule, by the rule's number
	destinations []destination.Kind // nil for all
	allow, deny  map[string]bool    // countries; nil for no list
	denyTypes    map[string]bool
	allowFrom    map[string]bool // nil for any number
	kindList     string          // the kinds allowed, as errors list them
	countries    string          // the countries allowed, likewise
}

// Verdict is what a policy says about a call.
type Verdict struct {
	// Violations are those of rules in mode enforce. With any of them, the call must
	// not be forwarded.
	Violations []Violation
	// Reported are those of rules in mode report. The call would be refused if the rules
	// were enforced.
	Reported []Violation
	// Warnings are those of rules that only warn, whatever the mode of all rules is:
	// lost_plus, and validity as long as [NumberOptions.Validity] is "warn".
	Warnings []Violation
	// Kind is the kind of the destination, or empty.
	Kind destination.Kind
	// Country is the ISO 3166 code of the destination's country in upper case, or empty
	// where the destination is not a number or its country is not known.
	Country string
	// FromCountry is the country of fromNumber, likewise.
	FromCountry string
	// NumberType is the type of the destination's number, one of the names of
	// [NumberOptions.DenyTypes], or empty where it is not known.
	NumberType string
}

// Mode returns the mode of a rule: Enforce for those that can't be switched.
func (p *Policy) Mode(r *Rule) string {
	return p.modes[r.number]
}

// Normalize rewrites destination and fromNumber to E.164 if they are national or
// punctuated numbers and the policy has a region. Extensions, names, addresses and
// numbers that the region's numbering plan does not have stay as they are; without a
// region, everything does. A second call changes nothing.
func (p *Policy) Normalize(c *Call) {
	if p.region == "" {
		return
	}
	for _, f := range [...]Field{Destination, FromNumber} {
		if v := &c[f]; v.Text != "" && !destination.IsE164(v.Text) && len(v.Text) <= MaxText {
			if number, ok := destination.E164(v.Text, p.region); ok {
				v.Text = number
			}
		}
	}
}

// Judge holds a call against every rule and returns all that it violates, in the order
// of the fields. Call [Policy.Normalize] first. An empty field violates no rule except
// required, and a much too long one none except text_length.
func (p *Policy) Judge(c Call) (v Verdict) {
	s := checkInput{policy: p, from: c.text(FromNumber)}
	if p.refusesLength(s.from) {
		s.from = ""
	}
	for _, f := range p.require {
		if s.text = c.text(f); s.text == "" {
			v.note(p, Required, f, Required.check(s))
		}
	}
	for f := range NumFields {
		if s.text = c.text(f); s.text == "" {
			continue
		}
		for _, check := range p.anyField {
			if detail := check.judge(s); detail != "" {
				v.note(p, check.rule, f, detail)
			}
		}
	}
	for _, f := range turns {
		if s.text = c.text(f); s.text == "" || p.refusesLength(s.text) {
			continue
		}
		switch f {
		case FromNumber:
			p.readFrom(&s, &v)
		case Destination:
			p.readDestination(&s, &v)
		default: // the format of an id is all there is to judge
		}
		for _, check := range p.byField[f] {
			if detail := check.judge(s); detail != "" {
				fails := f
				if check.rule.comparesDestination {
					fails = check.rule.Fields[0]
				}
				v.note(p, check.rule, fails, detail)
			}
		}
	}
	return v
}

// refusesLength reports whether a text is so long that it is refused for that alone:
// longer than MaxText characters of UTF-8 can be. To find numbers in it takes long.
func (p *Policy) refusesLength(text string) bool {
	return len(text) > utf8.UTFMax*MaxText && p.Mode(TextLength) == Enforce
}

// JudgeValue judges a value of one field alone, as a configuration may hold it. It
// returns the rules in mode enforce that the value fails in any call.
func (p *Policy) JudgeValue(f Field, text string) []Violation {
	var c Call
	c[f] = Value{Text: text, Set: true}
	p.Normalize(&c)
	return slices.DeleteFunc(p.Judge(c).Violations, func(v Violation) bool { return v.Rule == Required })
}

// turns are the fields in the order in which they are judged: what is said about
// the number to dial comes last.
var turns = [NumFields]Field{SessionID, CallSID, FromNumber, Destination}

// note notes that field f fails a rule, as the mode of the rule says. The detail follows
// the field's name.
func (v *Verdict) note(p *Policy, r *Rule, f Field, detail string) {
	failed := Violation{Rule: r, Field: f.String(), Pointer: f.Pointer(), Detail: f.String() + " " + detail + "."}
	switch p.Mode(r) {
	case Enforce:
		v.Violations = append(v.Violations, failed)
	case Report:
		v.Reported = append(v.Reported, failed)
	case Warn:
		v.Warnings = append(v.Warnings, failed)
	}
}

// readFrom finds out about fromNumber.
func (p *Policy) readFrom(s *checkInput, v *Verdict) {
	s.any = false
	if s.problem = destination.CallerProblem(s.text); s.problem != "" {
		return
	}
	d := destination.Parse(s.text)
	s.any, s.first = true, p.call(d.At(0))
	v.FromCountry = s.first.facts.Country()
}

// readDestination finds out about the destination.
func (p *Policy) readDestination(s *checkInput, v *Verdict) {
	d := destination.Parse(s.text)
	s.kind, s.problem, s.any = d.Kind, d.Problem, d.Len() > 0
	v.Kind = d.Kind
	if !s.any {
		return
	}
	s.first = p.call(d.At(0))
	for i := 1; i < d.Len(); i++ {
		s.more = append(s.more, p.call(d.At(i)))
	}
	v.Country, v.NumberType = s.first.facts.Country(), s.first.facts.Type
}

// call looks up a number and returns it as a call.
func (p *Policy) call(n destination.Number) (c call) {
	c.Number = p.dialer.Place(n)
	if c.Whole {
		c.facts = p.lookup(c.Number)
	}
	return c
}

// Canonical returns what a destination calls, the same for every spelling of it: the
// digits of a phone number after "tel:", and otherwise the user, app, address or
// name. It is for counting and comparing calls; nobody dials it. One that is much too
// long stays as it is.
func (p *Policy) Canonical(text string) string {
	if p.refusesLength(text) {
		return text
	}
	return p.dialer.Canonical(text)
}

// countryName names a region to people.
func countryName(region string) string {
	if region == destination.Global {
		return "no country"
	}
	return region
}

// lookup finds out about a number. A bare one might be anywhere, and nothing is
// known about it but that it may be of a denied type.
func (p *Policy) lookup(n destination.Number) destination.Facts {
	if n.Plus {
		return destination.Lookup(n.Digits)
	}
	return destination.Facts{Type: p.deniedReading(n.Digits)}
}

// deniedReading returns the first denied type that a bare number of no region
// is of, whichever way a dialler completes it.
func (p *Policy) deniedReading(bare string) string {
	if p.denyTypes == nil {
		return ""
	}
	for _, digits := range destination.Readings(bare) {
		if f := destination.Lookup(digits); p.denyTypes[f.Type] {
			return f.Type
		}
	}
	return ""
}

// allowsCountry reports whether the lists of countries let a number pass. One
// whose country is not known is not on the list of those allowed, and may be
// on the list of those denied.
func (p *Policy) allowsCountry(f destination.Facts) bool {
	if f.Region != "" {
		return !p.deny[f.Region] && (p.allow == nil || p.allow[f.Region])
	}
	if p.allow != nil {
		return false
	}
	if p.deny == nil {
		return true
	}
	for _, region := range f.Shared {
		if p.deny[region] {
			return false
		}
	}
	return f.Shared != nil
}
