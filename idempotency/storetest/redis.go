package storetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// RedisRequired reports whether the environment requires the tests that need a
// redis-server. None of them is skipped then, and the slow ones run.
func RedisRequired() bool { return os.Getenv("REQUIRE_REDIS") != "" }

// RedisServer returns the path of redis-server. Where there is none, the test is
// skipped, or fails if [RedisRequired].
func RedisServer(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	switch {
	case err == nil:
		return path
	case RedisRequired():
		t.Fatal("there is no redis-server: apt-get install redis-server")
	}
	t.Skip("there is no redis-server: apt-get install redis-server")
	return ""
}

// Certificate makes a certificate for 127.0.0.1 that is signed by its own key, and that
// key, in PEM. It is valid for an hour.
func Certificate(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}
