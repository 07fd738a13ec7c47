package transform

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

var (
	e164     = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	negative = regexp.MustCompile(`^-[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// random makes sessions and options at random, with hard cases more often than they
// occur.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 1))} }

func (r random) one(of ...string) string { return of[r.IntN(len(of))] }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func (r random) text() string {
	switch r.IntN(6) {
	case 0:
		return ""
	case 1:
		if r.chance(20) {
			return r.date()
		}
		return r.one("ID", "IDs", "\x00=1", "\x00\x00x", "00123", "1E5", "3-4", "Apr 3", "5 pm", "12345678901234567890", "€5", "5 apples", "=1+1", "+15551234567", "+0555", "+1", "+12", "+1234567890123456", "-1", "-1.5e3", "-x", "-1+1", "@A1", "\tx",
			"\rx", "\nx", " x", "x ", "x\t", `\.`, `\`, "'", "''", "NULL", "n/a", "True", "false", "0", "[]", "{}", "[", "a|b", "|",
			"\ufeffx", "2021-08-18T09:40:00Z", strings.Repeat("long ", 40))
	}
	var b strings.Builder
	for range r.IntN(24) {
		if r.chance(70) {
			b.WriteByte("abcdefghijklmnopqrstuvwxyzABC 0123456789_-|~^`"[r.IntN(46)])
			continue
		}
		b.WriteString(r.one(`"`, `,`, `;`, "\t", "\r", "\n", "\r\n", ":", "[", "]", "{", "}", `\`, "/", "'", "=", "é", "ü", "€", "😀",
			"\u2028", "\u0000", "\u001f", "\u007f", "\u0085", "\ufffd", "\ufeff", "|", "."))
	}
	return b.String()
}

// date makes a date, or what is nearly one.
func (r random) date() string {
	return r.one("2021-08-18T09:40:00.1234567Z", "2021-02-29T09:40:00Z", "2020-02-29T23:59:59+02:00", "2021-13-01T00:00:00Z", "0000-01-01T00:00:00Z",
		"2021-08-18T24:00:00Z", "2021-08-18T09:40:00", "2021-08-18T09:40:00.", "2021-08-18T09:40:00.1234567890Z", "2021-08-18T09:40:00-0930", "2021-08-18",
		"2021-08-18 09:40:00", "2021-08-18T09:40:00Zulu", "2021-08-18T09:40:00+99:00", "/Date(1629279600123)/", "/Date(1629279600123+0200)/",
		"/Date(-62135596800000-0000)/", "/Date(-62135596800001)/", "/Date()/", "/Date(1)", "/Date(999999999999999)/", "/Date(1629279600123+02)/", "9999-12-31T23:59:59.9999999Z")
}

func (r random) number() json.Number {
	return json.Number(r.one("0", "-0", "12.50", "1e5", "-1E+09", "123456789012345678901234567890", "-7", "0.1"))
}

// value makes a value of any kind, at most depth levels deep.
func (r random) value(depth int) tree {
	k := r.IntN(8)
	if depth <= 0 {
		k = r.IntN(6)
	}
	switch k {
	case 0:
		return nil
	case 1:
		return r.chance(50)
	case 2:
		return r.number()
	case 6:
		list := []tree{}
		for range r.IntN(4) {
			list = append(list, r.value(depth-1))
		}
		return list
	case 7:
		return r.object(depth-1, nil)
	default:
		return r.text()
	}
}

// object makes an object with some members of known names and some others.
func (r random) object(depth int, known []Property) object {
	o := object{}
	seen := map[string]bool{}
	add := func(name string, v tree) {
		if !seen[name] {
			seen[name] = true
			o = append(o, pair{name, v})
		}
	}
	for _, p := range known {
		switch {
		case r.chance(30):
		case r.chance(10):
			add(p.Name, nil)
		case r.chance(5):
			add(p.Name, r.value(depth))
		case p.Type == TypeList:
			list := []tree{}
			for range r.IntN(4) {
				if r.chance(10) {
					list = append(list, nil)
				} else {
					list = append(list, r.object(depth, elementProperties[p.Name]))
				}
			}
			add(p.Name, list)
		case p.Type == TypeMap:
			add(p.Name, r.object(0, nil))
		case p.Type == TypeDate:
			add(p.Name, r.date())
		case p.Type == TypeBool:
			add(p.Name, r.chance(50))
		default:
			add(p.Name, r.text())
		}
	}
	if known == nil || r.chance(20) {
		for range r.IntN(12) {
			add(r.text(), r.value(depth))
		}
	}
	if r.chance(10) {
		r.Shuffle(len(o), func(i, j int) { o[i], o[j] = o[j], o[i] })
	}
	return o
}

// response makes a session or a list of sessions.
func (r random) response() tree {
	if r.chance(70) {
		return r.object(2, sessionProperties)
	}
	list := []tree{}
	for range r.IntN(4) {
		list = append(list, r.object(2, sessionProperties))
	}
	return list
}

// json writes a tree with white space and escapes at random.
func (r random) json(v tree) string {
	space := func() string {
		if r.chance(95) {
			return ""
		}
		return r.one(" ", "\n", "\t", "\r\n  ")
	}
	switch v := v.(type) {
	case string:
		var b strings.Builder
		b.WriteByte('"')
		for _, c := range v {
			switch {
			case c == '"' || c == '\\' || c < ' ' || r.chance(3):
				if short := strings.IndexRune("\"\\/\b\f\n\r\t", c); short >= 0 && r.chance(80) {
					b.WriteString(`\` + `"\/bfnrt`[short:short+1])
				} else if c > 0xffff {
					c -= 0x10000
					fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+c>>10, 0xdc00+c&0x3ff)
				} else {
					fmt.Fprintf(&b, `\u%04x`, c)
				}
			case c == '\ufffd' && r.chance(50):
				b.WriteString(r.one(`\ud800`, `\uDFFF`, `\uFFFD`))
			default:
				b.WriteRune(c)
			}
		}
		b.WriteByte('"')
		return space() + b.String() + space()
	case []tree:
		var parts []string
		for _, e := range v {
			parts = append(parts, r.json(e))
		}
		return space() + "[" + space() + strings.Join(parts, ",") + "]" + space()
	case object:
		var parts []string
		for _, p := range v {
			parts = append(parts, r.json(p.name)+":"+r.json(p.value))
		}
		return space() + "{" + space() + strings.Join(parts, ",") + "}" + space()
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	}
	return space() + "null" + space()
}

