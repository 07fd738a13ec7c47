package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// shape is a session that the upstream responds with, under any id.
type shape struct {
	name string
	// texts are the upstream's own responses by format, with shapeID for the id.
	texts map[string][]byte
}

// shapeID stands for the id in a shape.
const shapeID = "soak-session-id"

// in returns the upstream's own response in a format.
func (s *shape) in(format, id string) []byte {
	return bytes.ReplaceAll(s.texts[format], []byte(shapeID), []byte(id))
}

// size returns about how large that is, in bytes.
func (s *shape) size(format string) int { return len(s.texts[format]) }

// recordedShapes are recorded sessions with texts of every kind.
var recordedShapes = []string{
	"full", "enum-all-members", "lists-many", "lists-empty", "lists-of-null-elements", "appdata-odd-keys",
	"appdata-odd-values", "code-null-elements", "str-ascii-all", "str-c1", "str-emoji", "str-crlf-many",
	"str-quote-levels", "str-json-object", "str-nul", "str-u2028", "str-eq-hyperlink", "str-bom",
}

// grownShapes are how many entries the log of further sessions has: about
// 30 KiB, 250 KiB and 1 MiB of JSON.
var grownShapes = []int{300, 2500, 10000}

// readShapes asks an upstream for sessions in every format. Clients must get what it
// sends: its CSV is not made by the gateway's code.
func readShapes(ctx context.Context) (small, large []*shape, err error) {
	sessions := make(map[string][]byte)
	u, err := upstreamtest.Start(upstreamtest.Options{
		Keep:    -1,
		Session: func(id string) []byte { return sessions[id] },
	})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, u.Close()) }()

	read := func(name string) (*shape, error) {
		s := &shape{name: name, texts: make(map[string][]byte)}
		for _, format := range []string{"json", "csv", "xml", "jsv", "html"} {
			if s.texts[format], err = ask(ctx, u.URL+"/sessions/"+shapeID+"/conference/members."+format); err != nil {
				return nil, fmt.Errorf("reading the session %s: %w", name, err)
			}
			if !bytes.Contains(s.texts[format], []byte(shapeID)) {
				return nil, fmt.Errorf("reading the session %s: its %s holds no id", name, format)
			}
		}
		return s, nil
	}
	var full []byte
	for _, name := range recordedShapes {
		json, err := ask(ctx, u.URL+"/sessions/"+name+"/conference/members.json")
		if err != nil {
			return nil, nil, fmt.Errorf("reading the session %s: %w", name, err)
		}
		sessions[shapeID] = bytes.Replace(json, []byte(`"id":"`+name+`"`), []byte(`"id":"`+shapeID+`"`), 1)
		if name == "full" {
			full = sessions[shapeID]
		}
		s, err := read(name)
		if err != nil {
			return nil, nil, err
		}
		small = append(small, s)
	}
	for _, entries := range grownShapes {
		sessions[shapeID] = grow(full, entries)
		s, err := read(fmt.Sprintf("%d entries", entries))
		if err != nil {
			return nil, nil, err
		}
		large = append(large, s)
	}
	return small, large, nil
}

// grow returns a session with a longer log.
func grow(session []byte, entries int) []byte {
	const log = `"log":[`
	var b strings.Builder
	for i := range entries {
		fmt.Fprintf(&b, `{"date":"2021-08-18T09:40:00.0000000Z","message":"Entry %d: she said \"hold on\", and left"},`, i)
	}
	return bytes.Replace(session, []byte(log), []byte(log+b.String()), 1)
}

// ask posts to the upstream itself and returns the body of its response.
func ask(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s of %s", res.Status, url)
	}
	return io.ReadAll(res.Body)
}
