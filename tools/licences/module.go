package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licences that linked code may have. None of them sets terms for the code
// that it is linked with; the page gives the reasons for the last two.
var allowed = []string{
	"Apache-2.0", "BSD-2-Clause", "BSD-2-Clause-Views", "BSD-3-Clause", "CC0-1.0", "MIT", "MPL-2.0", "OFL-1.1",
}

// platforms are those of binaries: some modules are linked on only one of them.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"}

// legal finds the names of files that have a licence or a notice.
var legal = regexp.MustCompile(`(?i)^(un)?(licen[cs]es?|copying|copyright|notices?|patents)([-._].*)?$`)

// notice finds those that set no terms but say who holds the rights or grants patents.
// They must be distributed with the binary too.
var notice = regexp.MustCompile(`(?i)^(notices?|patents|copyright)`)

// module is a module whose packages are linked.
type module struct {
	path, version string
	texts         []text
}

// text is a file with a licence or a notice; its name is relative to the module.
type text struct {
	name     string
	text     []byte
	licences []string
}

// goPackage is a package as go list prints it.
type goPackage struct {
	Dir, Root string
	Standard  bool
	Module    *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// linked returns the modules of all packages that are linked into the gateway in
// dir, on any platform, with the Go standard library first.
func linked(dir string) ([]*module, error) {
	std := &module{path: "Go standard library", version: "of the Go it is built with"}
	byPath := make(map[string]*module)
	for _, platform := range platforms {
		packages, err := list(dir, platform)
		if err != nil {
			return nil, err
		}
		for _, p := range packages {
			m, root := std, p.Root
			switch {
			case p.Standard:
				p.Dir = root // one licence covers all of it
			case p.Module == nil || p.Module.Main:
				continue
			default:
				root = p.Module.Dir
				if m = byPath[p.Module.Path]; m == nil {
					m = &module{path: p.Module.Path, version: p.Module.Version}
					byPath[p.Module.Path] = m
				}
			}
			if err := m.collect(root, p.Dir); err != nil {
				return nil, err
			}
		}
	}
	sorted := slices.SortedFunc(maps.Values(byPath), func(a, b *module) int { return strings.Compare(a.path, b.path) })
	return append([]*module{std}, sorted...), nil
}

// list returns the packages that are linked on a platform.
func list(dir, platform string) ([]goPackage, error) {
	goos, goarch, _ := strings.Cut(platform, "/")
	c := exec.Command("go", "list", "-deps", "-json=Dir,Root,Standard,Module", "./cmd/caddy")
	c.Dir = dir
	c.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w", platform, err)
	}
	var packages []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", platform, err)
		}
		packages = append(packages, p)
	}
}

// collect takes the texts in dir and above it, up to the module's root: packages that were
// copied from elsewhere have their own.
func (m *module) collect(root, dir string) error {
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || !legal.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
				continue
			}
			if err := m.add(root, filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
		if dir == root {
			return nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return fmt.Errorf("%s: %w: %s", m.path, fs.ErrNotExist, root)
		}
		dir = parent
	}
}

// add takes a text, unless it has it.
func (m *module) add(root, file string) error {
	name, err := filepath.Rel(root, file)
	if err != nil {
		return err
	}
	name = filepath.ToSlash(name)
	at, found := slices.BinarySearchFunc(m.texts, name, func(t text, name string) int { return strings.Compare(t.name, name) })
	if found {
		return nil
	}
	t, err := os.ReadFile(file) //nolint:gosec // go list names the directory
	if err != nil {
		return err
	}
	var ids []string
	if !notice.MatchString(filepath.Base(name)) {
		if ids = licencesOf(t); len(ids) == 0 {
			return fmt.Errorf("%s %s: %s has the wording of no licence", m.path, m.version, name)
		}
	}
	m.texts = slices.Insert(m.texts, at, text{name, t, ids})
	return nil
}

// licencesOf returns the SPDX identifiers of the licences whose wording a text has.
// A mere link to a licence does not count.
func licencesOf(t []byte) []string {
	var ids []string
	for _, m := range licensecheck.Scan(t).Match {
		if !m.IsURL {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// licences returns the SPDX identifiers of the module's licences.
func (m *module) licences() []string {
	var all []string
	for _, t := range m.texts {
		all = append(all, t.licences...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// check returns an error unless the module has a licence, and only ones that are
// allowed.
func (m *module) check() error {
	all := m.licences()
	if len(all) == 0 {
		return fmt.Errorf("%s %s: there is no licence", m.path, m.version)
	}
	for _, id := range all {
		if !slices.Contains(allowed, id) {
			return fmt.Errorf("%s %s: the licence %s is not among those allowed", m.path, m.version, id)
		}
	}
	return nil
}
