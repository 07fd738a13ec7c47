package integration

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// adminCall finds the curl commands of docs/reference.md at the admin endpoint.
var adminCall = regexp.MustCompile(`(?m)^curl -sS(?: -X (\w+))?(?: -H 'Content-Type: application/json')?(?: -d '([^']*)')? http://localhost:2019(\S+)$`)

// TestAnOptionIsChangedAtRunTime does what docs/reference.md says at Caddy's admin
// endpoint: the handler gets an @id, and calls are switched off and on.
func TestAnOptionIsChangedAtRunTime(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := newGateway(t)
	admin := g.Address("admin")
	config := strings.Replace(g.Expand(":"+g.port("front")+" {\n\tconference_members\n\treverse_proxy "+u.Addr+"\n}\n"), "admin off", "admin "+admin, 1)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(adapted, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})

	_, section, _ := strings.Cut(mustRead("../docs/reference.md"), "### Change one option at run time\n")
	section, _, _ = strings.Cut(section, "\n### ")
	shown := adminCall.FindAllStringSubmatch(section, -1)
	if len(shown) != 5 {
		t.Fatalf("%d commands are shown: %q", len(shown), shown)
	}
	do := func(method, body, path string) (int, string) {
		t.Helper()
		if method == "" {
			method = http.MethodGet
		}
		// The endpoint is opened anew for each configuration, too: a connection to the
		// one before it may be reset before its request is read.
		var got reply
		eventually(t, method+" "+path, func() bool {
			got = send(t, protocols[0].client, method, "http://"+admin+path, body, "Content-Type: application/json")
			return got.err == nil
		})
		return got.status, got.body
	}
	call := func(when string, status int) {
		t.Helper()
		// A connection may still reach the configuration that was replaced, or be
		// reset with its listener.
		eventually(t, fmt.Sprintf("status %d %s", status, when), func() bool {
			return g.sendRaw(t, "front", post(membersPath, validBody, "Connection: close")).status == status
		})
	}
	patch, put, remove, look, name := shown[0], shown[1], shown[2], shown[3], shown[4]
	must := func(m []string) {
		t.Helper()
		if status, body := do(m[1], m[2], m[3]); status != http.StatusOK {
			t.Errorf("%s: status %d: %s", m[0], status, body)
		}
	}
	call("at first", http.StatusOK)
	must(look)
	must(name)
	must(put)
	call("off", http.StatusServiceUnavailable)
	must([]string{"on again", patch[1], `"on"`, patch[3]})
	call("on again", http.StatusOK)
	must(patch)
	call("patched", http.StatusServiceUnavailable)
	if status, body := do(patch[1], `"of"`, patch[3]); status < 400 || !strings.Contains(body, "calls: ") {
		t.Errorf("a wrong value: status %d: %s", status, body)
	}
	call("after a wrong value", http.StatusServiceUnavailable)
	must(remove)
	call("removed", http.StatusOK)
	if status, _ := do(patch[1], patch[2], patch[3]); status == http.StatusOK {
		t.Error("PATCH makes an option that is not there")
	}
}
