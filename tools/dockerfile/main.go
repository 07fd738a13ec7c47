// Command dockerfile checks a Dockerfile as docker build --check does, without a
// daemon and without fetching an image:
//
//	go run ./dockerfile ../Dockerfile
//
// With -context it also copies what docker build would be sent, as .dockerignore
// has it, and with -commands it prints the commands that RUN has in the image, one
// a line, so that they can be run on what was copied.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	into := flag.String("context", "", "directory to copy the build context to")
	commands := flag.Bool("commands", false, "print the commands of RUN")
	flag.Parse()
	if err := run(os.Stdout, flag.Arg(0), *into, *commands); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run checks the Dockerfile and does what else was asked for.
func run(w io.Writer, name, into string, commands bool) error {
	text, err := os.ReadFile(name) //nolint:gosec // it is whoever runs it that names the file
	if err != nil {
		return err
	}
	warnings, err := check(name, text)
	if err != nil {
		return err
	}
	if err := errors.Join(warnings...); err != nil {
		return err
	}
	if into != "" {
		if err := copyContext(into, filepath.Dir(name)); err != nil {
			return fmt.Errorf("copying the context: %w", err)
		}
	}
	if commands {
		return writeCommands(w, text)
	}
	return nil
}

// anyImage says of every image that it is there, for the platform that is asked
// for, and sets nothing.
type anyImage struct{}

// ResolveImageConfig returns an image without settings.
func (anyImage) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	image := new(ocispecs.Image)
	image.Platform = platforms.DefaultSpec()
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		image.Platform = *opt.ImageOpt.Platform
	}
	config, err := json.Marshal(image)
	return ref, digest.FromBytes(config), config, err
}

// check returns what is to be said against a Dockerfile, and as an error why it
// can't be built.
func check(name string, text []byte) (warnings []error, err error) {
	source := llb.NewSourceMap(nil, name, "dockerfile", text)
	source.Definition = new(llb.Definition) // nothing is built of it, but it is asked for
	found, err := dockerfile2llb.DockerfileLint(context.Background(), text, dockerfile2llb.ConvertOpt{
		SourceMap:    source,
		MetaResolver: anyImage{},
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if found.Error != nil {
		return nil, fmt.Errorf("%s: %s", name, found.Error.Message)
	}
	for _, f := range found.Warnings {
		line := int32(0)
		if ranges := f.Location.GetRanges(); len(ranges) > 0 {
			line = ranges[0].GetStart().GetLine()
		}
		warnings = append(warnings, fmt.Errorf("%s:%d: %s: %s", name, line, f.RuleName, f.Detail))
	}
	return warnings, nil
}
