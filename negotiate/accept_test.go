package negotiate

import (
	"fmt"
	"strings"
	"testing"
)

// TestAccept has a table for each rule of RFC 9110 that a recipient of Accept
// must know. The key is one field line.
func TestAccept(t *testing.T) {
	rules := []struct {
		rule  string
		cases map[string]Format
	}{
		{"12.4.2 the highest weight wins", map[string]Format{
			"application/json;q=0.1, text/csv;q=0.2":      CSV,
			"application/json;q=0.2, text/csv;q=0.1":      JSON,
			"application/json;q=0.999, text/csv":          CSV,
			"application/json;q=0.001, image/png":         JSON,
			"application/xml;q=0.55,application/jsv;q=.9": JSV,
		}},
		{"12.4.2 the weight is 1 if absent", map[string]Format{
			"application/json;q=0.9, text/csv": CSV,
			"application/json, text/csv;q=1":   JSON,
		}},
		{"12.4.2 q=0 is not acceptable", map[string]Format{
			"text/csv;q=0":                         None,
			"text/csv;q=0.0":                       None,
			"text/csv;q=0.000":                     None,
			"text/csv;q=0.":                        None,
			"*/*;q=0":                              None,
			"text/csv;q=0, */*":                    JSON,
			"application/json;q=0, */*":            CSV,
			"application/json;q=0, application/*":  XML,
			"text/csv;q=0, text/*":                 HTML,
			"text/*;q=0, text/csv":                 CSV,
			"*/*;q=0, application/jsv;q=0.001":     JSV,
			"application/*;q=0, */*":               CSV,
			"application/*;q=0, text/csv;q=0, */*": HTML,
		}},
		{"12.4.2 a weight is 0 to 1 with at most three decimals", map[string]Format{
			"text/csv;q=1":      CSV,
			"text/csv;q=1.":     CSV,
			"text/csv;q=1.0":    CSV,
			"text/csv;q=1.000":  CSV,
			"text/csv;q=0.5":    CSV,
			"text/csv;q=0.123":  CSV,
			"text/csv;q=.5":     CSV,
			"text/csv;q=.555":   CSV,
			"text/csv;q=.":      None,
			"text/csv;q=.1234":  None,
			"text/csv;q=..5":    None,
			"text/csv;q=1.1":    None,
			"text/csv;q=1.001":  None,
			"text/csv;q=0.1234": None,
			"text/csv;q=1.0000": None,
			"text/csv;q=":       None,
			"text/csv;q":        None,
			"text/csv;q=2":      None,
			"text/csv;q=00":     None,
			"text/csv;q=01":     None,
			"text/csv;q=-1":     None,
			"text/csv;q=+1":     None,
			"text/csv;q=1e0":    None,
			"text/csv;q=0,5":    None, // two members, the second malformed
			"text/csv;q=high":   None,
			`text/csv;q="1"`:    None,
			`text/csv;q="0.5"`:  None,
			"text/csv;q=0.5.5":  None,
		}},
		{"a zero before the point of a weight may be left out", map[string]Format{
			"application/json;q=.5, text/csv;q=.6":     CSV,
			"application/json;q=.05, text/csv;q=0.049": JSON,
			"text/csv;q=.0": None,
		}},
		{"* is */*", map[string]Format{
			"*":                               JSON,
			"*;q=0.1":                         JSON,
			"*;q=0":                           None,
			"*, text/csv":                     CSV,
			"text/csv;q=0.1, *;q=0.2":         JSON,
			"text/html, image/gif, *; q=.2":   HTML,
			"application/json;q=0, * ; q=0.2": CSV,
			"*x":                              None,
			"**":                              None,
			"* /*":                            None,
			"*/":                              None,
		}},
		{"application/csv is text/csv", map[string]Format{
			"application/csv":                         CSV,
			"Application/CSV;charset=utf-8":           CSV,
			"application/csv;charset=utf-16":          None,
			"application/csv;q=0":                     None,
			"application/csv;q=0.1, text/csv;q=0.2":   CSV,
			"application/csv, application/json":       CSV,
			"application/json, application/csv":       JSON,
			"application/*":                           JSON,
			"application/*;q=0.5, text/*;q=0.1":       JSON,
			"application/json;q=0, application/*":     XML,
			"application/csv;q=0, text/csv;q=0, */*":  JSON,
			"application/csv;q=0.2, application/json": JSON,
		}},
		{"12.4.2 the name of the weight ignores case", map[string]Format{
			"application/json;Q=0.1, text/csv;q=0.2": CSV,
			"application/json;Q=0, text/csv;Q=0.001": CSV,
		}},
		{"12.5.1 q is the weight wherever it stands", map[string]Format{
			"text/csv;q=0.1;charset=utf-8, application/json;q=0.2": JSON,
			"text/csv;charset=utf-8;q=0.3, application/json;q=0.2": CSV,
			"text/csv;q=0.5;charset=utf-16":                        None,
			"text/csv;q=0.5;header=present":                        CSV,
		}},
		{"a member with two weights is malformed", map[string]Format{
			"text/csv;q=1;q=0.5, application/xml;q=0.1": XML,
			"text/csv;q=1;Q=1":                          None,
		}},
		{"12.5.1 the most specific range has precedence", map[string]Format{
			"text/*, text/csv;q=0.1, application/json;q=0.5":                                                   HTML,
			"*/*;q=0.1, application/*;q=0.2, application/json;q=0.3":                                           JSON,
			"*/*, application/*;q=0.2, application/json;q=0.3":                                                 CSV,
			"text/csv;q=0.1, text/csv;charset=utf-8;q=0.9, */*;q=0.5":                                          CSV,
			"text/csv;q=0.9, text/csv;charset=utf-8;q=0.1, */*;q=0.5":                                          JSON,
			"text/csv;charset=utf-8;q=0.9, text/csv;charset=utf-8;header=present;q=0.1, application/xml;q=0.5": XML,
			"text/*;charset=utf-8;header=present;q=0.1, text/csv;q=0.9, application/xml;q=0.5":                 CSV,
			// The example of section 12.5.1, with our types.
			"text/*;q=0.3, text/html;q=0.7, text/html;level=1, text/html;level=2;q=0.4, */*;q=0.5": HTML,
		}},
		{"of two ranges that are alike the higher weight counts", map[string]Format{
			"text/csv;q=0.1, text/csv;q=0.9, application/json;q=0.5": CSV,
			"text/csv;q=0.9, text/csv;q=0.1, application/json;q=0.5": CSV,
		}},
		{"erratum 7138: a parameter that the representation lacks does not match", map[string]Format{
			"text/html;level=3, text/*;q=0.1, application/json;q=0.2":          JSON,
			"text/html;level=3;q=0.1, text/html;q=0.9, application/json;q=0.5": HTML,
			"application/json;odata=verbose, text/csv;q=0.1":                   CSV,
			"text/csv;header=absent, application/json;q=0.1":                   JSON,
			"text/csv;charset=utf-16, application/json;q=0.1":                  JSON,
			"text/csv;charset=utf-16;q=0, text/csv":                            CSV,
			"application/json;header=present, text/csv;q=0.1":                  CSV,
		}},
		{"as a last resort, parameters that mean nothing to the type are disregarded", map[string]Format{
			"application/json;odata=verbose":                  JSON,
			"application/json;version=1":                      JSON,
			"application/json;odata=verbose;q=0.5, image/png": JSON,
			"application/json;charset=iso-8859-1":             JSON, // RFC 8259 section 11: no such parameter
			"application/json;header=present":                 JSON,
			"application/json;v=1;q=0.1, text/csv;v=1;q=0.2":  CSV,
			"text/html;level=1":                               HTML,
			"text/csv;delimiter=semicolon":                    CSV,
			"*/*;version=1":                                   JSON,
			"application/*;version=1":                         JSON,
		}},
		{"the last resort heeds the parameters that the type defines", map[string]Format{
			"text/csv;charset=utf-16":                None,
			"text/csv;header=absent":                 None,
			"text/csv;header=absent;v=1":             None,
			"text/html;charset=iso-8859-1":           None,
			"application/xml;charset=us-ascii;v=1":   None,
			"text/csv;charset=utf-16, text/html;v=1": HTML,
		}},
		{"the last resort heeds q=0", map[string]Format{
			"application/json;odata=verbose;q=0":                                 None,
			"application/json;odata=verbose, application/json;q=0":               None,
			"application/json;q=0, application/json;odata=verbose":               None,
			"application/json;charset=utf-8;odata=verbose, application/json;q=0": None,
			"application/json;odata=verbose, */*;q=0":                            JSON, // the more specific has precedence
			"application/json;v=1;q=0, application/*;v=1;q=0.5":                  XML,
		}},
		{"of equals the one that a more specific range names wins", map[string]Format{
			"*/*, text/csv":                             CSV,
			"*/*, application/json":                     JSON,
			"*/*, application/xml":                      XML,
			"application/*, application/json":           JSON,
			"application/*, application/xml":            XML,
			"text/*, application/json":                  JSON,
			"text/*, text/html":                         HTML,
			"*/*, text/*":                               CSV,
			"*/*, application/*":                        JSON,
			"*/*;q=0.5, text/html;q=0.5":                HTML,
			"*/*, text/csv;q=0.9":                       JSON,
			"application/json, text/csv;charset=utf-8":  CSV,
			"*/*, image/png":                            JSON,
			"text/*, application/xml, application/json": XML,
		}},
		{"then the first listed wins", map[string]Format{
			"text/csv, application/json":             CSV,
			"application/json, text/csv":             JSON,
			"application/xml;q=0.5, text/csv;q=0.5":  XML,
			"text/csv, */*":                          CSV,
			"image/png, text/html, application/json": HTML,
		}},
		{"of those that one range covers the server's first wins", map[string]Format{
			"*/*":           JSON,
			"application/*": JSON,
			"text/*":        CSV,
			"*/*;q=0.1":     JSON,
		}},
		{"12.5.1 nothing listed can be had", map[string]Format{
			"image/png":                   None,
			"image/*":                     None,
			"text/plain, image/png;q=0.5": None,
			"text/xml":                    None,
		}},
		{"5.6.1.2 empty members are ignored", map[string]Format{
			"":                         JSON,
			" ":                        JSON,
			",":                        JSON,
			" , \t,, ":                 JSON,
			"text/csv,":                CSV,
			",text/csv":                CSV,
			", ,text/csv,\t,image/png": CSV,
		}},
		{"5.6.3 whitespace stands around commas and semicolons only", map[string]Format{
			"\ttext/csv ":              CSV,
			"text/csv ; charset=utf-8": CSV,
			"text/csv\t;\tq=0.5":       CSV,
			"image/png\t,\ttext/csv":   CSV,
			"text /csv":                None,
			"text/ csv":                None,
			"text/csv;charset =utf-8":  None,
			"text/csv;charset= utf-8":  None,
			"text/csv;q =1":            None,
			"text/csv charset=utf-8":   None,
			"text/csv\u00a0":           None,
			"text/csv\r\n":             None,
		}},
		{"5.6.6 parameters may be empty", map[string]Format{
			"text/csv;":                 CSV,
			"text/csv; ; ;q=0.5":        CSV,
			"text/csv;;charset=utf-8; ": CSV,
		}},
		{"5.6.6 a parameter needs a name and a value", map[string]Format{
			"text/csv;charset":        None,
			"text/csv;charset=":       None,
			"text/csv;=utf-8":         None,
			"text/csv;charset==utf-8": None,
			"text/csv;cha rset=utf-8": None,
			"text/csv;q=0.5;ext":      None,
		}},
		{"5.6.6 the quoted value is the same value", map[string]Format{
			`text/csv;charset="utf-8"`:        CSV,
			`text/csv;charset="\u\t\f\-\8"`:   CSV,
			`text/csv;header="present";q=0.1`: CSV,
			`text/csv;charset="utf-8 "`:       None,
			`text/csv;charset="utf"`:          None,
			`text/csv;charset=""`:             None,
			`text/csv;charset="utf-16"`:       None,
		}},
		{"5.6.4 separators in a quoted string separate nothing", map[string]Format{
			`image/png;x="a, text/csv, b"`:                             None,
			`image/png;x="a\", text/csv, b"`:                           None,
			`image/png;x="\\", text/csv`:                               CSV,
			`application/json;x=";q=0", image/png`:                     JSON,
			`text/csv;x="\"";q=0, application/xml;q=0.1`:               XML,
			`application/json;x=";q=0.1;";q=0.2, text/csv;x=",";q=0.3`: CSV,
		}},
		{"5.6.4 a malformed quoted string spoils its member", map[string]Format{
			`text/csv;charset="utf-8`:                None,
			`text/csv;charset="utf-8\`:               None,
			`text/csv;charset="utf-8"x`:              None,
			"text/csv;x=\"\x00\", application/xml":   XML,
			"text/csv;x=\"\\\x01\", application/xml": XML,
			"text/csv;x=\"\x7f\", application/xml":   XML,
			"text/csv;x=\"\t\", image/png":           CSV,
			"text/csv;x=\"\xff\", image/png":         CSV,
			`te"xt/csv, application/xml`:             None,
		}},
		{"8.3.1 types and parameter names ignore case", map[string]Format{
			"TEXT/CSV":                CSV,
			"Text/Csv;CharSet=utf-8":  CSV,
			"APPLICATION/*":           JSON,
			"text/CSV;HEADER=present": CSV,
			"text/csv;HEADER=absent":  None,
			"te\u017ft/csv":           None,
		}},
		{"8.3.2 charset names ignore case", map[string]Format{
			"text/csv;charset=UTF-8":     CSV,
			"text/csv;charset=\"Utf-8\"": CSV,
			"text/csv;charset=utf8":      CSV,
			"text/csv;charset=UTF-16":    None,
		}},
		{"malformed members are skipped", map[string]Format{
			"foo, text/csv":                  CSV,
			"foo":                            None,
			"*/csv":                          None,
			"*/json, text/csv":               CSV,
			"/":                              None,
			"/csv":                           None,
			"text/":                          None,
			"text//csv":                      None,
			"text/csv/x":                     None,
			"text/csv\tx, application/xml":   XML,
			"text/c*v":                       None,
			"t*/csv":                         None,
			"text(comment)/csv, text/html":   HTML,
			"text/csv;q=2, application/xml":  XML,
			"text/csv;;;=;, application/xml": XML,
			";q=1, application/xml":          XML,
			"text/csv\x00, application/xml":  XML,
		}},
		{"a type is matched whole", map[string]Format{
			"text/csvx":                   None,
			"text/cs":                     None,
			"text/csv-schema":             None,
			"application/json-patch+json": None,
			"application/vnd.api+json":    None,
			"xtext/csv":                   None,
		}},
	}
	for _, r := range rules {
		t.Run(r.rule, func(t *testing.T) {
			for line, want := range r.cases {
				checkAccept(t, NewOffers(true), []string{line}, want)
			}
		})
	}
}

