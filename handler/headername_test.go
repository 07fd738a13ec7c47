package handler

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
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

// TestDurationsAreInRange holds that 120 in JSON, which is nanoseconds, is not
// taken for a time-out, and that no sum of two overflows.
func TestDurationsAreInRange(t *testing.T) {
	pace := caddy.Duration(120)
	none := caddy.Duration(0)
	for want, err := range map[string]error{
		"ttl: 24ns is shorter than 1ms":           (&Idempotency{TTL: 24}).Validate(),
		"call_timeout: 120ns is shorter than 1ms": (&Idempotency{CallTimeout: 120}).Validate(),
		"window: 10ns is shorter than 1ms":        (&Duplicates{Window: 10}).Validate(),
		"pace: 120ns is shorter than 1ms":         (&Bulk{Pace: &pace}).Validate(),
		"ttl: -1s is negative":                    (&Idempotency{TTL: caddy.Duration(-time.Second)}).Validate(),
		"ttl: 2562047h47m16.854775807s is longer": (&Idempotency{TTL: math.MaxInt64}).Validate(),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, err := range []error{
		(&Idempotency{TTL: caddy.Duration(time.Millisecond)}).Validate(),
		(&Bulk{Pace: &none}).Validate(),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}
