package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// This file says the rules a second time, slowly and in the plainest way, on
// top of encoding/json. The tests hold the engine against it.

// tree is a JSON value: nil, bool, json.Number, string, []tree or object.
type tree any

type object []pair

type pair struct {
	name  string
	value tree
}

func (o object) get(name string) tree {
	for _, p := range o {
		if p.name == name {
			return p.value
		}
	}
	return nil
}

// parse reads JSON into a tree, or says why the engine must refuse it.
func parse(text []byte) (tree, Reason) {
	text = bytes.TrimPrefix(text, []byte(bom))
	switch {
	case !utf8.Valid(text):
		return nil, ReasonInvalidUTF8
	case nesting(text) > MaxDepth:
		return nil, ReasonTooDeep
	case !json.Valid(text):
		return nil, ReasonMalformed
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := parseValue(d)
	if err != nil {
		return nil, ReasonDuplicateName
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, ReasonMalformed
	}
	return v, ""
}

// nesting counts brackets outside of strings.
func nesting(text []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

func parseValue(d *json.Decoder) (tree, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []tree{}
		for d.More() {
			v, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	case json.Delim('{'):
		o, seen := object{}, map[string]bool{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			n := name.(string)
			if seen[n] {
				return nil, fmt.Errorf("%q appears twice", n)
			}
			seen[n] = true
			v, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			o = append(o, pair{n, v})
		}
		_, err := d.Token()
		return o, err
	}
	return t, nil
}

// jsvOf returns JSV by the rules that the recordings obey.
func jsvOf(v tree) string {
	switch v := v.(type) {
	case nil:
		return "{}"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case json.Number:
		return v.String()
	case string:
		if v == "" || strings.ContainsAny(v, "\":,{}[]\r\n") {
			return `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
		}
		return v
	case []tree:
		var parts []string
		for _, e := range v {
			parts = append(parts, jsvOf(e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case object:
		var parts []string
		for _, p := range v {
			if p.value != nil {
				parts = append(parts, jsvOf(p.name)+":"+jsvOf(p.value))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	panic(v)
}

// jsonOf returns compact JSON that escapes only what it must.
func jsonOf(v tree) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case string:
		var b strings.Builder
		b.WriteByte('"')
		for _, r := range v {
			short := strings.IndexRune("\"\\\b\f\n\r\t", r)
			switch {
			case short >= 0:
				b.WriteString(`\` + `"\bfnrt`[short:short+1])
			case r < ' ':
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				b.WriteRune(r)
			}
		}
		b.WriteByte('"')
		return b.String()
	case []tree:
		var parts []string
		for _, e := range v {
			parts = append(parts, jsonOf(e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case object:
		var parts []string
		for _, p := range v {
			parts = append(parts, jsonOf(p.name)+":"+jsonOf(p.value))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	panic(v)
}

// reference makes CSV as the options say.
type reference struct {
	Options
	nested    string
	delimiter string
	guard     bool
	upstream  bool
	booleans  Booleans
}

func newReference(o Options) reference {
	r := reference{Options: o, nested: o.Nested, delimiter: o.Delimiter, upstream: o.Dialect == "" || o.Dialect == "upstream"}
	if r.nested == "" {
		r.nested = map[bool]string{true: "jsv", false: "json"}[r.upstream]
	}
	if named := map[string]string{"": ",", "comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}[o.Delimiter]; named != "" {
		r.delimiter = named
	}
	r.guard = o.Dialect == "excel"
	if o.FormulaGuard != nil {
		r.guard = *o.FormulaGuard
	}
	switch {
	case o.Booleans != nil:
		r.booleans = *o.Booleans
	case r.upstream:
		r.booleans = Booleans{"True", "False"}
	case o.Dialect == "excel":
		r.booleans = Booleans{"TRUE", "FALSE"}
	default:
		r.booleans = Booleans{"true", "false"}
	}
	return r
}

// rows returns the texts of the cells, or that the JSON has another shape. A
// null is nil, to tell it from a text that is the same.
func (r reference) rows(v tree) ([][]*string, Reason) {
	sessions, ok := v.([]tree)
	if !ok {
		sessions = []tree{v}
	}
	var rows [][]*string
	for _, s := range sessions {
		session, ok := s.(object)
		if !ok {
			return nil, ReasonUnexpectedShape
		}
		if !r.ofElements() {
			rows = append(rows, r.row(session, session, sessionProperties))
			continue
		}
		list := session.get(r.Rows)
		if list == nil {
			continue
		}
		elements, ok := list.([]tree)
		if !ok {
			return nil, ReasonUnexpectedShape
		}
		for _, e := range elements {
			element, ok := e.(object)
			if !ok && e != nil {
				return nil, ReasonUnexpectedShape
			}
			rows = append(rows, r.row(session, element, elementProperties[r.Rows]))
		}
	}
	return rows, ""
}

// chosen returns the columns with * spelt out.
func (r reference) chosen() []Column {
	columns := r.Columns
	if len(columns) == 0 {
		columns = []Column{{Name: "*"}}
	}
	var defaults []Column
	add := func(names ...string) {
		for _, name := range names {
			if r.Lists[name] != "drop" && !slices.ContainsFunc(r.Columns, func(c Column) bool { return c.Name == name }) {
				defaults = append(defaults, Column{Name: name})
			}
		}
	}
	if r.ofElements() {
		add("session.id")
		add(propertyNames(elementProperties[r.Rows])...)
	} else {
		add(propertyNames(sessionProperties)...)
	}
	var all []Column
	for _, c := range columns {
		if c.Name == "*" {
			all = append(all, defaults...)
		} else {
			all = append(all, c)
		}
	}
	return all
}

// ofElements reports whether a row is an element's.
func (r reference) ofElements() bool { return r.Rows != "" && r.Rows != RowsSession }

// row returns the cells of a row; source is the session or its element.
func (r reference) row(session, source object, known []Property) []*string {
	var cells []*string
	for _, c := range r.chosen() {
		name, ofSession := strings.CutPrefix(c.Name, "session.")
		from := source
		if ofSession {
			from = session
		}
		if c.Path == "" {
			cells = append(cells, r.text(from.get(name), r.Lists[name], strings.HasPrefix(name, "date")))
			continue
		}
		path, ofRow := strings.CutPrefix(c.Path, "row:")
		from = session
		if ofRow {
			from = source
		}
		cells = append(cells, r.text(lookup(from, path), "", slices.Contains(dateNames, lastName(path))))
	}
	if r.ExtraColumns == "append" {
		var extra tree
		var members object
		for _, p := range source {
			if !slices.ContainsFunc(known, func(k Property) bool { return k.Name == p.name }) {
				members = append(members, p)
			}
		}
		if len(members) > 0 {
			extra = members
		}
		cells = append(cells, r.text(extra, "", false))
	}
	return cells
}

// lookup returns the value of a path: of the keys it begins with by the tree, of
// what follows by gjson, which would search in a text as well.
func lookup(o object, path string) tree {
	if o == nil {
		return nil
	}
	keys, rest := split(path)
	v := tree(o)
	for _, key := range keys {
		var ok bool
		if v, ok = child(v, key); !ok {
			return nil
		}
	}
	if rest == "" {
		return v
	}
	switch v.(type) {
	case object, []tree:
	default:
		if rest[0] != '@' {
			return nil
		}
	}
	found := gjson.Get(jsonOf(v), rest)
	if !found.Exists() {
		return nil
	}
	v, reason := parse([]byte(found.Raw))
	if reason != "" { // it was found in a text
		return nil
	}
	return v
}

// child returns what a key leads to, if there is such.
func child(v tree, key string) (tree, bool) {
	switch v := v.(type) {
	case object:
		name := escaped.ReplaceAllString(key, "$1")
		has := slices.ContainsFunc(v, func(p pair) bool { return p.name == name })
		return v.get(name), has
	case []tree:
		if n, err := strconv.ParseUint(key, 10, 32); err == nil && n < uint64(len(v)) {
			return v[n], true
		}
	}
	return nil, false
}

// split returns the keys that a path begins with, as they are written, and the
// rest of it.
func split(path string) (keys []string, rest string) {
	for path != "" {
		key := component.FindString(path)
		if strings.ContainsAny(escaped.ReplaceAllString(key, ""), "*?@") || strings.Contains(key, "#") {
			break
		}
		keys = append(keys, key)
		path = strings.TrimLeft(path[len(key):], ".|")
	}
	return keys, path
}

// lastName returns what the last component of a path names.
func lastName(path string) string {
	all := component.FindAllString(path, -1)
	return escaped.ReplaceAllString(all[len(all)-1], "$1")
}

// text returns the text of a value in a cell, guarded, and nil for null.
func (r reference) text(v tree, policy string, date bool) *string {
	var text string
	wrapped := false
	switch v := v.(type) {
	case nil:
		return nil
	case bool:
		text = r.booleans.False
		if v {
			text = r.booleans.True
		}
	case json.Number:
		text = v.String()
		wrapped = r.TextCells == "all" || r.TextCells == "numbers" && len(regexp.MustCompile(`[0-9]`).FindAllString(text, -1)) > 15
	case string:
		text = v
		wrapped = r.TextCells == "all" || r.TextCells == "numbers" && (numeric(text) || formula(text))
		if t, ok := dateOf(v); ok && date && r.Dates != nil && (r.Dates.Layout != "iso" || r.Dates.Zone != "") {
			text = r.dated(t)
			wrapped = r.TextCells == "all"
		}
	default:
		if list, ok := v.([]tree); ok && policy == "count" {
			text = strconv.Itoa(len(list))
			break
		}
		notation := r.nested
		if policy == "json" || policy == "jsv" {
			notation = policy
		}
		if notation == "json" {
			text = jsonOf(v)
		} else {
			text = jsvOf(v)
		}
	}
	if wrapped && text != "" && r.guarded(text) == text && len(utf16.Encode([]rune(text))) <= 255 && !control.MatchString(text) {
		text = `="` + strings.ReplaceAll(text, `"`, `""`) + `"`
	} else {
		text = r.guarded(text)
	}
	return &text
}

// numeric reports whether a spreadsheet could take text for a number or a date.
func numeric(text string) bool {
	for _, word := range words.FindAllString(text, -1) {
		if !numericWord.MatchString(word) {
			return false
		}
	}
	return strings.ContainsAny(text, "0123456789")
}

var (
	component   = regexp.MustCompile(`(?s)([^\\.|]|\\.)+`)
	escaped     = regexp.MustCompile(`(?s)\\(.)`)
	control     = regexp.MustCompile(`[\x00-\x1f\x7f]`)
	words       = regexp.MustCompile(`[A-Za-z]+`)
	numericWord = regexp.MustCompile(`(?i)^(e|a|p|am|pm|jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?|september|oct(ober)?|nov(ember)?|dec(ember)?)$`)
	isoDate     = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))?$`)
	wcfDate     = regexp.MustCompile(`^/Date\((-?\d{1,15})(?:([+-])([01]\d|2[0-3]):?([0-5]\d))?\)/$`)
)

// dateOf reads a date.
func dateOf(text string) (time.Time, bool) {
	offset := func(m []string) *time.Location {
		hours, _ := strconv.Atoi(m[3])
		minutes, _ := strconv.Atoi(m[4])
		if m[2] == "-" {
			hours, minutes = -hours, -minutes
		}
		if hours == 0 && minutes == 0 {
			return time.UTC
		}
		return time.FixedZone("", hours*3600+minutes*60)
	}
	if m := isoDate.FindStringSubmatch(text); m != nil {
		t, err := time.ParseInLocation("2006-01-02T15:04:05", m[1], offset(m))
		return t, err == nil && t.Year() > 0
	}
	if m := wcfDate.FindStringSubmatch(text); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		t := time.UnixMilli(n).In(offset(m))
		return t, t.Year() > 0 && t.Year() < 10000
	}
	return time.Time{}, false
}

// dated returns a date as the options write it.
func (r reference) dated(t time.Time) string {
	layout := r.Dates.Layout
	if named := map[string]string{"iso": "2006-01-02T15:04:05.9999999Z07:00", "spreadsheet": time.DateTime}[layout]; named != "" {
		layout = named
	}
	if r.Dates.Zone != "" {
		zone, err := time.LoadLocation(r.Dates.Zone)
		if err != nil {
			panic(err)
		}
		t = t.In(zone)
	}
	return t.Format(layout)
}

func (r reference) guarded(text string) string {
	if r.guard && formula(text) {
		return "'" + text
	}
	return text
}

// formula reports whether a spreadsheet could take text for a formula.
func formula(text string) bool {
	seen := strings.TrimLeft(text, "\x00")
	return seen != "" && strings.Contains("=+-@\t\r\n", seen[:1]) && !e164.MatchString(text) && !negative.MatchString(text)
}

// csv returns the rows as CSV.
func (r reference) csv(rows [][]*string) string {
	var b strings.Builder
	mark := r.Dialect == "excel"
	if r.BOM != nil {
		mark = *r.BOM
	}
	for y, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteString(r.delimiter)
			}
			null := r.guarded(r.nullText())
			text := null
			if cell != nil {
				text = *cell
			}
			quote := strings.ContainsAny(text, "\"\r\n"+r.delimiter)
			if text != "" {
				if r.upstream {
					quote = quote || strings.Contains("[{", text[:1])
				} else {
					quote = quote || strings.Trim(text, " \t") != text || text == `\.`
				}
				quote = quote || r.Dialect == "excel" && strings.ContainsAny(text, ",;\t")
				quote = quote || (!r.upstream || r.Header == "off") && strings.HasPrefix(text, bom)
				// Of booleans the compiler sees to it that they differ from null.
				quote = quote || cell != nil && text == null
			}
			if y == 0 && i == 0 && r.Header == "off" && !mark && (r.guard || !r.upstream) && strings.HasPrefix(text, "ID") {
				quote = true
			}
			if quote || text == "" && len(row) == 1 {
				text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
			}
			b.WriteString(text)
		}
		b.WriteString("\r\n")
	}
	return b.String()
}
