package transform

import (
	"bytes"
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

// sylk is what a file in the format SYLK begins with.
var sylk = []byte("ID")

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
	if err := nearmiss.OneOf(value, names); err != nil {
		c.fail(what, err)
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
		if !slices.Contains(nestedNames, list) {
			c.fail("lists", unknown("list", list, nestedNames))
			continue
		}
		if c.oneOf("lists."+list, c.Lists[list], "", choices["lists"]) == policyCount && list == applicationData {
			c.fail("lists."+list, errors.New("is not a list and has no count"))
		}
	}
}

// compileRows sets what becomes a row.
func (c *compiler) compileRows() {
	c.Rows = c.choice("rows", c.Rows, RowsSession)
	if c.Rows != RowsSession {
		c.plan.element = elementShapes[c.Rows]
		c.plan.list = indexOf(sessionProperties, c.Rows)
	}
}

// AllColumns is the [Column.Name] of the column that means all that are not named.
const AllColumns = "*"

// sessionPrefix begins the names of the session's columns in rows of a list.
const sessionPrefix = "session."

// rowPrefix begins the paths in what becomes a row.
const rowPrefix = "row:"

// compileColumns adds the columns and the one for unknown members.
func (c *compiler) compileColumns() {
	chosen := c.Columns
	if len(chosen) == 0 {
		chosen = []Column{{Name: AllColumns}}
	}
	named, paths := make(map[string]bool), 0
	for _, choice := range chosen {
		var err error
		switch {
		case choice.Path != "":
			paths++
			err = c.pathColumn(choice)
		case choice.Name == "":
			err = errors.New("a column has neither a name nor a path")
		case named[choice.Name]:
			err = fmt.Errorf("column %q is named twice", choice.Name)
		case choice.Name == AllColumns && choice.Label != "":
			err = errors.New("* stands for many columns and has no label")
		case choice.Name == AllColumns:
			c.defaultColumns(chosen)
		default:
			err = c.namedColumn(choice)
		}
		if err != nil {
			c.fail("columns", err)
		}
		named[choice.Name] = choice.Name != ""
	}
	if paths > MaxPaths {
		c.fail("columns", fmt.Errorf("%d columns by path: at most %d", paths, MaxPaths))
	}
	if c.choice("extra_columns", c.ExtraColumns, extraDrop) == extraAppend {
		c.add(column{source: fromUnknown}, title{pascal: "Extra", camel: "extra"})
	}
}

// defaultColumns adds the columns that are there by default, except those that
// are chosen by name.
func (c *compiler) defaultColumns(chosen []Column) {
	properties, names := sessionProperties, []string(nil)
	if c.plan.element != nil {
		properties, names = c.plan.element.properties, []string{sessionPrefix + "id"}
	}
	for _, p := range properties {
		if c.Lists[p.Name] != policyDrop {
			names = append(names, p.Name)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(chosen, func(other Column) bool { return other.Name == name }) {
			_ = c.namedColumn(Column{Name: name}) // none of these is a mistake
		}
	}
}

// namedColumn adds the column of a property.
func (c *compiler) namedColumn(choice Column) error {
	col := column{source: fromSession}
	properties, name := sessionProperties, choice.Name
	repeated := false
	if c.plan.element != nil {
		if name, repeated = strings.CutPrefix(name, sessionPrefix); !repeated {
			col.source, properties = fromElement, c.plan.element.properties
		}
	}
	if col.property = indexOf(properties, name); col.property < 0 {
		return c.unknownColumn(choice.Name, properties)
	}
	p := properties[col.property]
	policy := c.Lists[p.Name]
	switch {
	case policy == policyDrop:
		return fmt.Errorf("column %s is named, but lists drops it", choice.Name)
	case repeated && p.Type == TypeList && policy != policyCount:
		// A list in each row of a list would be a table of square size.
		return fmt.Errorf("rows %s cannot have the list %s in every row, only its count", c.Rows, p.Name)
	}
	col.notation, col.count, col.date = c.notation(policy), policy == policyCount, p.Type == TypeDate
	t := title{pascal: p.Pascal(), camel: p.Name, label: choice.Label}
	if repeated {
		t.pascal, t.camel = "Session"+p.Pascal(), "session"+p.Pascal()
	}
	c.add(col, t)
	return nil
}

// unknownColumn is the error for a name that is not one of the properties.
func (c *compiler) unknownColumn(name string, properties []Property) error {
	switch plain, prefixed := strings.CutPrefix(name, sessionPrefix); {
	case prefixed && c.plan.element == nil && indexOf(properties, plain) >= 0:
		return fmt.Errorf("unknown column %q; did you mean %s?", name, plain)
	case !prefixed && c.plan.element != nil && indexOf(sessionProperties, name) >= 0:
		return fmt.Errorf("rows %s have no column %s: the session's is %s%s", c.Rows, name, sessionPrefix, name)
	default:
		return unknown("column", plain, propertyNames(properties))
	}
}

// notation returns that of a policy for a list, else the one for all.
func (c *compiler) notation(policy string) notation {
	if n, ok := notations[policy]; ok {
		return n
	}
	return c.plan.nested
}

// pathColumn adds a column by path.
func (c *compiler) pathColumn(choice Column) error {
	switch {
	case choice.Name != "":
		return fmt.Errorf("column %q has a path as well", choice.Name)
	case choice.Label == "":
		return fmt.Errorf("the column of path %q has no label", choice.Path)
	}
	col := column{notation: c.plan.nested}
	properties := sessionProperties
	text, ofRow := strings.CutPrefix(choice.Path, rowPrefix)
	if ofRow && c.plan.element != nil {
		col.source, properties = fromElement, c.plan.element.properties
	}
	var err error
	if col.path, err = CompilePath(text); err != nil {
		return fmt.Errorf("column %q: %w", choice.Label, err)
	}
	col.property = -1
	if keys := col.path.keys; len(keys) > 0 {
		col.property = indexOf(properties, keys[0].name)
	}
	col.date = slices.Contains(dateNames, col.path.last)
	c.add(col, title{label: choice.Label})
	return nil
}

// add adds a column to the plan.
func (c *compiler) add(col column, t title) {
	c.plan.columns = append(c.plan.columns, col)
	c.titles = append(c.titles, t)
}

func (c *compiler) compileFormat() {
	f := &c.plan.format
	f.quoteBrackets, f.quoteEdges = c.dialect.QuoteBrackets, c.dialect.QuoteEdges
	f.quoteSeparators = c.dialect.QuoteSeparators
	f.quoteBOM = c.dialect.QuoteEdges || c.Header == headerOff
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
	f.textCells = textCellsByName[c.choice("text_cells", c.TextCells, "off")]
	if f.dates, err = compileDates(c.Dates); err != nil {
		c.fail("dates", err)
	}

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
		c.fail("null", fmt.Errorf("%q is also one of the texts of booleans", null))
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
	var o cellBuffer
	o.text(text)
	f.finishCell(&o, 0)
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

	p.quoteID = !mark && (c.dialect.QuoteEdges || p.format.guard)
	var row cellBuffer
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
		if k == 0 && p.quoteID && bytes.HasPrefix(row.buf[:row.n], sylk) {
			row.quote(0)
		}
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
			return 0, nearmiss.OneOf(text, names)
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
