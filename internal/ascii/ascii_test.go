package ascii

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestEqualFold(t *testing.T) {
	for _, tt := range []struct {
		rule, a, b string
		want       bool
	}{
		{"any letter case", "destination", "DestiNATION", true},
		{"another letter", "callSid", "callSud", false},
		{"a prefix", "call", "callSid", false},
		{"nothing", "", "", true},
		{"the first and the last letter", "AZ", "az", true},
		{"the bytes around the letters", "@[`{", "`{@[", false},
		{"the long s is no s", "s", "\u017f", false},
		{"the Kelvin sign is no k", "k", "\u212a", false},
		{"letters beyond ASCII are themselves alone", "ä", "Ä", false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := EqualFold(tt.a, tt.b); got != tt.want {
				t.Errorf("EqualFold(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
			}
			if got := EqualFold([]byte(tt.a), tt.b); got != tt.want {
				t.Errorf("EqualFold([]byte(%q), %q) = %v, want %v", tt.a, tt.b, got, tt.want)
			}
		})
	}
}

func TestIsAlpha(t *testing.T) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 256 {
		if got, want := IsAlpha(byte(c)), strings.IndexByte(letters, byte(c)) >= 0; got != want {
			t.Errorf("IsAlpha(%#x) = %v, want %v", c, got, want)
		}
	}
}

func TestHex4IsThatOfEncodingHex(t *testing.T) {
	for c := range 256 {
		for i := range 4 {
			text := []byte("0aF9")
			text[i] = byte(c)
			want, err := hex.DecodeString(string(text))
			got, ok := Hex4(text)
			if ok != (err == nil) || ok && got != rune(want[0])<<8|rune(want[1]) {
				t.Errorf("Hex4(%q) = %#x, %v, want %x, %v", text, got, ok, want, err)
			}
		}
	}
	if _, ok := Hex4([]byte("0aF")); ok {
		t.Error("three digits are four")
	}
}

func TestHexByteIsThatOfEncodingHex(t *testing.T) {
	for high := range 256 {
		for low := range 256 {
			want, err := hex.DecodeString(string([]byte{byte(high), byte(low)}))
			got, ok := HexByte(byte(high), byte(low))
			if ok != (err == nil) || ok && got != want[0] {
				t.Errorf("HexByte(%#x, %#x) = %#x, %v, want %x, %v", high, low, got, ok, want, err)
			}
		}
	}
}
