package integration

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// mountingFile is the page on mounting, whose examples are tested.
const mountingFile = "../docs/mounting.md"

// examples returns the configurations of a page in their order, by the heading above
// them and their number below it.
func examples(t *testing.T, file string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, section := range strings.Split(mustRead(file), "\n## ")[1:] {
		heading, text, _ := strings.Cut(section, "\n")
		for i, m := range regexp.MustCompile("(?ms)^```caddyfile\n(.*?)^```").FindAllStringSubmatch(text, -1) {
			all[fmt.Sprintf("%s %d", heading, i+1)] = m[1]
		}
	}
	return all
}

// mountingWarnings returns the warnings about mounting since the process started.
func (g *gateway) mountingWarnings() []string {
	var all []string
	for _, entry := range g.log("process") {
		if entry["see"] == "docs/mounting.md" {
			all = append(all, entry["msg"].(string))
		}
	}
	return all
}

// TestMounting holds what docs/mounting.md says of each of its examples: whether a
// call that breaks the rules is judged there, or is placed, and what Caddy warns of
// when it loads the example.
func TestMounting(t *testing.T) {
	const v1, predefined = "/v1" + membersPath, "/json/reply/AddConferenceMember?sessionId=S1"
	tests := map[string]struct {
		judged, placed []string
		warning        string // empty for none
	}{
		"handle_path 1":                    {judged: []string{v1, v1 + ".csv", "/v1" + predefined}},
		"handle_path 2":                    {placed: []string{v1}, warning: "/v1 is taken off the path"},
		"handle 1":                         {judged: []string{v1, "/v1" + predefined}},
		"handle 2":                         {placed: []string{v1}, warning: "lets no POST /sessions/S1/conference/members through"},
		"Order 1":                          {judged: []string{membersPath, predefined}},
		"Order 2":                          {placed: []string{membersPath}, warning: "never runs: reverse_proxy"},
		"Matchers 1":                       {judged: []string{membersPath, membersPath + ".json", predefined}},
		"Matchers 2":                       {judged: []string{membersPath}, placed: []string{membersPath + ".json", predefined}, warning: "such as POST /sessions/S1/conference/members.json"},
		"Matchers 3":                       {judged: []string{membersPath, membersPath + ".json"}, placed: []string{predefined}, warning: "such as POST /json/reply/AddConferenceMember"},
		"Several directives in one site 1": {judged: []string{membersPath, membersPath + ".json", predefined}},
		"Several directives in one site 2": {judged: []string{membersPath, predefined}, warning: "judged by both"},
		"Several directives in one site 3": {judged: []string{membersPath, "/v2/rooms/S1/members", predefined}},
		"What is behind the handler 1":     {judged: []string{membersPath, predefined}, warning: "no call is forwarded"},
		"What is behind the handler 2":     {judged: []string{membersPath, predefined}},
		"What is behind the handler 3":     {judged: []string{membersPath, predefined}, warning: "a call may be placed twice"},
		"What is behind the handler 4":     {judged: []string{membersPath, predefined}, warning: "the response to a call may be lost"},
		"Error routes 1":                   {judged: []string{membersPath}},
		"Error routes 2":                   {judged: []string{membersPath}, warning: "no error routes"},
	}
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	shown := examples(t, mountingFile)
	for name, example := range shown {
		tt, ok := tests[name]
		if !ok {
			t.Errorf("%s is not tested:\n%s", name, example)
			continue
		}
		t.Run(name, func(t *testing.T) {
			wrong := strings.Contains(example, "# wrong\n")
			if wrong != (tt.warning != "") {
				t.Errorf("shown as wrong: %v; warned of: %q", wrong, tt.warning)
			}
			g := startGateway(t, strings.NewReplacer("api.example.com", "{site mounted}", "https://upstream.example.com", u.Addr).Replace(example))
			warnings := g.mountingWarnings()
			if wrong && (len(warnings) != 1 || !strings.Contains(warnings[0], tt.warning)) || !wrong && len(warnings) > 0 {
				t.Errorf("warned of %q, want %q", warnings, tt.warning)
			}
			for _, path := range slices.Concat(tt.judged, tt.placed) {
				u.Forget()
				got := g.sendRaw(t, "mounted", post(path, invalidBody))
				judged := len(u.Received()) == 0 && got.status == 422
				if judged != slices.Contains(tt.judged, path) {
					t.Errorf("%s: judged: %v (status %d, %d forwarded)", path, judged, got.status, len(u.Received()))
				}
			}
		})
	}
	for name := range tests {
		if shown[name] == "" {
			t.Errorf("%s: there is no such example", name)
		}
	}
}