// options makes options that compile.
func (r random) options() Options {
	o := Options{
		Dialect:      r.one(append([]string{""}, Choices("dialect")...)...),
		Header:       r.one("", "", "pascal", "camel", "off"),
		Nested:       r.one("", "jsv", "json"),
		Rows:         r.one("", "", "session", "customerBreadcrumb", "log", "members"),
		Delimiter:    r.one("", "", ",", ";", "\t", "|", "semicolon", "tab", "pipe", "comma", ":", "-", ".", "'", " ", "[", "{", "=", "\\", "\x1f"),
		Null:         new(r.one("", "", "NULL", "n/a", "-", "a,b", "[]", `\N`, " ")),
		ExtraColumns: r.one("", "drop", "append"),
		TextCells:    r.one("", "", "off", "numbers", "all"),
	}
	if r.chance(40) {
		o.Dates = &Dates{
			Layout: r.one("iso", "spreadsheet", "02.01.2006 15:04", "Jan _2, 06", "=2006", "15:04:05.000 -0700", `"2006"`),
			Zone:   r.one("", "", "UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata"),
		}
	}
	if r.chance(30) {
		b := r.chance(50)
		o.BOM = &b
	}
	if r.chance(30) {
		b := r.chance(50)
		o.FormulaGuard = &b
	}
	if r.chance(30) {
		o.Booleans = &Booleans{r.one("yes", "1", "=T", "a;b"), r.one("no", "0", "+F", " f")}
	}
	for _, list := range nestedNames {
		if r.chance(30) {
			if o.Lists == nil {
				o.Lists = map[string]string{}
			}
			policy := r.one("json", "jsv", "count", "drop")
			if list == "applicationData" && policy == "count" {
				policy = "json"
			}
			o.Lists[list] = policy
		}
	}
	if r.chance(50) {
		o.Columns = r.columns(o)
	}
	return o
}

// columns makes columns that compile with the other options.
func (r random) columns(o Options) []Column {
	element := o.Rows != "" && o.Rows != RowsSession
	var columns []Column
	add := func(prefix string, properties []Property, n int) {
		for _, k := range r.Perm(len(properties))[:min(n, len(properties))] {
			p := properties[k]
			policy := o.Lists[p.Name]
			if policy == "drop" || prefix != "" && p.Type == TypeList && policy != "count" {
				continue
			}
			c := Column{Name: prefix + p.Name}
			if r.chance(30) {
				c.Label = strconv.Itoa(k) + prefix + r.text()
			}
			columns = append(columns, c)
		}
	}
	if element {
		add("", elementProperties[o.Rows], r.IntN(5))
		add(sessionPrefix, sessionProperties, 1+r.IntN(4))
	} else {
		add("", sessionProperties, 1+r.IntN(5))
	}
	for n := range r.IntN(4) {
		columns = append(columns, Column{Label: "path " + strconv.Itoa(n) + r.text(), Path: r.path()})
	}
	if r.chance(20) {
		columns = append(columns, Column{Name: "*"})
	}
	r.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
	return columns
}

// path makes a path.
func (r random) path() string {
	first := r.one("id", "dateCreated", "log", "members", "members", "customerBreadcrumb", "displayName", "applicationData", "date", "*", "d*", "a?c*", "x", "@this", "@keys", "@values", "@reverse")
	path := r.one("", "row:") + first
	for range r.IntN(4) {
		path += r.one(".", ".", "|") + r.one("0", "1", "#", "role", "displayName", "applicationData", "date", "message", "*", "@reverse", "@flatten", "@keys", "@values", "@this",
			`#(role=="Agent")`, `#(muted==true)#`, `#(message%"*a*")#`, `#(date>"2021")`, `#(applicationData.@keys.#>0)`, `#(id!=~null)`, `#(role)`)
	}
	return path
}
