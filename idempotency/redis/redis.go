// Package redis is a store of idempotency in Redis 7 or Valkey, for many processes:
// one server, a group that Sentinel watches, or a cluster.
//
// A key is claimed by one command, SET with NX, GET and PX, and a claim is replaced
// or removed by a script that compares first. Nothing is repeated by the client
// library. Records expire by the clock of Redis.
//
// Redis replicates after it has replied: when a master fails before its replica has
// a claim, the claim is lost, and a repetition of that call is dialled.
// Options.WaitReplicas makes that less likely, not impossible.
package redis

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
)

const (
	// DefaultTimeout is how long one step may take: 500 ms.
	DefaultTimeout = 500 * time.Millisecond
	// DefaultKeyPrefix is what the names of all keys begin with.
	DefaultKeyPrefix = "conference_members:"

	checkName = "hash_key" // behind the prefix: the check of the hash_key
	page      = 500        // keys that a scan asks for at a time
)

// Options of a store.
type Options struct {
	// Addresses are the servers, HOST:PORT: of Redis, of the nodes of a cluster, or of
	// the Sentinels.
	Addresses []string
	// Username and Password are those of Redis, and of the Sentinels.
	Username, Password string
	// DB is the number of the database.
	DB int
	// TLS, if it is not nil, encrypts connections.
	TLS *tls.Config
	// SentinelMaster is the name of the group that the Sentinels watch.
	SentinelMaster string
	// Cluster says that the addresses are those of a cluster.
	Cluster bool
	// Timeout is how long one step may take. Default: DefaultTimeout.
	Timeout time.Duration
	// WaitReplicas is how many replicas must have a claim before it counts.
	WaitReplicas int
	// KeyPrefix is what the names of all keys begin with. Default: DefaultKeyPrefix.
	KeyPrefix string
	// Check is [idempotency.Keyring.Check] of the hash_key.
	Check [8]byte
	// Warn is called with what an operator should change. It may be nil.
	Warn func(string)
}

// Store is a store in Redis. Open it with Open.
type Store struct {
	Options

	client redis.UniversalClient

	identified atomic.Bool
}

// Open returns a store. It fails if Redis says that it can't be used: for a wrong
// password, a version that is too old, or another hash_key. Where Redis can't be
// reached, it does not fail but warns: every step tries again.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.KeyPrefix == "" {
		o.KeyPrefix = DefaultKeyPrefix
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	silence()
	s := &Store{Options: o, client: connect(o)}
	err := s.identify(ctx)
	switch {
	case err == nil:
		return s, nil
	case refuses(err):
		return nil, errors.Join(err, s.client.Close())
	}
	o.Warn("Redis can't be reached; it is tried again for every call: " + err.Error())
	return s, nil
}

// silence keeps the client library from writing to the standard error what it also
// returns, a line for each attempt to connect.
var silence = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

// silent is a logger that logs nothing.
type silent struct{}

// Printf does nothing.
func (silent) Printf(context.Context, string, ...any) {}

