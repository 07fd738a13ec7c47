package route

import (
	"strings"
	"testing"
)

func TestParseRefusesWhatNoPathCouldMatch(t *testing.T) {
	for template, want := range map[string]string{
		"":                           "begin with a slash",
		"sessions/{sessionId}":       "begin with a slash",
		"/":                          "empty segments",
		"/sessions/{sessionId}/":     "empty segments",
		"//{sessionId}":              "empty segments",
		"/sessions":                  "must have a segment {sessionId}",
		"/{sessionId}/x/{sessionId}": "one segment {sessionId} only",
		"/x{sessionId}":              "segment of its own",
		"/{sessionId}.csv":           "segment of its own",
		"/sessions/{sessionid}":      "the one placeholder is {sessionId}",
		"/sessions/{id}/{sessionId}": "the one placeholder is {sessionId}",
		"/sessions/{sessionId}/*":    "no wildcards",
		"/{sessionId}/./x":           `segment "."`,
		"/{sessionId}/..":            `segment ".."`,
		"/{sessionId}/x?y":           "without query",
		"/{sessionId}/x#y":           "without query",
		"/{sessionId}/x%20y":         `must not hold '%'`,
		"/{sessionId}/x+y":           `must not hold '+'`,
		"/{sessionId}/x y":           `must not hold ' '`,
		`/{sessionId}/x\y`:           `must not hold '\\'`,
		"/{sessionId}/\u00e9":        "must not hold",
		"/{sessionId}/members.csv":   `suffix ".csv"`,
	} {
		if _, err := Parse(template); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want an error with %q", template, err, want)
		}
	}
}

func TestParseKeepsTheTemplateAsWritten(t *testing.T) {
	for _, s := range []string{DefaultTemplate, "/{sessionId}", "/V1/{sessionId}/A@b:c;d=e,f", "/{sessionId}/members.CSV", "/v1.csv/{sessionId}"} {
		if got := mustParse(t, s).String(); got != s {
			t.Errorf("String() = %q, want %q", got, s)
		}
	}
}

func TestPath(t *testing.T) {
	tests := []struct {
		template, id, suffix, want string
	}{
		{DefaultTemplate, "abc", "", "/sessions/abc/conference/members"},
		{DefaultTemplate, "abc", ".csv", "/sessions/abc/conference/members.csv"},
		{DefaultTemplate, "a b", "", "/sessions/a%20b/conference/members"},
		{DefaultTemplate, "a%b", "", "/sessions/a%25b/conference/members"},
		{DefaultTemplate, "a%2Fb", "", "/sessions/a%252Fb/conference/members"},
		{DefaultTemplate, "a.b_c~d-e", "", "/sessions/a.b_c~d-e/conference/members"},
		{DefaultTemplate, "a?b#c,d;e", "", "/sessions/a%3Fb%23c%2Cd%3Be/conference/members"},
		{DefaultTemplate, "\u00e9", ".html", "/sessions/%C3%A9/conference/members.html"},
		{DefaultTemplate, "a.csv", "", "/sessions/a.csv/conference/members"},
		{DefaultTemplate, "...", "", "/sessions/.../conference/members"},
		{"/V1/{sessionId}", "abc", ".xml", "/V1/abc.xml"},
		{"/V1/{sessionId}", "a.csv", ".xml", "/V1/a.csv.xml"},
		// What no path conveys.
		{DefaultTemplate, "", "", ""},
		{DefaultTemplate, ".", "", ""},
		{DefaultTemplate, "..", "", ""},
		{DefaultTemplate, "a/b", "", ""},
		{DefaultTemplate, "a+b", "", ""},
		{DefaultTemplate, "a%2fb", "", ""},
		{DefaultTemplate, "a\x00b", "", ""},
		{DefaultTemplate, "a\xffb", "", ""},
		{DefaultTemplate, "abc", ".txt", ""},
		{DefaultTemplate, "abc", "csv", ""},
		{"/V1/{sessionId}", "a.csv", "", ""},
		{"/V1/{sessionId}", ".json", "", ""},
		{"/V1/{sessionId}", "a.msgpack", "", ""},
	}
	for _, tt := range tests {
		template := mustParse(t, tt.template)
		got, ok := template.Path(tt.id, tt.suffix)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: Path(%q, %q) = %q, %v, want %q", tt.template, tt.id, tt.suffix, got, ok, tt.want)
		}
		if ok && template.Match(got) != member(tt.id, tt.suffix) {
			t.Errorf("%s: Match(%q) = %+v, want the id %q again", tt.template, got, template.Match(got), tt.id)
		}
	}
}

func TestOnlyThePlainPathIsThePath(t *testing.T) {
	template := mustParse(t, "/V1/{sessionId}/add")
	for _, tt := range []struct {
		rule, path, id, suffix string
		want                   bool
	}{
		{"the plain path", "/V1/abc/add", "abc", "", true},
		{"the plain path with its suffix", "/V1/abc/add.csv", "abc", ".csv", true},
		{"a suffix that is not forwarded", "/V1/abc/add.csv", "abc", "", false},
		{"another letter case", "/v1/abc/add", "abc", "", false},
		{"a doubled slash", "/V1//abc/add", "abc", "", false},
		{"a slash at the end", "/V1/abc/add/", "abc", "", false},
		{"another id", "/V1/abd/add", "abc", "", false},
		{"an id of another length", "/V1/abcd/add", "abc", "", false},
		{"an escaped id", "/V1/a%62c/add", "abc", "", false},
		{"an id that needs escapes", "/V1/a b/add", "a b", "", false},
		{"too short to be one", "/", "", "", false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := template.IsPath(tt.path, tt.id, tt.suffix); got != tt.want {
				t.Errorf("IsPath(%q, %q, %q) = %v", tt.path, tt.id, tt.suffix, got)
			}
		})
	}
}

func BenchmarkPath(b *testing.B) {
	template := mustParse(b, DefaultTemplate)
	b.ReportAllocs()
	for b.Loop() {
		template.Path("3fa85f64-5717-4562-b3fc-2c963f66afa6", ".csv")
	}
}

// TestUnreservedBytes are those of RFC 3986 section 2.3.
func TestUnreservedBytes(t *testing.T) {
	const unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 256 {
		if got, want := isUnreserved(byte(c)), strings.IndexByte(unreserved, byte(c)) >= 0; got != want {
			t.Errorf("isUnreserved(%#x) = %v, want %v", c, got, want)
		}
	}
}
