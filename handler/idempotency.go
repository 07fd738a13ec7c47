package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

// Defaults of the options about repeated calls.
const (
	// DefaultKeyHeader is where a client sends its key.
	DefaultKeyHeader = "Idempotency-Key"
	// DefaultTTL is how long the outcome of a call is known.
	DefaultTTL = 24 * time.Hour
	// DefaultCallTimeout is how long one call with a key may take.
	DefaultCallTimeout = 2 * time.Minute
	// DefaultMaxStored is the largest response body in bytes that is kept: 256 KiB.
	DefaultMaxStored = 256 << 10
	largestStored    = 1 << 30 // bytes
	// DefaultWindow is how long the same call is a duplicate.
	DefaultWindow = 10 * time.Second
)

// Values of the options about repeated calls that are one of a few words.
const (
	// StoreErrorRefuse refuses a call while the store fails.
	StoreErrorRefuse = "refuse"
	// StoreErrorForward places a call unguarded while the store fails.
	StoreErrorForward = "forward"
	// DuplicateRefuse refuses a duplicate.
	DuplicateRefuse = "refuse"
	// DuplicateReplay sends the response of the first call.
	DuplicateReplay = "replay"
)

// Idempotency says how calls with an idempotency key are repeated.
type Idempotency struct {
	// The header that holds the key: 1 to 255 visible ASCII characters, raw or as a
	// quoted string (RFC 9651), on one line. Default: `Idempotency-Key`.
	Header string `json:"header,omitempty"`

	// Whether a request without a key is refused. Otherwise it is forwarded unguarded.
	// Default: false.
	Require bool `json:"require,omitempty"`

	// Whose keys these are: a template of placeholders. The same key in another scope is
	// another key. By default the scope is the client's Authorization, else its Cookie;
	// clients without either share one scope. Default: `Authorization`, else `Cookie`.
	Scope string `json:"scope,omitempty"`

	// How long the outcome of a call is remembered. Default: 24h.
	TTL caddy.Duration `json:"ttl,omitempty"`

	// How long one call may take. A call with a key goes on when its client leaves.
	// Default: 2m.
	CallTimeout caddy.Duration `json:"call_timeout,omitempty"`

	// The largest response body in bytes that is kept. If it is larger, only the outcome
	// is. Default: 262144.
	MaxStored int64 `json:"max_stored,omitempty"`

	// What happens to a call with a key while the store fails: `refuse` sends 503 and
	// dials nothing, `forward` places the call unguarded. Default: `refuse`.
	OnStoreError string `json:"on_store_error,omitempty"`

	// Where keys and outcomes are kept. Default: in the memory of this process.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=http.conference_members.stores inline_key=module"`
}

// Duplicates says what happens to the same call a moment later.
type Duplicates struct {
	// How long the same call is a duplicate. Default: 10s.
	Window caddy.Duration `json:"window,omitempty"`

	// What a duplicate gets: `refuse` sends 409, `replay` sends the response of the first
	// call. Default: `refuse`.
	OnDuplicate string `json:"on_duplicate,omitempty"`

	// Whether calls with an idempotency key of their own can be duplicates. If not, another
	// key is another call. Default: false.
	IncludeKeyed bool `json:"include_keyed,omitempty"`
}

// changing matches placeholders that come out different when a request is repeated: the
// remote address has the port of the connection.
var changing = regexp.MustCompile(`\{(http\.request\.(uuid|remote|remote\.port|duration|duration_ms)|time\.now[^{}]*)\}`)

// checkScope finds mistakes in the template of a scope.
func checkScope(scope string) error {
	if found := changing.FindString(scope); found != "" {
		return fmt.Errorf("%s is another one when a request is repeated, and the call would be placed again; name something that stays, such as {http.auth.user.id}", found)
	}
	return checkTemplate(scope)
}

// Validate finds every mistake but those of the store.
func (i *Idempotency) Validate() error {
	errs := []error{
		oneOf("on_store_error", i.OnStoreError, StoreErrorRefuse, StoreErrorForward),
		stores.CheckDuration("ttl", i.TTL), stores.CheckDuration("call_timeout", i.CallTimeout),
		under("header", checkHeaderName(i.Header)), under("scope", checkScope(i.Scope)),
	}
	if i.MaxStored < 0 || i.MaxStored > largestStored {
		errs = append(errs, fmt.Errorf("max_stored: %d is out of range: from 1 to %d bytes", i.MaxStored, largestStored))
	}
	return errors.Join(errs...)
}

// Validate finds every mistake.
func (d *Duplicates) Validate() error {
	return errors.Join(
		oneOf("on_duplicate", d.OnDuplicate, DuplicateRefuse, DuplicateReplay),
		stores.CheckDuration("window", d.Window),
	)
}

// repeating is what is known about calls that clients repeat.
type repeating struct {
	keys  *idempotency.Keyring
	store *stores.Store

	// calls holds the calls with a key, and those of bulk uploads. It is nil where keys
	// mean nothing.
	calls        *idempotency.Ledger
	keyed        bool   // a call on the route can have a key
	keyHeader    string // canonical
	require      bool
	scope        string // a template, empty for the default
	maxStored    int
	callTimeout  time.Duration
	unguarded    bool // a call is placed while the store fails
	duplicates   *idempotency.Ledger
	replay       bool // a duplicate gets the first response
	includeKeyed bool

	// users counts the requests that may use the store. It is one less from when the
	// configuration is closed.
	users atomic.Int64
}

