package handler

import (
	"strings"
	"testing"
)

// TestAnIDGoesIntoAHeaderOfItsOwn holds that no option puts an id into a field with
// another meaning: in Content-Length it would break every response.
func TestAnIDGoesIntoAHeaderOfItsOwn(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "X-Request-ID": "", "x-correlation-id": "", "Traceparent": "", "Idempotency-Key": "", "Request-Id": "",
		"a b":               "is not a header field name",
		"content-length":    "Content-Length has a meaning of its own",
		"Content-Digest":    "meaning of its own",
		"Transfer-Encoding": "meaning of its own",
		"TE":                "meaning of its own",
		"Set-Cookie":        "meaning of its own",
		"authorization":     "meaning of its own",
		"X-Call":            "meaning of its own",
		"X-Transcode-Error": "meaning of its own",
		"X-Forwarded-For":   "meaning of its own",
		"Sec-Fetch-Site":    "meaning of its own",
		"If-Match":          "meaning of its own",
		"HTTP2-Settings":    "meaning of its own",
	} {
		for option, err := range map[string]error{
			"correlation_id: ": (&Config{CorrelationID: name}).Validate(),
			"header: ":         (&Idempotency{Header: name}).Validate(),
		} {
			switch {
			case want == "" && err != nil:
				t.Errorf("%q: %v", name, err)
			case want != "" && (err == nil || !strings.HasPrefix(err.Error(), option) || !strings.Contains(err.Error(), want)):
				t.Errorf("%q: %v, want %s%s", name, err, option, want)
			}
		}
	}
}
