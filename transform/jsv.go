package transform

import (
	"encoding/binary"

	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
	"github.com/evovoice-gateway/caddy-conference-members/internal/swar"
)

// JSV is JSON with the quotes of CSV, see the package's documentation. What is
// written here is in a quoted cell, so each of its quotes is doubled.

// jsv writes the checked JSON object or list at src[i] as JSV.
func (o *cellBuffer) jsv(src []byte, i int) {
	var objects uint64 // a bit for each open level: whether it is an object
	depth := 0
	text := 0 // where the last text written begins
	for {
		c := src[i]
		switch c {
		case '"':
			text = o.n
			i = o.jsvText(src, i+1)
			if c = src[i]; c != ':' && c != ',' {
				continue
			}
		case '{':
			objects = objects<<1 | 1
			depth++
		case '[':
			objects <<= 1
			depth++
		case '}', ']':
			objects >>= 1
			depth--
			if depth == 0 {
				o.byte(c)
				return
			}
		case ' ', '\n', '\r', '\t':
			i++
			continue
		case 't':
			o.text("True")
			i += len("true")
			continue
		case 'f':
			o.text("False")
			i += len("false")
			continue
		case 'n':
			i += len("null")
			if objects&1 == 0 {
				o.text("{}")
				continue
			}
			// The member is left out: the last text was its name. So is the
			// comma after it or, if it is the last, the one before it.
			o.n = text
			for jsonwire.IsSpace(src[i]) {
				i++
			}
			if src[i] == ',' {
				i++
			} else if o.buf[o.n-1] == ',' {
				o.n--
			}
			continue
		}
		o.byte(c) // structure, or a digit of a number
		i++
	}
}

// jsvText writes the JSON string whose text begins at src[i] as JSV and returns
// the index after its closing quote. It takes the text to need no quotes, and puts
// them around what is written if it does.
func (o *cellBuffer) jsvText(src []byte, start int) int {
	if src[start] == '"' {
		o.text(`""""`)
		return start + 1
	}
	begin, i := o.n, start
	for {
		buf, n := o.buf, o.n
		for i+8 <= len(src) {
			if len(buf)-n < 8 {
				o.n = n
				o.grow(8)
				buf = o.buf
			}
			x := swar.Load(src, i)
			binary.LittleEndian.PutUint64(buf[n:n+8:n+8], x)
			if m := jsvSpecials(x); m != 0 {
				k := swar.First(m)
				n += k
				i += k
				if src[i] == '"' {
					o.n = n
					return i + 1
				}
				break
			}
			i += 8
			n += 8
		}
		o.n = n
		for c := src[i]; c != '\\' && !jsvSpecial(c); c = src[i] {
			o.byte(c)
			i++
		}
		switch c := src[i]; c {
		case '"':
			return i + 1
		case '\\':
			r, n := jsonwire.Unescape(src[i:])
			if r < 0x80 && jsvSpecial(byte(r)) {
				return o.jsvQuoted(src, i, begin)
			}
			o.rune(r)
			i += n
		default:
			return o.jsvQuoted(src, i, begin)
		}
	}
}

// jsvSpecial reports whether a text that holds c is quoted in JSV.
func jsvSpecial(c byte) bool {
	switch c {
	case '"', ',', ':', '[', ']', '{', '}', '\r', '\n':
		return true
	}
	return false
}

// jsvSpecials marks the bytes of x that are special, and \ and |.
func jsvSpecials(x uint64) uint64 {
	// With the bit of small letters set, [ \ ] and { | } are 7b 7c 7d: from 7b on
	// the first addition sets the high bit, from 7e on the second.
	low := (x | swar.Ones*0x20) &^ swar.Highs
	brackets := (low + swar.Ones*(0x80-0x7b)) &^ (low + swar.Ones*(0x80-0x7e))
	return swar.Clear(brackets|swar.Equal(x, swar.Ones*'"')|swar.Equal(x, swar.Ones*',')|swar.Equal(x, swar.Ones*':'), x)
}

// jsvQuoted puts what is written of a text from begin on in quotes, writes the rest
// of the JSON string from src[i] on, and returns the index after its closing quote.
func (o *cellBuffer) jsvQuoted(src []byte, i, begin int) int {
	o.room(2)
	copy(o.buf[begin+2:], o.buf[begin:o.n])
	o.buf[begin], o.buf[begin+1] = '"', '"'
	o.n += 2
	for {
		i = o.run(src, i, swar.Ones*'"')
		if src[i] == '"' {
			o.quotes()
			return i + 1
		}
		r, n := jsonwire.Unescape(src[i:])
		if r == '"' {
			o.quotes()
			o.quotes()
		} else {
			o.rune(r)
		}
		i += n
	}
}

// quotes writes a quote as a quoted cell has it.
func (o *cellBuffer) quotes() {
	o.room(2)
	o.buf[o.n] = '"'
	o.buf[o.n+1] = '"'
	o.n += 2
}