// connect makes a client, which connects when it is used.
func connect(o Options) redis.UniversalClient {
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: o.Addresses, MasterName: o.SentinelMaster, IsClusterMode: o.Cluster,
		Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLS,
		SentinelUsername: sentinelOnly(o, o.Username), SentinelPassword: sentinelOnly(o, o.Password),
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, PoolTimeout: o.Timeout,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

func sentinelOnly(o Options, s string) string {
	if o.SentinelMaster == "" {
		return ""
	}
	return s
}

// refuses reports whether err is Redis's last word, rather than that it can't be
// reached or is busy.
func refuses(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var handshake *net.OpError
	if errors.Is(err, idempotency.ErrOtherHashKey) || errors.As(err, &certificate) || errors.As(err, &record) ||
		errors.As(err, &handshake) && handshake.Op == "remote error" { // our certificate, or none, is not accepted
		return true
	}
	if says(err, "ERR max number of clients") {
		return false
	}
	for _, prefix := range []string{"ERR", "WRONGPASS", "NOAUTH", "NOPERM", "WRONGTYPE", "MOVED"} {
		if says(err, prefix) {
			return true
		}
	}
	return false
}

// says reports whether err is a reply of Redis's that begins with prefix. The library's
// own function does not find ERR, which it takes for another server's addition.
func says(err error, prefix string) bool {
	var reply redis.Error
	return redis.HasErrorPrefix(err, prefix) || errors.As(err, &reply) && strings.HasPrefix(reply.Error(), prefix)
}

// identify holds the records to the hash_key, once, and looks whether Redis would
// forget them. Until Redis has replied once, every step does that for itself: if they
// took turns, one that Redis does not reply to would make all behind it wait.
func (s *Store) identify(ctx context.Context) error {
	if s.identified.Load() {
		return nil
	}
	return s.verify(ctx)
}

// verify does what identify does, though it was done before.
func (s *Store) verify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	check := hex.EncodeToString(s.Check[:])
	held, err := s.client.Do(ctx, "set", s.KeyPrefix+checkName, check, "nx", "get").Text()
	switch {
	case errors.Is(err, redis.Nil):
	case says(err, "ERR syntax"):
		return fmt.Errorf("Redis 7.0, Valkey or later is needed: %w", err) //nolint:staticcheck // a name
	case says(err, "MOVED"):
		return fmt.Errorf("the server is a node of a cluster, set the option cluster: %w", err)
	case err != nil:
		return s.explain(err)
	case held != check:
		return fmt.Errorf("the records under the key_prefix %q: %w; set that one again, or another key_prefix, which forgets what calls were placed", s.KeyPrefix, idempotency.ErrOtherHashKey)
	}
	if s.identified.Swap(true) {
		return nil
	}
	if policy := field(s.client.Info(ctx, "memory").Val(), "maxmemory_policy"); policy != "" && policy != "noeviction" {
		s.Warn("Redis evicts keys when its memory is full (maxmemory-policy " + policy + "): a key that is evicted is dialled again; set noeviction")
	}
	return nil
}

// field returns a field of what INFO says.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Close closes the connections.
func (s *Store) Close() error { return s.client.Close() }

func (s *Store) name(id idempotency.ID) string { return s.KeyPrefix + hex.EncodeToString(id[:]) }

// Begin implements idempotency.Store.
func (s *Store) Begin(ctx context.Context, id idempotency.ID, claim []byte, ttl time.Duration) ([]byte, error) {
	if err := s.identify(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	text, err := s.client.Do(ctx, "set", s.name(id), claim, "nx", "get", "px", ttl.Milliseconds()).Text()
	if says(err, "OOM") { // it does not look what is there
		if there, getErr := s.client.Get(ctx, s.name(id)).Result(); getErr == nil {
			text, err = there, nil
		}
	}
	held := []byte(text)
	switch {
	case errors.Is(err, redis.Nil):
		held = nil
	case err != nil:
		return nil, s.explain(err)
	}
	if s.WaitReplicas > 0 && (held == nil || bytes.Equal(held, claim)) {
		if err := s.wait(ctx, id, ttl); err != nil {
			return nil, s.explain(err)
		}
	}
	return held, nil
}

// explain makes ErrFull of Redis's error. An error that is none of Redis's may mean that a
// master of a cluster is gone: the client is to ask who took over, which it does by itself
// only once a minute.
func (s *Store) explain(err error) error {
	if says(err, "OOM") {
		return fmt.Errorf("%w: %w", idempotency.ErrFull, err)
	}
	if cluster, ok := s.client.(*redis.ClusterClient); ok && !says(err, "") {
		cluster.ReloadState(context.Background())
	}
	return err
}

// wait waits until replicas have a claim. WAIT waits for what its own connection has
// written, so it writes the ttl again.
func (s *Store) wait(ctx context.Context, id idempotency.ID, ttl time.Duration) error {
	var node redis.Cmdable = s.client
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		master, err := cluster.MasterForKey(ctx, s.name(id))
		if err != nil {
			return err
		}
		node = master
	}
	var there *redis.BoolCmd
	var replicas *redis.Cmd
	_, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
		there = p.PExpire(ctx, s.name(id), ttl)
		replicas = p.Do(ctx, "wait", s.WaitReplicas, s.Timeout.Milliseconds()/2) //nolint:mnd // time for the reply
		return nil
	})
	if err != nil {
		return err
	}
	n, err := replicas.Int()
	if err != nil {
		return err
	}
	if !there.Val() || n < s.WaitReplicas {
		return fmt.Errorf("%d replicas have the claim, of %d that must have it (wait_replicas)", n, s.WaitReplicas)
	}
	return nil
}