func TestAcceptJoinsLines(t *testing.T) {
	tests := []struct {
		lines []string
		want  Format
	}{
		{[]string{"image/png", "text/csv"}, CSV},
		{[]string{"application/json;q=0.1", "text/csv;q=0.9"}, CSV},
		{[]string{"text/csv", "application/json"}, CSV},
		{[]string{"", ","}, JSON},
		{[]string{"", "image/png"}, None},
		{[]string{"text/csv;q=0", "*/*"}, JSON},
		// A string that is not closed ends with its line.
		{[]string{`image/png;x="`, "text/csv", `"`}, CSV},
	}
	for _, tt := range tests {
		checkAccept(t, NewOffers(true), tt.lines, tt.want)
	}
}

func TestOffersOfCSVWithoutHeader(t *testing.T) {
	o := NewOffers(false)
	checkAccept(t, o, []string{"text/csv;header=absent"}, CSV)
	checkAccept(t, o, []string{"text/csv;header=present"}, None)
	checkAccept(t, o, []string{"text/csv"}, CSV)
}

func TestNoOffersAreNeverAcceptable(t *testing.T) {
	checkAccept(t, Offers{}, nil, None)
	checkAccept(t, Offers{}, []string{"*/*"}, None)
}

// hostile are lines that make a careless parser slow, each of a megabyte.
var hostile = map[string]string{
	"commas":     strings.Repeat(",", 1<<20),
	"semicolons": "text/csv" + strings.Repeat(";", 1<<20),
	"spaces":     "text/csv" + strings.Repeat(" ", 1<<20) + ";",
	"quotes":     strings.Repeat(`"`, 1<<20),
	"escapes":    `text/csv;x="` + strings.Repeat(`\"`, 1<<19),
	"open":       strings.Repeat(`a/b;x=",`, 1<<17),
	"ranges":     strings.Repeat("a/b,", 1<<18),
	"params":     "text/csv" + strings.Repeat(";charset=utf-8", 1<<16),
	"unknown":    "text/csv" + strings.Repeat(";a=b", 1<<18),
	"token":      strings.Repeat("a", 1<<20),
	"offers":     strings.Repeat("*/*;a=b,", 1<<17),
}

