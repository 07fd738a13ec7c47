// Package docgen writes the parts of the documentation that are made of the code.
// Such a part is between two marks, each on its own line:
//
//	<!-- BEGIN NAME ARGUMENT -->
//	<!-- END -->
package docgen

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Maker makes a part. It is given the page up to the part, and the argument of
// the mark, which may be empty.
type Maker func(before, argument string) (string, error)

var (
	part   = regexp.MustCompile(`(?ms)^<!-- BEGIN ([a-z]+)( [^\n]*?)? -->\n(.*?)<!-- END -->$`)
	begins = regexp.MustCompile(`(?m)^<!-- BEGIN`)
)

// Check fails the test unless every part of the pages is what its maker makes, and every
// maker makes at least one. With update it rewrites the pages; command is the command
// that does so, for the message of a test that fails.
func Check(t testing.TB, update bool, command string, makers map[string]Maker, pages ...string) {
	t.Helper()
	made := make(map[string]bool)
	for _, page := range pages {
		raw, err := os.ReadFile(page) //nolint:gosec // a page of this tree
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		var b strings.Builder
		end := 0
		found := part.FindAllStringSubmatchIndex(text, -1)
		for _, at := range found {
			name, argument, got := text[at[2]:at[3]], "", text[at[6]:at[7]]
			if at[4] != -1 {
				argument = strings.TrimSpace(text[at[4]:at[5]])
			}
			line := strings.Count(text[:at[0]], "\n") + 1
			maker, ok := makers[name]
			if !ok {
				t.Fatalf("%s:%d: nothing makes %q", page, line, name)
			}
			made[name] = true
			want, err := maker(text[:at[0]], argument)
			if err != nil {
				t.Fatalf("%s:%d: %v", page, line, err)
			}
			if got != want && !update {
				t.Errorf("%s:%d: %s %s is not what the code says (%s writes it); want:\n%s", page, line, name, argument, command, want)
			}
			b.WriteString(text[end:at[6]])
			b.WriteString(want)
			end = at[7]
		}
		if n := len(begins.FindAllString(text, -1)); n != len(found) {
			t.Errorf("%s: %d parts begin and %d end", page, n, len(found))
		}
		b.WriteString(text[end:])
		if update && b.String() != text {
			if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil { //nolint:gosec // a page is for everybody
				t.Fatal(err)
			}
		}
	}
	for name := range makers {
		if !made[name] {
			t.Errorf("no page has a part %q", name)
		}
	}
}

// Table returns a table in Markdown.
func Table(head []string, rows ...[]string) string {
	var b strings.Builder
	line := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	line(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, r := range rows {
		line(r)
	}
	return b.String()
}

// Code marks each text as code.
func Code(texts ...string) string {
	var marked []string
	for _, text := range texts {
		if text != "" {
			marked = append(marked, "`"+text+"`")
		}
	}
	return strings.Join(marked, ", ")
}

// Fence puts text into a block of code.
func Fence(language, text string) string {
	return "```" + language + "\n" + strings.TrimRight(text, "\r\n") + "\n```\n"
}
