// Package redis is the guest module http.conference_members.stores.redis. It is a
// separate package, which a build imports if it wants it: the client of Redis makes
// the program larger.
package redis

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	store "github.com/evovoice-gateway/caddy-conference-members/idempotency/redis"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

func init() {
	caddy.RegisterModule(new(Redis))
}

// Redis keeps what became of calls in Redis 7 or Valkey, for many processes. It needs
// a hash_key, the same in all of them. Its texts take global placeholders.
type Redis struct {
	// The addresses, `HOST:PORT`: of the server, of nodes of the cluster, or of the
	// Sentinels. Default: `127.0.0.1:6379`.
	Addresses []string `json:"addresses,omitempty"`

	// The name of a user. Default: none.
	Username string `json:"username,omitempty"`

	// The user's password. Default: none.
	Password string `json:"password,omitempty"`

	// The number of the database. Default: 0.
	DB int `json:"db,omitempty"`

	// Connect with TLS. Default: without.
	TLS *TLS `json:"tls,omitempty"`

	// The name of the group that Sentinel watches; then the addresses are those of the
	// Sentinels. Default: no Sentinel.
	SentinelMaster string `json:"sentinel_master,omitempty"`

	// The addresses are those of a cluster. Default: false.
	Cluster bool `json:"cluster,omitempty"`

	// How long one step may take. Default: 500ms.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How many replicas must have a key before its call is placed. It costs a round
	// trip. Default: 0.
	WaitReplicas int `json:"wait_replicas,omitempty"`

	// The prefix of all keys in Redis. Default: `conference_members:`.
	KeyPrefix string `json:"key_prefix,omitempty"`
}

// TLS says how connections to Redis are encrypted.
type TLS struct {
	// A file with the certificates of authorities, in PEM. Default: the system's.
	CAFile string `json:"ca_file,omitempty"`

	// The name that the server's certificate must have. Default: the host of the
	// address.
	ServerName string `json:"server_name,omitempty"`

	// A file with the certificate of this client, in PEM. Default: none.
	CertFile string `json:"cert_file,omitempty"`

	// A file with the key of that certificate, in PEM. Default: none.
	KeyFile string `json:"key_file,omitempty"`

	config *tls.Config       // with what was in the files
	files  [sha256.Size]byte // the sum of that
}

// CaddyModule returns the Caddy module information.
func (*Redis) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: stores.Namespace + ".redis", New: func() caddy.Module { return new(Redis) }}
}

// Provision replaces placeholders and defaults, and reads the files.
func (r *Redis) Provision(caddy.Context) error {
	if len(r.Addresses) == 0 {
		r.Addresses = []string{"127.0.0.1:6379"}
	}
	texts := map[string]*string{"username": &r.Username, "password": &r.Password, "sentinel_master": &r.SentinelMaster, "key_prefix": &r.KeyPrefix}
	for i := range r.Addresses {
		texts[fmt.Sprintf("address %d", i+1)] = &r.Addresses[i]
	}
	if r.TLS != nil {
		texts["ca_file"], texts["server_name"], texts["cert_file"], texts["key_file"] = &r.TLS.CAFile, &r.TLS.ServerName, &r.TLS.CertFile, &r.TLS.KeyFile
	}
	repl := caddy.NewReplacer()
	var errs []error
	for name, text := range texts {
		replaced, err := repl.ReplaceOrErr(*text, true, true)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		*text = replaced
	}
	if r.TLS != nil && len(errs) == 0 {
		errs = append(errs, r.TLS.read())
	}
	return errors.Join(errs...)
}

// Validate checks the options together.
func (r *Redis) Validate() error {
	var errs []error
	for i, address := range r.Addresses {
		if strings.ContainsAny(address, "/@") { // not repeated: it may hold a password
			errs = append(errs, fmt.Errorf("address %d: want HOST:PORT and no URL; use the options username, password, db and tls", i+1))
		} else if !isHostPort(address) {
			errs = append(errs, fmt.Errorf("address %q: want HOST:PORT", address))
		}
	}
	if r.Cluster && r.SentinelMaster != "" {
		errs = append(errs, errors.New("cluster and sentinel_master exclude each other"))
	}
	if r.Cluster && r.DB != 0 {
		errs = append(errs, errors.New("db: a cluster has only database 0"))
	}
	if !r.Cluster && r.SentinelMaster == "" && len(r.Addresses) > 1 {
		errs = append(errs, errors.New("several addresses need cluster or sentinel_master"))
	}
	if r.DB < 0 || r.WaitReplicas < 0 {
		errs = append(errs, errors.New("db and wait_replicas must not be negative"))
	}
	errs = append(errs, stores.CheckDuration("timeout", r.Timeout))
	if r.TLS != nil && (r.TLS.CertFile == "") != (r.TLS.KeyFile == "") {
		errs = append(errs, errors.New("tls: cert_file and key_file go together"))
	}
	return errors.Join(errs...)
}

// isHostPort reports whether an address names a host and a port. A host that is empty,
// because a variable is, would be this machine.
func isHostPort(address string) bool {
	host, port, err := net.SplitHostPort(address)
	n, errPort := strconv.ParseUint(port, 10, 16)
	return err == nil && errPort == nil && n > 0 && host != "" && !strings.Contains(host, " ")
}

// Durable implements stores.Module.
func (*Redis) Durable() bool { return true }

