package transform

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
	"github.com/evovoice-gateway/caddy-conference-members/internal/swar"
)

// cellBuffer is the CSV being written: buf[:n] is written, the rest of buf is room.
// Text is stored eight bytes at a time while it is searched, so the bytes from
// n on may hold anything.
type cellBuffer struct {
	buf []byte
	n   int
}

// room makes room for at least k more bytes.
func (o *cellBuffer) room(k int) {
	if len(o.buf)-o.n < k {
		o.grow(k)
	}
}

func (o *cellBuffer) grow(k int) {
	b := slices.Grow(o.buf[:o.n], k)
	o.buf = b[:cap(b)]
}

// byte writes one byte.
func (o *cellBuffer) byte(c byte) {
	o.room(1)
	o.buf[o.n] = c
	o.n++
}

// text writes text as it is.
func (o *cellBuffer) text(text string) {
	o.room(len(text))
	o.n += copy(o.buf[o.n:], text)
}

// bytes writes text as it is.
func (o *cellBuffer) bytes(text []byte) {
	o.room(len(text))
	o.n += copy(o.buf[o.n:], text)
}

// rune writes a character as UTF-8.
func (o *cellBuffer) rune(r rune) {
	o.room(utf8.UTFMax)
	o.n += utf8.EncodeRune(o.buf[o.n:], r)
}

// run writes the text of a JSON string from src[i] on up to the first quote,
// backslash or byte of the pattern stop, and returns the index of that byte.
func (o *cellBuffer) run(src []byte, i int, stop uint64) int {
	buf, n := o.buf, o.n
	for i+8 <= len(src) {
		if len(buf)-n < 8 {
			o.n = n
			o.grow(8)
			buf = o.buf
		}
		x := swar.Load(src, i)
		binary.LittleEndian.PutUint64(buf[n:n+8:n+8], x)
		if m := swar.Clear(swar.Equal(x, swar.Ones*'"')|swar.Equal(x, swar.Ones*'\\')|swar.Equal(x, stop), x); m != 0 {
			k := swar.First(m)
			o.n = n + k
			return i + k
		}
		i += 8
		n += 8
	}
	o.n = n
	for c := src[i]; c != '"' && c != '\\' && c != byte(stop); c = src[i] {
		o.byte(c)
		i++
	}
	return i
}

// unescaped writes the text of a JSON string from src[i] on without its
// escapes.
func (o *cellBuffer) unescaped(src []byte, i int) {
	for {
		i = o.run(src, i, swar.Ones*'"')
		if src[i] == '"' {
			return
		}
		r, n := jsonwire.Unescape(src[i:])
		o.rune(r)
		i += n
	}
}
