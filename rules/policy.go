package rules

import (
	"regexp"
	"slices"
)

// Policy judges calls. It is made by [Compile], never changes, and may be used
// by any number of goroutines.
type Policy struct {
	modes        map[*Rule]string // of the rules that can be switched
	require      []Field
	destinations []Kind // nil for all
	region       string
	allow, deny  map[string]bool // countries; nil for no list
	denyTypes    map[string]bool
	allowFrom    map[string]bool // nil for any number
	anyEmergency *regexp.Regexp  // nil with a region
	want         detail
	kindList     string // the kinds allowed, for people
}

// Verdict is what a policy says about a call.
type Verdict struct {
	// Violations are the rules in mode enforce that the call fails: it must not
	// be forwarded if there is one.
	Violations []Violation
	// Reported are the rules in mode report that the call fails.
	Reported []Violation
	// Kind is the kind of the destination, or empty.
	Kind Kind
	// Country is the ISO 3166 code of the destination's country in upper case,
	// or empty where the destination is not a number, or its country can't be
	// told.
	Country string
	// FromCountry is the same of fromNumber.
	FromCountry string
	// NumberType is the type of the destination's number by the names of
	// [NumberOptions.DenyTypes]. It is empty where it can't be told, and where no
	// type is denied, for then nobody asks.
	NumberType string
}

// Mode returns the mode of a rule: Enforce for those that can't be switched.
func (p *Policy) Mode(r *Rule) string {
	if mode, ok := p.modes[r]; ok {
		return mode
	}
	return Enforce
}

// Normalize rewrites destination and fromNumber to E.164 if they are national
// or punctuated numbers and the policy has a region. Extensions, names,
// addresses and numbers that its numbering plan has no place for stay as they
// are, and so does everything without a region. Doing it twice changes
// nothing.
func (p *Policy) Normalize(c *Call) {
	if p.region == "" {
		return
	}
	for _, f := range [...]Field{Destination, FromNumber} {
		if v := &c[f]; !isE164(v.Text) && len(v.Text) <= MaxText {
			if number, ok := e164(v.Text, p.region); ok {
				v.Text = number
			}
		}
	}
}

// Judge holds a call against every rule and tells all that it fails, in the
// order of the fields. Call [Policy.Normalize] first. A field that is empty
// fails no rule but required.
func (p *Policy) Judge(c Call) Verdict {
	j := judge{policy: p, call: c}
	j.texts()
	j.ids()
	j.from()
	j.destination()
	return j.verdict
}

// judge is the judging of one call.
type judge struct {
	policy  *Policy
	call    Call
	verdict Verdict
}

// fail notes that field f fails r, as the mode of r says. The detail follows
// the field's name.
func (j *judge) fail(r *Rule, f Field, detail string) {
	v := Violation{Rule: r, Field: f.String(), Pointer: f.Pointer(), Detail: f.String() + " " + detail + "."}
	switch j.policy.Mode(r) {
	case Enforce:
		j.verdict.Violations = append(j.verdict.Violations, v)
	case Report:
		j.verdict.Reported = append(j.verdict.Reported, v)
	}
}

// on reports whether r is worth judging.
func (j *judge) on(r *Rule) bool { return j.policy.Mode(r) != Off }

// text returns the text of a field, empty where it is absent.
func (j *judge) text(f Field) string {
	if v := &j.call[f]; v.Set {
		return v.Text
	}
	return ""
}

// texts judges what holds for every field.
func (j *judge) texts() {
	for _, f := range j.policy.require {
		if j.text(f) == "" {
			j.fail(Required, f, "is missing or empty")
		}
	}
	for f := range NumFields {
		s := j.text(f)
		if isTooLong(s) {
			j.fail(TextLength, f, "has more than 256 characters")
		}
		if hasControls(s) {
			j.fail(ControlCharacters, f, "holds control characters, invisible characters or bytes that are not UTF-8")
		}
	}
}

// ids judges sessionId and callSid.
func (j *judge) ids() {
	if s := j.text(SessionID); s != "" && !isSessionID(s) {
		j.fail(SessionIDFormat, SessionID, "is not 1 to 128 letters, digits and . _ ~ -")
	}
	if s := j.text(CallSID); s != "" && !isCallSID(s) {
		j.fail(CallSIDFormat, CallSID, "is not CA and 32 hexadecimal digits")
	}
}

// from judges fromNumber.
func (j *judge) from() {
	p, s := j.policy, j.text(FromNumber)
	if s == "" {
		return
	}
	if p.allowFrom != nil && !p.allowFrom[s] {
		j.fail(AllowFrom, FromNumber, "("+Mask(s)+") is not one of the numbers allowed here")
	}
	if problem := phoneProblem(s); problem != "" {
		if problem == notNumber && looksLikeNumber(s) {
			problem = likeNumber
		}
		j.fail(FromNumberFormat, FromNumber, problem)
		return
	}
	n, _ := numberIn(s, Phone)
	n = p.place(n)
	f := p.look(n, min(p.want, wantValid))
	j.verdict.FromCountry = f.country()
	j.validity(FromNumber, n, f)
}