// Key implements stores.Module.
func (r *Redis) Key() string {
	kind := "redis"
	switch {
	case r.Cluster:
		kind = "redis cluster"
	case r.SentinelMaster != "":
		kind = "redis sentinel " + r.SentinelMaster
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s/%d %s", kind, strings.Join(r.Addresses, ","), r.DB, r.KeyPrefix))
}

// Settings are all of them, and what is in the files: a new password, or a certificate that
// was renewed, needs new connections.
func (r *Redis) Settings() string {
	text, _ := json.Marshal(r) //nolint:gosec // compared in memory, never written anywhere
	if r.TLS != nil {
		text = append(text, r.TLS.files[:]...)
	}
	return string(text)
}

// Open implements stores.Module.
func (r *Redis) Open(o stores.OpenOptions) (stores.Opened, error) {
	configured := store.Options{
		Addresses: r.Addresses, Username: r.Username, Password: r.Password, DB: r.DB, SentinelMaster: r.SentinelMaster,
		Cluster: r.Cluster, Timeout: time.Duration(r.Timeout), WaitReplicas: r.WaitReplicas, KeyPrefix: r.KeyPrefix,
		Check: o.Check, Warn: func(text string) { o.Logger.Warn(text, zap.String("store", r.Key())) },
	}
	if r.TLS != nil {
		configured.TLS = r.TLS.config
	}
	s, err := store.Open(context.Background(), configured)
	if err != nil {
		return nil, err
	}
	return openRedis{s}, nil
}

// read reads the files.
func (t *TLS) read() error {
	t.config = &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	sum := sha256.New()
	read := func(path string) ([]byte, error) {
		content, err := os.ReadFile(path) //nolint:gosec // the operator names it
		fmt.Fprintf(sum, "%d ", len(content))
		sum.Write(content)
		return content, err
	}
	if t.CAFile != "" {
		authorities, err := read(t.CAFile)
		if err != nil {
			return err
		}
		t.config.RootCAs = x509.NewCertPool()
		if !t.config.RootCAs.AppendCertsFromPEM(authorities) {
			return fmt.Errorf("%s: holds no certificate in PEM", t.CAFile)
		}
	}
	if t.CertFile != "" && t.KeyFile != "" {
		certificate, err := read(t.CertFile)
		if err != nil {
			return err
		}
		key, err := read(t.KeyFile)
		if err != nil {
			return err
		}
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return fmt.Errorf("the certificate %s with the key %s: %w", t.CertFile, t.KeyFile, err)
		}
		t.config.Certificates = []tls.Certificate{pair}
	}
	t.files = [sha256.Size]byte(sum.Sum(nil))
	return nil
}

type openRedis struct{ *store.Store }

// Verify returns an error if the store has another hash_key.
func (o openRedis) Verify(_ stores.Module, check [8]byte) error {
	if check != o.Check {
		return fmt.Errorf("the records: %w", idempotency.ErrOtherHashKey)
	}
	return nil
}

// UnmarshalCaddyfile reads the module. Syntax:
//
//	redis {
//	    address         <host:port>...
//	    username        <name>
//	    password        <password>
//	    db              <number>
//	    tls             [<ca_file>]
//	    tls_server_name <name>
//	    tls_client      <cert_file> <key_file>
//	    sentinel_master <name>
//	    cluster
//	    timeout         <duration>
//	    wait_replicas   <number>
//	    key_prefix      <text>
//	}
func (r *Redis) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the module's name
	if d.NextArg() {
		return d.Err("redis: takes a block and no arguments; write `address HOST:PORT` in it")
	}
	text := func(to *string) func([]string) error {
		return stores.OneArgument(func(arg string) error { *to = arg; return nil })
	}
	number := func(to *int) func([]string) error {
		return stores.OneArgument(func(arg string) error {
			n, err := strconv.ParseUint(arg, 10, 31)
			if err != nil {
				return fmt.Errorf("%q is not a number from 0", arg)
			}
			*to = int(n)
			return nil
		})
	}
	encrypted := func() *TLS {
		if r.TLS == nil {
			r.TLS = new(TLS)
		}
		return r.TLS
	}
	return stores.ReadOptions(d, map[string]func([]string) error{
		"address": func(args []string) error {
			if r.Addresses = args; len(args) == 0 {
				return errors.New("want HOST:PORT")
			}
			return nil
		},
		"username": text(&r.Username), "password": text(&r.Password), "sentinel_master": text(&r.SentinelMaster),
		"key_prefix": text(&r.KeyPrefix), "db": number(&r.DB), "wait_replicas": number(&r.WaitReplicas),
		"tls": func(args []string) error {
			if encrypted(); len(args) > 1 {
				return errors.New("want a file with the certificates of authorities, or nothing")
			}
			r.TLS.CAFile = strings.Join(args, "")
			return nil
		},
		"tls_server_name": stores.OneArgument(func(arg string) error { encrypted().ServerName = arg; return nil }),
		"tls_client": func(args []string) error {
			if len(args) != 2 { //nolint:mnd // a certificate and a key
				return errors.New("want a certificate file and a key file")
			}
			encrypted().CertFile, r.TLS.KeyFile = args[0], args[1]
			return nil
		},
		"cluster": func(args []string) error {
			if r.Cluster = true; len(args) > 0 {
				return errors.New("takes no arguments")
			}
			return nil
		},
		"timeout": stores.OneArgument(func(arg string) error { return stores.Duration(&r.Timeout, arg) }),
	})
}

// Interface guards.
var (
	_ stores.Module         = (*Redis)(nil)
	_ caddy.Provisioner     = (*Redis)(nil)
	_ caddy.Validator       = (*Redis)(nil)
	_ caddyfile.Unmarshaler = (*Redis)(nil)
)
