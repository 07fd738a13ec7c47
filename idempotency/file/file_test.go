package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/idempotency/storetest"
)

// childVariable has the path of the file that a child process writes until it is
// killed.
const childVariable = "IDEMPOTENCY_FILE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		writeUntilKilled(path)
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled places calls, and says of each step that it is on the disk.
func writeUntilKilled(path string) {
	s, err := Open(path, Options{})
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	var out sync.Mutex
	say := func(what string, n int) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(what, n)
	}
	var n atomic.Int64
	for range 4 {
		go func() {
			for {
				call := int(n.Add(1))
				claim := storetest.Record(idempotency.Started, byte(call))
				if _, err := s.Begin(bounded, storetest.ID(call), claim, time.Hour); err != nil {
					continue
				}
				say("claimed", call)
				if call%2 == 0 {
					if s.Replace(bounded, storetest.ID(call), claim, storetest.Record(idempotency.Done, byte(call), 'o', 'k'), time.Hour) == nil {
						say("done", call)
					}
				}
			}
		}()
	}
	select {}
}

func open(t *testing.T, path string, o Options) *Store {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	var passed atomic.Int64
	storetest.Run(t, storetest.Subject{
		Open: func(t *testing.T) idempotency.Store {
			return open(t, filepath.Join(t.TempDir(), "calls.db"), Options{
				now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) },
			})
		},
		Pass: func(d time.Duration) { passed.Add(int64(d)) },
		Seal: true,
	})
}

// TestKilled kills a process that writes, and holds that everything that it reported to
// be on the disk is there, and that what it had in flight is unknown.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	done := make(map[int]bool)
	claimed := make(map[int]bool)
	for round, steps := range []int{1, 50, 200} {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childVariable+"="+path+fmt.Sprint(round))
		output, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		clear(done)
		clear(claimed)
		lines := bufio.NewScanner(output)
		for n := 0; lines.Scan(); n++ {
			var what string
			var call int
			if _, err := fmt.Sscan(lines.Text(), &what, &call); err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
			if what == "done" {
				done[call] = true
			}
			claimed[call] = true
			if n == steps {
				if err := child.Process.Kill(); err != nil { // SIGKILL; what it said before is still read
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait()
		s := open(t, path+fmt.Sprint(round), Options{})
		for call := range claimed {
			held, err := s.Begin(t.Context(), storetest.ID(call), storetest.Record(idempotency.Started, 0), time.Hour)
			state, stateErr := idempotency.StateOf(held, time.Now())
			switch {
			case err != nil || stateErr != nil:
				t.Errorf("call %d: %v, %v", call, err, stateErr)
			case done[call] && (state != idempotency.Done || !bytes.HasSuffix(held, []byte("ok"))):
				t.Errorf("call %d was done, and is %v", call, state)
			case call%2 == 1 && state != idempotency.Unknown:
				t.Errorf("call %d was in flight, and is %v", call, state)
			}
		}
		if len(claimed) < steps/3 {
			t.Errorf("only %d calls were claimed", len(claimed))
		}
	}
}

func TestWhatIsInFlightWhenTheFileIsOpenedAgainIsUnknown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	s := open(t, path, Options{})
	claim := storetest.Record(idempotency.Started, 1)
	if _, err := s.Begin(t.Context(), storetest.ID(1), claim, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), storetest.ID(2), claim, time.Hour); err == nil {
		t.Error("a store that is closed takes a claim")
	}
	again := open(t, path, Options{})
	held, err := again.Begin(t.Context(), storetest.ID(1), storetest.Record(idempotency.Started, 2), time.Hour)
	if state, _ := idempotency.StateOf(held, time.Now()); err != nil || state != idempotency.Unknown {
		t.Errorf("it is %v, %v", state, err)
	}
	if err := again.Replace(t.Context(), storetest.ID(1), claim, nil, 0); !errors.Is(err, idempotency.ErrLost) {
		t.Errorf("the earlier process's claim is still good: %v", err)
	}
}

