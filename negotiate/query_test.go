package negotiate

import (
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFromQuery(t *testing.T) {
	tests := []struct {
		raw  string
		want Query
	}{
		{"", Query{}},
		{"x=1", Query{}},
		{"format=csv", Query{Value: "csv"}}, // recording 158
		{"format=CSV", Query{Value: "CSV"}}, // 173
		{"Format=csv", Query{Value: "csv"}}, // 218
		{"FORMAT=csv", Query{Value: "csv"}},
		{"format=csv&x=1", Query{Value: "csv"}}, // 223
		{"x=1&format=csv", Query{Value: "csv"}}, // 224
		{"format", Query{}},                     // 225
		{"format=", Query{}},                    // 315
		{"format=&format=csv", Query{Value: "csv"}},
		{"format=csv%20", Query{Value: "csv "}}, // 194
		{"format=csv+", Query{Value: "csv "}},
		{"format=csv,json", Query{Value: "csv,json"}}, // 197
		{"format=text/csv", Query{Value: "text/csv"}}, // 185
		{"format=a=b", Query{Value: "a=b"}},
		{"%66orm%41t=c%73v", Query{Value: "csv"}},
		{"format%20=csv", Query{}},
		{"xformat=csv&formatx=csv&forma=csv", Query{}},
		{"format=c%7", Query{Value: "c%7"}},
		{"format=c%zzv", Query{Value: "c%zzv"}},
		{"forma%=csv&forma%7=csv", Query{}},
		{"format=csv&format=csv", Query{Value: "csv"}},
		{"format=csv&Format=CSV", Query{Value: "csv"}},
		{"format=csv&format=json", Query{Value: "csv", Ambiguous: true}},
		{"format=csv&format=json&format=csv", Query{Value: "csv", Ambiguous: true}},
		{"format=csv;format=json", Query{Value: "csv;format=json"}},
		{"&&=&=x&format=xml&", Query{Value: "xml"}},
	}
	for _, tt := range tests {
		if got := FromQuery(tt.raw, "format"); got != tt.want {
			t.Errorf("FromQuery(%q) = %+v, want %+v", tt.raw, got, tt.want)
		}
	}
}

func TestFromQueryDoesNotAllocate(t *testing.T) {
	for _, raw := range []string{"", "a=b&c=d", "x=1&FormAT=csv&y=%20", "%66ormat=csv"} {
		if n := testing.AllocsPerRun(100, func() { FromQuery(raw, "format") }); n != 0 {
			t.Errorf("FromQuery(%q): %v allocations, want 0", raw, n)
		}
	}
}

// FuzzFromQuery holds that a parameter is found in a query string as a reading
// by regular expressions finds it, and net/url where it can.
func FuzzFromQuery(f *testing.F) {
	for _, s := range []string{"format=csv", "Format=csv&x=1", "%66ormat=c%73v+", "format=csv&format=json", "format&format=", "a=%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var want Query
		for pair := range strings.SplitSeq(raw, "&") {
			name, value, _ := strings.Cut(pair, "=")
			name, value = unescapeSlowly(name), unescapeSlowly(value)
			switch {
			case !strings.EqualFold(latin1(name), "format") || value == "":
			case want.Value == "":
				want.Value = value
			case lowerASCII(latin1(value)) != lowerASCII(latin1(want.Value)):
				want.Ambiguous = true
			}
		}
		got := FromQuery(raw, "format")
		if got != want {
			t.Errorf("FromQuery(%q) = %+v, want %+v", raw, got, want)
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		if all := values["format"]; slices.ContainsFunc(all, func(v string) bool { return v != "" }) && got.Value == "" {
			t.Errorf("FromQuery(%q) = %+v, but net/url finds %q", raw, got, all)
		}
	})
}

var escapedByte = regexp.MustCompile(`%[0-9a-fA-F]{2}`)

// unescapeSlowly decodes what is an escape, and leaves the rest.
func unescapeSlowly(s string) string {
	return escapedByte.ReplaceAllStringFunc(strings.ReplaceAll(s, "+", " "), func(escape string) string {
		b, _ := hex.DecodeString(escape[1:])
		return string(b)
	})
}
