//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"testing"
)

// The tests themselves are in client/client.test.mjs, for Node's test runner.
func TestTheAPIsOwnClientLibraryGoesOnWorking(t *testing.T) {
	node := program(t, "node", "nodejs")
	if _, err := os.Stat("node_modules/@servicestack/client"); err != nil {
		t.Fatal("the client library is not installed: run npm ci in e2e")
	}
	output(t, node, "node_modules/typescript/bin/tsc")

	upstream := startUpstream(t)
	sites := startGateway(t, upstream.URL, "", "predefined_routes pass", "csv {\nerrors json\n}")
	c := exec.CommandContext(t.Context(), node, "--test", "--test-reporter=spec", "client/client.test.mjs")
	c.Env = append(os.Environ(), "GATEWAY="+sites[0], "GATEWAY_PREDEFINED="+sites[1], "GATEWAY_JSON_ERRORS="+sites[2])
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("node --test: %v\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
	// What was refused must not be dialled.
	const dialled = 15
	if got := upstream.Stats().Dialled; got != dialled {
		t.Errorf("%d calls were dialled, want %d", got, dialled)
	}
}