// TestTheSecondOfTwoDirectivesSetsLast holds what docs/mounting.md says of two
// directives in one chain.
func TestTheSecondOfTwoDirectivesSetsLast(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	example := examples(t, mountingFile)["Several directives in one site 2"]
	g := startGateway(t, strings.NewReplacer("api.example.com", "{site mounted}", "https://upstream.example.com", u.Addr).Replace(example))
	g.sendRaw(t, "mounted", post(membersPath, validBody))
	if from := bound(t, u)["fromNumber"]; from != "+12025550101" {
		t.Errorf("dialled from %s", from)
	}
}

// TestARetryThatIsWarnedOf holds what docs/mounting.md says of lb_retry_match: how often
// a call is placed whose connection is reset, and which response is lost.
func TestARetryThatIsWarnedOf(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	for _, tt := range []struct {
		example, fault  string
		dialled, status int
	}{
		{"What is behind the handler 2", "reset", 1, 502},
		{"What is behind the handler 3", "reset", 3, 502},
		{"What is behind the handler 2", `{"status":503}`, 1, 503},
		{"What is behind the handler 4", `{"status":503}`, 1, 502},
	} {
		t.Run(tt.example+" "+tt.fault, func(t *testing.T) {
			u.Forget()
			g := startGateway(t, strings.NewReplacer("api.example.com", "{site mounted}", "https://upstream.example.com", u.Addr).Replace(examples(t, mountingFile)[tt.example]))
			got := g.sendRaw(t, "mounted", post(membersPath, validBody, upstreamtest.FaultHeader+": "+tt.fault))
			if n := u.Stats().Dialled; n != tt.dialled || got.status != tt.status {
				t.Errorf("placed %d times, status %d; want %d and %d", n, got.status, tt.dialled, tt.status)
			}
		})
	}
}

