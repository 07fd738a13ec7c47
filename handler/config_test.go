package handler

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

// TestAResponseIsLimitedToWhatCanBeCounted holds that what JSON can say, and a Caddyfile
// can't, is refused too: with a larger limit, no packed response would be unpacked.
func TestAResponseIsLimitedToWhatCanBeCounted(t *testing.T) {
	for size, valid := range map[int64]bool{-1: false, 0: true, 1: true, stores.LargestSize: true, stores.LargestSize + 1: false, math.MaxInt64: false} {
		if err := (&CSV{MaxResponse: size}).Validate(); (err == nil) != valid {
			t.Errorf("max_response %d: %v", size, err)
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
