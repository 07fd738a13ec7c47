package redis

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/idempotency/storetest"
)

func open(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// conformance runs the suite, with another key_prefix for each test.
func conformance(t *testing.T, o Options) {
	var n atomic.Int32
	storetest.Run(t, storetest.Subject{
		Open: func(t *testing.T) idempotency.Store {
			o := o
			o.KeyPrefix = fmt.Sprintf("[test*%d]:", n.Add(1))
			return open(t, o)
		},
		Seal: true,
	})
}

func TestConformance(t *testing.T) {
	conformance(t, Options{Addresses: []string{start(t).address}, Timeout: 5 * time.Second})
}

func claim(t *testing.T, s *Store, n int) ([]byte, error) {
	t.Helper()
	return s.Begin(t.Context(), storetest.ID(n), storetest.Record(idempotency.Started, byte(n)), time.Hour)
}

func mustClaim(t *testing.T, s *Store, n int) {
	t.Helper()
	if held, err := claim(t, s, n); held != nil || err != nil {
		t.Fatalf("claiming %d: %x, %v", n, held, err)
	}
}

func TestAPasswordIsNeededAndTold(t *testing.T) {
	server := start(t, "--requirepass", "secret")
	for password, says := range map[string]string{"": "NOAUTH", "wrong": "WRONGPASS"} {
		_, err := Open(t.Context(), Options{Addresses: []string{server.address}, Password: password})
		if err == nil || !strings.Contains(err.Error(), says) || password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("with the password %q: %v", password, err)
		}
	}
	mustClaim(t, open(t, Options{Addresses: []string{server.address}, Password: "secret"}), 1)
	mustClaim(t, open(t, Options{Addresses: []string{server.address}, Username: "default", Password: "secret", DB: 3}), 1)
}

func TestAnotherHashKeyIsAnErrorUntilTheKeyPrefixIsAnother(t *testing.T) {
	server := start(t)
	mustClaim(t, open(t, Options{Addresses: []string{server.address}, Check: [8]byte{1}}), 1)
	_, err := Open(t.Context(), Options{Addresses: []string{server.address}, Check: [8]byte{2}})
	if !errors.Is(err, idempotency.ErrOtherHashKey) || !strings.Contains(err.Error(), "key_prefix") {
		t.Errorf("%v", err)
	}
	mustClaim(t, open(t, Options{Addresses: []string{server.address}, Check: [8]byte{2}, KeyPrefix: "new:"}), 1)
	if held, err := claim(t, open(t, Options{Addresses: []string{server.address}, Check: [8]byte{1}}), 1); held == nil || err != nil {
		t.Errorf("the same hash_key: %x, %v", held, err)
	}
}

