package transform

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
)

// bom is the byte order mark in UTF-8.
const bom = "\ufeff"

// Compile makes a plan of the options. Its error holds all mistakes in them,
// each beginning with the option's JSON name.
func Compile(o Options) (*Plan, error) {
	c := compiler{Options: o, plan: new(Plan)}
	c.compileDialect()
	c.compileNested()
	c.compileRows()
	c.compileColumns()
	c.compileFormat()
	c.compileHeader()
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	return c.plan, nil
}

// compiler is a plan in the making.
type compiler struct {
	Options
	plan *Plan
	errs []error

	dialect *Dialect
	// properties are those of the elements that become rows, or of a session.
	properties []Property
	// titles are the columns' names, one for each column of the plan.
	titles []title
}

// title is a column's name as the two kinds of header have it, and its label.
type title struct{ pascal, camel, label string }

// in returns the name in a header of the given style.
func (t title) in(style string) string {
	switch {
	case t.label != "":
		return t.label
	case style == headerCamel:
		return t.camel
	}
	return t.pascal
}

// fail records a mistake.
func (c *compiler) fail(option string, err error) {
	c.errs = append(c.errs, fmt.Errorf("%s: %w", option, err))
}

// choice returns the value of an option that takes one of its [Choices], or the
// fallback if there is none.
func (c *compiler) choice(option, value, fallback string) string {
	return c.oneOf(option, value, fallback, choices[option])
}

// oneOf is choice for what errors call otherwise than the option.
func (c *compiler) oneOf(what, value, fallback string, names []string) string {
	if value == "" {
		return fallback
	}
	if !slices.Contains(names, value) {
		c.fail(what, unknown("value", value, names))
		return fallback
	}
	return value
}

func (c *compiler) compileDialect() {
	name := c.choice("dialect", c.Dialect, dialects[0].Name)
	c.dialect = &dialects[slices.Index(choices["dialect"], name)]
}

func (c *compiler) compileNested() {
	c.plan.nested = notations[c.choice("nested", c.Nested, c.dialect.Nested)]
	for _, list := range slices.Sorted(maps.Keys(c.Lists)) {
		if !slices.Contains(listNames, list) {
			c.fail("lists", unknown("list", list, listNames))
		}
		c.oneOf("lists: "+list, c.Lists[list], "", choices["lists"])
	}
}

// compileRows adds the columns that every row for an element has.
func (c *compiler) compileRows() {
	c.Rows = c.choice("rows", c.Rows, RowsSession)
	c.properties = sessionProperties
	if c.Rows == RowsSession {
		return
	}
	c.plan.element = elementShapes[c.Rows]
	c.plan.list = indexOf(sessionProperties, c.Rows)
	c.properties = c.plan.element.properties
	id := column{property: indexOf(sessionProperties, "id"), notation: c.plan.nested}
	c.add(id, title{pascal: "SessionId", camel: "sessionId"})
	for k, p := range c.properties {
		c.add(column{source: fromElement, property: k, notation: c.plan.nested}, title{pascal: p.Pascal(), camel: p.Name})
	}
}

// compileColumns adds the session's columns and the one for unknown members.
func (c *compiler) compileColumns() {
	chosen := c.Columns
	if len(chosen) == 0 && c.Rows == RowsSession {
		for _, p := range sessionProperties {
			if c.Lists[p.Name] != policyDrop {
				chosen = append(chosen, Column{Name: p.Name})
			}
		}
	}
	seen := make(map[string]bool)
	for _, choice := range chosen {
		if err := c.sessionColumn(choice, seen[choice.Name]); err != nil {
			c.fail("columns", err)
		}
		seen[choice.Name] = true
	}
	if c.choice("extra_columns", c.ExtraColumns, extraDrop) == extraAppend {
		c.add(column{source: fromUnknown}, title{pascal: "Extra", camel: "extra"})
	}
}

// sessionColumn adds one of the session's columns.
func (c *compiler) sessionColumn(choice Column, again bool) error {
	k := indexOf(sessionProperties, choice.Name)
	if k < 0 {
		if c.Rows != RowsSession && indexOf(c.properties, choice.Name) >= 0 {
			return fmt.Errorf("%s is a column of rows %s anyway: name only columns of the session", choice.Name, c.Rows)
		}
		return unknown("column", choice.Name, propertyNames(sessionProperties))
	}
	p := sessionProperties[k]
	policy := c.Lists[p.Name]
	switch {
	case again:
		return fmt.Errorf("column %s is named twice", p.Name)
	case policy == policyDrop:
		return fmt.Errorf("column %s is named, but lists drops it", p.Name)
	case c.Rows != RowsSession && p.Name == "id":
		return fmt.Errorf("rows %s cannot have column id: it is there as SessionId", c.Rows)
	case c.Rows != RowsSession && p.Kind == KindList && policy != policyCount:
		// A list in each row of a list would be a table of square size.
		return fmt.Errorf("rows %s cannot have the list %s in every row, only its count", c.Rows, p.Name)
	}
	n, ok := notations[policy]
	if !ok {
		n = c.plan.nested
	}
	t := title{pascal: p.Pascal(), camel: p.Name, label: choice.Label}
	if c.Rows != RowsSession && indexOf(c.properties, p.Name) >= 0 {
		t.pascal, t.camel = "Session"+p.Pascal(), "session"+p.Pascal()
	}
	c.add(column{property: k, notation: n, count: policy == policyCount}, t)
	return nil
}

