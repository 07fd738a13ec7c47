package storetest

import (
	"os"
	"os/exec"
	"testing"
)

// RedisRequired reports whether the environment requires the tests that need a
// redis-server. None of them is skipped then, and the slow ones run.
func RedisRequired() bool { return os.Getenv("REQUIRE_REDIS") != "" }

// RedisServer returns the path of redis-server. Where there is none, the test is
// skipped, or fails if [RedisRequired].
func RedisServer(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	switch {
	case err == nil:
		return path
	case RedisRequired():
		t.Fatal("there is no redis-server: apt-get install redis-server")
	}
	t.Skip("there is no redis-server: apt-get install redis-server")
	return ""
}
