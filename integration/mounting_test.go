package integration

import (
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// TestMounting holds what docs/mounting.md says of each way of mounting: whether a
// call that breaks the rules is judged there, or is passed on.
func TestMounting(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	proxy := "reverse_proxy " + u.Addr
	const prefixed = "conference_members {\nroute /v1/sessions/{sessionId}/conference/members\n}\n"
	g := startGateway(t, `
{site path} {
	handle_path /v1/* {
		conference_members
		`+proxy+`
	}
}
{site path_with_prefix} {
	handle_path /v1/* {
		`+prefixed+proxy+`
	}
}
{site handle} {
	handle /v1/* {
		`+prefixed+proxy+`
	}
}
{site handle_without_prefix} {
	handle /v1/* {
		conference_members
		`+proxy+`
	}
}
{site behind_the_proxy} {
	route {
		`+proxy+`
		conference_members
	}
}
{site matcher} {
	conference_members /sessions/abc/conference/members
	`+proxy+`
}
`)
	for _, tt := range []struct {
		site, path string
		judged     bool
	}{
		{"path", "/v1" + membersPath, true},
		{"path_with_prefix", "/v1" + membersPath, false},
		{"handle", "/v1" + membersPath, true},
		{"handle_without_prefix", "/v1" + membersPath, false},
		{"behind_the_proxy", membersPath, false},
		{"matcher", membersPath, true},
		{"matcher", membersPath + ".json", false},
		{"matcher", "/json/reply/AddConferenceMember", false},
	} {
		t.Run(tt.site+tt.path, func(t *testing.T) {
			u.Forget()
			got := g.sendRaw(t, tt.site, post(tt.path, invalidBody))
			if judged := len(u.Received()) == 0 && isRefusal(got); judged != tt.judged {
				t.Errorf("judged: %v, want %v (status %d)", judged, tt.judged, got.status)
			}
		})
	}
}
