package integration

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// retrying are reverse proxies that try again as often as Caddy allows, except that they
// are not told to send a POST twice.
const retrying = `
{site plain} {
	conference_members {
		correlation_id
	}
	reverse_proxy UPSTREAM {
		transport http {
			response_header_timeout 500ms
		}
	}
}
{site retrying} {
	conference_members
	reverse_proxy UPSTREAM UPSTREAM {
		lb_policy round_robin
		lb_try_duration 1s
		lb_try_interval 10ms
		lb_retries 5
		fail_duration 5ms
		max_fails 1000
		transport http {
			response_header_timeout 500ms
		}
	}
}
{site buffering} {
	conference_members
	reverse_proxy UPSTREAM {
		lb_try_duration 1s
		lb_try_interval 10ms
		request_buffers 64KiB
		response_buffers 64KiB
		transport http {
			response_header_timeout 500ms
		}
	}
}
`

// TestARequestIsForwardedAtMostOnce holds that the upstream gets each request once,
// whatever it does. With an Idempotency-Key, net/http would send a request again, but
// it can't read the body again.
func TestARequestIsForwardedAtMostOnce(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, retrying)
	sent, none := 0, 0
	for _, fault := range append(upstreamtest.Names(), `{"gate":"never"}`, `{"early":true,"drop":"reset","gate":""}`, `{"status":503,"header":{"Retry-After":["0"]}}`, `{"status":408}`, `{"status":421}`, `{"status":307,"header":{"Location":["/elsewhere"]}}`) {
		for _, name := range []string{"plain", "retrying", "buffering"} {
			if fault == "upgrade" || fault == "huge" && name != "plain" {
				continue
			}
			for _, accept := range []string{"application/json", "text/csv"} {
				t.Run(fmt.Sprintf("%s by %s as %s", fault, name, accept), func(t *testing.T) {
					u.Forget()
					g.sendRaw(t, name, post(membersPath, validBody, "Accept: "+accept,
						"Idempotency-Key: 1", "X-Idempotency-Key: 1", upstreamtest.FaultHeader+": "+fault))
					sent++
					switch n := u.Stats().Requests; {
					case n == 0: // on a connection that the upstream closed meanwhile
						none++
					case n > 1:
						t.Errorf("forwarded %d times", n)
					}
				})
			}
		}
	}
	if none*10 > sent {
		t.Errorf("%d of %d requests did not reach the upstream", none, sent)
	}
}

// TestAnUpstreamThatClosesIdleConnectionsGetsNoRequestTwice races requests with
// the closing of the connections they would go over.
func TestAnUpstreamThatClosesIdleConnectionsGetsNoRequestTwice(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, retrying)
	for i := range 300 {
		var closing sync.WaitGroup
		closing.Go(func() { u.CloseIdle() })
		id := fmt.Sprintf("/sessions/s%d/conference/members", i)
		got := send(t, protocols[i%2].client, "POST", g.URL("retrying")+id, validBody, "Content-Type: application/json", "Idempotency-Key: k")
		closing.Wait()
		if got.status != 200 && got.status != 502 {
			t.Errorf("status %d (error %v)", got.status, got.err)
		}
	}
	seen := make(map[string]int)
	for _, r := range u.Received() {
		if seen[r.Target]++; seen[r.Target] > 1 {
			t.Errorf("%s was forwarded %d times", r.Target, seen[r.Target])
		}
	}
	if len(seen) < 250 {
		t.Errorf("only %d of 300 requests arrived", len(seen))
	}
}

// TestAConnectionThatBreaksBetweenRequestsPlacesNoCallTwice counts whole
// requests on bare connections that are closed at every stage.
func TestAConnectionThatBreaksBetweenRequestsPlacesNoCallTwice(t *testing.T) {
	for _, stage := range []string{"before the request", "in the header", "in the body", "after the request", "in the status line", "in the response"} {
		t.Run(stage, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			whole := 0
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer c.Close()
						_ = c.SetDeadline(time.Now().Add(patience))
						n := map[string]int{"before the request": 0, "in the header": 40, "in the body": -1}
						limit, cut := n[stage]
						if cut && limit >= 0 {
							_, _ = io.ReadFull(c, make([]byte, limit))
							return
						}
						var got []byte
						buf := make([]byte, 1)
						for !strings.HasSuffix(string(got), "}") {
							if _, err := c.Read(buf); err != nil {
								return
							}
							got = append(got, buf[0])
							if limit < 0 && strings.HasSuffix(string(got), "\r\n\r\n{") {
								return
							}
						}
						mu.Lock()
						whole++
						mu.Unlock()
						switch stage {
						case "in the status line":
							_, _ = io.WriteString(c, "HTTP/1.1 2")
						case "in the response":
							_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
						}
					}()
				}
			}()
			g := startGateway(t, strings.ReplaceAll(retrying, "UPSTREAM", l.Addr().String()))
			for _, name := range []string{"plain", "retrying", "buffering"} {
				mu.Lock()
				whole = 0
				mu.Unlock()
				g.sendRaw(t, name, post(membersPath, validBody, "Idempotency-Key: 1"))
				mu.Lock()
				n := whole
				mu.Unlock()
				if n > 1 {
					t.Errorf("%s: %d whole requests arrived", name, n)
				}
			}
			_ = l.Close()
		})
	}
}

// TestARetryOfPostsIsNoSecondCallWithoutBuffers holds that a reverse_proxy that is told
// to send a POST again has no body to send. Only with request_buffers does it keep one,
// and no handler in front can prevent that.
func TestARetryOfPostsIsNoSecondCallWithoutBuffers(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, `
{site insisting} {
	conference_members
	reverse_proxy UPSTREAM {
		lb_retries 3
		lb_try_interval 1ms
		lb_retry_match {
			method POST
		}
	}
}
`)
	for _, fault := range []string{"reset", "close", "reset-early", "not-http", "reset-after-header"} {
		t.Run(fault, func(t *testing.T) {
			u.Forget()
			g.sendRaw(t, "insisting", post(membersPath, validBody, upstreamtest.FaultHeader+": "+fault))
			if n := u.Stats().Dialled; n > 1 {
				t.Errorf("%d calls were placed", n)
			}
		})
	}
}

// TestAClientThatGoesCancelsAndIsNotRetried holds that the call of a client that leaves
// is not tried again, because it may have been placed.
func TestAClientThatGoesCancelsAndIsNotRetried(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, retrying)
	for _, accept := range []string{"application/json", "text/csv"} {
		t.Run(accept, func(t *testing.T) {
			u.Forget()
			conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL("buffering"), "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, post(membersPath, validBody, "Accept: "+accept, upstreamtest.FaultHeader+`: {"gate":"never"}`)); err != nil {
				t.Fatal(err)
			}
			await(t, u, "the request to be held", func(s upstreamtest.Stats) bool { return s.Held == 1 })
			_ = conn.Close()
			await(t, u, "the request to be given up", func(s upstreamtest.Stats) bool { return s.Canceled == 1 && s.InFlight == 0 })
			if n := u.Stats().Requests; n != 1 {
				t.Errorf("forwarded %d times", n)
			}
		})
	}
}
