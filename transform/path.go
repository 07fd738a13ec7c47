package transform

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
)

// Limits of paths.
const (
	// MaxPathLength is the longest path in bytes.
	MaxPathLength = 256
	// MaxPaths is how many paths one set of options may have.
	MaxPaths = 32
)

// modifiers are those that a path may have: each gives back what it is given, in
// another order or as a list. The others of gjson pretty-print, parse text as
// JSON, or search at any depth.
var modifiers = []string{"this", "keys", "values", "reverse", "flatten"}

// Path is a compiled path to a value in JSON, in the syntax of gjson:
//
//	accountName                          a member
//	members.0.displayName                a member of a list's first element
//	members.#                            how many elements a list has
//	members.#.role                       the same member of every element
//	members.#(role=="Agent").callSid     of the first element that fits
//	members.#(muted==true)#.callSid      of every element that fits
//	members.@reverse.0                   the last element
//
// Of the modifiers it takes @this, @keys, @values, @reverse and @flatten,
// without arguments. Literals (!), multipaths ({...} and [...]) and JSON lines
// (..) are refused.
type Path struct {
	text string
	// keys are the keys that the path begins with, and start is their text. rest is
	// what follows them, for gjson, or empty.
	keys        []key
	start, rest string
	// last is the last key, empty where the path ends in something else.
	last string
}

// String returns the path as it was written.
func (p *Path) String() string { return p.text }

// Lookup returns the text of the value in JSON: of a text what it says, of a list
// or an object its JSON. It is empty for null, where there is no such value, and
// if the JSON is not valid.
func (p *Path) Lookup(json []byte) string {
	if json = bytes.TrimPrefix(json, []byte(bom)); !gjson.ValidBytes(json) {
		return ""
	}
	return textOf(p.find(json))
}

// LookupPrefix is Lookup in the beginning of a longer JSON. It finds only what
// the rest can't change: a value that is wholly in the beginning, not one
// that is computed from several.
func (p *Path) LookupPrefix(json []byte) string {
	json = bytes.TrimPrefix(json, []byte(bom))
	v := p.find(json)
	if v.Index == 0 || v.Index+len(v.Raw) >= len(json) {
		return ""
	}
	return textOf(v)
}

// find returns the value in an object. To gjson a modifier makes a list even of
// what is not there.
func (p *Path) find(json []byte) gjson.Result {
	if strings.HasPrefix(p.rest, "@") && len(p.keys) > 0 && !gjson.GetBytes(json, p.start).Exists() {
		return gjson.Result{}
	}
	return onlyJSON(gjson.GetBytes(json, p.text))
}

// onlyJSON returns what gjson found, if it is JSON. Of what a path leads to in a text,
// it may not be: gjson searches texts as well.
func onlyJSON(v gjson.Result) gjson.Result {
	if v.Raw != "" && !gjson.Valid(v.Raw) {
		return gjson.Result{}
	}
	return v
}

// textOf is the text of a value.
func textOf(v gjson.Result) string {
	switch v.Type {
	case gjson.Null:
		return ""
	case gjson.String:
		return v.Str
	default:
		return v.Raw
	}
}

// CompilePath compiles a path. The error says where in it the mistake is.
func CompilePath(text string) (*Path, error) {
	c := pathCompiler{text: text}
	switch {
	case len(text) > MaxPathLength:
		return nil, fmt.Errorf("the path is %d bytes long: at most %d", len(text), MaxPathLength)
	case !utf8.ValidString(text):
		return nil, fmt.Errorf("the path %q is not UTF-8", text)
	}
	p := &Path{text: text}
	end := c.path(0, false, p)
	if c.err == nil && end < len(text) {
		c.fail(end, fmt.Sprintf("%q is out of place", text[end:end+1]))
	}
	if c.err != nil {
		return nil, c.err
	}
	return p, nil
}

// pathCompiler checks a path by the grammar that gjson reads it by.
type pathCompiler struct {
	text string
	err  error
}

// fail records the first mistake, which is at i, and returns the end of the path.
func (c *pathCompiler) fail(i int, what string) int {
	if c.err == nil {
		c.err = fmt.Errorf("the path %q, character %d: %s", c.text, utf8.RuneCountInString(c.text[:i])+1, what)
	}
	return len(c.text)
}

// peek returns the byte at i, or 0 behind the end.
func (c *pathCompiler) peek(i int) byte {
	if i < len(c.text) {
		return c.text[i]
	}
	return 0
}

// separators of the components of a path.
const pathSeparators = ".|"

