package integration

import (
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// TestWhatIsPastedFromTheRunbooksWorks sends a call before and after each
// configuration to paste.
func TestWhatIsPastedFromTheRunbooksWorks(t *testing.T) {
	const latvia = `{"callSid":"` + callSID + `","destination":"+37167000001"}`
	t.Setenv("HASH_KEY", "0123456789abcdef0123456789abcdef")
	pasted := examples(t, "../docs/runbooks.md")
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	front := func(t *testing.T, config string) *gateway {
		return startGateway(t, "{site front} {\n\tlog {\n\t\toutput file {dir}/front.log\n\t}\n\thandle {\n"+config+"\n\t\treverse_proxy "+u.Addr+"\n\t}\n}\n")
	}
	for _, tt := range []struct {
		example, body string
		status        int
	}{
		{"To paste 1", validBody, 503},
		{"To paste 2", latvia, 422},
		{"To paste 3", latvia, 403},
		{"To paste 4", latvia, 403},
		{"To paste 5", `{"callSid":"nonsense","destination":"+12025550123"}`, 200},
	} {
		t.Run(tt.example, func(t *testing.T) {
			config := pasted[tt.example]
			if tt.example == "To paste 3" { // with the hash that the log has
				g := front(t, config)
				g.sendRaw(t, "front", post(membersPath, tt.body, markHeader+": hash"))
				hash, _ := g.membersEntry(t, "front", "hash")["destination_hash"].(string)
				config = strings.ReplaceAll(config, "0123456789abcdef0123456789abcdef\n", hash+"\n")
			}
			config = strings.ReplaceAll(config, "192.0.2.7", "127.0.0.1")
			g := front(t, config)
			u.Forget()
			got := g.sendRaw(t, "front", post(membersPath, tt.body))
			dialled := u.Stats().Dialled
			if got.status != tt.status || (dialled > 0) != (tt.status == 200) {
				t.Errorf("status %d, %d dialled; want %d\n%s", got.status, dialled, tt.status, got.body)
			}
			if want := map[bool]string{true: "dialled", false: "not-dialled"}[tt.status == 200]; got.header.Get("X-Call") != want {
				t.Errorf("X-Call: %s, want %s", got.header.Get("X-Call"), want)
			}
		})
	}
	if pasted["To paste 6"] != "" {
		t.Error("one more configuration is shown")
	}
}
