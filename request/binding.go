package request

import (
	"fmt"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// place is where a client may put a field.
type place uint8

const (
	nowhere place = iota
	inPath
	inQuery
	inBody
)

// String returns the place as sentences name it.
func (p place) String() string {
	return [...]string{"nowhere", "the path", "the query string", "the body"}[p]
}

// binding makes one Request of all the places of a request and gathers what is
// wrong with it.
type binding struct {
	reader     *Reader
	request    *Request
	violations []rules.Violation
	omitted    int    // violations beyond those
	body       []byte // what marks are marks in

	places [rules.NumFields]place // where the value of a field comes from
	broken [rules.NumFields]bool  // a field with a violation

	suspects [rules.NumFields]suspicion // names that are nearly those of the fields

	many bool    // the body holds many calls, and this is one of them
	row  int     // its number, from 1
	ref  *string // where its ref is put
}

// bind takes a value of a field. The same value in two places is fine.
func (b *binding) bind(f rules.Field, text string, from place) {
	v := &b.request.Call[f]
	if !v.Set {
		*v = rules.Value{Text: text, Set: true}
		b.places[f] = from
		return
	}
	if v.Text != text {
		b.violateField(rules.Conflict, f, from, fmt.Sprintf("%s has one value in %s and another in %s.", f, b.places[f], from))
	}
}

// maxViolations is how many violations are listed. A response must not become much
// larger than the request that it refuses, and finding a place in the body
// takes time.
const maxViolations = 20

// note notes a violation, or counts it where there are too many already.
func (b *binding) note(v rules.Violation) {
	if b.full() {
		b.omitted++
		return
	}
	b.violations = append(b.violations, v)
}

// full reports whether no more violations are listed.
func (b *binding) full() bool { return len(b.violations) == maxViolations }

// noteOmitted appends the number of omitted violations to the last one.
func (b *binding) noteOmitted() {
	if b.omitted > 0 {
		last := &b.violations[len(b.violations)-1]
		last.Detail = fmt.Sprintf("%s There are %d more violations, which are not listed.", last.Detail, b.omitted)
	}
}

// violate notes a violation by the request as a whole.
func (b *binding) violate(r *rules.Rule, detail string) {
	b.note(rules.Violation{Rule: r, Detail: detail})
}

// violateAt notes a violation at a place in the body.
func (b *binding) violateAt(r *rules.Rule, m mark, detail string) {
	at := b.locate(m)
	b.note(rules.Violation{Rule: r, Detail: at.say(detail), Line: at.line, Column: at.column})
}

// violateField notes a violation by one field, whose value is then not to be
// judged.
func (b *binding) violateField(r *rules.Rule, f rules.Field, where place, detail string) {
	b.broken[f] = true
	v := rules.Violation{Rule: r, Field: f.String(), Detail: detail}
	if where == inBody {
		v.Pointer = b.pointerTo(f.String())
	}
	b.note(v)
}

// pointerTo is the place of a member in the body, as [rules.Violation] has it.
func (b *binding) pointerTo(name string) string {
	if b.row > 0 {
		return fmt.Sprintf("#/%d/%s", b.row, name)
	}
	return "#/" + name
}

// violateName notes a violation by the member of a name at a place in the
// body, which may be unknown. The name of a member beyond the four fields is
// never shown: a CSV without a header row has somebody's name there.
func (b *binding) violateName(r *rules.Rule, name string, m mark, detail string) {
	at := b.locate(m)
	v := rules.Violation{Rule: r, Detail: at.say(detail), Line: at.line, Column: at.column}
	if f, ok := rules.FieldByName(name); ok {
		b.broken[f] = true
		v.Field, v.Pointer = f.String(), b.pointerTo(f.String())
	}
	b.note(v)
}

// bindText takes a member of the body that is text whatever it holds, as CSV
// and forms have it.
func (b *binding) bindText(name, text string, m mark) {
	if f, ok := rules.FieldByName(name); ok {
		if text != "" {
			b.bind(f, text, inBody)
		}
		return
	}
	if b.isRef(name) {
		b.bindRef(text)
		return
	}
	if b.admits(name, m) {
		b.request.extras = append(b.request.extras, extra{name: name, json: appendString(nil, text)})
	}
}

// admits reports whether an unknown member of the body is to be forwarded, and
// notes the violation if it is to be refused.
func (b *binding) admits(name string, m mark) bool {
	if looksLikeField(name) {
		b.violateName(rules.UnknownField, name, m, lookAlike)
		return false
	}
	b.suspect(name, inBody, m)
	b.request.AsksForDryRun = b.request.AsksForDryRun || IsDryRunFlag(name)
	switch {
	case b.reader.UnknownFields == Reject:
		b.violateName(rules.UnknownField, name, m, "A member is not one of the four fields.")
		return false
	case b.reader.UnknownFields == Strip, isTypeHint(name):
		return false
	case !IsMemberName(name):
		b.violateName(rules.MemberName, name, m, badName)
		return false
	}
	return true
}

const (
	lookAlike = "A name looks like that of a field and is written with other characters."
	badName   = "The name of a member is not 1 to 64 of the characters A-Z a-z 0-9 _ . and -."
)

// suspicion is a name that is nearly a field's.
type suspicion struct {
	place place // nowhere for none
	mark  mark
}

// suspect remembers a name that is nearly a field's, and the first such only.
func (b *binding) suspect(name string, where place, m mark) {
	if f, ok := misspelt(name); ok && b.suspects[f].place == nowhere {
		b.suspects[f] = suspicion{where, m}
	}
}

// tellMisspelt adds a violation for each field that is set nowhere and has a
// name nearly like it: the upstream would dial without it and say nothing.
func (b *binding) tellMisspelt() {
	for f, s := range b.suspects {
		if field := rules.Field(f); s.place != nowhere && !b.request.Call[f].Set && !b.broken[f] {
			at := b.locate(s.mark)
			b.broken[f] = true
			b.note(rules.Violation{
				Rule: rules.UnknownField, Field: field.String(), Line: at.line, Column: at.column,
				Detail: at.say(fmt.Sprintf("A name in %s is nearly that of a field. Did you mean %s?", s.place, field)),
			})
		}
	}
}
