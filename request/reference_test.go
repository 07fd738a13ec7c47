package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// This file reads bodies a second time, slowly and in the plainest way. The
// fuzz targets hold the package against it.

// sent is a member of a body. Its value is what encoding/json makes of it.
type sent struct {
	name  string
	value any
}

// reference reads a body that the label says is of the format. It reports
// false for one that must be refused.
type reference func(body string) ([]sent, bool)

// readings are the references by media type.
var readings = map[string]reference{jsonType: referenceJSON, csvType: referenceCSV, formType: referenceForm}

// refer reads a body and binds its members as the package documents it. A call
// is of session abc.
func refer(contentType, body string) (c rules.Call, extras map[string]any, ok bool) {
	near := make(map[rules.Field]bool)
	defer func() {
		for f := range near {
			ok = ok && c[f].Set
		}
	}()
	c = call("", "", "")
	extras = make(map[string]any)
	if body == "" {
		return c, extras, true
	}
	if len(body) > DefaultMaxBody || !utf8.ValidString(body) {
		return c, nil, false
	}
	text := strings.TrimPrefix(body, "\ufeff")
	isObject := strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{")
	if contentType == csvType && isObject {
		contentType = jsonType
	}
	if contentType == formType {
		text = body // in which a mark would be a part of the first name
		if isObject {
			return c, nil, false
		}
	}
	members, ok := readings[contentType](text)
	if !ok {
		return c, nil, false
	}
	seen := make(map[string]bool)
	for _, m := range members {
		key := asciiLower(m.name)
		if seen[key] || looksLikeField(m.name) {
			return c, nil, false
		}
		seen[key] = true
		f, isField := fieldsByName[key]
		if !isField && m.name != "_charset_" && key != "__type" && !memberName.MatchString(m.name) {
			return c, nil, false
		}
		if f, ok := misspelt(m.name); ok && !isField {
			near[f] = true
		}
		switch v := m.value.(type) {
		case nil:
			if !isField {
				extras[m.name] = nil
			}
			continue
		case json.Number:
			m.value = v
			if isField {
				m.value = v.String()
			}
		}
		if !isField {
			if key != "__type" {
				extras[m.name] = m.value
			}
			continue
		}
		text, isText := m.value.(string)
		if !isText || c[f].Set && c[f].Text != text {
			return c, nil, false
		}
		c[f] = rules.Value{Text: text, Set: true}
	}
	return c, extras, true
}

// fieldsByName are the four fields by their names in lower case.
var fieldsByName = map[string]rules.Field{
	"sessionid": rules.SessionID, "callsid": rules.CallSID, "destination": rules.Destination, "fromnumber": rules.FromNumber,
}

// memberName is what a member may be named that is forwarded.
var memberName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// escapes are the escapes of valid JSON, which are in strings only.
var escapes = regexp.MustCompile(`\\(?:u([0-9a-fA-F]{4})|.)`)

// halfPair reports whether an escape is half of a surrogate pair without the
// other.
func halfPair(text string) bool {
	end, high := -1, false // of the escape before, and what it was
	for _, at := range escapes.FindAllStringSubmatchIndex(text, -1) {
		var code uint64
		if at[2] >= 0 {
			code, _ = strconv.ParseUint(text[at[2]:at[3]], 16, 16)
		}
		isHigh, isLow := 0xd800 <= code && code < 0xdc00, 0xdc00 <= code && code < 0xe000
		follows := at[0] == end
		if high && (!follows || !isLow) || isLow && (!follows || !high) {
			return true
		}
		end, high = at[1], isHigh
	}
	return high
}

// referenceJSON reads JSON with encoding/json, which takes more than is taken.
func referenceJSON(text string) ([]sent, bool) {
	if !json.Valid([]byte(text)) || halfPair(text) {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var members []sent
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		value, err := referenceValue(d, 1)
		if err != nil {
			return nil, false
		}
		members = append(members, sent{name.(string), value})
	}
	return members, true
}

var errRefused = errors.New("refused")

// referenceValue reads a value that is inside of so many objects and lists.
func referenceValue(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth == DefaultMaxDepth {
		return nil, errRefused
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := referenceValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	object := make(map[string]any)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := t.(string)
		if _, again := object[name]; again || asciiLower(name) == "__type" || !memberName.MatchString(name) {
			return nil, errRefused
		}
		if object[name], err = referenceValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return object, err
}

// csvCells are a cell of RFC 4180 and what ends it, once CRLF is LF, for each
// delimiter.
var csvCells = func() map[string]*regexp.Regexp {
	all := make(map[string]*regexp.Regexp)
	for _, d := range []string{",", ";", "\t"} {
		all[d] = regexp.MustCompile(`^(?:"((?:[^"]|"")*)"|([^"` + d + `\n]*))(` + d + `|\n|$)`)
	}
	return all
}()

// referenceRows reads the rows that have a value, by the grammar of RFC 4180 but
// for the delimiter, and counts those without one behind the first. Those before
// what is malformed are read.
func referenceRows(text, delimiter string) (rows [][]string, blanks int, ok bool) {
	for text != "" {
		if text[0] == '\n' {
			text = text[1:]
			continue
		}
		var row []string
		for end := delimiter; end == delimiter; {
			at := csvCells[delimiter].FindStringSubmatch(text)
			if at == nil {
				return rows, blanks, false
			}
			row = append(row, strings.ReplaceAll(at[1], `""`, `"`)+at[2])
			text, end = text[len(at[0]):], at[3]
		}
		if strings.Join(row, "") != "" {
			rows = append(rows, row)
		} else if len(rows) == 1 {
			blanks++
		}
	}
	return rows, blanks, true
}

// referenceDelimiter returns the delimiter that a text declares, or with which its
// first row names a field.
func referenceDelimiter(text string) (delimiter, rest string) {
	if m := regexp.MustCompile(`^(?i:sep)=([,;\t])\n`).FindStringSubmatch(text); m != nil {
		return m[1], text[len(m[0]):]
	}
	for _, d := range []string{",", ";", "\t"} {
		rows, _, _ := referenceRows(text, d)
		if len(rows) == 0 {
			continue
		}
		for _, name := range rows[0] {
			if _, ok := fieldsByName[asciiLower(strings.Trim(name, " \t"))]; ok {
				return d, text
			}
		}
	}
	return ",", text
}

// referenceCSV reads one row under a header row.
func referenceCSV(text string) ([]sent, bool) {
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\r")
	delimiter, text := referenceDelimiter(text)
	rows, blanks, ok := referenceRows(text, delimiter)
	blank := len(rows) == 1 && blanks > 0 // a body without fields
	if blank {
		rows = append(rows, make([]string, len(rows[0])))
	}
	if !ok || len(rows) != 2 || len(rows[0]) != len(rows[1]) {
		return nil, false
	}
	var members []sent
	seen := make(map[string]bool)
	for i, name := range rows[0] {
		name, cell := strings.Trim(name, " \t"), rows[1][i]
		if strings.Contains(name, "\r") || blank && name != "" && seen[asciiLower(name)] {
			return nil, false
		}
		seen[asciiLower(name)] = true
		_, isField := fieldsByName[asciiLower(name)]
		switch {
		case cell != "" || name != "" && !isField:
			members = append(members, sent{name, cell})
		case name != "":
			members = append(members, sent{name, nil}) // not sent, but named
		}
	}
	if blank {
		return nil, true
	}
	return members, true
}

// referenceForm reads a form with net/url.
func referenceForm(body string) ([]sent, bool) {
	var members []sent
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		rawName, rawText, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		text, err2 := url.QueryUnescape(rawText)
		if err != nil || err2 != nil || !utf8.ValidString(name) || !utf8.ValidString(text) {
			return nil, false
		}
		_, isField := fieldsByName[asciiLower(name)]
		switch {
		case name == "_charset_":
			if l := asciiLower(text); l != "utf-8" && l != "utf8" {
				return nil, false
			}
		case isField && text == "":
			members = append(members, sent{name, nil})
			continue
		}
		members = append(members, sent{name, text})
	}
	return members, true
}

// extrasOf returns the members beyond the four fields that are forwarded.
func extrasOf(t testing.TB, q *Request) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader((&Request{extras: q.extras}).AppendJSON(nil)))
	d.UseNumber()
	extras := make(map[string]any)
	if err := d.Decode(&extras); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("after what is forwarded: %v", err)
	}
	return extras
}

