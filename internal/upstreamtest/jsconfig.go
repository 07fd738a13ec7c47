package upstreamtest

import (
	"slices"
	"strings"
	"unicode"
)

// nestedNames are the members of the elements of the session's lists, all of
// them, in the server's order.
var nestedNames = map[string][]string{
	"customerBreadcrumb": {"id", "name"},
	"log":                {"date", "message"},
	"members": {
		"identity", "endpointId", "displayName", "isOriginalMember", "avatarUrl",
		"applicationData", "callState", "role", "callSid", "muted",
	},
}

// defaults are the values that ?jsconfig=edv leaves out: those of the recorded
// session allnull, and false.
var defaults = map[string]string{
	"dialState": "None", "callState": "Disconnected", "queueState": "None", "channel": "Voice",
	"holdReason": "None", "direction": "Incoming", "role": "None",
}

// configure does to a response what ?jsconfig= asks for, as far as recorded
// (322 to 334): edv leaves out default values and the columns of nothing else,
// inv shows nulls, tc:sc puts the names of nested members into snake_case.
func configure(n node, columns []string, jsconfig string) (node, []string) {
	for option := range strings.SplitSeq(strings.ToLower(jsconfig), ",") {
		switch option {
		case "edv", "excludedefaultvalues":
			columns = slices.DeleteFunc(slices.Clone(columns), func(name string) bool {
				return isDefault(name, n.member(name))
			})
			n = dropDefaults(n)
		case "inv", "includenullvalues":
			n = showNulls(n, columns)
		case "tc:sc", "textcase:snakecase":
			n = snakeNested(n)
		}
	}
	return n, columns
}

func isDefault(name string, n node) bool {
	return n.kind == boolean && n.text == "False" || n.kind == str && n.text != "" && n.text == defaults[name]
}

func dropDefaults(n node) node {
	kept := node{kind: n.kind, text: n.text}
	for i, item := range n.items {
		if n.kind != object {
			kept.items = append(kept.items, dropDefaults(item))
			continue
		}
		if !isDefault(n.names[i], item) {
			kept.names = append(kept.names, n.names[i])
			kept.items = append(kept.items, dropDefaults(item))
		}
	}
	return kept
}

// showNulls gives an object all of the names, and the objects in its lists all
// of theirs.
func showNulls(n node, names []string) node {
	if n.kind != object || names == nil {
		return n
	}
	all := node{kind: object, names: names}
	for _, name := range names {
		item := n.member(name)
		if item.kind == list {
			item.items = slices.Clone(item.items)
			for i := range item.items {
				item.items[i] = showNulls(item.items[i], nestedNames[name])
			}
		}
		all.items = append(all.items, item)
	}
	return all
}

func snakeNested(n node) node {
	n.items = slices.Clone(n.items)
	for i, item := range n.items {
		item.names = slices.Clone(item.names)
		for j, name := range item.names {
			item.names[j] = snake(name)
		}
		n.items[i] = snakeNested(item)
	}
	return n
}

func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// appendJSON appends n as the server writes JSON.
func appendJSON(dst []byte, n node) []byte {
	switch n.kind { //nolint:exhaustive // the rest has brackets
	case null:
		return append(dst, "null"...)
	case str:
		return appendString(dst, n.text, false)
	case boolean:
		return append(dst, strings.ToLower(n.text)...)
	case number:
		return append(dst, n.text...)
	}
	brackets := "[]"
	if n.kind == object {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for i, item := range n.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		if n.kind == object {
			dst = appendString(dst, n.names[i], false)
			dst = append(dst, ':')
		}
		dst = appendJSON(dst, item)
	}
	return append(dst, brackets[1])
}
