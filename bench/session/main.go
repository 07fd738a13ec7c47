// Command session writes the large session of the benchmarks or, with -csv and
// a file, the CSV of the session in that file.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/evovoice-gateway/caddy-conference-members/transform"
	"github.com/evovoice-gateway/caddy-conference-members/transform/transformtest"
)

func main() {
	path := flag.String("csv", "", "the `file` with the session to make CSV of")
	flag.Parse()
	if err := run(*path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	text := transformtest.Large()
	if path != "" {
		session, err := os.ReadFile(path) //nolint:gosec // the file that the caller names
		if err != nil {
			return err
		}
		plan, err := transform.Compile(transform.Options{Dialect: "rfc4180"})
		if err != nil {
			return err
		}
		if text, err = plan.AppendSessions(nil, session); err != nil {
			return fmt.Errorf("making CSV of %s: %w", path, err)
		}
	}
	_, err := os.Stdout.Write(text)
	return err
}
