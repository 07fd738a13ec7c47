package conferencemembers_test

import (
	"fmt"
	"go/build"
	"go/doc"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/docgen"
)

const modulePath = "github.com/evovoice-gateway/caddy-conference-members"

// layers are the packages of the module, the topmost first: each imports only
// what is below it.
var layers = []string{
	"cmd/caddy", ".", "command", "caddyfile", "handler", "stores/redis", "stores", "metrics", "request", "rules", "destination", "route", "negotiate", "transform",
	"idempotency/memory", "idempotency/file", "idempotency/redis", "idempotency",
	"internal/coding", "internal/buffer", "internal/numbering", "internal/nearmiss", "internal/charset", "internal/jsonwire", "internal/swar", "internal/ascii",
}

// forTests are the packages that only tests and benchmarks import.
var forTests = []string{"integration", "e2e", "ops", "internal/docgen", "internal/faults", "internal/gatewaytest", "internal/recordings", "internal/upstreamtest", "soak", "transform/transformtest", "idempotency/storetest"}

// impure are imports that packages below the handler and the stores' modules must not
// have: they are plain Go, which anybody can use without Caddy. Metrics import Prometheus,
// and nothing of Caddy.
var impure = []string{"github.com/caddyserver/", "go.uber.org/zap", "github.com/prometheus/", "go.opentelemetry.io/", "github.com/quic-go/"}

// readPackages reads the packages of the module by their directory.
func readPackages(t *testing.T) map[string]*build.Package {
	t.Helper()
	all := make(map[string]*build.Package)
	err := filepath.WalkDir(".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if dir != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "testdata"}, d.Name())) {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil && dir != "." {
			return filepath.SkipDir // a separate module
		}
		if p, err := build.ImportDir(dir, 0); err == nil {
			all[filepath.ToSlash(dir)] = p
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// ownImports returns the directories of the packages of the module that p imports.
func ownImports(p *build.Package) []string {
	var own []string
	for _, i := range p.Imports {
		if rest, ok := strings.CutPrefix(i, modulePath); ok {
			own = append(own, path.Clean(strings.TrimPrefix(rest, "/")))
		}
	}
	return own
}

// TestImportsPointOneWay holds that every package is in the layers, and that
// none imports what is above it, or what is for tests.
func TestImportsPointOneWay(t *testing.T) {
	packages := readPackages(t)
	for dir, p := range packages {
		layer := slices.Index(layers, dir)
		if layer < 0 {
			if !slices.Contains(forTests, dir) {
				t.Errorf("package %s is in no layer", dir)
			}
			continue
		}
		for _, i := range ownImports(p) {
			if slices.Index(layers, i) <= layer {
				t.Errorf("%s imports %s, which does not stand below it", dir, i)
			}
		}
	}
	for _, dir := range slices.Concat(layers, forTests) {
		if packages[dir] == nil {
			t.Errorf("there is no package %s", dir)
		}
	}
}

// TestPackagesBelowTheHandlerArePure holds that they import no Caddy, no logger,
// no tracer, and no Prometheus but in metrics.
func TestPackagesBelowTheHandlerArePure(t *testing.T) {
	packages := readPackages(t)
	below := layers[slices.Index(layers, "metrics"):]
	for _, dir := range below {
		for _, i := range packages[dir].Imports {
			for _, prefix := range impure {
				if strings.HasPrefix(i, prefix) && (dir != "metrics" || prefix != "github.com/prometheus/") {
					t.Errorf("%s imports %s", dir, i)
				}
			}
		}
	}
}

// packageTable lists the packages of the module with the first sentence of their
// documentation and what they import of it.
func packageTable() (string, error) {
	var rows [][]string
	for _, dir := range layers {
		p, err := build.ImportDir(dir, 0)
		if err != nil {
			return "", err
		}
		says := new(doc.Package).Synopsis(p.Doc)
		_, says, ok := strings.Cut(says, p.Name+" ")
		if dir == "cmd/caddy" {
			_, says, ok = strings.Cut(p.Doc, "Command caddy ")
		}
		if !ok {
			return "", fmt.Errorf("the documentation of package %s does not begin with its name: %q", p.Name, p.Doc)
		}
		rows = append(rows, []string{"[" + docgen.Code(dir) + "](" + dir + ")", says, docgen.Code(ownImports(p)...)})
	}
	return docgen.Table([]string{"Package", "What it does", "What it imports of this module"}, rows...), nil
}
