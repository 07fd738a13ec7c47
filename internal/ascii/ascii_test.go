package ascii

import (
	"encoding/hex"
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
