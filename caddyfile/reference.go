package caddyfile

import "iter"

// Option is one subdirective, for documentation.
type Option struct {
	// Block is the block it is in: conference_members, numbers, csv, idempotency, duplicates, bulk.
	Block string
	// Name is the subdirective's name.
	Name string
	// Syntax are its arguments, Default what holds without it.
	Syntax, Default string
	// Example is one use of it, or several, as it would be written in its block.
	Example string
	// JSON is its name in JSON.
	JSON string
	// Repeats says that it can be used more than once.
	Repeats bool
}

// Options yields every subdirective of every block in the order of the tables.
// The subdirectives of a view are those of csv, except view itself.
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
		if !yield(Option{o.in, opt.name, opt.syntax, opt.def, opt.example, opt.jsonName(), opt.repeats}) {
			return false
		}
	}
	return true
}
