package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// copyContext copies what docker build would be sent of a directory.
func copyContext(into, dir string) error {
	ignored, err := readIgnored(filepath.Join(dir, ".dockerignore"))
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		if ignore, err := ignored.MatchesOrParentMatches(name); err != nil || ignore {
			return err
		}
		to := filepath.Join(into, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			return err
		}
		text, err := os.ReadFile(file) //nolint:gosec // it is whoever runs it that names the directory
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o600) //nolint:gosec // as above
	})
}

// readIgnored reads a .dockerignore, if there is one.
func readIgnored(file string) (*patternmatcher.PatternMatcher, error) {
	text, err := os.ReadFile(file) //nolint:gosec // see copyContext
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return patternmatcher.New(patterns)
}

// writeCommands writes the commands of a Dockerfile's RUN instructions, without
// what they mount, one a line.
func writeCommands(w io.Writer, text []byte) error {
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return err
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return err
	}
	for _, stage := range stages {
		for _, c := range stage.Commands {
			if run, ok := c.(*instructions.RunCommand); ok {
				if _, err := fmt.Fprintln(w, strings.Join(strings.Fields(strings.Join(run.CmdLine, " ")), " ")); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
