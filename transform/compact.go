package transform

import (
	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
	"github.com/evovoice-gateway/caddy-conference-members/internal/swar"
)

// compact writes the checked JSON object or list at src[i] as JSON without
// white space and needless escapes, and returns the index after it. It is
// in a quoted cell, so each of its quotes is doubled.
func (o *cellBuffer) compact(src []byte, i int) int {
	depth := 0
	for {
		o.room(8)
		c := src[i]
		i++
		switch c {
		case '"':
			i = o.compactText(src, i)
			if c = src[i]; c != ':' && c != ',' {
				continue
			}
			o.room(8)
			i++
		case ' ', '\n', '\r', '\t':
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				o.byte(c)
				return i
			}
		}
		o.buf[o.n] = c
		o.n++
	}
}

// compactText writes the JSON string whose text begins at src[i] and returns
// the index after its closing quote.
func (o *cellBuffer) compactText(src []byte, i int) int {
	o.quotes()
	for {
		i = o.run(src, i, swar.Ones*'"')
		if src[i] == '"' {
			o.quotes()
			return i + 1
		}
		r, n := jsonwire.Unescape(src[i:])
		o.escaped(r)
		i += n
	}
}

// escaped writes a character as JSON has it in a string, escaped if it must
// be (RFC 8259 section 7).
func (o *cellBuffer) escaped(r rune) {
	const hex = "0123456789abcdef"
	switch r {
	case '"':
		o.text(`\""`)
	case '\\':
		o.text(`\\`)
	case '\b':
		o.text(`\b`)
	case '\f':
		o.text(`\f`)
	case '\n':
		o.text(`\n`)
	case '\r':
		o.text(`\r`)
	case '\t':
		o.text(`\t`)
	default:
		if r >= ' ' {
			o.rune(r)
			return
		}
		o.text(`\u00`)
		o.byte(hex[r>>4])
		o.byte(hex[r&15])
	}
}
