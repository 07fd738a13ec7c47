package handler

import (
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
	"github.com/evovoice-gateway/caddy-conference-members/internal/charset"
	"github.com/evovoice-gateway/caddy-conference-members/internal/coding"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// representation is how a response is transcoded to CSV: a compiled csv block or view.
type representation struct {
	plan        *transform.Plan
	offers      []negotiate.Offers // by the number of the operation
	maxResponse int64              // bytes, of the response after decompression
	contentType string             // with charset, and header where it is absent
	disposition string             // Content-Disposition of a success
	filename    string             // its template, empty if it holds no placeholders
	errorsJSON  bool               // leave errors as they come
}

// transcodeError is the field that says why a response is not CSV.
const transcodeError = "X-Transcode-Error"

// Why a response is passed through although CSV was asked for, besides those of
// package transform. They are values of that field and of a metric.
const (
	reasonNotJSON   = "not_json"
	reasonEncoded   = "encoded"
	reasonTruncated = "truncated"
	reasonTooLarge  = string(transform.ReasonTooLarge)
	reasonMalformed = string(transform.ReasonMalformed)
)

// fallbackReasons is the table of all reasons with their meanings.
var fallbackReasons = func() []string {
	own := []string{reasonNotJSON, reasonEncoded, reasonTruncated}
	all := make([]string, 0, len(own)+len(transform.Reasons))
	all = append(all, own...)
	for _, r := range transform.Reasons {
		all = append(all, string(r))
	}
	return all
}()

// decision is what becomes of a response once its header is known. With neither
// field set it is passed on as it comes.
type decision struct {
	transcode bool
	reason    string        // not empty: passed on, although CSV was asked for
	coding    coding.Coding // of the body to be transcoded
	size      int           // its declared length in bytes, 0 if unknown
}

// decide judges a response by its header.
func (c *representation) decide(status int, h http.Header) decision {
	switch {
	case status < 200, status == http.StatusNoContent, status == http.StatusPartialContent,
		status >= 300 && status <= 399,
		status >= 400 && c.errorsJSON,
		firstLine(h, "Content-Length") == "0",
		hasToken(h["Cache-Control"], "no-transform"): // RFC 9110 section 7.7
		return decision{}
	}
	if contentType := firstLine(h, "Content-Type"); contentType != upstreamJSON {
		mediaType, params, err := mime.ParseMediaType(contentType)
		if err == nil && mediaType == "text/event-stream" {
			return decision{}
		}
		if err != nil || !isJSON(mediaType) || !charset.IsJSON(params["charset"]) {
			return decision{reason: reasonNotJSON}
		}
	}
	packed, ok := coding.Of(h["Content-Encoding"])
	if !ok {
		return decision{reason: reasonEncoded}
	}
	size, err := strconv.ParseInt(firstLine(h, "Content-Length"), 10, 64)
	if err != nil {
		size = 0
	}
	if size > c.maxResponse {
		return decision{reason: reasonTooLarge}
	}
	return decision{transcode: true, coding: packed, size: int(size)}
}

// upstreamJSON is the Content-Type that the upstream gives its JSON, letter for
// letter, so that it is recognized without being parsed.
const upstreamJSON = "application/json; charset=utf-8"

// isJSON reports whether a media type, in lower case, is JSON: the registered
// name, the one before it, or the structured suffix of RFC 6839 section 3.1.
func isJSON(mediaType string) bool {
	return mediaType == "application/json" || mediaType == "text/json" || strings.HasSuffix(mediaType, "+json")
}

// isJSONResponse reports whether a Content-Type is JSON.
func isJSONResponse(contentType string) bool {
	if contentType == upstreamJSON {
		return true
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && isJSON(mediaType)
}

// transcode appends the CSV of body to out. If that fails it returns the reason.
func (c *representation) transcode(out *[]byte, body []byte, packed coding.Coding, status int, op *operation) (reason string) {
	if packed != coding.Identity {
		plain := buffer.Take(0)
		defer buffer.Give(plain)
		if err := packed.Unpack(plain, body, c.maxResponse); err != nil {
			if errors.Is(err, coding.ErrTooLarge) {
				return reasonTooLarge
			}
			return reasonEncoded
		}
		body = *plain
	}
	buffer.Reserve(out, roomForCSV(len(body)))
	var err error
	if status >= 400 {
		*out, err = c.plan.AppendError(*out, body)
	} else {
		*out, err = op.appendCSV(c.plan, *out, body)
	}
	if err != nil {
		if e, ok := errors.AsType[*transform.Error](err); ok {
			return string(e.Reason)
		}
		return reasonMalformed
	}
	return ""
}

// roomForCSV is how much room to take for the CSV of a response of size bytes.
// For a large response it is all that the CSV may become: a buffer that has to
// grow is held twice while it is copied.
func roomForCSV(size int) int {
	if size <= buffer.MaxPooled {
		return 0
	}
	return 2*size + buffer.MaxPooled/16
}

// representationHeaders are the fields that describe the JSON and would lie about the
// CSV: its length and coding, ranges of it, digests over it (RFC 9530, and
// the older RFC 3230 and RFC 1864), signatures over those (RFC 9421), and when
// it was last modified, because the columns change with the configuration.
var representationHeaders = []string{
	"Content-Length", "Content-Encoding", "Content-Range", "Accept-Ranges",
	"Content-Digest", "Repr-Digest", "Digest", "Content-Md5",
	"Signature", "Signature-Input",
	"Last-Modified",
}

// describe makes a header that described JSON describe the CSV made of it.
func (c *representation) describe(h http.Header, status int, client *http.Request, l *lines) {
	deleteAll(h, representationHeaders)
	delete(h, transcodeError)
	if tag := firstLine(h, "Etag"); tag != "" {
		if tag = suffixETag(tag); tag == "" {
			h.Del("Etag")
		} else {
			h.Set("Etag", tag)
		}
	}
	l.set(h, "Content-Type", c.contentType)
	if status >= 400 {
		h.Del("Content-Disposition")
	} else {
		l.set(h, "Content-Disposition", c.dispositionFor(replacerOf(client)))
	}
}

// dispositionFor returns the Content-Disposition of a success, for which the
// placeholders of the file name are replaced.
func (c *representation) dispositionFor(repl *caddy.Replacer) string {
	if c.filename == "" {
		return c.disposition
	}
	return disposition(repl.ReplaceAll(c.filename, ""))
}

// suffixETag marks an entity tag as that of the CSV, so that no cache takes it
// for the JSON's (RFC 9110 section 8.8.3.3). A malformed tag becomes empty.
func suffixETag(tag string) string {
	opaque, ok := strings.CutSuffix(tag, `"`)
	if !ok || !strings.HasPrefix(strings.TrimPrefix(tag, "W/"), `"`) || strings.Count(tag, `"`) != 2 {
		return ""
	}
	return opaque + `-csv"`
}

// mergeVary makes sure that Vary names Accept once (RFC 9110 section 12.5.5).
// A Vary of * says more than that already.
func mergeVary(h http.Header) {
	vary := h["Vary"]
	if hasToken(vary, "Accept") || hasToken(vary, "*") {
		return
	}
	h.Add("Vary", "Accept")
}

// hasToken reports whether a comma-separated field holds token, in any case.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(member), token) {
				return true
			}
		}
	}
	return false
}
