package rig

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/quic-go/quic-go/http3"
)

// sharing is how many clients share a connection of HTTP/2 or HTTP/3, on which Caddy
// takes up to 250 and 100 requests at once.
const sharing = 50

// standard is a client of net/http or quic-go.
type standard struct {
	q      *Request
	client *http.Client
	url    string
	bodies []string // shared by all
	next   int
}

func (c *Clients) connectStandard(ctx context.Context, q *Request, clients int) error {
	bodies, url := q.bodies(), "http://"+q.Addr+q.path()
	if q.Version == HTTP3 {
		url = "https://" + q.Addr + q.path()
	}
	var shared *http.Client
	for i := range clients {
		s := &standard{q: q, client: shared, url: url, bodies: bodies, next: i}
		if i%sharing == 0 {
			shared = c.newClient(q.Version)
			s.client = shared
			// Connect now: clients that found no connection at once would open several.
			if err := s.ask(ctx); err != nil {
				return err
			}
		}
		c.all = append(c.all, &client{asker: s})
	}
	return nil
}

// newClient returns a client that speaks one version of HTTP only.
func (c *Clients) newClient(v Version) *http.Client {
	if v == HTTP3 {
		t := &http3.Transport{TLSClientConfig: insecure(), DisableCompression: true}
		c.close = append(c.close, t.Close)
		return &http.Client{Transport: t}
	}
	t := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true, MaxIdleConnsPerHost: sharing}
	t.Protocols.SetHTTP1(v == HTTP1)
	t.Protocols.SetUnencryptedHTTP2(v == HTTP2)
	c.close = append(c.close, func() error {
		t.CloseIdleConnections()
		return nil
	})
	return &http.Client{Transport: t}
}

// insecure returns the TLS configuration of clients, which do not verify whom they talk to.
func insecure() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true} //nolint:gosec // it is the process that was started, on loopback
}

func (s *standard) ask(ctx context.Context) error {
	s.next++
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(s.bodies[s.next%len(s.bodies)]))
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", "bench")
	r.Header.Set("Accept", s.q.Accept)
	r.Header.Set("Content-Type", s.q.contentType())
	if s.q.Key != nil {
		r.Header.Set(keyHeader, s.q.Key())
	}
	res, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	want := http.StatusOK
	if s.q.Rows > 0 {
		want = http.StatusMultiStatus
	}
	if res.StatusCode != want {
		return fmt.Errorf("the gateway sent %q", res.Status)
	}
	if err := s.q.check(res.Header.Get("Content-Type"), res.Header.Get(replayedHeader) != ""); err != nil {
		return err
	}
	if s.q.Rows == 0 {
		_, err := io.Copy(io.Discard, res.Body)
		return err
	}
	result, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if n := bytes.Count(result, []byte("dialled")) - bytes.Count(result, []byte("not-dialled")); n != s.q.Rows {
		return fmt.Errorf("%d of %d rows were dialled", n, s.q.Rows)
	}
	return nil
}