// TestAFileThatCanNotBeUsedIsAClearError holds that a broken file never becomes an empty
// store.
func TestAFileThatCanNotBeUsedIsAClearError(t *testing.T) {
	filled := func(t *testing.T, path string) {
		t.Helper()
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for n := range 2000 {
			wg.Go(func() {
				_, _ = s.Begin(bounded, storetest.ID(n), storetest.Record(idempotency.Started, 1), time.Hour)
			})
		}
		wg.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	change := func(t *testing.T, path string, change func(*bolt.Tx) error) {
		t.Helper()
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(change), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name, says string
		make       func(t *testing.T, path string)
	}{
		{"open in another place", "another process", func(t *testing.T, path string) { open(t, path, Options{}) }},
		{"of another hash_key", "another hash_key", func(t *testing.T, path string) {
			s, err := Open(path, Options{Check: [8]byte{1}})
			if err != nil {
				t.Fatal(err)
			}
			_ = s.Close()
		}},
		{"of a later version", "later release", func(t *testing.T, path string) {
			filled(t, path)
			change(t, path, func(tx *bolt.Tx) error { return tx.Bucket(meta).Put(versionKey, []byte{version + 1}) })
		}},
		{"of something else", "something else", func(t *testing.T, path string) {
			change(t, path, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("other")); return err })
		}},
		{"empty", "damaged", func(t *testing.T, path string) { write(t, path, nil) }},
		{"text", "damaged", func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("text "), 10_000)) }},
		{"torn in half", "damaged", func(t *testing.T, path string) {
			filled(t, path)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, content[:len(content)/2])
		}},
		{"cut within its head", "damaged", func(t *testing.T, path string) {
			filled(t, path)
			if err := os.Truncate(path, 4096); err != nil {
				t.Fatal(err)
			}
		}},
		{"cut to its head", "damaged", func(t *testing.T, path string) {
			filled(t, path)
			if err := os.Truncate(path, 2*4096); err != nil {
				t.Fatal(err)
			}
		}},
		{"with pages of zeros", "damaged", func(t *testing.T, path string) {
			filled(t, path)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			clear(content[2*4096:])
			write(t, path, content)
		}},
		{"a directory", "directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}},
		{"a device", "device", func(t *testing.T, path string) {
			if err := os.Symlink(os.DevNull, path); err != nil {
				t.Fatal(err)
			}
		}},
		{"in no directory", "no such file", func(*testing.T, string) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "calls.db")
			if test.says == "no such file" {
				path = filepath.Join(path, "calls.db")
			}
			test.make(t, path)
			s, err := Open(path, Options{})
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want it to say %q", err, test.says)
			}
			if strings.Contains(err.Error(), path) {
				t.Errorf("%v; the caller names the file, and it would be there twice", err)
			}
			if test.says == "damaged" && !strings.Contains(err.Error(), "move it away") {
				t.Errorf("%v; want it to say what to do", err)
			}
		})
	}
}

