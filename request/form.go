package request

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/charset"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// readForm reads a URL-encoded form.
func (b *binding) readForm(body []byte) bool {
	if startsObject(body) {
		b.violate(rules.MalformedForm, "The body is labelled as a form and begins like JSON. Did you mean Content-Type: application/json?")
		return false
	}
	var seen names
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		rawName, rawText, _ := strings.Cut(pair, "=")
		name, ok := unescapePair(rawName)
		text, ok2 := unescapePair(rawText)
		if !ok || !ok2 {
			b.violate(rules.MalformedForm, "A name or a value of the form is not percent-encoded UTF-8.")
			return false
		}
		b.bindPart(&seen, name, text)
	}
	return true
}

// readMultipart reads a multipart form, RFC 7578. Nothing is written to disk:
// the body is within the limit.
func (b *binding) readMultipart(body []byte, boundary string) bool {
	if startsObject(body) {
		b.violate(rules.MalformedForm, "The body is labelled as a multipart form and begins like JSON. Did you mean Content-Type: application/json?")
		return false
	}
	if boundary == "" {
		b.violate(rules.MalformedForm, "The Content-Type of the multipart form has no boundary.")
		return false
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	var seen names
	for {
		// NextRawPart, as the upstream knows no transfer encodings either.
		part, err := parts.NextRawPart()
		if err == io.EOF { //nolint:errorlint // a wrapped one is a form that is cut short
			return true
		}
		if err != nil {
			b.violate(rules.MalformedForm, "The multipart form is not closed by its boundary, or a part of it is broken.")
			return false
		}
		text, err := io.ReadAll(part)
		if err != nil {
			b.violate(rules.MalformedForm, "A part of the multipart form is not closed by its boundary.")
			return false
		}
		if !b.readPart(&seen, part, text) {
			return false
		}
	}
}

// readPart takes one part of a multipart form.
func (b *binding) readPart(seen *names, part *multipart.Part, text []byte) bool {
	disposition, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name, named := params["name"]
	if err != nil || disposition != "form-data" || !named || len(part.Header["Content-Disposition"]) > 1 {
		b.violate(rules.MalformedForm, "A part of the multipart form has no name, or more than one.")
		return false
	}
	if _, isFile := params["filename"]; isFile {
		b.violateName(rules.WrongType, name, mark{}, "A part of the multipart form is a file and has to be text.")
		return true
	}
	if !isPlainEncoding(part.Header.Get("Content-Transfer-Encoding")) {
		// Deprecated by RFC 7578 section 4.7.
		b.violate(rules.MalformedForm, "A part of the multipart form has a Content-Transfer-Encoding.")
		return false
	}
	_, typeParams, _ := strings.Cut(part.Header.Get("Content-Type"), ";")
	if label, conflict := parameter(typeParams, "charset"); conflict || !readsAs(label, text) {
		b.violate(rules.Charset, "The charset of a part of the multipart form is not UTF-8.")
		return false
	}
	if !utf8.ValidString(name) || !utf8.Valid(text) {
		b.violate(rules.MalformedForm, "A part of the multipart form is not UTF-8.")
		return false
	}
	b.bindPart(seen, name, string(text))
	return true
}

// readsAs reports whether text of a charset, which may be empty, is the same text
// in UTF-8.
func readsAs(label string, text []byte) bool {
	return label == "" || charset.IsUTF8(label) || charset.IsASCIISuperset(label) && isASCII(text)
}

// isPlainEncoding reports whether a transfer encoding leaves text as it is.
func isPlainEncoding(encoding string) bool {
	switch lowered(encoding) {
	case "", "7bit", "8bit", "binary":
		return true
	}
	return false
}

// bindPart takes a name and a value of a form.
func (b *binding) bindPart(seen *names, name, text string) {
	if seen.add(name) {
		b.violateName(rules.RepeatedName, name, mark{}, "A name appears more than once in the form; letter case makes no difference.")
		return
	}
	if name == "_charset_" {
		// What a browser says about its encoding, RFC 7578 section 4.6.
		if !charset.IsUTF8(text) {
			b.violate(rules.Charset, "The form says that its charset is not UTF-8.")
		}
		return
	}
	b.bindText(name, text, mark{})
}
