// Command licences writes the licences of everything that is linked into the
// gateway, as a page in Markdown:
//
//	go run ./licences -dir .. >../docs/licences.md
//
// With -texts, it writes the texts of the licences, which must be distributed with a
// binary. It fails on a licence that is not allowed, on a text that it does not know, and
// on a module without a licence.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	dir := flag.String("dir", ".", "directory of the gateway's module")
	texts := flag.Bool("texts", false, "write the texts of the licences instead of the page")
	flag.Parse()
	if err := run(os.Stdout, *dir, *texts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes the page, or the texts, for the module in dir.
func run(w io.Writer, dir string, texts bool) error {
	modules, err := linked(dir)
	if err != nil {
		return err
	}
	var wrong []error
	for _, m := range modules {
		wrong = append(wrong, m.check())
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	if texts {
		return writeTexts(w, modules)
	}
	return writePage(w, modules)
}

// writePage writes a table of the modules.
func writePage(w io.Writer, modules []*module) error {
	var b strings.Builder
	b.WriteString(page)
	for _, m := range modules {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.path, m.version, strings.Join(m.licences(), ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// page is what comes before the table.
const page = `# Licences

The gateway itself is under the [Apache License 2.0](../LICENSE). This is what else is linked into
` + "`cmd/caddy`" + `, on Linux, macOS and Windows together, by the licence texts that are in the modules'
sources. Where a module has several licences, each is for a part of it.

All but two ask only that their texts and notices go with the binary. MPL-2.0 asks that whoever
changes a file under it gives away the source of that file: nothing is changed here. OFL-1.1 is that
of a font in a module that colours source code in Caddy's templates: it may be sold with software,
but not by itself.

The page is made by a program that fails on any licence but these and on a module without one:

` + "```sh" + `
cd tools && go run ./licences -dir .. >../docs/licences.md
` + "```" + `

With ` + "`-texts`" + ` it writes the texts themselves. The container image has them in
` + "`/usr/share/licenses/caddy-conference-members`" + `.

| Module | Version | Licences |
|---|---|---|
`

// writeTexts writes the texts of the modules, each under the module's name.
func writeTexts(w io.Writer, modules []*module) error {
	for _, m := range modules {
		for _, t := range m.texts {
			_, err := fmt.Fprintf(w, "==== %s %s, %s ====\n\n%s\n\n", m.path, m.version, t.name, strings.TrimSpace(string(t.text)))
			if err != nil {
				return err
			}
		}
	}
	return nil
}
