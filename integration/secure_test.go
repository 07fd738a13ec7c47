package integration

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// certify calls Certify, which must not fail.
func (g *gateway) certify() *x509.CertPool {
	g.t.Helper()
	trusted, err := g.Certify()
	if err != nil {
		g.t.Fatal(err)
	}
	return trusted
}

// secureProtocols returns the HTTP versions over which clients talk to a site with TLS.
// Their connections are closed when the test ends.
func secureProtocols(t *testing.T, trusted *x509.CertPool) []protocol {
	t.Helper()
	overTLS := func(set func(*http.Protocols)) *http.Client {
		c := newClient(set)
		transport := c.Transport.(*http.Transport)
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
		transport.ExpectContinueTimeout = patience // only "100 Continue" or a response has the body sent
		t.Cleanup(transport.CloseIdleConnections)
		return c
	}
	overQUIC := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableCompression: true}
	t.Cleanup(func() {
		if err := overQUIC.Close(); err != nil {
			t.Errorf("closing the connections over QUIC: %v", err)
		}
	})
	return []protocol{
		{"HTTP/1.1", overTLS(func(p *http.Protocols) { p.SetHTTP1(true) })},
		{"HTTP/2", overTLS(func(p *http.Protocols) { p.SetHTTP2(true) })},
		{"HTTP/3", &http.Client{Transport: overQUIC, Timeout: 20 * time.Second}},
	}
}
