package docgen

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorder is a test that notes what it fails with.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(r)
}

const page = "Before.\n<!-- BEGIN greeting Ann -->\nold\n<!-- END -->\nAfter.\n"

// check runs Check on a page, and returns the page and what it fails with.
func check(t *testing.T, text string, update bool, makers map[string]Maker) (after, failures string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &recorder{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(r) {
				panic(p)
			}
		}()
		Check(r, update, "go test", makers, file)
	}()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), strings.Join(r.failures, "\n")
}

func TestAPartIsWhatItsMakerMakes(t *testing.T) {
	greet := func(before, name string) (string, error) {
		return strings.TrimSpace(before) + " Hello " + name + "\n", nil
	}
	good := strings.Replace(page, "old", "Before. Hello Ann", 1)
	one := func(string, string) (string, error) { return "1\n", nil }
	ones := strings.Replace(page, "old", "1", 1)
	for _, tt := range []struct {
		rule, page string
		makers     map[string]Maker
		says       string
	}{
		{"an old part", page, map[string]Maker{"greeting": greet}, ":2: greeting Ann is not what the code says (go test writes it)"},
		{"a new part", good, map[string]Maker{"greeting": greet}, ""},
		{"a part without an argument", strings.Replace(ones, " Ann", "", 1), map[string]Maker{"greeting": one}, ""},
		{"two new parts", ones + ones, map[string]Maker{"greeting": one}, ""},
		{"a new part and an old one", ones + page, map[string]Maker{"greeting": one}, ":7: greeting Ann is not what the code says"},
		{"a part of nobody", page, nil, `nothing makes "greeting"`},
		{"a maker without a part", "", map[string]Maker{"greeting": greet}, `no page has a part "greeting"`},
		{"a part without an end", page[:40], map[string]Maker{}, "1 parts begin and 0 end"},
		{"a maker that fails", page, map[string]Maker{"greeting": func(string, string) (string, error) { return "", errors.New("no") }}, "no"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			after, failures := check(t, tt.page, false, tt.makers)
			if after != tt.page {
				t.Errorf("the page was written:\n%s", after)
			}
			if tt.says == "" && failures != "" || !strings.Contains(failures, tt.says) {
				t.Errorf("it says %q, want %q", failures, tt.says)
			}
		})
	}
	after, failures := check(t, page, true, map[string]Maker{"greeting": greet})
	if after != good || failures != "" {
		t.Errorf("%s\n%s", failures, after)
	}
}

func TestTable(t *testing.T) {
	if got, want := Table([]string{"A", "B"}, []string{"1|2", Code("x", "", "y")}), "| A | B |\n|---|---|\n| 1\\|2 | `x`, `y` |\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
