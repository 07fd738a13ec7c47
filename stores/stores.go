// Package stores wraps the stores of idempotency as Caddy modules: the guest modules
// http.conference_members.stores.memory and .file, the app that opens them
// when a configuration starts, and the part of the admin API that shows them.
package stores

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
)

// Namespace is the namespace of the guest modules.
const Namespace = "http.conference_members.stores"

// Modules returns the modules of this package, to be registered.
func Modules() []caddy.Module {
	return []caddy.Module{new(Memory), new(File), new(App), Admin{}}
}

// Module is a guest module: the configuration of a store.
type Module interface {
	caddy.Module

	// Durable reports whether what the store keeps outlives the process. Such a store
	// needs a configured hash_key, and its responses are encrypted.
	Durable() bool
	// Key names the store in messages and in the admin API. Handlers share a store,
	// and so do configurations that replace each other, if their keys are equal; and,
	// where a module has a method Settings() string, what that returns.
	Key() string
	// Open opens the store.
	Open(o OpenOptions) (Opened, error)
}

// OpenOptions is what a store is opened with.
type OpenOptions struct {
	// Check is [idempotency.Keyring.Check] of the hash_key.
	Check  [8]byte
	Logger *zap.Logger
}

// Opened is a store that is open.
type Opened interface {
	idempotency.Store

	// Verify returns an error if the store can't be used with another configuration
	// of the same key: with its hash_key, say. It may take over settings.
	Verify(m Module, check [8]byte) error
	// Close closes the store.
	Close() error
}

// pool holds the stores that are open in this process, by their poolKeys.
var pool = caddy.NewUsagePool()

// poolKey identifies a store: modules with equal keys share it. Settings are empty unless
// a store can be opened twice, once with the old and once with the new settings.
type poolKey struct{ name, settings string }

func (s *Store) poolKey() poolKey {
	k := poolKey{name: s.module.Key()}
	if m, ok := s.module.(interface{ Settings() string }); ok {
		k.settings = m.Settings()
	}
	return k
}

// pooled is a store in the pool.
type pooled struct{ Opened }

// Destruct closes the store when nobody uses it any more.
func (p pooled) Destruct() error { return p.Close() }

// Store is a store as a handler uses it. It is opened when the configuration starts
// or, since Caddy starts apps in any order, by the first call before that; never when
// a configuration is only validated.
type Store struct {
	module Module
	check  [8]byte
	logger *zap.Logger

	opened atomic.Pointer[Opened] // nil unless it is open
	mu     sync.Mutex             // held to open and to close it
	closed bool
}

// Attach returns the store of a module, and has the configuration of ctx open it when
// it starts. A nil module is that of a store in memory. Close the store when the
// handler is cleaned up. hashKey says whether the keys are derived from a configured
// hash_key, rather than from one that was made when the process started.
func Attach(ctx caddy.Context, m Module, keys *idempotency.Keyring, hashKey bool) (*Store, error) {
	if m == nil {
		m = new(Memory)
	}
	if m.Durable() && !hashKey {
		return nil, fmt.Errorf("store %s: it outlives the process, and so must the key of its records: set hash_key", m.Key())
	}
	loaded, err := ctx.App(appName)
	if err != nil {
		return nil, err
	}
	s := &Store{module: m, check: keys.Check(), logger: ctx.Logger()}
	if err := loaded.(*App).add(s); err != nil { //nolint:forcetypeassert // the app of that name
		return nil, fmt.Errorf("store %s: %w", m.Key(), err)
	}
	return s, nil
}

// Durable reports whether responses must be encrypted.
func (s *Store) Durable() bool { return s.module.Durable() }

// Open opens the store, unless it is open.
func (s *Store) Open() error {
	_, err := s.get()
	return err
}

// get returns the store, open. After Close it is the one that others have open, if
// any: those of the configuration that replaced this one.
func (s *Store) get() (Opened, error) {
	if opened := s.opened.Load(); opened != nil {
		return *opened, nil
	}
	return s.open()
}

func (s *Store) open() (Opened, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if opened := s.opened.Load(); opened != nil {
		return *opened, nil
	}
	value, shared, err := pool.LoadOrNew(s.poolKey(), func() (caddy.Destructor, error) {
		if s.closed {
			return nil, errors.New("it is closed")
		}
		opened, err := s.module.Open(OpenOptions{s.check, s.logger})
		return pooled{opened}, err
	})
	if err != nil {
		return nil, s.named(err)
	}
	store := value.(pooled).Opened //nolint:forcetypeassert // made above
	if shared && !s.closed {       // the settings that count are those of the new configuration
		if err := store.Verify(s.module, s.check); err != nil {
			_, deleteErr := pool.Delete(s.poolKey())
			return nil, s.named(errors.Join(err, deleteErr))
		}
	}
	s.opened.Store(&store)
	return store, nil
}

// Close releases the store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed = true; s.opened.Swap(nil) == nil {
		return nil
	}
	_, err := pool.Delete(s.poolKey())
	return err
}

// The app that opens stores. It has no configuration, and need not be in
// a configuration.
const appName = "conference_members"

// App opens the stores of a configuration when it starts. It is loaded by the
// handlers that need it.
type App struct {
	mu     sync.Mutex
	stores []*Store
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: appName, New: func() caddy.Module { return new(App) }}
}

// add has the app open a store. Handlers of one configuration that share a store must
// agree on its size: it has only one.
func (a *App) add(s *Store) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	mine, ok := s.module.(sized)
	for _, other := range a.stores {
		if theirs, both := other.module.(sized); ok && both && other.poolKey() == s.poolKey() {
			if err := agree(mine.size(), theirs.size()); err != nil {
				return err
			}
		}
	}
	a.stores = append(a.stores, s)
	return nil
}

// sized is a module with an option max_size, 0 for the default.
type sized interface{ size() *int64 }

// agree has a handler that sets no size take the other's.
func agree(mine, theirs *int64) error {
	switch {
	case *mine == 0:
		*mine = *theirs
	case *theirs == 0:
		*theirs = *mine
	case *mine != *theirs:
		return fmt.Errorf("max_size: %d here, and %d in another handler, which shares the store: set the same, or only one", *mine, *theirs)
	}
	return nil
}

// Start opens the stores. The error names all that can't be opened, each once.
func (a *App) Start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	failed := make(map[poolKey]struct{})
	var errs []error
	for _, s := range a.stores {
		if _, known := failed[s.poolKey()]; known {
			continue
		}
		if err := s.Open(); err != nil {
			failed[s.poolKey()] = struct{}{}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Stop does nothing: handlers release their stores when they are cleaned up, after
// the last request.
func (*App) Stop() error { return nil }

// Interface guards.
var (
	_ caddy.App         = (*App)(nil)
	_ idempotency.Store = (*Store)(nil)
)
