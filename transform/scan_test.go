package transform

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// manyNames returns n members, then the given one.
func manyNames(n int, last string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"n%d":0,`, i)
	}
	return b.String() + last
}

func levels(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

var refusals = []struct {
	rule   string
	json   string
	reason Reason
	offset int
}{
	{"nothing", ``, ReasonMalformed, 0},
	{"white space alone", " \r\n\t", ReasonMalformed, 4},
	{"form feed is no white space", "\f{}", ReasonMalformed, 0},
	{"two byte order marks", "\ufeff\ufeff{}", ReasonMalformed, 3},
	{"byte order mark after white space", " \ufeff{}", ReasonMalformed, 1},
	{"byte order mark alone", "\ufeff", ReasonMalformed, 3},
	{"HTML", `<html>`, ReasonMalformed, 0},
	{"open object", `{`, ReasonMalformed, 1},
	{"open object after a member", `{"a":1`, ReasonMalformed, 6},
	{"open list of sessions", `[{}`, ReasonMalformed, 3},
	{"open empty list", `[`, ReasonMalformed, 1},
	{"open list in a session", `{"log":[`, ReasonMalformed, 8},
	{"open list after an element", `{"log":[1`, ReasonMalformed, 9},
	{"garbage after the value", `{} x`, ReasonMalformed, 3},
	{"second value", `{}{}`, ReasonMalformed, 2},
	{"comma after the last member", `{"a":1,}`, ReasonMalformed, 7},
	{"comma after the last element", `{"a":[1,]}`, ReasonMalformed, 8},
	{"comma after the last session", `[{},]`, ReasonMalformed, 4},
	{"comma alone", `{,}`, ReasonMalformed, 1},
	{"no comma between members", `{"a":1 "b":2}`, ReasonMalformed, 7},
	{"no comma between elements", `{"a":[1 2]}`, ReasonMalformed, 8},
	{"no comma between sessions", `[{} {}]`, ReasonMalformed, 4},
	{"no colon", `{"a" 1}`, ReasonMalformed, 5},
	{"no colon at the end", `{"a"`, ReasonMalformed, 4},
	{"no value", `{"a":}`, ReasonMalformed, 5},
	{"no value of a known name", `{"id":`, ReasonMalformed, 6},
	{"name without quotes", `{a:1}`, ReasonMalformed, 1},
	{"single quotes", `{'a':1}`, ReasonMalformed, 1},
	{"wrong bracket", `{"a":[1}}`, ReasonMalformed, 7},
	{"wrong brace", `[{]`, ReasonMalformed, 2},
	{"cut word", `{"a":tru`, ReasonMalformed, 5},
	{"word with a capital", `{"a":True}`, ReasonMalformed, 5},
	{"wrong words", `{"a":nul1}`, ReasonMalformed, 5},
	{"false cut", `{"a":fals}`, ReasonMalformed, 5},
	{"NaN", `{"a":NaN}`, ReasonMalformed, 5},
	{"plus before a number", `{"a":+1}`, ReasonMalformed, 5},
	{"minus alone", `{"a":-}`, ReasonMalformed, 6},
	{"zero before a number", `{"a":01}`, ReasonMalformed, 6},
	{"fraction without digits", `{"a":1.}`, ReasonMalformed, 7},
	{"no digits before the point", `{"a":.5}`, ReasonMalformed, 5},
	{"exponent without digits", `{"a":1e}`, ReasonMalformed, 7},
	{"exponent with a sign alone", `{"a":1e+}`, ReasonMalformed, 8},
	{"open string", `{"a":"b`, ReasonMalformed, 7},
	{"open long string", `{"a":"0123456789`, ReasonMalformed, 16},
	{"open name", `{"a`, ReasonMalformed, 3},
	{"raw line feed in a string", "{\"a\":\"b\nc\"}", ReasonMalformed, 7},
	{"raw control character in a long string", "{\"a\":\"0123456789\x1f0123456789\"}", ReasonMalformed, 16},
	{"raw NUL in a string", "{\"a\":\"\x00\"}", ReasonMalformed, 6},
	{"unknown escape", `{"a":"\x"}`, ReasonMalformed, 6},
	{"cut escape", `{"a":"\`, ReasonMalformed, 6},
	{"cut unicode escape", `{"a":"\u00`, ReasonMalformed, 6},
	{"unicode escape with other letters", `{"a":"\u00g0"}`, ReasonMalformed, 6},
	{"unicode escape with a capital U", `{"a":"\U0041"}`, ReasonMalformed, 6},

	{"byte that is never UTF-8", "{\"a\":\"b\xffc\"}", ReasonInvalidUTF8, 7},
	{"byte that is never UTF-8 near the end", "{\"\xff", ReasonMalformed, 3},
	{"lone continuation", "{\"a\":\"0123456789\x80\"}", ReasonInvalidUTF8, 16},
	{"cut character", "{\"a\":\"\xe2\x82\"}", ReasonInvalidUTF8, 6},
	{"overlong character", "{\"a\":\"\xc0\xaf\"}", ReasonInvalidUTF8, 6},
	{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", ReasonInvalidUTF8, 6},
	{"invalid name", "{\"\xff\":1}", ReasonInvalidUTF8, 2},
	{"invalid after an escape", "{\"a\":\"é\\n\xff\"}", ReasonInvalidUTF8, 10},

	{"known name twice", `{"id":"1","id":"2"}`, ReasonDuplicateName, 10},
	{"known name twice, out of order", `{"id":"1","log":[],"id":"2"}`, ReasonDuplicateName, 19},
	{"known name twice, once escaped", `{"id":"1","\u0069d":"2"}`, ReasonDuplicateName, 10},
	{"known name twice, both escaped", `{"\u0069d":"1","i\u0064":"2"}`, ReasonDuplicateName, 15},
	{"known name twice in a list element", `{"members":[{"role":"a","role":"b"}]}`, ReasonDuplicateName, 24},
	{"unknown name twice", `{"x":1,"x":2}`, ReasonDuplicateName, 7},
	{"unknown name twice, once before a space", `{"x":1,"x" :2}`, ReasonDuplicateName, 7},
	{"unknown name twice, once escaped", `{"x":1,"\u0078":2}`, ReasonDuplicateName, 7},
	{"empty name twice", `{"":1,"":2}`, ReasonDuplicateName, 6},
	{"map key twice", `{"members":[{"applicationData":{"k":"1","k":"2"}}]}`, ReasonDuplicateName, 40},
	{"names that differ in half a surrogate pair only", `{"\ud800":1,"\udfff":2}`, ReasonDuplicateName, 12},
	{"surrogate pair twice, once escaped", `{"\ud83d\ude00":1,"😀":2}`, ReasonDuplicateName, 18},
	{"name twice in another object's list", `{"x":[{"a":1},{"b":1,"b":2}]}`, ReasonDuplicateName, 21},
	{"name twice around an object", `{"x":{"y":1},"x":2}`, ReasonDuplicateName, 13},
	{"last of few names twice", `{` + manyNames(7, `"n6":1`) + `}`, ReasonDuplicateName, 50},
	{"last of many names twice", `{` + manyNames(100, `"n50":1`) + `}`, ReasonDuplicateName, 791},
	{"last of many names twice, before a space", `{` + manyNames(100, `"n50" :1`) + `}`, ReasonDuplicateName, 791},
	{"last of many names twice, escaped", `{` + manyNames(100, `"\u006e50":1`) + `}`, ReasonDuplicateName, 791},

	{"65 lists", `{"a":` + levels(64) + `}`, ReasonTooDeep, 68},
	{"65 objects", strings.Repeat(`{"a":`, 65), ReasonTooDeep, 320},
	{"65 lists outside", levels(65), ReasonTooDeep, 64},
	{"a million open lists", strings.Repeat("[", 1e6), ReasonTooDeep, 64},
	{"a million open objects", strings.Repeat(`{"members":`, 1e6), ReasonTooDeep, 704},

	{"null", `null`, ReasonUnexpectedShape, 0},
	{"string", ` "plain string"`, ReasonUnexpectedShape, 1},
	{"number", `1`, ReasonUnexpectedShape, 0},
	{"true", `true`, ReasonUnexpectedShape, 0},
	{"list with a null", `[{},null]`, ReasonUnexpectedShape, 4},
	{"list of a list", `[[{}]]`, ReasonUnexpectedShape, 1},
	{"the first odd element counts", `[1,{},2]`, ReasonUnexpectedShape, 1},
	{"malformed counts more than an odd element", `[1,{},2`, ReasonMalformed, 7},
}

func TestWhatIsNotAStrictResponseIsRefusedWithReasonAndPlace(t *testing.T) {
	p := compile(t, Options{})
	for _, c := range refusals {
		t.Run(c.rule, func(t *testing.T) {
			got, err := p.AppendSessions([]byte("dst"), []byte(c.json))
			if string(got) != "dst" {
				t.Errorf("dst is %q", got)
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error is %v", err)
			}
			if e.Reason != c.reason || e.Offset != c.offset {
				t.Errorf("got %v, want %s at byte %d", e, c.reason, c.offset)
			}
		})
	}
}

func TestWhatIsStrictIsAccepted(t *testing.T) {
	p := compile(t, Options{})
	for rule, json := range map[string]string{
		"empty object":                             `{}`,
		"empty list":                               `[]`,
		"white space everywhere":                   " \r\n\t[ { \"a\" : [ 1 , { } ] , \"b\" : null } , { } ] ",
		"64 levels":                                `{"a":` + levels(63) + `}`,
		"siblings do not add up":                   `{"a":[` + strings.Repeat("[],", 100) + `{}]}`,
		"numbers of every form":                    `{"a":[0,-0,1.5,10e5,1E-5,1e+05,123456789012345678901234567890]}`,
		"escapes of every form":                    `{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\uD800"}`,
		"the same name at different depth":         `{"a":{"a":{"a":1}},"b":{"a":1}}`,
		"names that are different surrogate pairs": `{"\ud83d\ude00":1,"\ud83d\ude01":2}`,
		"names that differ in case":                `{"id":1,"Id":2,"ID":3}`,
		"a name that begins like another":          `{"a":1,"aa":2,"":3}`,
		"escapes that only look alike":             `{"\\u0061":1,"a":2}`,
		"many different names":                     `{` + manyNames(1000, `"n":0`) + `}`,
		"delete and characters beyond":             "{\"a\":\"\x7f\u0080\u2028\U0010ffff\"}",
	} {
		t.Run(rule, func(t *testing.T) {
			if _, err := p.AppendSessions(nil, []byte(json)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEveryReasonIsListed(t *testing.T) {
	for _, c := range refusals {
		if !slices.Contains(Reasons, c.reason) {
			t.Errorf("%s is not in Reasons", c.reason)
		}
	}
	for _, r := range Reasons {
		if !slices.ContainsFunc(refusals, func(c struct {
			rule   string
			json   string
			reason Reason
			offset int
		},
		) bool {
			return c.reason == r
		}) && r != ReasonTooLarge {
			t.Errorf("no case for %s", r)
		}
	}
}

func TestErrorTextHasReasonAndPlaceAndNothingOfTheResponse(t *testing.T) {
	_, err := compile(t, Options{}).AppendSessions(nil, []byte(`{"fromName":"Secret"`))
	if got, want := err.Error(), "malformed at byte 20"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
