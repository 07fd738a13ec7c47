package caddyfile

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
)

// many is the largest number of arguments of a subdirective without one.
const many = math.MaxInt

// option is one subdirective of a block that configures a T.
type option[T any] struct {
	name string
	// syntax and def are its arguments and its default as one writes them;
	// meaning is one sentence. The reference is made of them.
	syntax, def, meaning string

	// least and most are how many arguments it takes.
	least, most int
	// empty says that an argument may be empty.
	empty bool
	// repeats says that it may stand more than once.
	repeats bool
	// set stores the arguments. It is also run on a new T, so that the mistakes
	// that validation finds there belong to this subdirective's line.
	set func(c *T, args []string) error
	// alone validates that new T, for an option whose mistakes depend on others.
	alone func(*T) error
	// block reads the block that the subdirective opens, for one that does.
	block func(d *caddyfile.Dispenser, c *T, args []string) []error
	// guest reads a guest module, whose arguments and block are its own. Its error has
	// a position.
	guest func(d *caddyfile.Dispenser, c *T) error
}

// options is the table of a block's subdirectives.
type options[T any] struct {
	in       string // what the block is called in messages
	validate func(*T) error
	table    []option[T]
}

// read reads a block. It goes on after a mistake, so that all mistakes are
// reported at once, each with its file and line.
func (o *options[T]) read(d *caddyfile.Dispenser, c *T) []error {
	var errs []error
	first := make(map[string]int)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name, line := d.Val(), d.Line()
		opt := o.find(name)
		if opt == nil {
			errs = append(errs, d.Errf("%s: unknown subdirective %q%s", o.in, name, o.hint(name)))
			skip(d)
			continue
		}
		if before, ok := first[name]; ok && !opt.repeats {
			errs = append(errs, d.Errf("%s: %s stands twice, first on line %d", o.in, name, before))
			skip(d)
			continue
		}
		first[name] = line
		errs = append(errs, o.readOption(d, opt, c)...)
	}
	return errs
}

// readOption reads one subdirective, of which the name is the current token.
func (o *options[T]) readOption(d *caddyfile.Dispenser, opt *option[T], c *T) []error {
	at := *d // mistakes belong to the line that d is on now
	if opt.guest != nil {
		err := opt.guest(d, c)
		if err != nil {
			*d = at
			skip(d)
			return []error{err}
		}
		return nil
	}
	args := d.RemainingArgs()
	if n := len(args); n < opt.least || n > opt.most {
		skip(d)
		return []error{at.Errf("%s: want %s, got %d %s", opt.usage(), arguments(opt.least, opt.most), n, plural(n))}
	}
	if !opt.empty && slices.Contains(args, "") {
		skip(d)
		return []error{at.Errf("%s: an argument is empty; is a variable not set?", opt.usage())}
	}
	if opt.block != nil {
		return opt.block(d, c, args)
	}
	if d.NextBlock(d.Nesting()) {
		leave(d)
		return []error{at.Errf("%s: takes no block", opt.usage())}
	}
	var probe T
	if err := opt.set(&probe, args); err != nil {
		return []error{at.Errf("%s: %w", opt.name, err)}
	}
	validate := o.validate
	if opt.alone != nil {
		validate = opt.alone
	}
	if err := validate(&probe); err != nil {
		return []error{at.WrapErr(err)}
	}
	if err := opt.set(c, args); err != nil {
		return []error{at.Errf("%s: %w", opt.name, err)}
	}
	return nil
}

// find returns the option of a name, nil if there is none.
func (o *options[T]) find(name string) *option[T] {
	for i := range o.table {
		if o.table[i].name == name {
			return &o.table[i]
		}
	}
	return nil
}

// hint asks after the option that was probably meant.
func (o *options[T]) hint(name string) string {
	if near := nearmiss.Find(name, o.names()); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}

// names returns the names of all options.
func (o *options[T]) names() []string {
	names := make([]string, len(o.table))
	for i, opt := range o.table {
		names[i] = opt.name
	}
	return names
}

// usage is how the option is written.
func (o *option[T]) usage() string { return strings.TrimSpace(o.name + " " + o.syntax) }

// arguments says how many arguments there may be.
func arguments(least, most int) string {
	switch {
	case most == many:
		return fmt.Sprintf("at least %d %s", least, plural(least))
	case least == most:
		return fmt.Sprintf("%d %s", least, plural(least))
	default:
		return fmt.Sprintf("%d to %d arguments", least, most)
	}
}

func plural(n int) string {
	if n == 1 {
		return "argument"
	}
	return "arguments"
}

// skip passes over the rest of a subdirective, with its block if it has one.
func skip(d *caddyfile.Dispenser) {
	d.RemainingArgs()
	if d.NextBlock(d.Nesting()) {
		leave(d)
	}
}

// leave passes over the rest of the block that d has just entered.
func leave(d *caddyfile.Dispenser) {
	for nesting := d.Nesting() - 1; d.NextBlock(nesting); {
	}
}