// destination judges the destination.
func (j *judge) destination() {
	p, s := j.policy, j.text(Destination)
	if s == "" {
		return
	}
	kind, problem := classify(s)
	j.verdict.Kind = kind
	if problem != "" {
		j.fail(DestinationFormat, Destination, problem)
	}
	// What is of no kind is none of those allowed, which goes without saying
	// where it is refused already.
	if p.destinations != nil && !p.takes(kind) && (kind != "" || p.Mode(DestinationFormat) != Enforce) {
		j.fail(DestinationKind, Destination, "is of another kind than those allowed here: "+p.kindList)
	}
	if n, ok := numberIn(s, kind); ok {
		j.number(n)
	}
}

// takes reports whether destinations of kind k are allowed.
func (p *Policy) takes(k Kind) bool {
	return slices.Contains(p.destinations, k)
}

// number judges the phone number in the destination.
func (j *judge) number(n number) {
	p := j.policy
	if n.whole {
		n = p.place(n)
	}
	if j.on(Emergency) && p.isEmergency(n) {
		j.fail(Emergency, Destination, "is an emergency number, or connects to one")
	}
	if !n.whole {
		return
	}
	j.distinct(n)
	f := p.look(n, p.want)
	j.verdict.Country, j.verdict.NumberType = f.country(), f.kind
	j.validity(Destination, n, f)
	if !p.allowsCountry(f) {
		if f.region == "" {
			j.fail(CountryAllowed, Destination, "("+n.mask()+") is a number whose country can't be told, and not every country is dialled here")
		} else {
			j.fail(CountryAllowed, Destination, "("+n.mask()+") is a number of "+countryName(f.region)+", which is not dialled here")
		}
	}
	if p.denyTypes[f.kind] {
		j.fail(NumberType, Destination, "("+n.mask()+") is a number of type "+f.kind+", which is not dialled here")
	}
}

// countryName names a region to people.
func countryName(region string) string {
	if region == global {
		return "no country"
	}
	return region
}

// mask returns the number as details and logs show it.
func (n *number) mask() string {
	if n.plus {
		return Mask("+" + n.digits)
	}
	return Mask(n.digits)
}

// place returns a bare number as one of the policy's region, if its numbering
// plan has a place for it. The call was normalized, so that this matters for
// the user part of a URI alone.
func (p *Policy) place(n number) number {
	if n.plus || p.region == "" {
		return n
	}
	if s, ok := e164(n.digits, p.region); ok {
		return number{digits: s[1:], plus: true, whole: true}
	}
	return n
}

// look finds out about a number. A bare one might be anywhere, and nothing is
// known about it but that it may be of a denied type.
func (p *Policy) look(n number, want detail) facts {
	if n.plus {
		return look(n.digits, want)
	}
	if want < wantType {
		return facts{}
	}
	return facts{kind: p.deniedReading(n.digits)}
}

// validity judges whether a number exists, which nobody can tell of a bare
// number without a region. An emergency number does exist, though no table of
// long numbers has it.
func (j *judge) validity(field Field, n number, f facts) {
	p := j.policy
	if f.valid || !n.plus && p.region == "" || !j.on(Validity) || p.isEmergency(n) {
		return
	}
	j.fail(Validity, field, "("+n.mask()+") is not a number that any country assigns")
}

// distinct judges whether somebody would be called from their own number.
func (j *judge) distinct(n number) {
	from, ok := dialled(j.text(FromNumber))
	if ok && from.digits == n.digits {
		j.fail(Distinct, FromNumber, "is the same number as destination")
	}
}

// deniedReading returns the first denied type that a bare number of no region
// is of, whichever way a dialler completes it.
func (p *Policy) deniedReading(bare string) string {
	for _, digits := range readings(bare) {
		if digits == "" {
			continue
		}
		if f := look(digits, wantType); p.denyTypes[f.kind] {
			return f.kind
		}
	}
	return ""
}

// allowsCountry reports whether the lists of countries let a number pass. One
// whose country can't be told is not on the list of those allowed, and may be
// on the list of those denied.
func (p *Policy) allowsCountry(f facts) bool {
	if f.region != "" {
		return !p.deny[f.region] && (p.allow == nil || p.allow[f.region])
	}
	if p.allow != nil {
		return false
	}
	if p.deny == nil {
		return true
	}
	for _, region := range f.shared {
		if p.deny[region] {
			return false
		}
	}
	return f.shared != nil
}
