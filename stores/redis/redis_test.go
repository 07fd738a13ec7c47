package redis

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency/storetest"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

func TestCaddyfile(t *testing.T) {
	for _, test := range []struct {
		module *Redis
		input  string
		want   string // JSON, or what the error says
	}{
		{
			new(Redis), "redis {\n address a:1 b:2\n username u\n password p\n db 3\n tls ca.pem\n tls_server_name n\n tls_client c k\n sentinel_master m\n cluster\n timeout 1s\n wait_replicas 2\n key_prefix x:\n}",
			`{"addresses":["a:1","b:2"],"username":"u","password":"p","db":3,"tls":{"ca_file":"ca.pem","server_name":"n","cert_file":"c","key_file":"k"},"sentinel_master":"m","cluster":true,"timeout":1000000000,"wait_replicas":2,"key_prefix":"x:"}`,
		},
		{new(Redis), "redis {\n tls\n}", `{"tls":{}}`},
		{new(Redis), "redis", `{}`},
		{new(Redis), "redis a:1", "address HOST:PORT"},
		{new(Redis), "redis {\n db x\n timeout y\n}", `timeout: "y" is not a duration`},
		{new(Redis), "redis {\n db -1\n}", `db: "-1" is not a number from 0`},
		{new(Redis), "redis {\n timeout 0\n}", `timeout: "0" is not a duration`},
		{new(Redis), "redis {\n password \"\"\n}", "not an empty one"},
	} {
		err := test.module.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.input))
		got, _ := json.Marshal(test.module)
		if !strings.HasPrefix(test.want, "{") {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q: %v; want it to say %q", test.input, err, test.want)
			}
			continue
		}
		if err != nil || string(got) != test.want {
			t.Errorf("%q: %s, %v; want %s", test.input, got, err, test.want)
		}
	}
}

func TestWhatCanNotBeIsAnError(t *testing.T) {
	t.Setenv("REDIS_HOST", "redis.example:6379")
	for config, says := range map[string]string{
		`{}`:                                  "",
		`{"addresses": ["{env.REDIS_HOST}"]}`: "",
		`{"addresses": ["a:1", "b:2"], "sentinel_master": "m"}`: "",
		`{"addresses": ["{env.NO_SUCH_VARIABLE}"]}`:             "NO_SUCH_VARIABLE",
		`{"addresses": ["a:1", "b:2"]}`:                         "cluster or sentinel_master",
		`{"addresses": ["a"]}`:                                  "HOST:PORT",
		`{"addresses": [":6379"]}`:                              "HOST:PORT",
		`{"addresses": ["a:0"]}`:                                "HOST:PORT",
		`{"addresses": ["a:65536"]}`:                            "HOST:PORT",
		`{"addresses": ["[::1]:6379"]}`:                         "",
		`{"addresses": ["redis://u:secret@a:1"]}`:               "address 1: want HOST:PORT and no URL",
		`{"addresses": ["unix//run/redis.sock"]}`:               "no URL",
		`{"timeout": 500}`:                                      "timeout: 500ns is shorter than 1ms",
		`{"cluster": true, "db": 2}`:                            "database 0",
		`{"cluster": true, "sentinel_master": "m"}`:             "exclude each other",
		`{"wait_replicas": -1}`:                                 "negative",
		`{"tls": {"cert_file": "x"}}`:                           "go together",
	} {
		r := new(Redis)
		if err := json.Unmarshal([]byte(config), r); err != nil {
			t.Fatal(err)
		}
		err := r.Provision(caddy.Context{})
		if err == nil {
			err = r.Validate()
		}
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v; want it to say %q", config, err, says)
		}
	}
}

func TestARedisThatCanNotBeReachedIsAWarningAtStart(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	r := &Redis{Addresses: []string{"127.0.0.1:1"}}
	opened, err := r.Open(stores.OpenOptions{Logger: zap.New(core)})
	if err != nil || logs.Len() != 1 {
		t.Fatalf("%v, logged %v", err, logs.All())
	}
	if err := opened.Health(t.Context()); err == nil {
		t.Error("it is healthy")
	}
	if err := opened.Verify(r, [8]byte{1}); err == nil {
		t.Error("another hash_key is as good")
	}
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
}

// TestFilesAreReadBeforeTheStart holds that caddy validate tells what is wrong with them.
func TestFilesAreReadBeforeTheStart(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certificate, key := storetest.Certificate(t)
	_, other := storetest.Certificate(t)
	none, mine, its, others := file("none.pem", []byte("none")), file("cert.pem", certificate), file("key.pem", key), file("other.pem", other)
	for name, test := range map[string]struct {
		tls  TLS
		says string // empty for no error
	}{
		"no authority":                 {TLS{CAFile: none}, none + ": holds no certificate"},
		"a missing file":               {TLS{CAFile: none + "x"}, "no such file"},
		"a missing key":                {TLS{CertFile: mine, KeyFile: mine + "x"}, "no such file"},
		"the key of another":           {TLS{CertFile: mine, KeyFile: others}, "the key " + others + ": tls: private key does not match"},
		"certificate and key switched": {TLS{CertFile: its, KeyFile: mine}, "may have been switched"},
		"all in order":                 {TLS{CAFile: mine, CertFile: mine, KeyFile: its}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Redis{TLS: &test.tls}
			if err := r.Provision(caddy.Context{}); test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("%v; want it to say %q", err, test.says)
			}
		})
	}
}

// TestARenewedCertificateIsAnotherSetting holds that a reload opens new connections with it.
func TestARenewedCertificateIsAnotherSetting(t *testing.T) {
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	settings := func(certificate, key []byte) string {
		if err := errors.Join(os.WriteFile(certFile, certificate, 0o600), os.WriteFile(keyFile, key, 0o600)); err != nil {
			t.Fatal(err)
		}
		r := &Redis{TLS: &TLS{CertFile: certFile, KeyFile: keyFile}}
		if err := r.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
		return r.Settings()
	}
	certificate, key := storetest.Certificate(t)
	old := settings(certificate, key)
	if settings(certificate, key) != old {
		t.Error("the same files are another setting: every reload connects anew")
	}
	if settings(storetest.Certificate(t)) == old {
		t.Error("a renewed certificate is the same setting: no reload uses it")
	}
}
