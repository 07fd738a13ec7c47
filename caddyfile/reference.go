package caddyfile

import "iter"

// Option is one subdirective, for documentation.
type Option struct {
	// Block is the block it stands in: conference_members, numbers, csv, idempotency, duplicates, bulk.
	Block string
	// Name is the subdirective's name.
	Name string
	// Syntax are its arguments, Default what holds without it.
	Syntax, Default string
	// Meaning is one sentence.
	Meaning string
	// Repeats says that it may stand more than once.
	Repeats bool

	json string // the JSON name, where that is another one
}

// Options yields every subdirective of every block in the order of the tables.
// The subdirectives of a view are those of csv, but for view itself.
func Options() iter.Seq[Option] {
	return func(yield func(Option) bool) {
		_ = directive.each(yield) && numbers.each(yield) && csv.each(yield) &&
			idempotency.each(yield) && duplicates.each(yield) && bulk.each(yield)
	}
}

// each yields the table until yield returns false, and reports whether it did
// not.
func (o *options[T]) each(yield func(Option) bool) bool {
	for _, opt := range o.table {
		if !yield(Option{o.in, opt.name, opt.syntax, opt.def, opt.meaning, opt.repeats, opt.json}) {
			return false
		}
	}
	return true
}
