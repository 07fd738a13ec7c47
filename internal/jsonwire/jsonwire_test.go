package jsonwire

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAFaultIsNamedAndPlaced(t *testing.T) {
	for _, tt := range []struct {
		rule, text string
		end        int
		fault      Fault
	}{
		{"a literal", "true,", 4, None},
		{"a literal cut short", "fals", 0, NoLiteral},
		{"a literal misspelt", "nul1", 0, NoLiteral},
		{"a number", "-0.5e+10]", 8, None},
		{"a number that ends the text", "12", 2, None},
		{"a zero ends before the next digit", "01", 1, None},
		{"minus alone", "-", 1, NoDigit},
		{"no digit after the point", "1.e", 2, NoDigit},
		{"no digit after the e", "1e", 2, NoDigit},
		{"no digit after the sign", "1e+", 3, NoDigit},
		{"no number at all", "+1", 0, NoDigit},
		{"a string", `"ab\n" `, 6, None},
		{"a space in a short string", `"a b"`, 5, None},
		{"a short string before more", `"ab", "0123456789"`, 4, None},
		{"a long string", `"0123456789abcdef\"" `, 20, None},
		{"half a pair is no fault here", `"\ud83d"`, 8, None},
		{"an open string", `"ab`, 3, Open},
		{"an open long string", `"0123456789abcdef`, 17, Open},
		{"a string open within an escape", `"ab\`, 3, Open},
		{"a control character", "\"0123456789\x1fabcdef\"", 11, Control},
		{"an unknown escape", `"ab\x"`, 3, BadEscape},
		{"a capital U", `"\U0041"`, 1, BadEscape},
		{"an escape cut short", `"\u00"`, 1, BadHex},
		{"bytes that are not UTF-8", "\"0123456789\xff\"", 11, InvalidUTF8},
		{"bytes that are not UTF-8, behind U+FFFD", "\"\ufffd\xff\"", 4, InvalidUTF8},
		{"a surrogate in UTF-8", "\"\xed\xa0\x80\"", 1, InvalidUTF8},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if end, fault := token([]byte(tt.text)); end != tt.end || fault != tt.fault {
				t.Errorf("fault %d at %d, want %d at %d", fault, end, tt.fault, tt.end)
			}
		})
	}
}

// token reads the token at the beginning of text.
func token(text []byte) (end int, fault Fault) {
	switch text[0] {
	case '"':
		return String(text, 1)
	case 't', 'f', 'n':
		return Literal(text, 0)
	}
	return Number(text, 0)
}

func TestNothingIsReadBeyondTheEnd(t *testing.T) {
	text := []byte("[true")
	if end, fault := Literal(text[:4], 1); end != 1 || fault != NoLiteral {
		t.Errorf("a literal: fault %d at %d", fault, end)
	}
	if end, fault := Number(nil, 0); end != 0 || fault != NoDigit {
		t.Errorf("a number: fault %d at %d", fault, end)
	}
}

func TestFirstInvalid(t *testing.T) {
	for text, want := range map[string]int{"": -1, "é\ufffd": -1, "\xff": 0, "é\xff": 2} {
		if got := FirstInvalid([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestWhiteSpaceIsThatOfRFC8259(t *testing.T) {
	for c := range 256 {
		if got, want := IsSpace(byte(c)), strings.IndexByte(" \n\r\t", byte(c)) >= 0; got != want {
			t.Errorf("%#x: %t", c, got)
		}
	}
}

func TestLoneSurrogateFindsTheFirstHalf(t *testing.T) {
	for text, want := range map[string]int{
		``: -1, `abc`: -1, `\n\u00e4`: -1, `\ufffd\uFFFD`: -1, `\ud83d\ude00`: -1,
		`a\ud83d`: 1, `\ud83d\ude00\ude00`: 12, `\ud83d\n`: 0, `\ud83d\ud83d\ude00`: 0, `\\\udc00`: 2,
	} {
		if got := LoneSurrogate([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

// FuzzToken holds that a token is read to the end just when encoding/json takes it
// and it is UTF-8, and that a text is then unescaped as encoding/json does.
func FuzzToken(f *testing.F) {
	for _, s := range []string{`"ab\u00e4\ud83d\ude00\ud83d"`, "-12.5e-3", "true", "null", "\"\xff\"", `"\x"`, "1.", "01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || text[0] == '{' || text[0] == '[' || IsSpace(text[0]) || IsSpace(text[len(text)-1]) {
			return
		}
		end, fault := token(text)
		if got, want := fault == None && end == len(text), json.Valid(text) && utf8.Valid(text); got != want {
			t.Fatalf("%q: fault %d at %d of %d, encoding/json says %t", text, fault, end, len(text), want)
		}
		if text[0] != '"' || fault != None || end != len(text) {
			return
		}
		var want string
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if got := string(AppendUnescaped(nil, text[1:end-1])); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	})
}
