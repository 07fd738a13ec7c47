package ops

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var (
	shellBlocks = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
	// jqProgram is a call of jq with its options and its program.
	jqProgram = regexp.MustCompile(`\bjq ((?:-\w+ )*)'([^']*)'`)
)

// The runbooks' commands can be pasted: the shell and jq can read them.
func TestCommandsInTheRunbooksAreWellFormed(t *testing.T) {
	text, err := os.ReadFile(runbooksFile)
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlocks.FindAllStringSubmatch(string(text), -1)
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
		jq, err := exec.LookPath("jq")
		if err != nil {
			t.Skip("jq is not installed")
		}
		const entry = `{"level":"error","msg":"handled request","request":{"remote_ip":"192.0.2.1"},"conference_members":{"outcome":"refused","violated_rules":["required"],"session_id":"S1","destination_country":"LV","destination":"+3*******55","destination_hash":"0123456789abcdef"}}`
		for _, m := range jqProgram.FindAllStringSubmatch(string(text), -1) {
			c := exec.Command(jq, append(strings.Fields(m[1]), m[2])...)
			c.Stdin = strings.NewReader("Nov 25 started\n" + entry + "\n")
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("jq %s'%s': %v\n%s", m[1], m[2], err, out)
			}
		}
	})
}