func TestARedisThatHangsIsAnErrorInTime(t *testing.T) {
	server := start(t)
	s := open(t, Options{Addresses: []string{server.address}, Timeout: 200 * time.Millisecond})
	mustClaim(t, s, 1)
	server.signal(syscall.SIGSTOP)
	began := time.Now()
	if _, err := claim(t, s, 2); err == nil {
		t.Error("a Redis that hangs took a claim")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := s.Health(t.Context()); err == nil {
		t.Error("it is healthy")
	}
	server.signal(syscall.SIGCONT)
	eventually(t, "it is healthy again", func() bool { return s.Health(t.Context()) == nil })
	if held, err := claim(t, s, 1); held == nil || err != nil {
		t.Errorf("after that: %x, %v", held, err)
	}
}

// TestStepsDoNotWaitForEachOther holds that the first of many claims, to which Redis does
// not reply, makes no other wait: this one replies once it was asked twice.
func TestStepsDoNotWaitForEachOther(t *testing.T) {
	var asked atomic.Int32
	twice := make(chan struct{})
	address := replies(t, func() string {
		if asked.Add(1) == 2 { //nolint:mnd // twice
			close(twice)
		}
		<-twice
		return "$-1"
	})
	s := &Store{Options: Options{Addresses: []string{address}, Timeout: time.Minute, KeyPrefix: DefaultKeyPrefix, Warn: func(string) {}}}
	s.client = connect(s.Options)
	defer s.Close()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if err := s.identify(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestWhatRedisSaysForGoodIsAnErrorAtStart holds which replies keep a configuration from
// starting, and which may change a moment later.
func TestWhatRedisSaysForGoodIsAnErrorAtStart(t *testing.T) {
	for reply, want := range map[string]string{
		"-ERR syntax error":                                      "Redis 7.0, Valkey or later is needed",
		"-ERR DB index is out of range":                          "DB index",
		"-MOVED 866 127.0.0.1:7001":                              "set the option cluster",
		"-NOPERM this user has no permissions to run 'set'":      "NOPERM",
		"-WRONGTYPE Operation against a key holding a list":      "WRONGTYPE",
		"-LOADING Redis is loading the dataset in memory":        "",
		"-ERR max number of clients reached":                     "",
		"-READONLY You can't write against a read only replica.": "",
		"$-1": "",
	} {
		var warned []string
		s, err := Open(t.Context(), Options{
			Addresses: []string{replies(t, func() string { return reply })}, Timeout: time.Minute,
			Warn: func(text string) { warned = append(warned, text) },
		})
		if err == nil {
			_ = s.Close()
		}
		switch {
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", reply, err, want)
		case want == "" && err != nil:
			t.Errorf("%s: %v", reply, err)
		case want == "" && len(warned) != 1 && reply != "$-1":
			t.Errorf("%s: warned of %q", reply, warned)
		}
	}
}

// replies returns the address of a Redis that replies to SET what the function returns.
func replies(t *testing.T, reply func() string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	serve := func(c net.Conn) {
		defer c.Close()
		for lines := bufio.NewScanner(c); lines.Scan(); {
			switch strings.ToLower(lines.Text()) {
			case "hello":
				_, _ = io.WriteString(c, "-ERR unknown command\r\n") // so that the old protocol is spoken
			case "set":
				_, _ = io.WriteString(c, reply()+"\r\n")
			case "info":
				_, _ = io.WriteString(c, "$0\r\n\r\n")
			}
		}
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return listener.Addr().String()
}

func TestRedisMayComeAfterUsAndComeBack(t *testing.T) {
	server := start(t, "--appendonly", "yes", "--appendfsync", "always")
	server.kill()
	var warned []string
	s := open(t, Options{Addresses: []string{server.address}, Warn: func(text string) { warned = append(warned, text) }})
	if len(warned) != 1 || !strings.Contains(warned[0], "can't be reached") {
		t.Errorf("warned %q", warned)
	}
	if _, err := claim(t, s, 1); err == nil {
		t.Error("a Redis that is down took a claim")
	}
	server.run()
	eventually(t, "it is healthy", func() bool { return s.Health(t.Context()) == nil })
	mustClaim(t, s, 1)
	server.kill()
	if _, err := claim(t, s, 2); err == nil {
		t.Error("a Redis that was killed took a claim")
	}
	server.run()
	eventually(t, "it is healthy again", func() bool { return s.Health(t.Context()) == nil })
	if held, err := claim(t, s, 1); held == nil || err != nil {
		t.Errorf("a claim is forgotten: %x, %v", held, err)
	}
}

func TestAFullRedisKeepsKeysAndNotResponses(t *testing.T) {
	server := start(t, "--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
	s := open(t, Options{Addresses: []string{server.address}, Timeout: 5 * time.Second, Warn: func(text string) { t.Error(text) }})
	mustClaim(t, s, 0)
	var full error
	n := 1
	for ; full == nil && n < 10_000; n++ {
		mine := storetest.Record(idempotency.Started, byte(n))
		if _, full = s.Begin(t.Context(), storetest.ID(n), mine, time.Hour); full == nil {
			full = s.Replace(t.Context(), storetest.ID(n), mine, storetest.Record(idempotency.Done, 1, make([]byte, 10_000)...), time.Hour)
		}
	}
	if !errors.Is(full, idempotency.ErrFull) {
		t.Fatalf("after %d calls: %v", n, full)
	}
	mine, _ := claim(t, s, 0)
	if err := s.Replace(t.Context(), storetest.ID(0), mine, storetest.Record(idempotency.Done, 0, make([]byte, 100_000)...), time.Hour); err != nil {
		t.Fatal(err)
	}
	held, err := claim(t, s, 0)
	if state, _ := idempotency.StateOf(held, time.Now()); err != nil || state != idempotency.NotKept {
		t.Errorf("a call that was placed is %v, %v", state, err)
	}
	if err := s.Replace(t.Context(), storetest.ID(0), held, nil, 0); err != nil {
		t.Errorf("removing: %v", err)
	}
	if err := s.client.ConfigSet(t.Context(), "maxmemory", "1mb").Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Health(t.Context()); !errors.Is(err, idempotency.ErrFull) {
		t.Errorf("health of a Redis that takes no keys: %v", err)
	}
}

func TestARedisThatEvictsIsWarnedOf(t *testing.T) {
	server := start(t, "--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru")
	var warned []string
	open(t, Options{Addresses: []string{server.address}, Warn: func(text string) { warned = append(warned, text) }})
	if len(warned) != 1 || !strings.Contains(warned[0], "noeviction") {
		t.Errorf("warned %q", warned)
	}
}

func TestTLS(t *testing.T) {
	certificate, key, pool := selfSigned(t)
	server := start(t, "--tls-port", "0") // its port is below
	server.kill()
	plain := server.port()
	server.args = []string{"--tls-port", plain, "--port", "0", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no"}
	server.run()
	conformed := Options{Addresses: []string{server.address}, TLS: &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}, Timeout: 5 * time.Second}
	mustClaim(t, open(t, conformed), 1)
	conformed.TLS = &tls.Config{ServerName: "127.0.0.1"}
	if _, err := Open(t.Context(), conformed); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody signed: %v", err)
	}
	server.kill()
	server.args[len(server.args)-1] = "yes"
	server.run()
	conformed.TLS = &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
	if _, err := Open(t.Context(), conformed); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("no certificate of the client: %v", err)
	}
}

// selfSigned writes a certificate and its key to files, and returns a pool that trusts it.
func selfSigned(t *testing.T) (certificateFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	certificate, key := storetest.Certificate(t)
	certificateFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	if err := errors.Join(os.WriteFile(certificateFile, certificate, 0o600), os.WriteFile(keyFile, key, 0o600)); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	if !pool.AppendCertsFromPEM(certificate) {
		t.Fatal("no certificate")
	}
	return certificateFile, keyFile, pool
}

// acknowledging is a timeout of which half is enough for a replica that has just begun: it
// acknowledges what it has once a second.
const acknowledging = 5 * time.Second

func TestWaitReplicas(t *testing.T) {
	slow(t)
	master := start(t)
	s := open(t, Options{Addresses: []string{master.address}, WaitReplicas: 1, Timeout: acknowledging})
	if _, err := claim(t, s, 1); err == nil || !strings.Contains(err.Error(), "wait_replicas") {
		t.Errorf("without a replica: %v", err)
	}
	replica := start(t, "--replicaof", "127.0.0.1 "+master.port())
	eventually(t, "the replica is in step", func() bool {
		return strings.Contains(master.do("info", "replication"), "state=online")
	})
	mustClaim(t, s, 2)
	if held, err := claim(t, s, 1); held != nil && err != nil {
		t.Errorf("the claim of before: %x, %v", held, err)
	}
	replica.kill()
	if _, err := claim(t, s, 3); err == nil {
		t.Error("a claim counts that no replica has")
	}
}

// TestSentinelFailover kills a master that Sentinel watches: the store goes on with
// its replica, which has the claims.
func TestSentinelFailover(t *testing.T) {
	slow(t)
	master := start(t)
	replica := start(t, "--replicaof", "127.0.0.1 "+master.port())
	eventually(t, "the replica is in step", func() bool {
		return strings.Contains(master.do("info", "replication"), "state=online")
	})
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	content := fmt.Sprintf("sentinel monitor calls 127.0.0.1 %s 1\nsentinel down-after-milliseconds calls 500\nsentinel failover-timeout calls 3000\n", master.port())
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := start(t, config, "--sentinel")
	eventually(t, "Sentinel knows the replica", func() bool {
		return strings.Contains(sentinel.do("sentinel", "replicas", "calls"), replica.port())
	})
	s := open(t, Options{Addresses: []string{sentinel.address}, SentinelMaster: "calls", WaitReplicas: 1, Timeout: acknowledging})
	mustClaim(t, s, 1)
	s.WaitReplicas = 0 // none will be left
	master.kill()
	eventually(t, "the replica is the master", func() bool {
		held, err := claim(t, s, 1)
		if err == nil && held == nil {
			t.Fatal("the claim is forgotten")
		}
		return err == nil
	})
	mustClaim(t, s, 2)
}

// TestCluster runs the suite on three masters.
func TestCluster(t *testing.T) {
	slow(t)
	_, addresses := startCluster(t)
	conformance(t, Options{Addresses: addresses, Cluster: true, Timeout: 5 * time.Second})
}

// TestAClusterWhoseMasterFailsTakesKeysAgain holds that keys are taken as soon as a replica
// took over: long before the client asks for that by itself, which it does once a minute.
func TestAClusterWhoseMasterFailsTakesKeysAgain(t *testing.T) {
	slow(t)
	nodes, addresses := startCluster(t)
	replica := start(t, clusterNode...)
	replica.do("cluster", "meet", "127.0.0.1", nodes[0].port())
	master := nodes[0].do("cluster", "myid")
	eventually(t, "the replica knows its master", func() bool { return strings.Contains(replica.do("cluster", "nodes"), master) })
	replica.do("cluster", "replicate", master)
	eventually(t, "the replica has what its master has", func() bool {
		return strings.Contains(replica.do("info", "replication"), "master_link_status:up")
	})
	s := open(t, Options{Addresses: addresses, Cluster: true, Timeout: 5 * time.Second})
	for n := range 20 {
		mustClaim(t, s, n)
	}
	nodes[0].kill()
	replica.do("cluster", "failover", "takeover")
	eventually(t, "all keys are taken", func() bool {
		for n := range 20 {
			if _, err := claim(t, s, 100+n); err != nil {
				return false
			}
		}
		return true
	})
}

// clusterNode are the arguments of a node of a cluster.
var clusterNode = []string{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000"}

// startCluster starts a cluster of three masters.
func startCluster(t *testing.T) (nodes []*server, addresses []string) {
	t.Helper()
	for range 3 {
		node := start(t, clusterNode...)
		nodes = append(nodes, node)
		addresses = append(addresses, node.address)
	}
	const slots = 16384
	for i, node := range nodes {
		first, last := i*slots/len(nodes), (i+1)*slots/len(nodes)-1
		node.do("cluster", "addslotsrange", first, last)
		node.do("cluster", "meet", "127.0.0.1", nodes[0].port())
	}
	eventually(t, "the cluster is complete", func() bool {
		for _, node := range nodes {
			info := node.do("cluster", "info")
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:3") {
				return false
			}
		}
		return true
	})
	return nodes, addresses
}

func TestARequestThatIsCancelledDoesNotWait(t *testing.T) {
	server := start(t)
	s := open(t, Options{Addresses: []string{server.address}, Timeout: time.Minute})
	server.signal(syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Begin(ctx, storetest.ID(1), storetest.Record(idempotency.Started, 1), time.Hour); err == nil {
		t.Error("a Redis that hangs took a claim")
	}
}
