package destination

import (
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// minMasked is the fewest digits of which a mask shows four. Below that the
// four would be most of the number.
const minMasked = 7

// hidden stands for a text of which a mask shows nothing, not even its length.
const hidden = "****"

// Mask returns a phone number with all digits but the first two and the last
// two as asterisks, without its punctuation: "+14*******00". Numbers of fewer
// than 7 digits, and texts that are not phone numbers, become "****". An empty
// text stays empty.
func Mask(number string) string {
	if number == "" {
		return ""
	}
	digits, plus := 0, false
	for i := range len(number) {
		c := number[i]
		switch {
		case ascii.IsDigit(c):
			digits++
		case c == '+' && i == 0:
			plus = true
		case c >= 0x80 || !isSeparator(rune(c)):
			return hidden
		}
	}
	if digits < minMasked {
		return hidden
	}
	var b strings.Builder
	b.Grow(1 + digits)
	if plus {
		b.WriteByte('+')
	}
	seen := 0
	for i := range len(number) {
		c := number[i]
		if !ascii.IsDigit(c) {
			continue
		}
		if seen >= 2 && seen < digits-2 {
			c = '*'
		}
		b.WriteByte(c)
		seen++
	}
	return b.String()
}
