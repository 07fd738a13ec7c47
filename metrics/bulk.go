package metrics

// RowOutcome says what became of a row of a bulk upload.
type RowOutcome uint8

// What may have become of a row.
const (
	// RowNotDialled: certainly no phone rang.
	RowNotDialled RowOutcome = iota
	// RowDialled: the upstream took the call.
	RowDialled
	// RowUnknown: the phone may be ringing.
	RowUnknown
	// RowReplayed: an earlier upload dialled it, and its response is repeated.
	RowReplayed
	// RowNotAttempted: the run stopped before it came to the row.
	RowNotAttempted

	// NumRowOutcomes is how many there are.
	NumRowOutcomes
)

// rowOutcomes is the one table of what may have become of a row: the value of the
// label and of the result, and its meaning.
var rowOutcomes = [NumRowOutcomes]struct{ name, meaning string }{
	RowNotDialled:   {"not-dialled", "Certainly no phone rang: the row was refused, or nothing of its call was sent. The same upload dials it again."},
	RowDialled:      {"dialled", "The upstream took the call."},
	RowUnknown:      {"unknown", "The phone may be ringing: the call was sent, and no whole response tells what came of it. The same upload does not dial it again."},
	RowReplayed:     {"replayed", "An earlier upload with the same key dialled the row, or the same call was placed a moment ago; the response is that of then."},
	RowNotAttempted: {"not_attempted", "The run stopped before it came to the row. The same upload dials it."},
}

// String returns the name in labels and results.
func (o RowOutcome) String() string { return rowOutcomes[o].name }

// MarshalText returns the name.
func (o RowOutcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Meaning returns a few sentences for the documentation.
func (o RowOutcome) Meaning() string { return rowOutcomes[o].meaning }

// RowOutcomes returns all outcomes in the order of the table.
func RowOutcomes() []RowOutcome {
	all := make([]RowOutcome, NumRowOutcomes)
	for i := range all {
		all[i] = RowOutcome(i)
	}
	return all
}

// rowOutcomeNames returns the label values.
func rowOutcomeNames() []string {
	names := make([]string, NumRowOutcomes)
	for i, o := range rowOutcomes {
		names[i] = o.name
	}
	return names
}

// RowEnded counts a row of a bulk upload.
func (c *Collectors) RowEnded(o RowOutcome) { c.bulkRows.of(o.String()).Inc() }
