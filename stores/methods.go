package stores

import (
	"context"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
)

// Begin implements idempotency.Store.
func (s *Store) Begin(ctx context.Context, id idempotency.ID, claim []byte, ttl time.Duration) ([]byte, error) {
	store, err := s.get()
	if err != nil {
		return nil, err
	}
	return store.Begin(ctx, id, claim, ttl)
}

// Replace implements idempotency.Store.
func (s *Store) Replace(ctx context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	store, err := s.get()
	if err != nil {
		return err
	}
	return store.Replace(ctx, id, held, record, ttl)
}

// Scan implements idempotency.Store.
func (s *Store) Scan(ctx context.Context, prefix []byte, visit func(idempotency.ID, []byte) error) error {
	store, err := s.get()
	if err != nil {
		return err
	}
	return store.Scan(ctx, prefix, visit)
}

// Health implements idempotency.Store.
func (s *Store) Health(ctx context.Context) error {
	store, err := s.get()
	if err != nil {
		return err
	}
	return store.Health(ctx)
}
