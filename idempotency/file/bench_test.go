package file

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/idempotency/storetest"
)

var bounded = context.Background()

// BenchmarkClaims measures how many claims a second reach the disk, from one client and
// from 64, beside bbolt's own Batch.
func BenchmarkClaims(b *testing.B) {
	for _, clients := range []int{1, 64} {
		name := map[int]string{1: "1-client", 64: "64-clients"}[clients]
		claim := storetest.Record(idempotency.Started, 1)
		var n atomic.Int64
		parallel := func(b *testing.B, write func(id idempotency.ID) error) {
			var all sync.WaitGroup
			left := int64(b.N)
			for range clients {
				all.Go(func() {
					for atomic.AddInt64(&left, -1) >= 0 {
						if err := write(storetest.ID(int(n.Add(1)))); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
		}
		b.Run(name+"/store", func(b *testing.B) {
			s, err := Open(filepath.Join(b.TempDir(), "calls.db"), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			parallel(b, func(id idempotency.ID) error {
				_, err := s.Begin(bounded, id, claim, time.Hour)
				return err
			})
		})
		b.Run(name+"/bbolt-batch", func(b *testing.B) {
			db, err := bolt.Open(filepath.Join(b.TempDir(), "calls.db"), 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType, NoFreelistSync: true})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			if err := db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket(records); return err }); err != nil {
				b.Fatal(err)
			}
			parallel(b, func(id idempotency.ID) error {
				return db.Batch(func(tx *bolt.Tx) error { return tx.Bucket(records).Put(id[:], claim) })
			})
		})
	}
}