// replace compares, and then writes or removes. A response is not written to a Redis
// that is full; a record without one is, in the place of one of the same size.
const replace = `
local held = redis.call('GET', KEYS[1])
if not held then
	return ARGV[2] == '' and 1 or 0
elseif held ~= ARGV[1] and held ~= ARGV[2] then
	return 0
elseif ARGV[2] == '' then
	redis.call('DEL', KEYS[1])
else
	redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
`

var (
	replaceScript = redis.NewScript(replace)
	replaceAnyhow = redis.NewScript("#!lua flags=allow-oom" + replace)
	_             = idempotency.Store((*Store)(nil))
)

// Replace implements idempotency.Store.
func (s *Store) Replace(ctx context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	if err := s.identify(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	run := func(script *redis.Script, record []byte) (bool, error) {
		return script.Run(ctx, s.client, []string{s.name(id)}, held, record, ttl.Milliseconds()).Bool()
	}
	replaced, err := run(replaceScript, record)
	if says(err, "OOM") {
		if dropped, ok := idempotency.DropBody(record); ok {
			record = dropped
		}
		replaced, err = run(replaceAnyhow, record)
	}
	switch {
	case err != nil:
		return s.explain(err)
	case !replaced:
		return idempotency.ErrLost
	}
	return nil
}

// Scan implements idempotency.Store. It walks through all keys of the database,
// unless it is asked for one.
func (s *Store) Scan(ctx context.Context, prefix []byte, visit func(idempotency.ID, []byte) error) error {
	if err := s.identify(ctx); err != nil {
		return err
	}
	if len(prefix) == len(idempotency.ID{}) {
		return s.visitOne(ctx, idempotency.ID(prefix), visit)
	}
	seen := make(map[idempotency.ID]struct{}) // SCAN may return a key twice
	once := func(id idempotency.ID, record []byte) error {
		if _, ok := seen[id]; ok {
			return nil
		}
		seen[id] = struct{}{}
		return visit(id, record)
	}
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return s.scanNode(ctx, s.client, prefix, once)
	}
	var mu sync.Mutex // the masters are scanned one after the other
	var stopped error
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		if stopped == nil {
			stopped = s.scanNode(ctx, master, prefix, once)
		}
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return err
}

// visitOne calls visit for the record of one key, if there is one.
func (s *Store) visitOne(ctx context.Context, id idempotency.ID, visit func(idempotency.ID, []byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	record, err := s.client.Get(ctx, s.name(id)).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil
	case err != nil:
		return s.explain(err)
	}
	return visit(id, record)
}

// scanNode scans one server.
func (s *Store) scanNode(ctx context.Context, node redis.Cmdable, prefix []byte, visit func(idempotency.ID, []byte) error) error {
	quoted := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s.KeyPrefix)
	match := quoted + hex.EncodeToString(prefix) + "*"
	for cursor := uint64(0); ; {
		names, next, err := node.Scan(ctx, cursor, match, page).Result()
		if err != nil {
			return err
		}
		got := make([]*redis.StringCmd, len(names))
		if len(names) > 0 {
			_, err = node.Pipelined(ctx, func(p redis.Pipeliner) error {
				for i, name := range names {
					got[i] = p.Get(ctx, name)
				}
				return nil
			})
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
		}
		for i, name := range names {
			var id idempotency.ID
			n, err := hex.Decode(id[:], []byte(name[min(len(name), len(s.KeyPrefix)):min(len(name), len(s.KeyPrefix)+hex.EncodedLen(len(id)))]))
			record, gone := got[i].Bytes()
			if err != nil || n != len(id) || gone != nil {
				continue // not a record, or it has just expired
			}
			if err := visit(id, record); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// Health asks Redis to keep a key: where it is full, or does not take writes, it would still
// reply to a PING.
func (s *Store) Health(ctx context.Context) error { return s.verify(ctx) }
