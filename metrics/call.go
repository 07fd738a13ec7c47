package metrics

// Call says what became of a call: whether a phone rang. Every request on the
// route ends with one.
type Call uint8

// What may have become of a call.
const (
	// NotDialled: certainly no phone rang.
	NotDialled Call = iota
	// Dialled: the upstream took the call.
	Dialled
	// Unknown: the call was sent, and no complete response says what became of it.
	Unknown

	numCalls
)

// calls is the one table of what may have become of a call: the value of the
// label, of the log field and of the response's header, and its meaning.
var calls = [numCalls]struct{ name, meaning string }{
	NotDialled: {"not-dialled", "Certainly no phone rang: the request was refused, nothing of the call was sent, or the upstream or a handler responded with 4xx."},
	Dialled:    {"dialled", "The upstream took the call: it responded with 2xx or 3xx."},
	Unknown:    {"unknown", "The call was sent, and then came a 5xx, no response, or one that broke off. The phone may be ringing."},
}

// String returns the name in labels, logs and headers.
func (c Call) String() string { return calls[c].name }

// Meaning returns one or two sentences for the documentation.
func (c Call) Meaning() string { return calls[c].meaning }

// CallNamed returns the call of a name, and Unknown for any other text.
func CallNamed(name string) Call {
	for i, c := range calls {
		if c.name == name {
			return Call(i)
		}
	}
	return Unknown
}

// Calls returns all that may have become of a call, in the order of the table.
func Calls() []Call { return []Call{NotDialled, Dialled, Unknown} }

// callNames returns the label values.
func callNames() []string {
	names := make([]string, numCalls)
	for i, c := range calls {
		names[i] = c.name
	}
	return names
}
