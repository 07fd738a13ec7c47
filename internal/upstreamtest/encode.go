package upstreamtest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// appendString appends s as a JSON string. With ascii, everything beyond
// printable ASCII is escaped, as in X-Bound; without, control characters alone.
func appendString(dst []byte, s string, ascii bool) []byte {
	short := map[rune]string{
		'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`,
	}
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case short[r] != "":
			dst = append(dst, short[r]...)
		case r >= ' ' && (r < 0x7f || !ascii):
			dst = append(dst, string(r)...)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				dst = fmt.Appendf(dst, `\u%04x`, unit)
			}
		}
	}
	return append(dst, '"')
}

// appendCSV appends a list of objects, or one object as a list of one, under a
// header row that names the columns in PascalCase. It knows no more than the
// recordings show, and shares no code with the gateway.
func appendCSV(dst []byte, n node, columns []string) []byte {
	rows := n.items
	if n.kind == object {
		rows = []node{n}
	}
	for i, name := range columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, pascal(name)...)
	}
	dst = append(dst, "\r\n"...)
	for _, row := range rows {
		for i, name := range columns {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCell(dst, row.member(name))
		}
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// appendCell appends a cell; it is quoted if it must be, or if it begins like a
// list or an object.
func appendCell(dst []byte, n node) []byte {
	cell := n.text
	if n.kind == list || n.kind == object {
		cell = string(appendJSV(nil, n))
	}
	if !strings.ContainsAny(cell, "\",\r\n") && !strings.HasPrefix(cell, "[") && !strings.HasPrefix(cell, "{") {
		return append(dst, cell...)
	}
	return appendQuoted(dst, cell)
}

// appendJSV appends a value as JSV. Null members are left out, a null element
// of a list is an empty object.
func appendJSV(dst []byte, n node) []byte {
	switch n.kind { //nolint:exhaustive // the rest is text
	case list:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			if item.kind == null {
				dst = append(dst, "{}"...)
				continue
			}
			dst = appendJSV(dst, item)
		}
		return append(dst, ']')
	case object:
		dst = append(dst, '{')
		first := true
		for i, item := range n.items {
			if item.kind == null {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendJSVString(dst, n.names[i])
			dst = append(dst, ':')
			dst = appendJSV(dst, item)
		}
		return append(dst, '}')
	case str:
		return appendJSVString(dst, n.text)
	}
	return append(dst, n.text...)
}

// appendJSVString appends s, in quotes if JSV would read it as anything else.
func appendJSVString(dst []byte, s string) []byte {
	if s != "" && !strings.ContainsAny(s, "\":,{}[]\r\n") {
		return append(dst, s...)
	}
	return appendQuoted(dst, s)
}

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(s, `"`, `""`)...)
	return append(dst, '"')
}

// pascal returns the property name of a member name.
func pascal(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// columnsOf returns the columns of a response: those of a session, whatever it holds,
// or the members of an error.
func columnsOf(n node, session []string) []string {
	if n.kind == object && !slices.Contains(n.names, "id") && len(n.names) == 1 {
		return n.names
	}
	return session
}
