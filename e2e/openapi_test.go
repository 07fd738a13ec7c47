//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTheOpenAPIDescriptionIsValid(t *testing.T) {
	output(t, program(t, "node", "nodejs"), "client/validate.mjs", "../docs/openapi.yaml")
}

// TestAClientIsMadeOfTheDescription makes a client as docs/clients.md says, and holds that
// it prints what the page shows.
func TestAClientIsMadeOfTheDescription(t *testing.T) {
	node := program(t, "node", "nodejs")
	page, err := os.ReadFile("../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```(?:ts|text)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 2 {
		t.Fatalf("the page has %d blocks, want a client and what it prints", len(blocks))
	}
	// In node_modules, so that the client finds its dependencies.
	dir, err := os.MkdirTemp("node_modules", "openapi-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })

	upstream := startUpstream(t)
	site := startGateway(t, upstream.URL, "idempotency")[0]
	client := strings.Replace(blocks[0][1], "http://localhost:8080", site, 1)
	for name, text := range map[string]string{"client.ts": client, "package.json": `{"type": "module"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	output(t, node, "node_modules/openapi-typescript/bin/cli.js", "../docs/openapi.yaml", "--output", filepath.Join(dir, "members.ts"))
	output(t, node, "node_modules/typescript/bin/tsc", "--strict", "--target", "ES2022", "--module", "ES2022",
		"--moduleResolution", "bundler", "--lib", "ES2022,DOM,DOM.Iterable", filepath.Join(dir, "client.ts"))
	if got := output(t, node, filepath.Join(dir, "client.js")); got != blocks[1][1] {
		t.Errorf("it prints %q, want %q", got, blocks[1][1])
	}
}
