package upstreamtest

// fields are the members of the request DTO, in its order.
var fields = [...]string{"sessionId", "callSid", "destination", "fromNumber"}

// Bound is the request as the server bound it; nil is a field that was not
// bound.
type Bound struct {
	SessionID   *string `json:"sessionId,omitempty"`
	CallSID     *string `json:"callSid,omitempty"`
	Destination *string `json:"destination,omitempty"`
	FromNumber  *string `json:"fromNumber,omitempty"`
}

// Get returns the value of a field by its JSON member name in any letter case,
// and whether it was bound.
func (b *Bound) Get(name string) (string, bool) {
	p := b.field(name)
	if p == nil || *p == nil {
		return "", false
	}
	return **p, true
}

// String returns b as the X-Bound header has it: JSON in which everything
// beyond printable ASCII is escaped.
func (b *Bound) String() string {
	dst := []byte{'{'}
	for _, name := range fields {
		v, ok := b.Get(name)
		if !ok {
			continue
		}
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, name, true)
		dst = append(dst, ':')
		dst = appendString(dst, v, true)
	}
	return string(append(dst, '}'))
}

// field returns where a field is kept, or nil for an unknown name.
func (b *Bound) field(name string) **string {
	for i, p := range [...]**string{&b.SessionID, &b.CallSID, &b.Destination, &b.FromNumber} {
		if equalFold(fields[i], name) {
			return p
		}
	}
	return nil
}

// set binds a field; an unknown name is ignored.
func (b *Bound) set(name, value string) {
	if p := b.field(name); p != nil {
		*p = &value
	}
}

// setPairs binds what a query or a form says. An empty value binds nothing
// (recording 642), repeated names are joined with commas.
func (b *Bound) setPairs(p pairs) {
	for _, name := range fields {
		if v := p.get(name); v != "" {
			b.set(name, v)
		}
	}
}
