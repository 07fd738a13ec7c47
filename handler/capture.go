package handler

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
	"github.com/evovoice-gateway/caddy-conference-members/internal/coding"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

const (
	// maxCaptured is how many bytes of a response are looked at.
	maxCaptured = 64 << 10
	// longestCapture is how many bytes of a value are kept.
	longestCapture = 1 << 10
	// responsePrefix begins the names of the placeholders of captures.
	responsePrefix = "response."
)

// capture is a value of responses that has a name.
type capture struct {
	name string
	path *transform.Path
}

// compileCaptures compiles paths by the name of the capture, in the order of the
// names. The error joins one error a mistake.
func compileCaptures(paths map[string]string) ([]capture, error) {
	captures := make([]capture, 0, len(paths))
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		path, err := transform.CompilePath(paths[name])
		switch {
		case !validViewName(name):
			err = fmt.Errorf("captures: %q: a name is 1 to 64 letters, digits, - and _", name)
		case err != nil:
			err = under("captures."+name, err)
		}
		errs = append(errs, err)
		captures = append(captures, capture{name, path})
	}
	if len(captures) > transform.MaxPaths {
		errs = append(errs, fmt.Errorf("captures: %d, but at most %d", len(captures), transform.MaxPaths))
	}
	return captures, errors.Join(errs...)
}

// captured is the beginning of a response and the values that were found in it. There
// is none of a response that is not looked at.
type captured struct {
	captures []capture
	seen     *[]byte // from package buffer, nil once the values were found
	whole    bool    // seen is all of the body
	coding   coding.Coding
	values   []string
}

// capturedOf begins to look at a response: a success in JSON.
func capturedOf(captures []capture, status int, h http.Header) *captured {
	if len(captures) == 0 || status < 200 || status > 299 || !isJSONResponse(firstLine(h, "Content-Type")) {
		return nil
	}
	packed, ok := coding.Of(h["Content-Encoding"])
	if !ok {
		return nil
	}
	return &captured{captures: captures, seen: buffer.Take(0), whole: true, coding: packed}
}

// see keeps more of the body, up to maxCaptured bytes.
func (c *captured) see(p []byte) {
	if c == nil || c.seen == nil {
		return
	}
	n := min(len(p), c.room())
	*c.seen = append(*c.seen, p[:n]...)
	c.whole = c.whole && n == len(p)
}

// room returns how many more bytes are kept.
func (c *captured) room() int {
	if c == nil || c.seen == nil {
		return 0
	}
	return maxCaptured - len(*c.seen)
}

// Write is see for an [io.TeeReader].
func (c *captured) Write(p []byte) (int, error) {
	c.see(p)
	return len(p), nil
}

// finish finds the values. The body is complete, or broke off.
func (c *captured) finish(complete bool) {
	if c == nil || c.seen == nil {
		return
	}
	defer buffer.Give(c.seen)
	body, whole := *c.seen, c.whole && complete
	c.seen = nil
	if c.coding != coding.Identity {
		plain := buffer.Take(0)
		defer buffer.Give(plain)
		whole = c.coding.Unpack(plain, body, maxCaptured) == nil && whole
		body = (*plain)[:min(len(*plain), maxCaptured)]
	}
	c.values = make([]string, len(c.captures))
	for i, one := range c.captures {
		if whole {
			c.values[i] = one.path.Lookup(body)
		} else {
			c.values[i] = one.path.LookupPrefix(body)
		}
		if len(c.values[i]) > longestCapture {
			c.values[i] = strings.ToValidUTF8(c.values[i][:longestCapture], "")
		}
	}
}

// value returns what a capture found, empty if it found nothing or there is no
// such capture.
func (c *captured) value(name string) string {
	for i, value := range c.found() {
		if c.captures[i].name == name {
			return value
		}
	}
	return ""
}

// found returns what all captures found, in their order: nothing until the response is
// there.
func (c *captured) found() []string {
	if c == nil {
		return nil
	}
	return c.values
}
