package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
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
				return nil, fmt.Errorf("%q stands twice", n)
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

// jsvOf is JSV by the rules that the recordings obey.
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

// jsonOf is compact JSON that escapes only what it must.
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
		if r.Rows == "" || r.Rows == RowsSession {
			rows = append(rows, r.row(session, session, sessionProperties, nil))
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
			first := []*string{r.text(session.get("id"), "")}
			for _, p := range elementProperties[r.Rows] {
				first = append(first, r.text(element.get(p.Name), ""))
			}
			rows = append(rows, r.row(session, element, elementProperties[r.Rows], first))
		}
	}
	return rows, ""
}

func (r reference) row(session, source object, known []Property, cells []*string) []*string {
	chosen := r.Columns
	if len(chosen) == 0 && cells == nil {
		for _, p := range sessionProperties {
			if r.Lists[p.Name] != "drop" {
				chosen = append(chosen, Column{Name: p.Name})
			}
		}
	}
	for _, c := range chosen {
		cells = append(cells, r.text(session.get(c.Name), r.Lists[c.Name]))
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
		cells = append(cells, r.text(extra, ""))
	}
	return cells
}

// text returns the text of a value in a cell, guarded, and nil for null.
func (r reference) text(v tree, policy string) *string {
	var text string
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
	case string:
		text = v
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
	text = r.guarded(text)
	return &text
}

func (r reference) guarded(text string) string {
	if r.guard && text != "" && strings.Contains("=+-@\t\r\n", text[:1]) &&
		!e164.MatchString(text) && !negative.MatchString(text) {
		return "'" + text
	}
	return text
}

// csv returns the rows as CSV.
func (r reference) csv(rows [][]*string) string {
	var b strings.Builder
	for _, row := range rows {
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
			if quote || text == "" && len(row) == 1 {
				text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
			}
			b.WriteString(text)
		}
		b.WriteString("\r\n")
	}
	return b.String()
}