// path reads a path from i on, one in a query up to its operator or bracket, and
// returns the index behind it. It notes the keys in p if that is not nil.
func (c *pathCompiler) path(i int, query bool, p *Path) int {
	for keys := true; ; {
		start := i
		i = c.component(i, query)
		if c.err != nil {
			return i
		}
		separated := i < len(c.text) && strings.IndexByte(pathSeparators, c.text[i]) >= 0
		if p != nil {
			k, ok := newKey(c.text[start:i])
			if keys = keys && ok; keys {
				p.keys, p.start = append(p.keys, k), c.text[:i]
			} else if p.rest == "" {
				p.rest = c.text[start:]
			}
			p.last = k.name
		}
		if !separated {
			return i
		}
		i++
	}
}

// component reads one component: a key, a modifier, # or a query.
func (c *pathCompiler) component(i int, query bool) int {
	switch c.peek(i) {
	case 0:
		return c.fail(i, "a key is missing")
	case '.', '|':
		return c.fail(i, "a key is missing; a path has no empty keys")
	case '!':
		return c.fail(i, "literals are not allowed")
	case '{', '[':
		return c.fail(i, "multipaths are not allowed")
	case '@':
		return c.modifier(i)
	case '#':
		return c.elements(i)
	}
	for ; i < len(c.text); i++ {
		switch b := c.text[i]; {
		case strings.IndexByte(pathSeparators, b) >= 0:
			return i
		case query && strings.IndexByte("!=<>%)", b) >= 0:
			return i
		case b == '\\':
			if i++; i == len(c.text) {
				return c.fail(i-1, `a character is missing behind the \`)
			}
		case b < ' ' || b == 0x7f:
			return c.fail(i, "control characters are not allowed")
		case strings.IndexByte("!{}[]()#@\"", b) >= 0:
			return c.fail(i, fmt.Sprintf(`%c is not allowed in a key; if it is part of one, write \%c`, b, b))
		}
	}
	return i
}

// modifier reads a modifier.
func (c *pathCompiler) modifier(i int) int {
	end := i + 1
	for end < len(c.text) && ascii.IsAlpha(c.text[end]) {
		end++
	}
	name := c.text[i+1 : end]
	if !slices.Contains(modifiers, name) {
		hint := "use @" + strings.Join(modifiers, ", @")
		if near := nearmiss.Find(name, modifiers); near != "" {
			hint = "did you mean @" + near + "?"
		}
		return c.fail(i, fmt.Sprintf(`the modifier @%s is not allowed: %s`, name, hint))
	}
	if c.peek(end) == ':' {
		return c.fail(end, "modifiers take no arguments")
	}
	return end
}

// elements reads # or a query.
func (c *pathCompiler) elements(i int) int {
	i++
	switch b := c.peek(i); b {
	case '(':
		if i = c.query(i + 1); c.err == nil && c.peek(i) == '#' {
			i++
		}
	case '[':
		return c.fail(i, "write a query in round brackets")
	}
	return i
}

// query reads a query from behind its opening bracket on.
func (c *pathCompiler) query(i int) int {
	i = c.spaces(i)
	start := i
	if strings.IndexByte("!=<>%)", c.peek(i)) < 0 {
		i = c.spaces(c.path(i, true, nil))
	}
	if c.err != nil {
		return i
	}
	if c.peek(i) == ')' {
		if start == i {
			return c.fail(i, "the query is empty")
		}
		return i + 1
	}
	operator := ""
	for _, o := range []string{"==", "!=", "!%", "<=", ">=", "=", "<", ">", "%"} {
		if strings.HasPrefix(c.text[i:], o) {
			operator = o
			break
		}
	}
	if operator == "" {
		return c.fail(i, "want an operator or a closing bracket")
	}
	i = c.spaces(c.operand(c.spaces(i + len(operator))))
	if c.err == nil && c.peek(i) != ')' {
		return c.fail(i, "a closing bracket is missing")
	}
	return i + 1
}

// operand reads what a query compares with: a text in quotes, or a number, a
// word or a pattern.
func (c *pathCompiler) operand(i int) int {
	start := i
	if c.peek(i) == '"' {
		for i++; i < len(c.text) && c.text[i] != '"'; i++ {
			if c.text[i] == '\\' {
				i++
			}
		}
		if i >= len(c.text) {
			return c.fail(start, "a closing quote is missing")
		}
		return i + 1
	}
	for i < len(c.text) && c.text[i] > ' ' && strings.IndexByte("\"\\!=<>%#@()[]{}", c.text[i]) < 0 {
		i++
	}
	if i == start {
		return c.fail(i, "a value to compare with is missing; write texts in quotes")
	}
	return i
}

// spaces returns the index of the first byte from i on that is not a space.
func (c *pathCompiler) spaces(i int) int {
	for c.peek(i) == ' ' {
		i++
	}
	return i
}
