package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Parts of licences that identify their wording.
const (
	isc = `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is
hereby granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN
AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR
PERFORMANCE OF THIS SOFTWARE.`
	mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`
)

// apache returns the project's own licence.
func apache(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestModules(t *testing.T) {
	for _, tt := range []struct {
		rule     string
		files    map[string]string
		packages []string
		licences []string
		err      string
	}{
		{
			rule:     "a licence in the root is for every package",
			files:    map[string]string{"LICENSE": mit, "a/b/c.go": ""},
			packages: []string{"a/b"},
			licences: []string{"MIT"},
		},
		{
			rule:     "a package that came from elsewhere brings its own",
			files:    map[string]string{"LICENSE": mit, "a/LICENSE.txt": apache(t), "b/c.go": ""},
			packages: []string{"b", "a", "a"},
			licences: []string{"Apache-2.0", "MIT"},
		},
		{
			rule:     "the licence of a package that is not linked does not count",
			files:    map[string]string{"COPYING": mit, "a/LICENSE": isc, "b/c.go": ""},
			packages: []string{"b"},
			licences: []string{"MIT"},
		},
		{
			rule:     "a notice is no licence",
			files:    map[string]string{"NOTICE": "Copyright 2026 Somebody", "a.go": ""},
			packages: []string{""},
			err:      "there is no licence",
		},
		{
			rule:     "a link to a licence is none",
			files:    map[string]string{"LICENSE": "See http://www.apache.org/licenses/LICENSE-2.0.", "a.go": ""},
			packages: []string{""},
			err:      "LICENSE has the wording of no licence",
		},
		{
			rule:     "source is no licence",
			files:    map[string]string{"license.go": mit},
			packages: []string{""},
			err:      "there is no licence",
		},
		{
			rule:     "a licence that is not allowed",
			files:    map[string]string{"LICENSE": mit, "a/LICENSE": isc},
			packages: []string{"a"},
			err:      "the licence ISC is not among those allowed",
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			root := t.TempDir()
			for name, content := range tt.files {
				file := filepath.Join(root, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			m := &module{path: "example.com/m", version: "v1.0.0"}
			var err error
			for _, p := range tt.packages {
				if err = m.collect(root, filepath.Join(root, filepath.FromSlash(p))); err != nil {
					break
				}
			}
			if err == nil {
				err = m.check()
			}
			switch {
			case tt.err == "" && err != nil:
				t.Fatal(err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Fatalf("got %v, want %q", err, tt.err)
			case tt.err == "" && !slices.Equal(m.licences(), tt.licences):
				t.Errorf("got %q, want %q", m.licences(), tt.licences)
			}
		})
	}
}

// TestTheTextsGoWithTheBinary holds that they include notices and grants of patents.
func TestTheTextsGoWithTheBinary(t *testing.T) {
	m := &module{path: "example.com/m", version: "v1.0.0", texts: []text{
		{name: "LICENSE", text: []byte("the licence\n")},
		{name: "a/NOTICE", text: []byte("the notice\n")},
	}}
	var b strings.Builder
	if err := writeTexts(&b, []*module{m}); err != nil {
		t.Fatal(err)
	}
	want := "==== example.com/m v1.0.0, LICENSE ====\n\nthe licence\n\n" +
		"==== example.com/m v1.0.0, a/NOTICE ====\n\nthe notice\n\n"
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &b, want)
	}
}
