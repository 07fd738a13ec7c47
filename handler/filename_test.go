package handler

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDispositionIsSafe(t *testing.T) {
	for _, tt := range []struct{ rule, name, want string }{
		{"the default is spelled as the upstream spells it", DefaultFilename, `attachment;filename="AddConferenceMember.csv"`},
		{"a path becomes one name", "../../etc/passwd", `attachment;filename="_.._etc_passwd"`},
		{"a quote does not end the parameter", `a";filename*=x"b.csv`, `attachment;filename="a__filename_=x_b.csv"`},
		{"a line break does not end the header", "a\r\nSet-Cookie: x=1.csv", `attachment;filename="a__Set-Cookie_ x=1.csv"`},
		{"a percent sign is not decoded by a browser", "a%2e%2e.csv", `attachment;filename="a_2e_2e.csv"`},
		{"a mark of writing direction hides no extension", "gpj\u202evsc.csv", `attachment;filename="gpj_vsc.csv"`},
		{"other scripts are kept in filename*", "Gespräch 1.csv", `attachment;filename="Gespr_ch 1.csv";filename*=UTF-8''Gespr%C3%A4ch%201.csv`},
		{"an emoji is kept in filename*", "☎.csv", `attachment;filename="_.csv";filename*=UTF-8''%E2%98%8E.csv`},
		{"invalid UTF-8 is replaced", "a\xff.csv", `attachment;filename="a_.csv"`},
		{"a hidden file shows", ".htaccess", `attachment;filename="htaccess"`},
		{"trailing dots and spaces, which Windows drops, are dropped", "a.csv. .", `attachment;filename="a.csv"`},
		{"nothing left is the default", "\x00/..", `attachment;filename="AddConferenceMember.csv"`},
		{"a space of another kind is a space", "a\u00a0b.csv", `attachment;filename="a b.csv"`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := disposition(tt.name); got != tt.want {
				t.Errorf("disposition(%q) =\n%s, want\n%s", tt.name, got, tt.want)
			}
		})
	}
}

func TestLongFilenamesKeepTheirExtension(t *testing.T) {
	name := safeFilename(strings.Repeat("é", 500) + ".csv")
	if len(name) > maxFilename || !strings.HasSuffix(name, "é.csv") || !utf8.ValidString(name) {
		t.Errorf("safeFilename made %d bytes: %q", len(name), name)
	}
}
