package request

import (
	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// readJSON reads a JSON text, RFC 8259: one object, in UTF-8, with nothing
// after it. It reports whether it could be read to its end.
func (b *binding) readJSON(body []byte) bool {
	body = cutByteOrderMark(body)
	b.body = body
	if at, found := invalidUTF8(body); found {
		b.violateAt(rules.MalformedJSON, markAt(at), "The text is not UTF-8 here.")
		return false
	}
	s := b.reader.scanner(body)
	s.space()
	if s.peek() != '{' {
		return b.readNoObject(s)
	}
	ok := s.object(b)
	if ok {
		ok = s.end()
	}
	if !ok {
		b.malformed(s)
	}
	return ok
}

// malformed notes what is wrong where a scanner stopped.
func (b *binding) malformed(s *scanner) {
	if s.tooDeep {
		b.violateAt(rules.BodyTooDeep, markAt(s.pos), "Objects and lists are nested too deeply.")
	} else {
		b.violateAt(rules.MalformedJSON, markAt(s.pos), s.problem)
	}
}

// readNoObject says what is wrong with a text that does not begin with an
// object: it is another value, or no JSON.
func (b *binding) readNoObject(s *scanner) bool {
	v, ok := s.value()
	if ok {
		ok = s.end()
	}
	switch {
	case !ok:
		b.violateAt(rules.MalformedJSON, markAt(s.pos), s.problem)
	case v.kind == jsonList:
		b.violate(rules.WrongType, "The body is a JSON list; it has to be one object, for one member.")
	default:
		b.violate(rules.WrongType, "The body is a JSON value other than an object.")
	}
	return false
}

// member takes a member of the outermost object. s is where the value ends.
func (b *binding) member(s *scanner, m member) {
	switch {
	case m.again:
		b.violateName(rules.DuplicateName, string(m.name), markAt(m.at),
			"A name appears here for the second time; letter case makes no difference.")
	case m.isField:
		b.field(s, m.field, m.value)
	case b.isRef(string(m.name)):
		b.refValue(s, m.value)
	default:
		b.unknown(s, string(m.name), m)
	}
}

// field takes the value of one of the four fields.
func (b *binding) field(s *scanner, f rules.Field, v value) {
	switch v.kind {
	case jsonNull: // absent
	case jsonText:
		raw := v.of(s.body)
		raw = raw[1 : len(raw)-1]
		if !v.escaped {
			b.bind(f, string(raw), inBody)
			return
		}
		b.bind(f, string(jsonwire.AppendUnescaped(nil, raw)), inBody)
	case jsonNumber:
		b.bind(f, string(v.of(s.body)), inBody)
	case jsonBool, jsonObject, jsonList:
		b.violateField(rules.WrongType, f, inBody, f.String()+" is "+v.kind.String()+" and has to be text.")
	}
}

// refValue takes the value of a row's ref: text, a number or null.
func (b *binding) refValue(s *scanner, v value) {
	switch raw := v.of(s.body); v.kind {
	case jsonNull:
	case jsonText:
		b.bindRef(string(jsonwire.AppendUnescaped(nil, raw[1:len(raw)-1])))
	case jsonNumber:
		b.bindRef(string(raw))
	case jsonBool, jsonObject, jsonList:
		b.note(rules.Violation{
			Rule: rules.WrongType, Field: refName, Pointer: b.pointerTo(refName),
			Detail: "ref is " + v.kind.String() + " and has to be text.",
		})
	}
}

// unknown takes a member beyond the four fields.
func (b *binding) unknown(s *scanner, name string, m member) {
	if s.duplicate != 0 {
		b.violateName(rules.DuplicateName, name, markAt(s.duplicate),
			"A name appears here for the second time in one object.")
		return
	}
	if !b.admits(name, markAt(m.at)) {
		return
	}
	switch {
	case s.typeHint != 0:
		b.violateName(rules.UnknownField, name, markAt(s.typeHint),
			"A type hint (__type) inside of a member is not forwarded.")
	case s.badName != 0:
		b.violateName(rules.MemberName, name, markAt(s.badName), badName)
	default:
		b.request.extras = append(b.request.extras, extra{name: name, json: appendCanonical(nil, m.value.of(s.body))})
	}
}