// enter begins, and leave ends, a request that may use the store.
func (p *repeating) enter() { p.users.Add(1) }
func (p *repeating) leave() { _ = p.close() } // nothing depends on the error

// provision makes the ledgers of a configuration. hashKey says whether the configuration
// sets the key from which those of the records are derived.
func (p *repeating) provision(ctx caddy.Context, h *Handler, cfg *Config, hashKey bool) error {
	i, d := cfg.Idempotency, cfg.Duplicates
	p.keyed = i != nil
	if i == nil && cfg.Bulk != nil {
		i = new(Idempotency) // for the rows of uploads only
	}
	if i == nil && d == nil {
		return nil
	}
	guest, err := i.loadStore(ctx)
	if err != nil {
		return fmt.Errorf("idempotency.store: %w", err)
	}
	if p.keys, err = idempotency.NewKeyring(h.hashKey); err != nil {
		return err
	}
	if p.store, err = stores.Attach(ctx, guest, p.keys, hashKey); err != nil {
		return fmt.Errorf("idempotency: %w", err)
	}
	options := idempotency.Options{
		Store: &timedStore{p.store, h.metrics}, Keys: p.keys, Seal: p.store.Durable(),
		OnError: func(id idempotency.ID, err error) {
			h.sampled().Error("the outcome of a call could not be recorded; trying again", zap.Stringer("id", id), zap.Error(err))
		},
	}
	if i != nil {
		p.keyHeader, p.require, p.scope = http.CanonicalHeaderKey(orDefault(i.Header, DefaultKeyHeader)), i.Require, i.Scope
		p.unguarded = i.OnStoreError == StoreErrorForward
		p.maxStored = int(orDefault(i.MaxStored, DefaultMaxStored))
		p.callTimeout = orDefault(time.Duration(i.CallTimeout), DefaultCallTimeout)
		options.TTL, options.CallTimeout = orDefault(time.Duration(i.TTL), DefaultTTL), p.callTimeout
		options.MaxStored = p.maxStored
		p.calls = idempotency.NewLedger(options)
	}
	if d != nil && h.policy.Mode(rules.DuplicateCall) != rules.Off {
		p.replay, p.includeKeyed = d.OnDuplicate == DuplicateReplay, d.IncludeKeyed
		p.maxStored = orDefault(p.maxStored, DefaultMaxStored)
		window := orDefault(time.Duration(d.Window), DefaultWindow)
		options.TTL, options.CallTimeout = window, window
		options.MaxStored = p.maxStored
		p.duplicates = idempotency.NewLedger(options)
	}
	return nil
}

// loadStore loads the guest module, nil if none is configured.
func (i *Idempotency) loadStore(ctx caddy.Context) (stores.Module, error) {
	if i == nil || i.StoreRaw == nil {
		return nil, nil
	}
	loaded, err := ctx.LoadModule(i, "StoreRaw")
	if err != nil {
		return nil, err
	}
	guest, ok := loaded.(stores.Module)
	if !ok {
		return nil, fmt.Errorf("%T is not a store", loaded)
	}
	return guest, nil
}

// close ends the use of the store by the configuration, or by a request. The last user
// releases it: Caddy cleans up a configuration that was replaced while requests are still
// served by it.
func (p *repeating) close() error {
	if p.users.Add(-1) >= 0 {
		return nil
	}
	return p.release()
}

// release closes the ledgers, which try once more to record what could not be recorded,
// and the store. It does no harm a second time, after a request that came late.
func (p *repeating) release() error {
	for _, l := range []*idempotency.Ledger{p.calls, p.duplicates} {
		if l != nil {
			l.Close()
		}
	}
	if p.store == nil {
		return nil
	}
	return p.store.Close()
}

// scopeOf returns the scope of a request's key: which client it belongs to.
func (p *repeating) scopeOf(r *http.Request) string {
	if p.scope != "" {
		return replacerOf(r).ReplaceAll(p.scope, "")
	}
	for _, name := range []string{"Authorization", "Cookie"} {
		if lines := r.Header[name]; len(lines) > 0 {
			return strings.Join(lines, "\n")
		}
	}
	return ""
}

// timedStore times the operations of a store.
type timedStore struct {
	idempotency.Store
	metrics *metrics.Collectors
}

func (t *timedStore) Begin(ctx context.Context, id idempotency.ID, claim []byte, ttl time.Duration) ([]byte, error) {
	started := time.Now()
	held, err := t.Store.Begin(ctx, id, claim, ttl)
	t.metrics.StoreUsed(metrics.StoreBegin, time.Since(started))
	return held, err
}

func (t *timedStore) Replace(ctx context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	started := time.Now()
	err := t.Store.Replace(ctx, id, held, record, ttl)
	t.metrics.StoreUsed(metrics.StoreReplace, time.Since(started))
	return err
}

func (t *timedStore) Scan(ctx context.Context, prefix []byte, visit func(idempotency.ID, []byte) error) error {
	started := time.Now()
	err := t.Store.Scan(ctx, prefix, visit)
	t.metrics.StoreUsed(metrics.StoreScan, time.Since(started))
	return err
}
