package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDockerfiles(t *testing.T) {
	for _, tt := range []struct {
		rule, text, said, err string
	}{
		{rule: "a good one", text: "FROM scratch AS a\nCOPY a /a\nUSER 1000\nCMD [\"/a\"]\n"},
		{
			rule: "an image is not asked for",
			text: "FROM --platform=$BUILDPLATFORM registry.invalid/go:1 AS a\nFROM registry.invalid/run:1\nCOPY --from=a /a /a\n",
		},
		{
			rule: "a secret in an argument",
			text: "FROM scratch\nARG API_TOKEN\n",
			said: "x:2: SecretsUsedInArgOrEnv: ",
		},
		{
			rule: "a command that gets no signals",
			text: "FROM scratch\nCMD /a\n",
			said: "x:2: JSONArgsRecommended: ",
		},
		{rule: "an unknown instruction", text: "FROM scratch\nCOPYY a /a\n", err: "unknown instruction: COPYY"},
		{rule: "an instruction that lacks something", text: "FROM\n", err: "FROM requires"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			warnings, err := check("x", []byte(tt.text))
			switch {
			case tt.err == "" && err != nil:
				t.Fatal(err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Fatalf("got %v, want %q", err, tt.err)
			case tt.said == "" && len(warnings) > 0:
				t.Errorf("it says %v", warnings)
			case tt.said != "" && (len(warnings) != 1 || !strings.HasPrefix(warnings[0].Error(), tt.said)):
				t.Errorf("got %v, want %q", warnings, tt.said)
			}
		})
	}
}

// write makes a directory with files of which only the names matter, but for
// those that have a text.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheContextIsWhatIsNotIgnored(t *testing.T) {
	files := map[string]string{"a.go": "", "a_test.go": "", "secret": "", "b/c.go": "", "bench/d.go": ""}
	for _, tt := range []struct {
		rule, ignore string
		want         []string
	}{
		{"nothing is ignored", "", []string{".dockerignore", "a.go", "a_test.go", "b/c.go", "bench/d.go", "secret"}},
		{"everything but", "*\n!**/*.go\n", []string{"a.go", "a_test.go", "b/c.go", "bench/d.go"}},
		{"the last word counts", "*\n!**/*.go\n**/*_test.go\nbench\n", []string{"a.go", "b/c.go"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			files[".dockerignore"] = tt.ignore
			into := t.TempDir()
			if err := copyContext(into, write(t, files)); err != nil {
				t.Fatal(err)
			}
			var got []string
			err := fs.WalkDir(os.DirFS(into), ".", func(name string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() {
					got = append(got, name)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCommandsAreThoseOfEveryStageWithoutWhatTheyMount(t *testing.T) {
	const text = `FROM a AS b
RUN --mount=type=cache,target=/c \
    X=1 go build \
    # a remark
    -o /out/x .
FROM c
RUN ["/bin/d", "e"]
`
	var b strings.Builder
	if err := writeCommands(&b, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if want := "X=1 go build -o /out/x .\n/bin/d e\n"; b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &b, want)
	}
}
