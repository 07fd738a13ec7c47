package upstreamtest

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// kind is what a node is.
type kind uint8

const (
	null kind = iota
	boolean
	number
	str
	list
	object
)

// node is a JSON value that keeps the order of its members.
type node struct {
	kind  kind
	text  string // of a string or a number, True or False
	names []string
	items []node
}

// member returns a member of an object, a null where there is none.
func (n *node) member(name string) node {
	for i, s := range n.names {
		if s == name {
			return n.items[i]
		}
	}
	return node{}
}

// parseTree reads one JSON value.
func parseTree(b []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	n, err := readNode(d)
	if err != nil {
		return node{}, fmt.Errorf("reading a response: %w", err)
	}
	return n, nil
}

func readNode(d *json.Decoder) (node, error) {
	t, err := d.Token()
	if err != nil {
		return node{}, err
	}
	switch t := t.(type) {
	case bool:
		if t {
			return node{kind: boolean, text: "True"}, nil
		}
		return node{kind: boolean, text: "False"}, nil
	case json.Number:
		return node{kind: number, text: t.String()}, nil
	case string:
		return node{kind: str, text: t}, nil
	case json.Delim:
		return readItems(d, t)
	}
	return node{}, nil
}

func readItems(d *json.Decoder, open json.Delim) (node, error) {
	n := node{kind: list}
	if open == '{' {
		n.kind = object
	}
	for d.More() {
		if n.kind == object {
			name, err := d.Token()
			if err != nil {
				return node{}, err
			}
			n.names = append(n.names, fmt.Sprint(name))
		}
		item, err := readNode(d)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	_, err := d.Token()
	return n, err
}
