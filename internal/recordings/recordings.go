// Package recordings has what the API was recorded to send. Tests compare with it and
// never write it.
//
// testdata/sessions has each recorded session as JSON, CSV and JSV, under its id,
// and testdata/list.json a list of them. testdata/errors has each recorded error as
// JSON and as CSV, with its status line and headers in another file. In
// testdata/exchanges.jsonl each line is one exchange: the whole request, and the
// status, headers and hash of the response.
//
// The files are part of the program, so the functions here panic if one is missing or
// broken: a test finds that at once.
package recordings

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

//go:embed testdata
var files embed.FS

// Sessions returns the recorded sessions by id, in the format of a file extension:
// ".json", ".csv" or ".jsv".
func Sessions(ext string) map[string][]byte {
	return all("sessions", ext)
}

// Session returns one of [Sessions].
func Session(id, ext string) []byte {
	return file("sessions/" + id + ext)
}

// Columns returns the properties that the API had when a session was recorded, in the
// order of its CSV. The newest recording, doc, may have more.
func Columns(id string) []string {
	header, _, _ := strings.Cut(string(Session(id, ".csv")), "\r\n")
	names := strings.Split(header, ",")
	for i, name := range names {
		names[i] = strings.ToLower(name[:1]) + name[1:]
	}
	return names
}

// List returns the recorded response that is a list of sessions, as JSON (recordings
// 749 to 751).
func List() []byte { return file("list.json") }

// Errors returns the recorded error bodies by name, in the format of a file extension:
// ".json" or ".csv". The one of no-route is empty.
func Errors(ext string) map[string][]byte {
	return all("errors", ext)
}

// ErrorHead returns the status line and the header lines with which one of [Errors] was
// sent.
func ErrorHead(name, ext string) []string {
	return strings.Split(strings.ReplaceAll(strings.TrimSpace(string(file("errors/"+name+ext+".headers"))), "\r\n", "\n"), "\n")
}

// all returns the files of a folder with an extension, by name without it.
func all(folder, ext string) map[string][]byte {
	entries, err := files.ReadDir("testdata/" + folder)
	if err != nil {
		panic(err)
	}
	found := make(map[string][]byte)
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ext); ok {
			found[name] = file(folder + "/" + e.Name())
		}
	}
	return found
}

func file(name string) []byte {
	b, err := files.ReadFile("testdata/" + name)
	if err != nil {
		panic(err)
	}
	return b
}

// Exchange is a recorded exchange: a request and the API's response.
type Exchange struct {
	N       int    // the number of the recording, by which comments cite it
	Group   string // what it was recorded for, such as "accept" or "body"
	Name    string
	Request struct {
		Line              string // each byte as a character, Latin-1
		Headers           [][2]string
		Body, BodyB64     *string
		ContentLengthSent bool // which is not among Headers
	}
	Response struct {
		StatusLine string
		Status     int
		Headers    [][2]string
		BodyLength int
		BodySHA256 string // in hexadecimal
	}
}

// exchanges are all recorded exchanges.
var exchanges = sync.OnceValue(func() []Exchange {
	var all []Exchange
	lines := bufio.NewScanner(bytes.NewReader(file("exchanges.jsonl")))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			panic(err)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
	return all
})

// Exchanges returns the recorded exchanges of some groups, or all of them if none is
// named.
func Exchanges(groups ...string) []*Exchange {
	var some []*Exchange
	for i := range exchanges() {
		if e := &exchanges()[i]; len(groups) == 0 || slices.Contains(groups, e.Group) {
			some = append(some, e)
		}
	}
	return some
}

// Line returns the request line without the version, in its raw bytes.
func (e *Exchange) Line() string {
	line := strings.TrimSuffix(e.Request.Line, " HTTP/1.1")
	raw := make([]byte, 0, len(line))
	for _, c := range line {
		raw = append(raw, byte(c))
	}
	return string(raw)
}

// Header returns the header lines of the request, except those of the names left out.
// The recordings have no Host.
func (e *Exchange) Header(without ...string) []string {
	var lines []string
	for _, h := range e.Request.Headers {
		if !slices.ContainsFunc(without, func(n string) bool { return strings.EqualFold(n, h[0]) }) {
			lines = append(lines, h[0]+": "+h[1])
		}
	}
	return lines
}

// Body returns the body of the request.
func (e *Exchange) Body() []byte {
	switch {
	case e.Request.BodyB64 != nil:
		b, err := base64.StdEncoding.DecodeString(*e.Request.BodyB64)
		if err != nil {
			panic(err)
		}
		return b
	case e.Request.Body != nil:
		return []byte(*e.Request.Body)
	}
	return nil
}

// Bound returns the fields of the request as the API bound them, by name. It is not ok
// if no handler of the API was reached.
func (e *Exchange) Bound() (fields map[string]string, ok bool) {
	for _, h := range e.Response.Headers {
		if h[0] == "X-Bound" {
			if err := json.Unmarshal([]byte(h[1]), &fields); err != nil {
				panic(err)
			}
			return fields, true
		}
	}
	return nil, false
}
