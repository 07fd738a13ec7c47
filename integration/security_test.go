package integration

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// declaredTests returns the names of all tests and fuzz targets of the repository.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	exists := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
			exists[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return exists
}

// named is where a page names a test.
var named = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")

// TestEveryTestThatSecurityNamesExists holds that the tests exist that SECURITY.md and
// other pages name, and that every attack names one.
func TestEveryTestThatSecurityNamesExists(t *testing.T) {
	exists := declaredTests(t)
	const security = "../SECURITY.md"
	pages, err := filepath.Glob(docsFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(pages, readmeFile, security) {
		for _, m := range named.FindAllStringSubmatch(mustRead(name), -1) {
			if !exists[m[1]] {
				t.Errorf("%s: there is no %s", name, m[1])
			}
		}
	}
	rows := 0
	for line := range strings.Lines(mustRead(security)) {
		tests := named.FindAllStringSubmatch(line, -1)
		if strings.HasPrefix(line, "| **") {
			rows++
			if len(tests) == 0 {
				t.Errorf("no test holds %s", line)
			}
		}
	}
	if rows < 15 {
		t.Errorf("%d attacks, want 15 at least", rows)
	}
}

// TestEveryTestThatContributorsAreToldOfExists holds that the tests exist that
// CONTRIBUTING.md names for invariants and for forgotten steps.
func TestEveryTestThatContributorsAreToldOfExists(t *testing.T) {
	exists := declaredTests(t)
	for _, page := range []string{"../ARCHITECTURE.md", "../CONTRIBUTING.md"} {
		tests := named.FindAllStringSubmatch(mustRead(page), -1)
		for _, m := range tests {
			if !exists[m[1]] {
				t.Errorf("%s: there is no %s", page, m[1])
			}
		}
		if len(tests) == 0 {
			t.Errorf("%s names no test", page)
		}
	}
}
