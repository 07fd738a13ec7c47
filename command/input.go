package command

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// input is the file that a command reads.
type input struct {
	io.ReadCloser
	name     string
	progress io.Writer // nil for none

	read, told int // MiB: read so far, and last shown
	bytes      int64
}

// Read reads, and says on a terminal how far it is with a large file.
func (in *input) Read(p []byte) (int, error) {
	n, err := in.ReadCloser.Read(p)
	in.bytes += int64(n)
	if in.read = int(in.bytes >> 20); in.progress != nil && in.read > in.told {
		in.told = in.read
		fmt.Fprintf(in.progress, "\rread %d MiB of %s", in.read, in.name)
	}
	if err != nil && in.told > 0 {
		in.told = 0
		fmt.Fprintln(in.progress)
	}
	return n, err
}

// contentTypes are the types of files by their names.
var contentTypes = map[string]string{
	".csv": "text/csv", ".tsv": "text/csv", ".txt": "text/csv",
	".json": "application/json", ".ndjson": ndjson, ".jsonl": ndjson,
}

const ndjson = "application/x-ndjson"

// sniff returns the file and its Content-Type, by its name or by how it begins. A file
// without any text in it is an error.
func (in *input) sniff() (io.Reader, string, error) {
	const enough = 64 << 10
	body := bufio.NewReaderSize(in, enough)
	begin, err := body.Peek(enough)
	if err != nil && err != io.EOF {
		return nil, "", err
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(begin, []byte("\ufeff")))
	if len(text) == 0 && err == io.EOF {
		return nil, "", fmt.Errorf("%s is empty", in.name)
	}
	if t, ok := contentTypes[strings.ToLower(filepath.Ext(in.name))]; ok {
		return body, t, nil
	}
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case len(text) == 0, text[0] != '{' && text[0] != '[':
		return body, "text/csv", nil
	case text[0] == '{' && bytes.HasSuffix(bytes.TrimSpace(line), []byte("}")) && bytes.HasPrefix(bytes.TrimSpace(rest), []byte("{")):
		return body, ndjson, nil
	default:
		return body, "application/json", nil
	}
}
