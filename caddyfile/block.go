package caddyfile

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
)

// many is the largest number of arguments of a subdirective without one.
const many = math.MaxInt

// option is one subdirective of a block that configures a T.
type option[T any] struct {
	name string
	// json is its JSON name, where that is another one.
	json string
	// syntax and def are its arguments and its default as a Caddyfile has them, example is
	// a use of it. The documentation is made of them, and of the comment of the field.
	syntax, def, example string

	// least and most are how many arguments it takes.
	least, most int
	// empty says that an argument may be empty.
	empty bool
	// repeats says that it may appear more than once.
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
	// whole validates the whole block: what only several options together can get
	// wrong. A block that depends on the one around it has none.
	whole func(*T) error
	table []option[T]
}

// read reads a block. It goes on after a mistake, so that all mistakes are
// reported at once, each with its file and line.
func (o *options[T]) read(d *caddyfile.Dispenser, c *T) []error {
	var errs []error
	begin := position(d)
	first, lines := make(map[string]int), make(map[string]string)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name, line := d.Val(), d.Line()
		opt := o.find(name)
		if opt == nil {
			errs = append(errs, d.Errf("%sunknown subdirective %q%s", o.prefix(), name, o.hint(name)))
			skip(d)
			continue
		}
		if before, ok := first[name]; ok && !opt.repeats {
			errs = append(errs, d.Errf("%s%s appears twice, first on line %d", o.prefix(), name, before))
			skip(d)
			continue
		}
		first[name] = line
		o.note(lines, d, opt)
		errs = append(errs, o.readOption(d, opt, c)...)
	}
	if len(errs) == 0 && o.whole != nil {
		for _, mistake := range each(o.whole(c)) {
			errs = append(errs, locate(mistake, lines, begin))
		}
	}
	return errs
}

// prefix is what a message about the block begins with. Caddy names the directive by itself.
func (o *options[T]) prefix() string {
	if o.in == Name {
		return ""
	}
	return o.in + ": "
}

// note notes the place of a subdirective by its JSON name and, for one that repeats,
// by that of its key.
func (o *options[T]) note(lines map[string]string, d *caddyfile.Dispenser, opt *option[T]) {
	at := position(d)
	lines[opt.jsonName()] = cmp.Or(lines[opt.jsonName()], at)
	if key := *d; opt.repeats && key.NextArg() {
		lines[opt.jsonName()+"."+key.Val()] = at
	}
}

// position is where d is.
func position(d *caddyfile.Dispenser) string { return fmt.Sprintf("%s:%d", d.File(), d.Line()) }

// jsonPath is the option that a mistake names first, and mentioned is every word
// that can be another.
var (
	jsonPath  = regexp.MustCompile(`^[a-z_]+(?:\.[\w.-]+)?: `)
	mentioned = regexp.MustCompile(`[a-z_]+`)
)

// locate says on which lines the options are that a mistake names; begin is the
// line of their block.
func locate(mistake error, lines map[string]string, begin string) error {
	text := mistake.Error()
	path := jsonPath.FindString(text)
	var at []string
	mention := func(name string) {
		if line, ok := lines[name]; ok && !slices.Contains(at, line) {
			at = append(at, line)
		}
	}
	if names := strings.SplitN(strings.TrimSuffix(path, ": "), ".", 3); len(names) > 1 {
		mention(names[0] + "." + names[1])
	}
	if len(at) > 0 {
		text = text[len(path):]
	}
	for _, word := range mentioned.FindAllString(text, -1) {
		mention(word)
	}
	if len(at) == 0 {
		at = []string{begin}
	}
	return fmt.Errorf("%w, at %s", asWritten(mistake), strings.Join(at, " and "))
}

// each returns the mistakes that err joins.
func each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var errs []error
	for _, err := range joined.Unwrap() {
		errs = append(errs, each(err)...)
	}
	return errs
}

// asWritten names the option of a mistake as a Caddyfile has it: its path
// of JSON names without dots, and each name as it is there.
func asWritten(mistake error) error {
	text := mistake.Error()
	path := jsonPath.FindString(text)
	names := strings.Split(strings.TrimSuffix(path, ": "), ".")
	if path == "" || len(names) == 1 && singular[names[0]] == "" {
		return mistake
	}
	for i, name := range names {
		names[i] = cmp.Or(singular[name], name)
	}
	return errors.New(strings.Join(names, " ") + ": " + text[len(path):])
}

// readOption reads one subdirective, whose name is the current token.
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
		want := arguments(opt.least, opt.most)
		if opt.block != nil && opt.most == 0 {
			want = "options in braces and no arguments"
		}
		return []error{at.Errf("%s: want %s, got %d %s", opt.usage(), want, n, plural(n))}
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
		var errs []error
		for _, mistake := range each(err) {
			errs = append(errs, at.WrapErr(asWritten(mistake)))
		}
		return errs
	}
	if err := opt.set(c, args); err != nil {
		return []error{at.Errf("%s: %w", opt.name, err)}
	}
	return nil
}

// find returns the option of a name, or nil.
func (o *options[T]) find(name string) *option[T] {
	for i := range o.table {
		if o.table[i].name == name {
			return &o.table[i]
		}
	}
	return nil
}

// hint says in which block an option belongs, or that it is another directive, or
// suggests the one that was probably meant.
func (o *options[T]) hint(name string) string {
	if blocks := blocksOf[name]; len(blocks) > 0 {
		return "; it belongs in " + strings.Join(blocks, " or in ")
	}
	if _, err := caddy.GetModule("http.handlers." + name); err == nil {
		return "; it is a directive of the site: is a closing brace missing before it?"
	}
	return nearmiss.Hint(name, o.names())
}

var (
	// blocksOf are the blocks that have an option, by its name.
	blocksOf = make(map[string][]string)
	// singular are the names of options whose JSON names are others, by those.
	singular = make(map[string]string)
)

// A hint needs the tables of all blocks, which refer to each other.
func init() { //nolint:gochecknoinits
	for o := range Options() {
		blocksOf[o.Name] = append(blocksOf[o.Name], o.Block)
		if o.JSON != o.Name {
			singular[o.JSON] = o.Name
		}
	}
}

// names returns the names of all options.
func (o *options[T]) names() []string {
	names := make([]string, len(o.table))
	for i, opt := range o.table {
		names[i] = opt.name
	}
	return names
}

// jsonName is the option's name in JSON.
func (o *option[T]) jsonName() string { return cmp.Or(o.json, o.name) }

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
