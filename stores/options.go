package stores

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
)

// ReadOptions reads a block of options, each at most once. It reports all mistakes, each
// with its file and line.
func ReadOptions(d *caddyfile.Dispenser, set map[string]func([]string) error) error {
	var errs []error
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name, at := d.Val(), *d
		args := d.RemainingArgs()
		read, ok := set[name]
		switch {
		case !ok:
			errs = append(errs, at.Errf("unknown option %q%s", name, nearmiss.Hint(name, slices.Sorted(maps.Keys(set)))))
		case seen[name]:
			errs = append(errs, at.Errf("%s is set twice", name))
		default:
			if err := read(args); err != nil {
				errs = append(errs, at.Errf("%s: %w", name, err))
			}
		}
		seen[name] = true
	}
	return errors.Join(errs...)
}

// OneArgument returns the setter of an option that takes one argument.
func OneArgument(set func(string) error) func([]string) error {
	return func(args []string) error {
		if len(args) != 1 || args[0] == "" {
			return errors.New("want 1 argument, and not an empty one")
		}
		return set(args[0])
	}
}

// LargestSize is the largest number of bytes that an option takes: 1 TiB.
const LargestSize = 1 << 40

// Size reads a number of bytes, with or without a unit, from 1 to LargestSize.
func Size(to *int64, text string) error {
	bytes, err := humanize.ParseBytes(text)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a size; write a number with a unit, such as 16KiB", text)
	case bytes == 0 || bytes > LargestSize:
		return fmt.Errorf("%q is out of range: from 1B to 1TiB", text)
	}
	*to = int64(bytes)
	return nil
}

// Duration reads a positive duration.
func Duration(to *caddy.Duration, text string) error {
	n, err := caddy.ParseDuration(text)
	if err != nil || n <= 0 {
		return fmt.Errorf("%q is not a duration; write a number above 0 with a unit, such as 10s", text)
	}
	*to = caddy.Duration(n)
	return nil
}

const (
	// shortest is the shortest duration. Who writes 120 in JSON and means seconds gets
	// nanoseconds, and every call would time out.
	shortest = time.Millisecond
	// longest is the longest duration, 100 years. The sum of two must not overflow: what is
	// kept for a negative time is forgotten at once.
	longest = 100 * 365 * 24 * time.Hour
)

// CheckDuration checks a duration of a configuration: from 1 ms to 100 years, or 0 for
// the default.
func CheckDuration(option string, d caddy.Duration) error {
	switch d := time.Duration(d); {
	case d < 0:
		return fmt.Errorf("%s: %s is negative", option, d)
	case d > 0 && d < shortest:
		return fmt.Errorf("%s: %s is shorter than %s; write a text with a unit, such as \"10s\": a number is of nanoseconds", option, d, shortest)
	case d > longest:
		return fmt.Errorf("%s: %s is longer than %s, 100 years", option, d, longest)
	}
	return nil
}
