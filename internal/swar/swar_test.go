package swar

import (
	"bytes"
	"testing"
)

// TestTheLowestMarkIsTheFirstMatch tries every byte at every place, between bytes
// that are near it.
func TestTheLowestMarkIsTheFirstMatch(t *testing.T) {
	for c := range 256 {
		for _, other := range []byte{byte(c + 1), byte(c - 1), byte(c) ^ 0x80, 0, 0xff} {
			for at := range 8 {
				text := bytes.Repeat([]byte{other}, 9)
				text[1+at] = byte(c)
				x := Load(text, 1)
				if c < 0x80 {
					check(t, "equal", text, Clear(Equal(x, Repeated(byte(c))), x), func(b byte) bool { return b == byte(c) })
				}
				check(t, "controls", text, Clear(Controls(x), x), func(b byte) bool { return b < ' ' })
			}
		}
	}
}

func check(t *testing.T, what string, text []byte, marks uint64, match func(byte) bool) {
	t.Helper()
	want := -1
	for i, b := range text[1:] {
		if match(b) {
			want = i
			break
		}
	}
	got := -1
	if marks != 0 {
		got = First(marks)
	}
	if got != want {
		t.Errorf("%s in %x: at %d, want %d", what, text[1:], got, want)
	}
}
