package ops

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

var (
	shellBlocks = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
	// jqProgram finds a call of jq with its options and its program.
	jqProgram = regexp.MustCompile(`\bjq ((?:-\w+ )*)'([^']*)'`)
)

// findJQ returns the path of jq. Where there is none, the test is skipped, or fails if the
// environment requires it with REQUIRE_JQ.
func findJQ(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("jq")
	switch {
	case err == nil:
		return path
	case os.Getenv("REQUIRE_JQ") != "":
		t.Fatal("there is no jq: apt-get install jq")
	}
	t.Skip("there is no jq: apt-get install jq")
	return ""
}

// TestCommandsInTheRunbooksAreWellFormed holds that the shell and jq can parse them.
func TestCommandsInTheRunbooksAreWellFormed(t *testing.T) {
	text := read(t, runbooksFile) + read(t, "../docs/recipes.md")
	blocks := shellBlocks.FindAllStringSubmatch(text, -1)
	if len(blocks) < 5 {
		t.Fatalf("%d commands", len(blocks))
	}
	for _, block := range blocks {
		if out, err := exec.Command("sh", "-n", "-c", block[1]).CombinedOutput(); err != nil {
			t.Errorf("%s%v\n%s", block[1], err, out)
		}
		if strings.Contains(block[1], "caddy") && strings.Contains(block[1], "/etc/caddy/") && !strings.Contains(block[1], "docker") {
			t.Errorf("%s: the service has its configuration elsewhere", block[1])
		}
		if strings.Contains(block[1], "jq ") && !jqProgram.MatchString(block[1]) {
			t.Errorf("no program for jq in %s", block[1])
		}
	}
	t.Run("jq", func(t *testing.T) {
		jq := findJQ(t)
		const entry = `{"level":"error","msg":"handled request","request":{"client_ip":"192.0.2.1"},"conference_members":{"outcome":"refused","would_refuse":true,"violated_rules":["required"],"session_id":"S1","destination_country":"LV","destination":"+3*******55","destination_hash":"0123456789abcdef"}}`
		for _, m := range jqProgram.FindAllStringSubmatch(text, -1) {
			c := exec.Command(jq, append(strings.Fields(m[1]), m[2])...)
			c.Stdin = strings.NewReader("Nov 25 started\n" + entry + "\n")
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("jq %s'%s': %v\n%s", m[1], m[2], err, out)
			}
		}
	})
}

// TestTheRunbookFindsEveryCallThatTheStoreHasAsUnknown runs its commands over a log and what
// the admin API says: a call whose outcome could not be recorded has `dialled` in the log.
func TestTheRunbookFindsEveryCallThatTheStoreHasAsUnknown(t *testing.T) {
	findJQ(t)
	_, section, _ := strings.Cut(read(t, runbooksFile), "\n## ConferenceMembersOutcomeUnknown\n")
	const admin = `{"stores":[{"store":"memory","healthy":true,"unknown":["1111111111111111","2222222222222222"]}]}`
	var log strings.Builder
	for id, call := range map[string]string{"1111111111111111": "unknown", "2222222222222222": "dialled", "3333333333333333": "dialled"} {
		fmt.Fprintf(&log, `{"conference_members":{"idempotency_id":%q,"session_id":"S1","destination":"+1*******23","call":%q}}`+"\n", id, call)
	}
	block := strings.ReplaceAll(shellBlocks.FindStringSubmatch(section)[1], "/tmp/", t.TempDir()+"/")
	command := exec.Command("sh", "-c", "curl() { echo '"+admin+"'; }\njournalctl() { echo '"+log.String()+"'; }\n"+block)
	out, err := command.CombinedOutput()
	const want = admin + `
["1111111111111111","S1","+1*******23","unknown"]
["2222222222222222","S1","+1*******23","dialled"]
`
	if err != nil || string(out) != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, out, want)
	}
}

// shippedBlock finds the handler's block in the shipped Caddyfile.
var shippedBlock = regexp.MustCompile(`(?ms)^\t\tconference_members \{.*?^\t\t\}\n`)

// TestConfigurationsInTheRunbooksFitTheShippedCaddyfile holds that the Caddyfile with each
// of them adapts and loads.
func TestConfigurationsInTheRunbooksFitTheShippedCaddyfile(t *testing.T) {
	t.Setenv("EVO_UPSTREAM", "https://upstream.example.com")
	t.Setenv("HASH_KEY", "0123456789abcdef0123456789abcdef")
	shipped := read(t, deployedFile)
	if n := len(shippedBlock.FindAllString(shipped, -1)); n != 1 {
		t.Fatalf("%s has %d blocks of the handler", deployedFile, n)
	}
	_, section, _ := strings.Cut(read(t, runbooksFile), "\n## To paste\n")
	section, _, _ = strings.Cut(section, "\n## ")
	pasted := regexp.MustCompile("(?ms)^```caddyfile\n(.*?)^```$").FindAllStringSubmatch(section, -1)
	if len(pasted) < 5 {
		t.Fatalf("%d configurations", len(pasted))
	}
	for _, m := range pasted {
		config := shippedBlock.ReplaceAllLiteralString(shipped, m[1])
		adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config), map[string]any{"filename": deployedFile})
		if err != nil {
			t.Errorf("%v in\n%s", err, m[1])
			continue
		}
		var c caddy.Config
		if err := caddy.StrictUnmarshalJSON(adapted, &c); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(&c); err != nil {
			t.Errorf("%v in\n%s", err, m[1])
		}
	}
}
