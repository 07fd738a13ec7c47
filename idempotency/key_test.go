package idempotency

import (
	"strings"
	"testing"
)

func TestAKeyIsReadRawOrQuoted(t *testing.T) {
	longest := strings.Repeat("k", MaxKeyLength)
	for _, test := range []struct {
		lines []string
		want  string
		err   *KeyError
	}{
		{lines: []string{"8e03978e-40d5-43dd-bc93-6894a57f9324"}, want: "8e03978e-40d5-43dd-bc93-6894a57f9324"},
		{lines: []string{`"8e03978e-40d5-43dd-bc93-6894a57f9324"`}, want: "8e03978e-40d5-43dd-bc93-6894a57f9324"},
		{lines: []string{" \tkey "}, want: "key"},
		{lines: []string{`a"b\c`}, want: `a"b\c`},
		{lines: []string{`"a\"b\\c"`}, want: `a"b\c`},
		{lines: []string{"!~,;="}, want: "!~,;="},
		{lines: []string{longest}, want: longest},
		{lines: []string{`"` + strings.Repeat(`\"`, MaxKeyLength) + `"`}, want: strings.Repeat(`"`, MaxKeyLength)},
		{lines: nil, err: ErrKeyMissing},
		{lines: []string{}, err: ErrKeyMissing},
		{lines: []string{"a", "a"}, err: ErrKeyRepeated},
		{lines: []string{"a, b"}, err: ErrKeyCharacters},
		{lines: []string{""}, err: ErrKeyEmpty},
		{lines: []string{"  "}, err: ErrKeyEmpty},
		{lines: []string{`""`}, err: ErrKeyEmpty},
		{lines: []string{longest + "k"}, err: ErrKeyTooLong},
		{lines: []string{`"` + longest + `k"`}, err: ErrKeyTooLong},
		{lines: []string{"a b"}, err: ErrKeyCharacters},
		{lines: []string{`"a b"`}, err: ErrKeyCharacters},
		{lines: []string{"a\x00"}, err: ErrKeyCharacters},
		{lines: []string{"a\x7f"}, err: ErrKeyCharacters},
		{lines: []string{"schlüssel"}, err: ErrKeyCharacters},
		{lines: []string{`"`}, err: ErrKeyQuoting},
		{lines: []string{`"key`}, err: ErrKeyQuoting},
		{lines: []string{`"key\"`}, err: ErrKeyQuoting},
		{lines: []string{`""a"`}, err: ErrKeyQuoting},
		{lines: []string{`"a"b"`}, err: ErrKeyQuoting},
		{lines: []string{`"a\"b"c"`}, err: ErrKeyQuoting},
		{lines: []string{`"a\nb"`}, err: ErrKeyQuoting},
		{lines: []string{`"a";p=1`}, err: ErrKeyQuoting},
		{lines: []string{`"a", "b"`}, err: ErrKeyQuoting},
	} {
		got, err := ParseKey(test.lines)
		if got != test.want || err != test.err {
			t.Errorf("%q: %q, %v; want %q, %v", test.lines, got, err, test.want, test.err)
		}
	}
}

func TestEveryMistakeInAKeyHasItsDetailAndFix(t *testing.T) {
	seen := make(map[string]bool)
	for _, e := range KeyErrors() {
		if seen[e.Detail] || e.Error() == "" || e.Fix == "" {
			t.Errorf("%+v", e)
		}
		seen[e.Detail] = true
	}
}

// FuzzParseKey holds that a key is 1 to 255 visible characters, whatever was sent,
// and that it is the same when it is sent quoted.
func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{"key", `"key"`, `"a\"b"`, `"`, `"\`, " ", "a b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		key, err := ParseKey([]string{line})
		if err != nil {
			return
		}
		if key == "" || len(key) > MaxKeyLength || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%q is the key of %q", key, line)
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, err := ParseKey([]string{quoted}); again != key || err != nil {
			t.Errorf("%q, quoted, is %q, %v", key, again, err)
		}
	})
}