// checkReading holds that a body is accepted if and only if the reference
// accepts it, and that both read the same.
func checkReading(t *testing.T, contentType, body string) {
	t.Helper()
	q, violations := read(t, &Reader{UnknownFields: Pass}, post(contentType, "", body))
	want, extras, ok := refer(contentType, body)
	if accepted := len(violations) == 0; accepted != ok {
		t.Fatalf("%q: violations are %q, but the reference accepts it: %v", body, failed(violations), ok)
	}
	checkPlaces(t, body, violations)
	if !ok {
		return
	}
	if q.Call != want {
		t.Errorf("%q is read as %v, want %v", body, q.Call, want)
	}
	delete(extras, "_charset_")
	got := extrasOf(t, q)
	delete(got, "_charset_")
	if !reflect.DeepEqual(got, extras) {
		t.Errorf("of %q is forwarded %v, want %v", body, got, extras)
	}
}

// checkPlaces holds that the places of violations are within the body.
func checkPlaces(t *testing.T, body string, violations []rules.Violation) {
	t.Helper()
	lines := strings.Split(body, "\n")
	for _, v := range violations {
		if v.Line < 0 || v.Line > len(lines) || v.Column < 0 || v.Line == 0 && v.Column > 0 ||
			v.Line > 0 && v.Column > utf8.RuneCountInString(lines[v.Line-1])+1 {
			t.Errorf("%q: %s at %d, %d", body, v.Rule.Name, v.Line, v.Column)
		}
	}
}
