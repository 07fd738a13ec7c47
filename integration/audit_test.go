package integration

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// secretHash is the hash of the password "secret" by bcrypt.
const secretHash = "$2a$04$41X6tZBt/1FLb61RjzUuc.DXHgqa.jIDmDp7GtsxuA.smQ59S8Zvq"

// TestTheAuditRecipeTellsWhoInvitedWhom holds that the Caddyfile of docs/recipes.md
// writes one JSON object per line, with what the page says and no number in full.
func TestTheAuditRecipeTellsWhoInvitedWhom(t *testing.T) {
	docs, err := os.ReadFile("../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, recipe, _ := strings.Cut(string(docs), "### Who invited whom\n")
	_, recipe, _ = strings.Cut(recipe, "```caddyfile\n")
	recipe, _, found := strings.Cut(recipe, "```")
	if !found {
		t.Fatal("docs/recipes.md has no such recipe")
	}
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, strings.NewReplacer(
		"api.example.com", "{site audit}",
		"{env.SALES_PASSWORD_HASH}", secretHash,
		"/var/log/caddy/audit.jsonl", "{dir}/audit.log",
		"https://upstream.example.com", "UPSTREAM",
	).Replace(recipe))
	for _, suffix := range []string{"", ".csv"} {
		body := `{"conferenceSid":"CF7","members":[{"callSid":"CA1"},{"callSid":"CA2","callState":"Ringing","identity":"+12025550123"}]}`
		u.Next(&upstreamtest.Fault{Reply: upstreamtest.Reply{Body: &body}})
		got := send(t, protocols[0].client, http.MethodPost, g.URL("audit")+membersPath+suffix, validBody,
			"Content-Type: application/json", "Authorization: Basic c2FsZXM6c2VjcmV0")
		if got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	var entries []map[string]any
	eventually(t, "two lines of the audit log", func() bool {
		entries = g.log("audit")
		return len(entries) == 2
	})
	for _, entry := range entries {
		ours, _ := entry["conference_members"].(map[string]any)
		if entry["by"] != "sales" {
			t.Errorf("by is %v", entry["by"])
		}
		for field, want := range map[string]any{
			"destination": "+12*******23", "response.conference": "CF7", "response.participant": "CA2", "response.state": "Ringing",
		} {
			if ours[field] != want {
				t.Errorf("%s is %v, want %v", field, ours[field], want)
			}
		}
		if request, _ := entry["request"].(map[string]any); request["headers"] != nil || entry["resp_headers"] != nil {
			t.Errorf("the log has headers: %v", entry)
		}
	}
	text, err := os.ReadFile(g.Dir + "/audit.log")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "2025550123") {
		t.Errorf("a number in full: %s", text)
	}
}
