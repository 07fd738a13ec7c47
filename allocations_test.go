package conferencemembers_test

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	conferencemembers "github.com/evovoice-gateway/caddy-conference-members"
	"github.com/evovoice-gateway/caddy-conference-members/internal/docgen"
	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

// allocations are what the module may allocate for an accepted call, with default
// options and without what the next handler allocates. Lower them when a change saves
// some; raising one is a decision.
var allocations = []struct {
	response, accept string
	config           string
	keyed            bool
	count, bytes     int
}{
	{"JSON", "application/json", `{}`, false, 8, 1872},
	{"CSV", "text/csv", `{}`, false, 9, 1872},
	{"JSON, with `idempotency` and no key", "application/json", `{"idempotency": {}}`, false, 8, 1872},
	{"JSON, with a key, in memory", "application/json", `{"idempotency": {}}`, true, 14, 3777},
}

// allocationTable returns the table of the documentation.
func allocationTable() string {
	rows := make([][]string, len(allocations))
	for i, a := range allocations {
		rows[i] = []string{a.response, strconv.Itoa(a.count), strconv.Itoa(a.bytes)}
	}
	return docgen.Table([]string{"Response", "Allocations", "Bytes"}, rows...)
}

// ofAKey is how many allocations a call with a key may take more than one without,
// with the store in memory.
const ofAKey = 6

// TestAnAcceptedCallAllocatesNoMore holds the table: that a call without a key pays
// nothing for what is done about keys, and what one with a key pays. The bytes have a
// margin, for size classes and maps differ between versions of Go.
func TestAnAcceptedCallAllocatesNoMore(t *testing.T) {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("with the race detector pools lose what they hold")
	}
	const margin = 1.05
	session := recordings.Session("doc", ".json")
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header()["Content-Type"] = []string{"application/json; charset=utf-8"}
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(session))}
		w.WriteHeader(http.StatusOK)
		_, err := w.Write(session)
		return err
	})
	counts := map[string]int{}
	for _, tt := range allocations {
		t.Run(tt.response, func(t *testing.T) {
			root, err := caddy.ProvisionContext(new(caddy.Config)) // for the log of a real Caddy
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := caddy.NewContext(root)
			defer cancel()
			m := new(conferencemembers.Module)
			if err := json.Unmarshal([]byte(tt.config), m); err != nil {
				t.Fatal(err)
			}
			if err := m.Provision(ctx); err != nil {
				t.Fatal(err)
			}
			defer m.Cleanup()
			count, bytes := allocated(t, tt.accept, tt.keyed, func(w http.ResponseWriter, r *http.Request) error { return m.ServeHTTP(w, r, next) })
			nextCount, nextBytes := allocated(t, "application/json", tt.keyed, next)
			count, bytes = count-nextCount, bytes-nextBytes
			t.Logf("%d allocations of %d bytes", count, bytes)
			counts[tt.response] = count
			if count > tt.count || float64(bytes) > margin*float64(tt.bytes) {
				t.Errorf("an accepted call with %s allocates %d times, %d bytes; docs/benchmarks.md says %d times, %d bytes",
					tt.response, count, bytes, tt.count, tt.bytes)
			}
		})
	}
	if len(counts) < len(allocations) { // not all were asked for
		return
	}
	plain, unkeyed, keyed := counts[allocations[0].response], counts[allocations[2].response], counts[allocations[3].response]
	if unkeyed != plain || keyed-plain > ofAKey {
		t.Errorf("JSON allocates %d times, %d with `idempotency` and no key, and %d with a key, which may be %d more", plain, unkeyed, keyed, ofAKey)
	}
}

// discard is a response writer that allocates nothing but its header.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// allocated returns what it takes to serve one request, including what a server makes
// of it: the least of several runs, because something else in the process may allocate
// too.
func allocated(t *testing.T, accept string, keyed bool, serve caddyhttp.HandlerFunc) (count, bytes int) {
	t.Helper()
	calls := 1000
	request := func() {
		r := httptest.NewRequest(http.MethodPost, "/sessions/S1/conference/members",
			strings.NewReader(`{"callSid":"CA0123456789abcdef0123456789abcdef","destination":"+12125550123"}`))
		r.Header = http.Header{
			"User-Agent":      {"python-requests/2.32.5"},
			"Accept":          {accept},
			"Accept-Encoding": {"gzip, deflate"},
			"Authorization":   {"Bearer 0123456789abcdef0123456789abcdef"},
			"Content-Type":    {"application/json"},
			"Content-Length":  {"77"},
		}
		if keyed {
			calls++
			r.Header["Idempotency-Key"] = []string{strconv.Itoa(calls)}
		}
		w := &discard{header: make(http.Header)}
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, new(caddyhttp.Server))
		err := serve(w, r)
		if got := w.header.Get("Content-Type"); err != nil || w.status != http.StatusOK || !strings.HasPrefix(got, accept) {
			t.Fatalf("status %d, type %q, error %v", w.status, got, err)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	request()                                        // fills the pools
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties them
	count, bytes = math.MaxInt, math.MaxInt
	for range 5 {
		const n = 100
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			request()
		}
		runtime.ReadMemStats(&after)
		count = min(count, int(after.Mallocs-before.Mallocs)/n)
		bytes = min(bytes, int(after.TotalAlloc-before.TotalAlloc)/n)
	}
	return count, bytes
}
