package rig

import (
	"strings"
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

func TestClientsGetTheirResponses(t *testing.T) {
	u := upstream(t)
	q := &Request{Addr: u.Addr, Session: "S1", Accept: "application/json", ContentType: "application/json; charset=utf-8", Numbers: []string{"+12125550123"}}
	res, err := Load(t.Context(), q, 3, 50*time.Millisecond)
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
			if _, err := Load(t.Context(), q, 1, time.Minute); err == nil || !strings.Contains(err.Error(), tt.want) {
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
	res, peak, err := Peak(t.Context(), g, func() (*Result, error) { return Load(t.Context(), q, 2, 100*time.Millisecond) })
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Latencies) == 0 || peak.CPU <= before.CPU || peak.Mallocs <= before.Mallocs || peak.Resident == 0 || peak.Goroutines == 0 {
		t.Errorf("%d responses, before %+v, at the most %+v", len(res.Latencies), before, peak)
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
