package rig

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// upstream starts an upstream with one session.
func upstream(t *testing.T) *Upstream {
	t.Helper()
	u, err := StartUpstream(map[string][]byte{"S1": []byte(`{"id":"S1"}`)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	return u
}

// connect connects clients until the test ends.
func connect(t *testing.T, q *Request, clients int) *Clients {
	t.Helper()
	c, err := Connect(t.Context(), q, clients)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestClientsGetTheirResponses(t *testing.T) {
	u := upstream(t)
	q := &Request{Addr: u.Addr, Session: "S1", Accept: "application/json", ContentType: "application/json; charset=utf-8", Numbers: []string{"+12125550123"}}
	res, err := connect(t, q, 3).Load(t.Context(), 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Latencies) < 3 || res.Rate() <= 0 {
		t.Errorf("%d responses in %v", len(res.Latencies), res.Took)
	}
	if low, high := res.Quantile(0), res.Quantile(1); low <= 0 || high < low || high > res.Took {
		t.Errorf("latencies from %v to %v in %v", low, high, res.Took)
	}
}

func TestAWrongResponseIsAnError(t *testing.T) {
	u := upstream(t)
	for _, tt := range []struct{ rule, session, contentType, want string }{
		{"another type", "S1", "text/csv", "not \"text/csv\""},
		{"no response", "S2", "application/json", "EOF"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			q := &Request{Addr: u.Addr, Session: tt.session, ContentType: tt.contentType, Numbers: []string{"+12125550123"}}
			if _, err := connect(t, q, 1).Load(t.Context(), time.Minute); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one about %s", err, tt.want)
			}
		})
	}
}

func TestAGatewayIsMeasured(t *testing.T) {
	u := upstream(t)
	program, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	g, err := StartGateway(t.Context(), []string{program}, "conference_members\nreverse_proxy "+u.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}()
	before, err := g.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q := &Request{Addr: g.Addrs[0], Session: "S1", Accept: "text/csv", ContentType: "text/csv; charset=utf-8", Numbers: []string{"+12125550123"}}
	clients := connect(t, q, 2)
	res, peak, err := Peak(t.Context(), g, func() (*Result, error) { return clients.Load(t.Context(), 100*time.Millisecond) })
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Latencies) == 0 || peak.CPU <= before.CPU || peak.Mallocs <= before.Mallocs || peak.Resident == 0 || peak.Goroutines == 0 {
		t.Errorf("%d responses, before %+v, at the most %+v", len(res.Latencies), before, peak)
	}
}

func TestClientsSpeakTheVersionsOfHTTPAndSendKeysAndUploads(t *testing.T) {
	u := upstream(t)
	program, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	site := "@version protocol %s\nhandle @version {\nconference_members {\nidempotency {\n}\nbulk {\npace 0\n}\n}\nreverse_proxy " + u.Addr + "\n}\n"
	for _, tt := range []struct {
		rule, protocol string
		tls            string
		q              Request
	}{
		{"HTTP/1.1", "http/1.1", "", Request{}},
		{"HTTP/2", "http/2", "", Request{Version: HTTP2}},
		{"HTTP/3", "http/3", TLS, Request{Version: HTTP3}},
		{"an upload", "http/1.1", "", Request{Rows: 7}},
		{"an upload over HTTP/2", "http/2", "", Request{Rows: 7, Version: HTTP2}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			g, err := StartGateway(context.WithoutCancel(t.Context()), []string{program}, tt.tls+fmt.Sprintf(site, tt.protocol))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := g.Close(); err != nil {
					t.Error(err)
				}
			})
			var keys atomic.Int64
			q := &tt.q
			q.Addr, q.Session, q.Numbers = g.Addrs[0], "S1", []string{"+12125550123", "+12125550124"}
			q.Accept, q.ContentType = "text/csv", "text/csv; charset=utf-8"
			q.Key = func() string { return strconv.FormatInt(keys.Add(1), 10) }
			clients := connect(t, q, 3)
			const n = 10
			before := keys.Load()
			res, err := clients.Send(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Latencies) != n || keys.Load()-before != n {
				t.Errorf("%d responses to %d keys, want %d", len(res.Latencies), keys.Load()-before, n)
			}
		})
	}
}

func TestAResponseThatIsNoReplayIsAnErrorWhereOneIsWanted(t *testing.T) {
	const header = "HTTP/1.1 200 OK\r\nIdempotent-Replayed: true\r\n\r\n"
	r := bufio.NewReader(strings.NewReader(header))
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	f, err := readFields(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if err := (&Request{Replayed: want}).check("", f.replayed); (err == nil) != want {
			t.Errorf("replayed %v: %v", want, err)
		}
	}
}

func TestAMistakeInTheConfigurationIsAnError(t *testing.T) {
	program, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StartGateway(t.Context(), []string{program}, "conference_member"); err == nil {
		t.Error("a gateway was started on a directive that there is not")
	}
}
