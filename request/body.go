package request

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
	"github.com/evovoice-gateway/caddy-conference-members/internal/coding"
	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// usualBody is more than most bodies have, in bytes.
const usualBody = 1 << 10

// readBody receives and unpacks the body and passes it to read, which must not keep any
// of it. A body that the header section alone forbids is not read at all. The error is that of [Reader.Read].
func (b *binding) readBody(r *http.Request, read func(contentType, []byte) bool) error {
	packed, ok := coding.Of(r.Header["Content-Encoding"])
	if !ok {
		b.violate(rules.ContentEncoding, "The Content-Encoding is neither gzip nor zstd, or there is more than one.")
	}
	types := r.Header["Content-Type"]
	if hasSeveralTypes(types) {
		b.violate(rules.MultipleContentTypes, "There is more than one Content-Type.")
		return nil
	}
	t := readContentType(types, b.takes)
	if t.problem != nil && r.ContentLength > 0 {
		b.violate(t.problem, t.detail)
		return nil
	}
	if r.ContentLength > b.reader.maxBody() {
		b.tooLarge("is")
		return nil
	}
	if !ok {
		return nil
	}

	buf := buffer.Take(usualBody)
	defer buffer.Give(buf)
	if ok, err := b.receive(r, buf); !ok {
		return err
	}
	body := *buf
	if packed != coding.Identity && len(body) > 0 {
		unpacked := buffer.Take(0)
		defer buffer.Give(unpacked)
		if !b.unpack(packed, body, unpacked) {
			return nil
		}
		body = *unpacked
	}
	b.request.Readable = read(t, body)
	return nil
}

// readFormat reads a body as what it is labelled, and reports whether it could
// be read to its end.
func (b *binding) readFormat(t contentType, body []byte) bool {
	if len(body) == 0 {
		return true
	}
	if !b.admitsType(&t, body) {
		return false
	}
	switch t.format {
	case JSON:
		return b.readJSON(body)
	case CSV:
		return b.readCSV(body)
	case Form:
		return b.readForm(body)
	case Multipart:
		return b.readMultipart(body, t.boundary)
	case None, NDJSON: // is not admitted
	}
	return false
}

// admitsType settles what a body that is not empty is read as, and notes the
// violation if it can't be read.
func (b *binding) admitsType(t *contentType, body []byte) bool {
	if t.problem != nil {
		b.violate(t.problem, t.detail)
		return false
	}
	if (t.format == CSV || t.format == None) && startsObject(body) {
		// The published sample is JSON labelled CSV.
		t.format = JSON
	}
	switch {
	case t.format == None:
		b.violate(rules.ContentType, "There is a body without a Content-Type, and it does not begin like a JSON object.")
	case !readsAs(t.charset, body) || t.charset != "" && t.format == Form && escapesMore(body):
		b.violate(rules.Charset, "The charset of the Content-Type is not UTF-8, and the body holds more than ASCII.")
	default:
		return true
	}
	return false
}

// escapesMore reports whether a form holds an escape of a byte beyond ASCII.
func escapesMore(form []byte) bool {
	for i, c := range form[:max(len(form)-1, 0)] {
		if c == '%' && form[i+1] >= '8' {
			return true
		}
	}
	return false
}

// isASCII reports whether a body holds nothing but ASCII.
func isASCII(body []byte) bool {
	return bytes.IndexFunc(body, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// receive reads the body as it is sent into buf, and one byte beyond the limit
// at most.
func (b *binding) receive(r *http.Request, buf *[]byte) (ok bool, err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return true, nil
	}
	*buf, err = appendAll(*buf, r.Body, b.reader.maxBody()+1)
	b.request.BodyBytes = int64(len(*buf))
	switch {
	case err != nil:
		return false, b.broke(r, err)
	case b.request.BodyBytes > b.reader.maxBody():
		b.tooLarge("is")
		return false, nil
	}
	return true, nil
}

// broke judges an error of reading the body: either the client could still be
// told, or it is gone or too slow.
func (b *binding) broke(r *http.Request, err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		b.violate(rules.BodyTooLarge, "The body is larger than this server takes.")
		return nil
	}
	// A client that has closed its half of the connection too early can still
	// read, though net/http ends the context of its request.
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		if gone := r.Context().Err(); gone != nil {
			return fmt.Errorf("reading the body: %w: %w", gone, err)
		}
		if _, ok := errors.AsType[net.Error](err); ok {
			return fmt.Errorf("reading the body: %w", err)
		}
		if b.reader.ClientGone != nil && b.reader.ClientGone(err) {
			return fmt.Errorf("reading the body: %w", err)
		}
	}
	b.violate(rules.IncompleteBody, "The body ended before its announced end, or its chunks can't be told apart.")
	return nil
}

// unpack unpacks a body into buf.
func (b *binding) unpack(c coding.Coding, packed []byte, buf *[]byte) bool {
	err := c.Unpack(buf, packed, b.reader.maxBody())
	switch {
	case errors.Is(err, coding.ErrTooLarge):
		b.tooLarge("unpacks to be")
	case err != nil:
		b.violate(rules.MalformedEncoding, "The body can't be unpacked as its Content-Encoding says.")
	}
	return err == nil
}

// tooLarge notes that the body is, or unpacks to be, too large.
func (b *binding) tooLarge(verb string) {
	b.violate(rules.BodyTooLarge, fmt.Sprintf("The body %s larger than %d bytes.", verb, b.reader.maxBody()))
}

// appendAll appends what r has to dst, but no more than limit bytes.
func appendAll(dst []byte, r io.Reader, limit int64) ([]byte, error) {
	for int64(len(dst)) < limit {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		free := dst[len(dst):cap(dst)]
		free = free[:min(int64(len(free)), limit-int64(len(dst)))]
		n, err := r.Read(free)
		dst = dst[:len(dst)+n]
		if err == io.EOF { // a wrapped one would not be the end
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// byteOrderMark may be before a UTF-8 text.
const byteOrderMark = "\ufeff"

// cutByteOrderMark returns the body without the mark.
func cutByteOrderMark(body []byte) []byte {
	return bytes.TrimPrefix(body, []byte(byteOrderMark))
}

// startsObject reports whether a body begins like a JSON object.
func startsObject(body []byte) bool {
	for _, c := range cutByteOrderMark(body) {
		if !jsonwire.IsSpace(c) {
			return c == '{'
		}
	}
	return false
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8.
func invalidUTF8(text []byte) (offset int, found bool) {
	if utf8.Valid(text) {
		return 0, false
	}
	return jsonwire.FirstInvalid(text), true
}
