package caddyfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/handler"
)

// place is what an error of a Caddyfile ends with.
var place = regexp.MustCompile(`, at (?:Caddyfile:[0-9]+ and )*Caddyfile:([0-9]+)$`)

// FuzzCaddyfile holds that a directive that is read is the same when it is read
// again, from its own JSON too, and can be loaded, and that every mistake is
// told with its line.
func FuzzCaddyfile(f *testing.F) {
	for _, seed := range []string{
		"", "{", "}", "{\n}", "a b c", "{\nroute\n}", "{\ncsv {\nview a {\ncolumns id=Id\n}\n}\n}",
		"{\nnumbers {\nregion DE\ndistinct off\n}\nrule emergency off\nset destination {env.X}\n}",
		"{\nmax_body 1KiB {\n}\nmax_body 1KiB\n}", "{\ncsv\n}", "{\nview {\n}\n}\n}",
		"{\nrequire\ncsv {\nnull \"\"\nbooleans \"a b\" `c`\n}\n}", "{\nhash_key <<X\n\tk\n\tX\ndefault note \"a\nb\"\n}",
		"{\ncsv {\nviews\nview a\nview a {\nrows log\n}\nview b {\ndelimiter tab\nerrors json\n}\n}\n}",
	} {
		f.Add(seed)
	}
	paths, err := filepath.Glob("../testdata/adapt/*.caddyfiletest")
	if err != nil || len(paths) == 0 {
		f.Fatalf("Caddyfiles %q, %v", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if _, block, ok := strings.Cut(string(text), Name+" "); ok {
			f.Add(block)
		}
	}
	f.Fuzz(func(t *testing.T, block string) {
		text := Name + " " + block
		c, err := unmarshalAt("Caddyfile", text)
		again, err2 := unmarshalAt("Caddyfile", text)
		if !reflect.DeepEqual(again, c) || (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("read twice, %q is %+v, %v and %+v, %v", block, c, err, again, err2)
		}
		if err != nil {
			for _, mistake := range mistakes(err) {
				at := place.FindStringSubmatch(mistake.Error())
				if at == nil {
					t.Fatalf("of %q is said without a place: %v", block, mistake)
				}
				if line, _ := strconv.Atoi(at[1]); line < 1 || line > strings.Count(text, "\n")+1 {
					t.Errorf("of %q is said: %v", block, mistake)
				}
			}
			return
		}
		made, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(made))
		d.DisallowUnknownFields()
		read := new(handler.Config)
		if err := d.Decode(read); err != nil {
			t.Fatalf("%q is adapted to %s: %v", block, made, err)
		}
		if made2, err := json.Marshal(read); err != nil || !bytes.Equal(made2, made) || !reflect.DeepEqual(read, c) {
			t.Fatalf("%q is adapted to %s, which is read as %s: %v", block, made, made2, err)
		}
		checkProvision(t, read)
	})
}

// unmarshalAt reads the directive from the text of a file, as Caddy does. What
// Caddy's lexer refuses is an empty directive.
func unmarshalAt(file, text string) (*handler.Config, error) {
	c := new(handler.Config)
	tokens, err := caddyfile.Tokenize([]byte(text), file)
	if err != nil || len(tokens) == 0 || tokens[0].Text != Name {
		return c, nil
	}
	return c, Unmarshal(caddyfile.NewDispenser(tokens), c)
}

// mistakes returns the errors that were joined.
func mistakes(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// checkProvision holds that what is read can be loaded.
func checkProvision(t *testing.T, c *handler.Config) {
	t.Helper()
	if strings.ContainsAny(fmt.Sprint(c.HashKey, c.Default, c.Set), "{\\") {
		return // may come out empty, or as what fails a rule
	}
	root, err := caddy.ProvisionContext(new(caddy.Config)) // for the stores
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(root)
	defer cancel()
	h, err := handler.New(ctx, *c)
	if err == nil {
		err = h.Close()
	}
	if err != nil {
		t.Fatal(errors.Join(errors.New("was read and can't be loaded"), err))
	}
}
