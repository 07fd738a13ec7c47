package handler

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

const (
	route1 = "/sessions/abc/conference/members"
	body1  = `{"callSid":"CA0123456789abcdef0123456789abcdef","destination":"+12025550123"}`
)

// newHandler makes a handler that is closed with the test.
func newHandler(tb testing.TB, cfg Config) *Handler {
	tb.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	if cfg.Idempotency != nil || cfg.Duplicates != nil || cfg.Bulk != nil {
		cancel()
		ctx, cancel = caddy.NewContext(running())
	}
	h, err := New(ctx, cfg)
	if err != nil {
		cancel()
		tb.Fatal(err)
	}
	h.logger = zap.NewNop()
	tb.Cleanup(func() {
		if err := h.Close(); err != nil {
			tb.Error(err)
		}
		cancel()
	})
	return h
}

// running is the context of a configuration that runs, as stores need it.
var running = sync.OnceValue(func() caddy.Context {
	caddy.RegisterModule(new(stores.App))
	off := false
	if err := caddy.Run(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true, Config: &caddy.ConfigSettings{Persist: &off}}}); err != nil {
		panic(err)
	}
	return caddy.ActiveContext()
})

// newRequest makes a request as Caddy's server hands it to handlers.
func newRequest(path, accept string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body1))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	return r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer()))
}

// respondWith returns a next handler that responds as reverse_proxy would.
func respondWith(session []byte) caddyhttp.Handler {
	length := strconv.Itoa(len(session))
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", length)
		w.WriteHeader(http.StatusOK)
		_, err := w.Write(session)
		return err
	})
}

// discard is a response writer that costs nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func readSession(tb testing.TB) []byte {
	tb.Helper()
	session, err := os.ReadFile("testdata/session.json")
	if err != nil {
		tb.Fatal(err)
	}
	return session
}

// BenchmarkServeHTTP measures what the handler adds to a request: "other" is a
// request that is not its own, "next" the next handler alone.
func BenchmarkServeHTTP(b *testing.B) {
	session := readSession(b)
	h := newHandler(b, Config{})
	next := respondWith(session)
	for _, bm := range []struct {
		name, path, accept string
		handler            func(http.ResponseWriter, *http.Request) error
	}{
		{"next", route1, "application/json", next.ServeHTTP},
		{"other", "/sessions/abc/conference", "application/json", nil},
		{"json", route1, "application/json", nil},
		{"csv", route1, "text/csv", nil},
		{"refused", route1, "image/png", nil},
	} {
		b.Run(bm.name, func(b *testing.B) {
			serve := bm.handler
			if serve == nil {
				serve = func(w http.ResponseWriter, r *http.Request) error { return h.ServeHTTP(w, r, next) }
			}
			r := newRequest(bm.path, bm.accept)
			repl := r.Context().Value(caddy.ReplacerCtxKey)
			body := strings.NewReader(body1)
			r.Body = io.NopCloser(body)
			b.SetBytes(int64(len(session)))
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(body1)
				*repl.(*caddy.Replacer) = *caddy.NewEmptyReplacer()
				if err := serve(&discard{make(http.Header)}, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSteadyState shows what one of 32 concurrent requests for CSV costs
// in memory once the pools are warm: B/op is bytes per request.
func BenchmarkSteadyState(b *testing.B) {
	h := newHandler(b, Config{})
	for _, bm := range []struct {
		name    string
		session []byte
	}{
		{"1KiB", readSession(b)},
		{"512KiB", sessionOf(512 << 10)},
	} {
		b.Run(bm.name, func(b *testing.B) {
			next := respondWith(bm.session)
			b.SetBytes(int64(len(bm.session)))
			b.ReportAllocs()
			b.SetParallelism((32 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := h.ServeHTTP(&discard{make(http.Header)}, newRequest(route1, "text/csv"), next); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// sessionOf makes a session of about size bytes, of members that hold what has
// to be quoted.
func sessionOf(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"id":"abc","members":[{"identity":"first"}`)
	for b.Len() < size {
		b.WriteString(`,{"identity":"user:42","displayName":"Ann \"A\" Other, ext. 42","muted":false}`)
	}
	b.WriteString("]}")
	return b.Bytes()
}

// TestTranscodingHoldsNoMoreThanThreeTimesTheBody counts all that is allocated
// for one response of max_response, of which what is held at once is a part.
func TestTranscodingHoldsNoMoreThanThreeTimesTheBody(t *testing.T) {
	h := newHandler(t, Config{})
	for _, tt := range []struct {
		rule    string
		session []byte
		coding  string
	}{
		{"members", sessionOf(DefaultMaxResponse - 1024), ""},
		{"a CSV twice as long as the JSON", []byte(`{"displayName":"` + strings.Repeat(`\"`, DefaultMaxResponse/2-64) + `"}`), ""},
		{"members that came as gzip", sessionOf(DefaultMaxResponse - 1024), "gzip"},
		{"members that came as zstd", sessionOf(DefaultMaxResponse - 1024), "zstd"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			w := &discard{make(http.Header)}
			next, r := respondWith(pack(t, tt.coding, tt.session)), newRequest(route1, "text/csv")
			if tt.coding != "" {
				w.header.Set("Content-Encoding", tt.coding)
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			if err := h.ServeHTTP(w, r, next); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if reason := w.header.Get("X-Transcode-Error"); reason != "" {
				t.Fatalf("not made CSV: %s", reason)
			}
			const slack = 2 << 20 // for decoders, and for attempts at a frame of unknown size
			if held := after.TotalAlloc - before.TotalAlloc; held > 3*uint64(len(tt.session))+slack {
				t.Errorf("%d bytes were allocated for %d bytes of JSON", held, len(tt.session))
			}
		})
	}
}

// TestAHandlerIsSmall holds what every handler of a configuration takes, and
// twice that during a reload.
func TestAHandlerIsSmall(t *testing.T) {
	held := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what pools held on to
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	newHandler(t, Config{}) // what all share
	const n, most = 20, 128 << 10
	before := held()
	handlers := make([]*Handler, n)
	for i := range handlers {
		handlers[i] = newHandler(t, Config{})
	}
	if took := (held() - before) / n; took > most {
		t.Errorf("a handler takes %d bytes, want at most %d", took, most)
	}
	runtime.KeepAlive(handlers)
}

// BenchmarkKey measures what the handler adds to a call with a key, in memory, beside
// the same call without one, and the same without the option.
func BenchmarkKey(b *testing.B) {
	next := respondWith(readSession(b))
	for _, bm := range []struct {
		name  string
		cfg   Config
		keyed bool
	}{
		{"without-option", Config{}, false},
		{"without-key", Config{Idempotency: new(Idempotency)}, false},
		{"with-key", Config{Idempotency: &Idempotency{TTL: caddy.Duration(time.Second)}}, true},
	} {
		b.Run(bm.name, func(b *testing.B) {
			h := newHandler(b, bm.cfg)
			r := newRequest(route1, "application/json")
			repl := r.Context().Value(caddy.ReplacerCtxKey)
			body := strings.NewReader(body1)
			r.Body = io.NopCloser(body)
			run := strconv.FormatInt(time.Now().UnixNano(), 36) + "-"
			key := make([]string, 1)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				body.Reset(body1)
				*repl.(*caddy.Replacer) = *caddy.NewEmptyReplacer()
				if key[0] = run + strconv.Itoa(n); bm.keyed {
					r.Header["Idempotency-Key"] = key
				}
				if err := h.ServeHTTP(&discard{make(http.Header)}, r, next); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
