package transform

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
	"github.com/evovoice-gateway/caddy-conference-members/internal/swar"
)

// key is a component of a path that leads to one member of an object, or to one
// element of a list.
type key struct {
	// name is the name of the member, and token that name as JSON has it where
	// nothing in it is escaped: in quotes, with the colon.
	name, token string
	// index is the index of the element, or -1.
	index int
}

// newKey reads a component of a path. It reports false for what gjson reads
// otherwise than as a key: wildcards, modifiers, queries and #.
func newKey(component string) (key, bool) {
	k := key{index: -1}
	var name strings.Builder
	for i := 0; i < len(component); i++ {
		switch component[i] {
		case '\\':
			i++
		case '*', '?', '@':
			return key{}, false
		}
		if component[i] == '#' { // to gjson, even an escaped one is not a key of a list
			return key{}, false
		}
		name.WriteByte(component[i])
	}
	k.name = name.String()
	k.token = `"` + k.name + `":`
	if jsonwire.Digits([]byte(component), 0) == len(component) {
		if n, err := strconv.Atoi(component); err == nil {
			k.index = n
		}
	}
	return k, true
}

// walk returns where the value begins to which the keys lead from the checked
// value at i, or -1 if there is none.
func (s *scanner) walk(i int, keys []key) int {
	for n := range keys {
		k := &keys[n]
		switch {
		case s.json[i] == '{':
			i = s.member(i, k)
		case s.json[i] == '[' && k.index >= 0:
			i = s.nth(i, k.index)
		default:
			return -1
		}
		if i < 0 {
			return -1
		}
	}
	return i
}

// member returns where the value of a member of the checked object at i begins,
// or -1 if it has none of that name.
func (s *scanner) member(i int, k *key) int {
	b := s.json
	for i = s.space(i + 1); b[i] != '}'; i = s.next(i) {
		if bytes.HasPrefix(b[i:], []byte(k.token)) {
			return s.space(i + len(k.token))
		}
		end := s.skipText(i + 1)
		found := string(s.unescaped(b[i+1:end-1])) == k.name
		i = s.space(s.space(end) + len(":"))
		if found {
			return i
		}
		i = s.skip(i)
	}
	return -1
}

// nth returns where an element of the checked list at i begins, or -1 if the
// list is shorter.
func (s *scanner) nth(i, index int) int {
	for i = s.space(i + 1); s.json[i] != ']'; i = s.next(s.skip(i)) {
		if index == 0 {
			return i
		}
		index--
	}
	return -1
}

// skip returns the index after the checked value at i, which is in an object or
// a list.
func (s *scanner) skip(i int) int {
	b, depth := s.json, 0
	for {
		switch b[i] {
		case '"':
			if i = s.skipText(i + 1); depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		default:
			if depth == 0 { // a number or a word
				for b[i] != ',' && b[i] != ']' && b[i] != '}' && !jsonwire.IsSpace(b[i]) {
					i++
				}
				return i
			}
		}
		i++
	}
}

// skipText returns the index after the closing quote of the checked string whose
// text begins at i.
func (s *scanner) skipText(i int) int {
	b := s.json
	for {
		for i+8 <= len(b) {
			x := swar.Load(b, i)
			if m := swar.Clear(swar.Equal(x, swar.Ones*'"')|swar.Equal(x, swar.Ones*'\\'), x); m != 0 {
				i += swar.First(m)
				break
			}
			i += 8
		}
		for b[i] != '"' && b[i] != '\\' {
			i++
		}
		if b[i] == '"' {
			return i + 1
		}
		i += len(`\"`)
	}
}