// add adds a column to the plan.
func (c *compiler) add(col column, t title) {
	c.plan.columns = append(c.plan.columns, col)
	c.titles = append(c.titles, t)
}

func (c *compiler) compileFormat() {
	f := &c.plan.format
	f.brackets, f.edges = c.dialect.QuoteBrackets, c.dialect.QuoteEdges
	f.others = c.dialect.QuoteSeparators
	f.marks = c.dialect.QuoteEdges || c.Header == headerOff
	f.guard = c.dialect.FormulaGuard
	if c.FormulaGuard != nil {
		f.guard = *c.FormulaGuard
	}
	d, err := delimiter(c.Delimiter, c.dialect.Delimiter)
	if err != nil {
		c.fail("delimiter", err)
	}
	f.delimiter = d
	f.prepare()

	null := c.nullText()
	texts := c.dialect.Booleans
	if c.Booleans != nil {
		texts = *c.Booleans
	}
	switch {
	case texts.True == "" || texts.False == "":
		c.fail("booleans", errors.New("the texts for true and false must not be empty"))
	case texts.True == texts.False:
		c.fail("booleans", fmt.Errorf("true and false are both %q", texts.True))
	case texts.True == null || texts.False == null:
		c.fail("null", fmt.Errorf("%q is also the text of a boolean", null))
	}
	if !utf8.ValidString(texts.True) || !utf8.ValidString(texts.False) {
		c.fail("booleans", errors.New("the texts must be UTF-8"))
	}
	if !utf8.ValidString(null) {
		c.fail("null", errors.New("the text must be UTF-8"))
	}
	f.yes, f.no = f.constant(texts.True), f.constant(texts.False)
	f.null = f.constant(null)
}

// constant returns the cell of a text.
func (f *format) constant(text string) []byte {
	var o out
	o.text(text)
	f.settle(&o, 0)
	return o.buf[:o.n]
}

func (c *compiler) compileHeader() {
	style := c.choice("header", c.Header, c.dialect.Header)
	p := c.plan
	p.headerPresent = style != headerOff
	if style == headerOff {
		style = c.dialect.Header
	}
	mark := c.dialect.BOM
	if c.BOM != nil {
		mark = *c.BOM
	}

	var row out
	seen := make(map[string]bool)
	for k, t := range c.titles {
		name := t.in(style)
		if !utf8.ValidString(name) || strings.HasPrefix(name, bom) {
			c.fail("columns", fmt.Errorf("label %q is not UTF-8 or begins with a byte order mark", name))
		}
		if seen[name] && p.headerPresent {
			c.fail("columns", fmt.Errorf("two columns are called %q: give one another label", name))
		}
		seen[name] = true
		p.names = append(p.names, name)
		if k > 0 {
			row.byte(p.format.delimiter)
		}
		row.bytes(p.format.constant(name))
	}
	row.text("\r\n")
	status := errorShape.properties[0]
	errorRow := title{pascal: status.Pascal(), camel: status.Name}.in(style) + "\r\n"
	if mark {
		p.header, p.errorHeader = append(p.header, bom...), append(p.errorHeader, bom...)
	}
	if p.headerPresent {
		p.header, p.errorHeader = append(p.header, row.buf[:row.n]...), append(p.errorHeader, errorRow...)
	}
}

// delimiter returns the delimiter that text says, or the fallback if it says
// none.
func delimiter(text string, fallback byte) (byte, error) {
	if text == "" {
		return fallback, nil
	}
	if named, ok := delimiterNames[text]; ok {
		text = named
	}
	names := choices["delimiter"]
	c := text[0]
	switch {
	case len(text) > 1 && c < utf8.RuneSelf:
		if near := nearmiss.Find(text, names); near != "" {
			return 0, unknown("delimiter", text, names)
		}
		fallthrough
	case c >= utf8.RuneSelf:
		return 0, fmt.Errorf("%q is not one ASCII character", text)
	case c == '"':
		return 0, errors.New("a quote cannot be the delimiter: cells are quoted with it")
	case c == '\r' || c == '\n' || c == 0:
		return 0, fmt.Errorf("%q cannot be the delimiter", text)
	case '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z':
		return 0, fmt.Errorf("%q cannot be the delimiter: it is a letter or digit", text)
	}
	return c, nil
}

// indexOf returns the index of the property with the given name, or -1.
func indexOf(properties []Property, name string) int {
	return slices.IndexFunc(properties, func(p Property) bool { return p.Name == name })
}

// propertyNames returns the names of properties.
func propertyNames(properties []Property) []string {
	names := make([]string, len(properties))
	for i, p := range properties {
		names[i] = p.Name
	}
	return names
}
