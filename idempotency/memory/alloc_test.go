//go:build !race

// The race detector makes sync.Pool forget at random.

package memory

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
)

// TestAKeyedCallAllocatesLittle holds what a call with a key allocates with the store
// in memory: the claim and the record.
func TestAKeyedCallAllocatesLittle(t *testing.T) {
	keys, err := idempotency.NewKeyring([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	l := idempotency.NewLedger(idempotency.Options{Store: New(0), Keys: keys, TTL: time.Hour, CallTimeout: time.Minute, MaxStored: 1 << 18})
	defer l.Close()
	response := idempotency.Response{Status: 200, ContentType: "application/json", Body: bytes.Repeat([]byte("x"), 4096)}
	fields := []idempotency.Field{{Name: "destination", Value: "+12025550123"}, {Name: "sessionId", Value: "s"}}
	names := make([]string, 0, 5000)
	for n := range cap(names) {
		names = append(names, "key-"+string(rune('a'+n%26))+string(rune(0x4e00+n)))
	}
	n := 0
	allocs := testing.AllocsPerRun(len(names)-1, func() {
		found, err := l.Begin(context.Background(), idempotency.NewClaim(keys.CallID("scope", "route", names[n]), keys.Fingerprint(fields)))
		n++
		if err != nil || found.Result != idempotency.Claimed {
			t.Fatal(found.Result, err)
		}
		if err := found.Claim.Finish(response); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%v allocations", allocs)
	if allocs > 2 {
		t.Errorf("%v allocations", allocs)
	}
}
