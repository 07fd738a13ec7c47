package handler

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Header fields that HTTP, a browser or the gateway gives a meaning of its own. An id
// in one of them would break the message (Content-Length), be refused or replaced on
// its way (Connection), or overwrite what the gateway says (X-Call).
var (
	takenHeaders = []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Accept-Post", "Accept-Ranges", "Age", "Allow",
		"Authorization", "Cache-Control", "Connection", "Cookie", "Date", "Digest", "Dnt", "Etag", "Expect", "Expires", "Forwarded",
		"From", "Host", "Http2-Settings", "Idempotent-Replayed", "Incremental", "Keep-Alive", "Last-Modified", "Link", "Location",
		"Max-Forwards", "Origin", "Pragma", "Priority", "Range", "Referer", "Repr-Digest", "Retry-After", "Server", "Set-Cookie",
		"Signature", "Signature-Input", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Vary", "Via", "Warning",
		"Www-Authenticate", "X-Accel-Buffering", "X-Call", "X-Dry-Run", "X-Http-Method-Override", "X-Refused-By", transcodeError,
	}
	takenPrefixes = []string{"Access-Control-", "Content-", "If-", "Proxy-", "Sec-", "X-Forwarded-"}
)

// checkHeaderName checks the name of a header field that is to hold an id. An empty one
// is the default.
func checkHeaderName(name string) error {
	if name == "" {
		return nil
	}
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%q is not a header field name", name)
	}
	canonical := http.CanonicalHeaderKey(name)
	taken := slices.Contains(takenHeaders, canonical) ||
		slices.ContainsFunc(takenPrefixes, func(prefix string) bool { return strings.HasPrefix(canonical, prefix) })
	if taken {
		return fmt.Errorf("%s has a meaning of its own and can hold no id; name another header, such as %s", canonical, DefaultCorrelationHeader)
	}
	return nil
}
