package gatewaytest

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
)

// Certify writes {dir}/cert.pem and {dir}/key.pem, which certify 127.0.0.1, and
// returns a pool with the certificate that verifies them.
func (g *Gateway) Certify() (*x509.CertPool, error) {
	s := httptest.NewTLSServer(http.NotFoundHandler()) // it comes with a pair
	defer s.Close()
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		return nil, err
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: s.Certificate().Raw},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(g.Dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool, nil
}