// TestWarningsAboutMounting holds what the log warns of at load, and that it warns of
// nothing where all is well.
func TestWarningsAboutMounting(t *testing.T) {
	tests := []struct{ name, config, warning string }{
		{"without a host", ":1 {\n conference_members\n PROXY\n}", ""},
		{"a path before the whole site", "api.example.com/v1* {\n conference_members {\n route /v1/sessions/{sessionId}/conference/members\n }\n PROXY\n}", ""},
		{"a prefix taken off by uri", "api.example.com {\n uri strip_prefix /v1\n conference_members\n PROXY\n}", ""},
		{"a prefix that is in the route taken off by uri", "api.example.com {\n uri strip_prefix /v1\n conference_members {\n route /v1/sessions/{sessionId}/conference/members\n }\n PROXY\n}", "/v1 is taken off"},
		{"two prefixes", "api.example.com {\n handle_path /a/* {\n handle_path /b/* {\n conference_members\n PROXY\n }\n }\n}", ""},
		{"a prefix within another", "api.example.com {\n handle /a/* {\n handle_path /b/* {\n conference_members\n PROXY\n }\n }\n}", "lets no POST /b/sessions/S1/conference/members through"},
		{"any path", ":1 {\n conference_members *\n PROXY\n}", ""},
		{"a rewrite whose outcome is unknown", "api.example.com {\n rewrite /old/* /sessions{path}\n handle /sessions/* {\n conference_members {\n route /x/{sessionId}/members\n }\n PROXY\n }\n}", "lets no POST"},
		{"a pattern", "api.example.com {\n @m path_regexp ^/sessions/[^/]+/conference/members$\n conference_members @m\n PROXY\n}", "such as POST /sessions/S1/conference/members.json"},
		{"the methods", "api.example.com {\n @m method POST\n conference_members @m\n PROXY\n}", "such as PUT /sessions/S1/conference/members with"},
		{"a host", ":1 {\n @m host api.example.com\n conference_members @m\n PROXY\n}", ""},
		{"a path with a placeholder", "api.example.com {\n @m path /{env.NONE}/x\n conference_members @m\n PROXY\n}", ""},
		{"a block for one upstream, another one besides", "api.example.com {\n handle /sessions/* {\n conference_members\n PROXY\n }\n handle {\n reverse_proxy 127.0.0.1:2\n }\n}", ""},
		{"a block, and a judged one besides", "api.example.com {\n handle /sessions/* {\n conference_members\n PROXY\n }\n handle {\n conference_members {\n mode report\n }\n PROXY\n }\n}", ""},
		{"a block without suffixes", "api.example.com {\n handle /sessions/*/conference/members {\n conference_members\n PROXY\n }\n PROXY\n}", "members.json"},
		{"a response before it", ":1 {\n route {\n respond 404\n conference_members\n PROXY\n }\n}", "never runs: static_response"},
		{"a response to others before it", ":1 {\n route {\n respond /healthz 200\n conference_members\n PROXY\n }\n}", ""},
		{"forward_auth before it", ":1 {\n route {\n forward_auth 127.0.0.1:3 {\n uri /auth\n }\n conference_members\n PROXY\n }\n}", ""},
		{"one for a few, one for others", ":1 {\n @m client_ip 192.0.2.1\n conference_members @m\n @n not client_ip 192.0.2.1\n conference_members @n\n PROXY\n}", ""},
		{"one for all, one for a few", ":1 {\n route {\n conference_members\n @m client_ip 192.0.2.1\n conference_members @m {\n mode report\n }\n PROXY\n }\n}", "judged by both"},
		{"predefined routes that pass", "api.example.com {\n conference_members /sessions/* {\n predefined_routes pass\n }\n PROXY\n}", ""},
		{"error routes", "api.example.com {\n conference_members {\n errors_via handle_errors\n }\n PROXY\n handle_errors {\n respond x\n }\n}", ""},
		{"nothing behind it", ":1 {\n conference_members\n}", "no call is forwarded"},
		{"only what sends nothing on behind it", ":1 {\n route {\n conference_members\n header X-A b\n respond 204\n }\n}", "no call is forwarded"},
		{"a proxy for other methods behind it", ":1 {\n @get method GET\n conference_members\n reverse_proxy @get 127.0.0.1:1\n}", "no call is forwarded"},
		{"a proxy behind the block that it is in", ":1 {\n route {\n route {\n conference_members\n }\n PROXY\n }\n}", ""},
		{"a proxy behind a response that not all get", ":1 {\n route {\n conference_members\n respond /sessions/none 204\n PROXY\n }\n}", ""},
		{"a proxy behind a response", ":1 {\n route {\n conference_members\n respond 204\n PROXY\n }\n}", "no call is forwarded"},
		{"a proxy behind a response to the route's paths", ":1 {\n route {\n conference_members\n respond /sessions/* 204\n PROXY\n }\n}", "no call is forwarded"},
		{"every path but the route's", ":1 {\n @m not path /sessions/*\n conference_members @m\n PROXY\n}", "lets no POST"},
		{"a block without suffixes, and one for a few besides", "api.example.com {\n handle /sessions/*/conference/members {\n conference_members\n PROXY\n }\n @m client_ip 192.0.2.1\n conference_members @m {\n mode report\n }\n PROXY\n}", "members.json"},
		{"a block without suffixes, and another upstream for the rest", "api.example.com {\n handle /sessions/*/conference/members {\n conference_members\n PROXY\n }\n handle {\n respond /sessions/* 404\n PROXY\n }\n}", "such as POST /json/reply/AddConferenceMember"},
		{"a proxy in a block behind it", ":1 {\n route {\n conference_members\n handle /sessions/* {\n PROXY\n }\n }\n}", ""},
		{"a proxy for another path behind a rewrite", ":1 {\n route {\n conference_members\n rewrite /api{uri}\n reverse_proxy /api/* 127.0.0.1:1\n }\n}", ""},
		{"a named route behind it", "&(up) {\n PROXY\n}\n:1 {\n route {\n conference_members\n invoke up\n }\n}", ""},
		{"retries", ":1 {\n conference_members\n PROXY {\n lb_retries 3\n lb_try_duration 1s\n request_buffers 1MiB\n }\n}", ""},
		{"retries of another path", ":1 {\n conference_members\n PROXY {\n lb_retries 3\n request_buffers 1MiB\n lb_retry_match {\n path /jobs\n }\n }\n}", ""},
		{"retries of all but POST", ":1 {\n conference_members\n PROXY {\n lb_retries 3\n request_buffers 1MiB\n lb_retry_match {\n not method POST\n }\n }\n}", ""},
		{"retries of all but GET", ":1 {\n conference_members\n PROXY {\n lb_try_duration 1s\n request_buffers 1MiB\n lb_retry_match {\n not method GET\n }\n }\n}", "placed twice"},
		{"a second set of matchers", ":1 {\n conference_members\n PROXY {\n lb_retries 3\n request_buffers 1MiB\n lb_retry_match {\n method GET\n }\n lb_retry_match {\n path /sessions/*\n }\n }\n}", "placed twice"},
		{"retries behind a rewrite", ":1 {\n route {\n conference_members\n rewrite /api{uri}\n PROXY {\n lb_retries 3\n request_buffers 1MiB\n lb_retry_match {\n path /api/*\n }\n }\n }\n}", "placed twice"},
		{"no retries, and a match", ":1 {\n conference_members\n PROXY {\n request_buffers 1MiB\n lb_retry_match {\n method POST\n }\n }\n}", ""},
		{"no buffers, and a match", ":1 {\n conference_members\n PROXY {\n lb_retries 3\n lb_retry_match {\n method POST\n }\n }\n}", ""},
		{"a response that is dropped, without retries", ":1 {\n conference_members\n PROXY {\n lb_retry_match {\n expression `{rp.status_code} == 503`\n }\n }\n}", "may be lost"},
		{"a proxy for others", ":1 {\n @get method GET\n conference_members\n reverse_proxy @get 127.0.0.1:2 {\n lb_retries 3\n request_buffers 1MiB\n lb_retry_match {\n method POST\n }\n }\n PROXY\n}", ""},
		{"no error routes", "api.example.com {\n conference_members {\n errors_via handle_errors\n }\n PROXY\n}", "the server has no error routes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := startGateway(t, strings.NewReplacer("api.example.com", "{site mounted}", ":1 ", "{site mounted} ", "PROXY", "reverse_proxy 127.0.0.1:1").Replace(tt.config))
			warnings := g.mountingWarnings()
			if tt.warning == "" && len(warnings) > 0 || tt.warning != "" && (len(warnings) != 1 || !strings.Contains(warnings[0], tt.warning)) {
				t.Errorf("warned of %q, want %q", warnings, tt.warning)
			}
		})
	}
}

// TestLookAlikesAreWarnedOfAndCounted holds that a POST whose path ends like the route
// and that is passed on is counted, and that samples are logged.
func TestLookAlikesAreWarnedOfAndCounted(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startGateway(t, "{site front} {\n conference_members\n reverse_proxy "+u.Addr+"\n}\n{site metrics} {\n metrics /metrics\n}\n")
	before := g.metrics(t).sum("lookalikes_total")
	const posts = 25
	for range posts {
		if got := g.sendRaw(t, "front", post("/v1"+membersPath, invalidBody)); isRefusal(got) {
			t.Fatalf("refused: %s", got.body)
		}
	}
	g.sendRaw(t, "front", wire("GET /v1"+membersPath, nil, ""))
	if n := g.metrics(t).sum("lookalikes_total") - before; n != posts {
		t.Errorf("%v counted, want %d", n, posts)
	}
	if n := len(u.Received()); n != posts+1 {
		t.Errorf("%d passed on, want %d", n, posts+1)
	}
	if n := len(g.warned("its path ends like the route")); n == 0 || n >= posts {
		t.Errorf("warned %d times of %d", n, posts)
	}
}
