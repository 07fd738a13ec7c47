package stores

import (
	"context"
	"fmt"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
)

// named adds the name of the store to an error: logs show it, and there may be several.
func (s *Store) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store %s: %w", s.module.Key(), err)
}

// Begin implements idempotency.Store.
func (s *Store) Begin(ctx context.Context, id idempotency.ID, claim []byte, ttl time.Duration) ([]byte, error) {
	store, err := s.get()
	if err != nil {
		return nil, err
	}
	held, err := store.Begin(ctx, id, claim, ttl)
	return held, s.named(err)
}

// Replace implements idempotency.Store.
func (s *Store) Replace(ctx context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	store, err := s.get()
	if err != nil {
		return err
	}
	return s.named(store.Replace(ctx, id, held, record, ttl))
}

// Scan implements idempotency.Store.
func (s *Store) Scan(ctx context.Context, prefix []byte, visit func(idempotency.ID, []byte) error) error {
	store, err := s.get()
	if err != nil {
		return err
	}
	return s.named(store.Scan(ctx, prefix, visit))
}

// Health implements idempotency.Store.
func (s *Store) Health(ctx context.Context) error {
	store, err := s.get()
	if err != nil {
		return err
	}
	return s.named(store.Health(ctx))
}
