package conferencemembers_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/evovoice-gateway/caddy-conference-members"
)

var update = flag.Bool("update", false, "write what the tests get to their golden files")

// separator is between a Caddyfile and what it adapts to.
const separator = "----------\n"

// TestAdapt adapts every file of testdata/adapt: a Caddyfile, a line of dashes,
// and the JSON of its handler, or the error.
func TestAdapt(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no golden files")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			golden, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config, want, ok := strings.Cut(string(golden), separator)
			if !ok && !*update {
				t.Fatalf("%s has no line %q", file, separator)
			}
			got := adapt(config)
			if *update {
				if err := os.WriteFile(file, []byte(config+separator+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			if strings.HasPrefix(filepath.Base(file), "bad_") != strings.HasPrefix(got, "error: ") {
				t.Errorf("files of mistakes begin with bad_ and no others do, but got:\n%s", got)
			}
		})
	}
}

// adapt returns the JSON that a Caddyfile adapts to, or the error.
func adapt(config string) string {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b bytes.Buffer
	if err := json.Indent(&b, adapted, "", "\t"); err != nil {
		return "error: " + err.Error() + "\n"
	}
	b.WriteByte('\n')
	return b.String()
}