// TestAFileThatIsTakenAwayWhileItIsOpenTakesNoClaims holds that no claim is written where
// the next process does not find it, and that nothing hangs.
func TestAFileThatIsTakenAwayWhileItIsOpenTakesNoClaims(t *testing.T) {
	for _, test := range []struct {
		name string
		take func(path string) error
	}{
		{"removed", os.Remove},
		{"moved away", func(path string) error { return os.Rename(path, path+".old") }},
		{"replaced by a copy", func(path string) error {
			content, err := os.ReadFile(path)
			return errors.Join(err, os.Remove(path), os.WriteFile(path, content, 0o600))
		}},
		{"cut off", func(path string) error { return os.Truncate(path, 4096) }},
		{"emptied", func(path string) error { return os.Truncate(path, 0) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "calls.db")
			s := open(t, path, Options{})
			claim := storetest.Record(idempotency.Started, 1)
			for n := range 100 {
				if _, err := s.Begin(bounded, storetest.ID(n), claim, time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Health(bounded); err != nil {
				t.Fatal(err)
			}
			if err := test.take(path); err != nil {
				t.Fatal(err)
			}
			if err := s.Health(bounded); !errors.Is(err, ErrMoved) {
				t.Errorf("health: %v", err)
			}
			for n := range 3 {
				if held, err := s.Begin(bounded, storetest.ID(1000+n), claim, time.Hour); err == nil {
					t.Errorf("claimed, held %q", held)
				}
			}
			if err := s.Replace(bounded, storetest.ID(1), claim, storetest.Record(idempotency.Unknown, 1), time.Hour); err == nil {
				t.Error("replaced")
			}
		})
	}
}

// TestAStepThatCanNotBeWrittenIsNotHealthy holds that the admin API says why calls are
// refused, until one is written again.
func TestAStepThatCanNotBeWrittenIsNotHealthy(t *testing.T) {
	var passed atomic.Int64
	s := open(t, filepath.Join(t.TempDir(), "calls.db"), Options{MaxSize: MinMaxSize, now: func() time.Time { return time.UnixMilli(1e12).Add(time.Duration(passed.Load())) }})
	claim := func(n int) error {
		_, err := s.Begin(bounded, storetest.ID(n), storetest.Record(idempotency.Started, 1), time.Hour)
		return err
	}
	var wg sync.WaitGroup // together they share a sync
	for n := range MinMaxSize / RecordSize {
		wg.Go(func() { _ = claim(n) })
	}
	wg.Wait()
	n := MinMaxSize
	for ; claim(n) == nil; n++ {
	}
	if err := s.Health(bounded); !errors.Is(err, idempotency.ErrFull) {
		t.Errorf("health of a full file: %v", err)
	}
	passed.Store(int64(2 * time.Hour))
	if err := claim(n); err != nil {
		t.Fatal(err)
	}
	if err := s.Health(bounded); err != nil {
		t.Errorf("health of a file that has room again: %v", err)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTheFileGrowsToWhatOneTTLTakes holds that the space of expired records is used
// again.
func TestTheFileGrowsToWhatOneTTLTakes(t *testing.T) {
	const a, b, body = 2000, 5, 2000 // calls in a ttl, ttls
	path := filepath.Join(t.TempDir(), "calls.db")
	var passed atomic.Int64
	s := open(t, path, Options{now: func() time.Time { return time.UnixMilli(1e12).Add(time.Duration(passed.Load())) }})
	var sizes [b]int64
	for round := range b {
		for batch := range a / 100 {
			var wg sync.WaitGroup
			for n := range 100 {
				wg.Go(func() { place(t, s, (round*a+batch*100+n)*0x9e3779b97f4a7c, body) })
			}
			wg.Wait()
			passed.Add(int64(time.Hour) / (a / 100))
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		sizes[round] = info.Size()
	}
	t.Logf("sizes after each ttl: %v", sizes)
	// bbolt doubles the file up to 1 GiB: what a ttl takes, and what is garbage until
	// it is looked at, twice.
	if most := int64(4 * a * (RecordSize + body)); sizes[b-1] > most || sizes[b-1] > 2*sizes[1] {
		t.Errorf("the file grows: %v, beyond %d", sizes, most)
	}
}

func place(t *testing.T, s *Store, n, size int) {
	claim := storetest.Record(idempotency.Started, 1)
	if held, err := s.Begin(bounded, storetest.ID(n), claim, time.Hour); held != nil || err != nil {
		t.Errorf("Begin: %x, %v", held, err)
		return
	}
	if err := s.Replace(bounded, storetest.ID(n), claim, storetest.Record(idempotency.Done, 1, make([]byte, size)...), time.Hour); err != nil {
		t.Error(err)
	}
}

// TestAFullFileKeepsKeysAndNotResponses fills a small file.
func TestAFullFileKeepsKeysAndNotResponses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	var passed atomic.Int64
	s := open(t, path, Options{MaxSize: MinMaxSize, now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})
	var full error
	n := 0
	for ; full == nil && n < 100_000; n++ {
		claim := storetest.Record(idempotency.Started, 1)
		if _, full = s.Begin(t.Context(), storetest.ID(n), claim, time.Hour); full != nil {
			break
		}
		if n < 100 {
			full = s.Replace(t.Context(), storetest.ID(n), claim, storetest.Record(idempotency.Done, 1, make([]byte, 20_000)...), time.Hour)
		}
	}
	if !errors.Is(full, idempotency.ErrFull) {
		t.Fatalf("after %d calls: %v", n, full)
	}
	counts, _, err := idempotency.Count(t.Context(), s, time.Now(), 0)
	if err != nil || counts.NotKept == 0 || counts.Done == 0 || counts.Done+counts.NotKept+counts.Started+counts.Unknown < n {
		t.Errorf("%d calls, %+v, %v", n, counts, err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > MinMaxSize {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	passed.Add(int64(2 * time.Hour))
	place(t, s, n+1, 1000)
}