func TestAcceptDoesNotAllocate(t *testing.T) {
	o := NewOffers(true)
	lines := []string{"text/html,application/xhtml+xml;x=\"a,b\"", "text/csv;CHARSET=\"utf-8\";q=0.9,*/*;q=0.8"}
	if n := testing.AllocsPerRun(100, func() { o.Accept(lines) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	for name, line := range hostile {
		lines := []string{line}
		if n := testing.AllocsPerRun(1, func() { o.Accept(lines) }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkAccept(b *testing.B) {
	o := NewOffers(true)
	for _, bm := range []struct {
		name  string
		lines []string
	}{
		{"none", nil},
		{"json", []string{"application/json"}},
		{"csv", []string{"text/csv; charset=utf-8, */*;q=0.1"}},
		{"browser", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}},
		{"lines", []string{"text/csv;q=0.5", "application/json;q=0.4", "*/*;q=0.1"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(strings.Join(bm.lines, ""))))
			for b.Loop() {
				o.Accept(bm.lines)
			}
		})
	}
}

// BenchmarkAcceptHostile shows that the time stays linear: every line has a
// megabyte, so the rates are to be compared with those of BenchmarkAccept.
func BenchmarkAcceptHostile(b *testing.B) {
	o := NewOffers(true)
	for name, line := range hostile {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			lines := []string{line}
			for b.Loop() {
				o.Accept(lines)
			}
		})
	}
}

func ExampleOffers_Accept() {
	offers := NewOffers(true)
	fmt.Println(offers.Accept([]string{"application/json;q=0.5, text/csv"}))
	fmt.Println(offers.Accept([]string{"text/csv;q=0, */*"}))
	fmt.Println(offers.Accept([]string{"image/png"}))
	// Output:
	// csv true
	// json true
	// none false
}

// TestTokensAreMadeOfTheirBytes holds that a token has the bytes of RFC 9110 section
// 5.6.2 and no other.
func TestTokensAreMadeOfTheirBytes(t *testing.T) {
	const bytes = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 256 {
		if got, want := isTokenByte(byte(c)), strings.IndexByte(bytes, byte(c)) >= 0; got != want {
			t.Errorf("isTokenByte(%#x) = %v, want %v", c, got, want)
		}
	}
}
