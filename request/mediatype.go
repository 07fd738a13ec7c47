package request

import (
	"mime"
	"net/http"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/internal/coding"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// Format is a format in which a body is read.
type Format uint8

// The formats.
const (
	None Format = iota // no body
	JSON
	CSV
	Form
	Multipart
)

var formatNames = [...]string{None: "none", JSON: "json", CSV: "csv", Form: "form", Multipart: "multipart"}

// String returns the name of the format in lower case.
func (f Format) String() string {
	if int(f) >= len(formatNames) {
		return ""
	}
	return formatNames[f]
}

// mediaTypes are the media types that are read, beside those with the suffix
// +json.
var mediaTypes = [...]struct {
	name   string
	format Format
}{
	{"application/json", JSON},
	{"text/json", JSON},
	{"text/csv", CSV},
	{"application/csv", CSV},
	{"application/x-www-form-urlencoded", Form},
	{"multipart/form-data", Multipart},
}

// AcceptEncoding is the value of the Accept-Encoding header of an answer that
// refuses a coding: those that are read.
const AcceptEncoding = coding.Accepted

// AcceptPost returns the value of the Accept-Post header that an answer with
// status 415 has: the media types that are read.
func AcceptPost() string {
	names := make([]string, 0, len(mediaTypes))
	for _, t := range mediaTypes {
		names = append(names, t.name)
	}
	return strings.Join(names, ", ")
}

// label is what the Content-Type says of a body.
type label struct {
	format   Format // None for no label
	boundary string // of a multipart body

	// problem is the rule that a body of this label breaks if it is not
	// empty; an empty body may have any label.
	problem *rules.Rule
	detail  string
}

// readLabel reads the Content-Type. An empty one is none.
func readLabel(h http.Header) label {
	value := strings.TrimSpace(h.Get("Content-Type"))
	switch value {
	case "":
		return label{}
	case "application/json": // as mime would say, without the garbage
		return label{format: JSON}
	}
	name, params, err := mime.ParseMediaType(value)
	if err != nil {
		return label{problem: rules.ContentType, detail: "The Content-Type is not a media type and its parameters."}
	}
	l := label{format: formatOf(name), boundary: params["boundary"]}
	if l.format == None {
		l.problem, l.detail = rules.ContentType, "A body of this Content-Type is not read."
	} else if c, ok := params["charset"]; ok && !isUTF8(c) {
		l.problem, l.detail = rules.Charset, "The charset of the Content-Type is not UTF-8."
	}
	return l
}

// formatOf returns the format of a media type in lower case, or None.
func formatOf(name string) Format {
	for _, t := range mediaTypes {
		if t.name == name {
			return t.format
		}
	}
	if strings.HasSuffix(name, "+json") {
		return JSON
	}
	return None
}

// isUTF8 reports whether a charset is UTF-8. The label without the hyphen is
// one of its names in the Encoding Standard.
func isUTF8(charset string) bool {
	return ascii.EqualFold(charset, "utf-8") || ascii.EqualFold(charset, "utf8")
}

// hasSeveralTypes reports whether there is more than one Content-Type: two
// header lines, or two lines that were joined on their way.
func hasSeveralTypes(h http.Header) bool {
	lines := h["Content-Type"]
	if len(lines) > 1 {
		return true
	}
	if len(lines) == 0 {
		return false
	}
	name, _, _ := strings.Cut(lines[0], ";")
	return strings.Contains(name, ",")
}
