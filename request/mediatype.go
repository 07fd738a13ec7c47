package request

import (
	"slices"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/internal/charset"
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
	NDJSON // a JSON object a line, for many calls
)

var formatNames = [...]string{None: "none", JSON: "json", CSV: "csv", Form: "form", Multipart: "multipart", NDJSON: "ndjson"}

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
	{"application/x-ndjson", NDJSON},
	{"application/jsonl", NDJSON},
	{"application/ndjson", NDJSON},
}

// AcceptEncoding is the value of the Accept-Encoding header of a response that
// refuses a coding: those that are read.
const AcceptEncoding = coding.Accepted

// AcceptPost returns the value of the Accept-Post header of a response with
// status 415: the media types that [Reader.Read] reads.
func AcceptPost() string { return acceptPost(new(binding)) }

// AcceptPostRows is what [AcceptPost] is for [Reader.Rows].
func AcceptPostRows() string { return acceptPost(&binding{many: true}) }

// AcceptPostEither is what [AcceptPost] is for a body that is read by [Reader.Read] or by
// [Reader.Rows].
func AcceptPostEither() string { return acceptPost(new(binding), &binding{many: true}) }

func acceptPost(readers ...*binding) string {
	names := make([]string, 0, len(mediaTypes))
	for _, t := range mediaTypes {
		if slices.ContainsFunc(readers, func(b *binding) bool { return b.takes(t.format) }) {
			names = append(names, t.name)
		}
	}
	return strings.Join(names, ", ")
}

// contentType is what the Content-Type says about a body.
type contentType struct {
	format   Format // None for no type
	boundary string // of a multipart body
	charset  string // a label under which only ASCII is read, or empty

	// problem is the rule that a body of this type breaks if it is not
	// empty; an empty body may have any type.
	problem *rules.Rule
	detail  string
}

// readContentType reads the lines of Content-Type. An empty one counts as absent. What is
// before the first semicolon is the type; of the parameters behind it those that
// can't be parsed are ignored. The function takes says which formats are read.
func readContentType(lines []string, takes func(Format) bool) contentType {
	if len(lines) == 0 {
		return contentType{}
	}
	value := strings.TrimSpace(lines[0])
	switch value {
	case "":
		return contentType{}
	case "application/json":
		return contentType{format: JSON}
	}
	name, params, _ := strings.Cut(value, ";")
	t := contentType{format: formatOf(lowered(strings.TrimSpace(name)))}
	t.boundary, _ = parameter(params, "boundary")
	label, conflict := parameter(params, "charset")
	switch {
	case t.format == None, !takes(t.format):
		t.problem, t.detail = rules.ContentType, "A body of this Content-Type is not read."
	case conflict:
		t.problem, t.detail = rules.Charset, "The Content-Type has more than one charset."
	case label == "" || charset.IsUTF8(label):
	case charset.IsASCIISuperset(label):
		t.charset = label
	default:
		t.problem, t.detail = rules.Charset, "The charset of the Content-Type is not UTF-8."
	}
	return t
}

// parameter returns the value of the first parameter of that name, given in
// lower case, or the empty string, and whether another one has another value. A
// semicolon in a quoted string separates nothing.
func parameter(params, name string) (text string, conflict bool) {
	for params != "" {
		end, quoted := 0, false
		for ; end < len(params) && (quoted || params[end] != ';'); end++ {
			switch {
			case params[end] == '"':
				quoted = !quoted
			case params[end] == '\\' && quoted:
				end++
			}
		}
		end = min(end, len(params))
		n, value, _ := strings.Cut(params[:end], "=")
		value = unquoted(strings.TrimSpace(value))
		switch {
		case value == "" || !ascii.EqualFold(strings.TrimSpace(n), name):
		case text == "":
			text = value
		case !ascii.EqualFold(text, value):
			conflict = true
		}
		params = strings.TrimPrefix(params[end:], ";")
	}
	return text, conflict
}

// unquoted returns what a quoted string says (RFC 9110 section 5.6.4), or a
// token as it is.
func unquoted(value string) string {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return value
	}
	var b strings.Builder
	value = value[1 : len(value)-1]
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		b.WriteByte(value[i])
	}
	return b.String()
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

// hasSeveralTypes reports whether there is more than one Content-Type: two
// header lines, or two lines that were joined on their way.
func hasSeveralTypes(lines []string) bool {
	if len(lines) > 1 {
		return true
	}
	if len(lines) == 0 {
		return false
	}
	name, _, _ := strings.Cut(lines[0], ";")
	return strings.IndexByte(name, ',') >= 0
}
