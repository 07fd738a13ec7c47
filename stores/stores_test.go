package stores

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/idempotency/storetest"
)

func init() {
	for _, m := range append(Modules(), new(user)) {
		caddy.RegisterModule(m)
	}
}

// user is an app that uses a store as a handler does.
type user struct {
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=http.conference_members.stores inline_key=module"`
	HashKey  string          `json:"hash_key,omitempty"`

	store *Store
}

func (*user) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "test_user", New: func() caddy.Module { return new(user) }}
}

// last is the user of the configuration that was loaded last.
var last *user

func (u *user) Provision(ctx caddy.Context) error {
	var m Module
	if u.StoreRaw != nil {
		loaded, err := ctx.LoadModule(u, "StoreRaw")
		if err != nil {
			return err
		}
		m = loaded.(Module) //nolint:forcetypeassert // of the namespace
	}
	keys, err := idempotency.NewKeyring([]byte(u.HashKey))
	if err != nil {
		return err
	}
	u.store, err = Attach(ctx, m, keys, u.HashKey != "")
	return err
}

func (u *user) Start() error { last = u; return nil }
func (*user) Stop() error    { return nil }

func (u *user) Cleanup() error {
	if u.store == nil {
		return nil
	}
	return u.store.Close()
}

// config returns a configuration with a user of a store.
func config(store, hashKey string) []byte {
	user := fmt.Sprintf(`{"hash_key": %q}`, hashKey)
	if store != "" {
		user = fmt.Sprintf(`{"hash_key": %q, "store": %s}`, hashKey, store)
	}
	return fmt.Appendf(nil, `{"admin": {"disabled": true, "config": {"persist": false}}, "apps": {"test_user": %s}}`, user)
}

func load(t *testing.T, config []byte) {
	t.Helper()
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
}

func fileStore(path string) string { return fmt.Sprintf(`{"module": "file", "path": %q}`, path) }

// claims reports whether a claim finds nothing in the store.
func claims(t *testing.T, n int) bool {
	t.Helper()
	held, err := last.store.Begin(t.Context(), storetest.ID(n), storetest.Record(idempotency.Started, byte(n)), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return held == nil
}

func TestAReloadLosesNothing(t *testing.T) {
	for name, store := range map[string]string{
		"the default": "", "memory": `{"module": "memory", "max_size": 100000}`, "file": fileStore(filepath.Join(t.TempDir(), "calls.db")),
	} {
		t.Run(name, func(t *testing.T) {
			load(t, config(store, "key"))
			if !claims(t, 1) {
				t.Fatal("a new store holds something")
			}
			before := last
			load(t, config(store, "key"))
			if last == before || claims(t, 1) {
				t.Error("the claim is forgotten")
			}
			// A request can come to a configuration that was replaced.
			held, err := before.store.Begin(t.Context(), storetest.ID(1), storetest.Record(idempotency.Started, 2), time.Hour)
			if err := errors.Join(err, before.store.Close()); err != nil || held == nil {
				t.Errorf("what is claimed, for a late request: %x, %v", held, err)
			}
			if counts, _, err := idempotency.Count(t.Context(), last.store, time.Now(), 0); err != nil || counts.Started != 1 {
				t.Errorf("what is in flight during a reload is %+v, %v", counts, err)
			}
			if err := caddy.Stop(); err != nil {
				t.Fatal(err)
			}
			if n := len(open()); n != 0 {
				t.Errorf("%d stores are open after Caddy has stopped", n)
			}
			if err := before.store.Health(t.Context()); err == nil {
				t.Error("a store that nobody has open any more is opened again, empty")
			}
		})
	}
}

func TestValidationBesideARunningCaddyOpensNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	load(t, config(fileStore(path), "key"))
	var other caddy.Config
	if err := json.Unmarshal(config(fileStore(path), "another key"), &other); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&other); err != nil {
		t.Error(err)
	}
	if !claims(t, 1) {
		t.Error("the running store is closed")
	}
}

func TestAStoreThatCanNotBeOpenedIsAnErrorAtStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.db")
	load(t, config(fileStore(path), "key"))
	running := last
	for name, test := range map[string]struct {
		config []byte
		says   string
	}{
		"another hash_key":      {config(fileStore(path), "another key"), "another hash_key; set that one again"},
		"a missing directory":   {config(fileStore(path+"/x"), "key"), "not a directory"},
		"no hash_key":           {config(fileStore(path), ""), "set hash_key"},
		"no path":               {config(`{"module": "file"}`, "key"), "path"},
		"an empty variable":     {config(fileStore("{env.NO_SUCH_VARIABLE}"), "key"), "NO_SUCH_VARIABLE"},
		"a size of a few bytes": {config(`{"module": "memory", "max_size": 10}`, ""), "max_size"},
	} {
		t.Run(name, func(t *testing.T) {
			err := caddy.Load(test.config, true)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want it to say %q", err, test.says)
			}
			if err != nil && strings.Count(err.Error(), path) > 1 {
				t.Errorf("%v; it names the file twice", err)
			}
			if err := running.store.Health(t.Context()); err != nil {
				t.Errorf("the store that was running: %v", err)
			}
		})
	}
}

// TestAnErrorNamesItsStoreOnce holds that whoever reads the log knows which store it is
// about, however many handlers share it.
func TestAnErrorNamesItsStoreOnce(t *testing.T) {
	t.Run("at start", func(t *testing.T) {
		path, app := t.TempDir(), new(App)
		for range 2 {
			if err := app.add(&Store{module: &File{Path: path}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := app.Start(); err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%v", err)
		}
	})
	t.Run("of a step", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "calls.db")
		load(t, config(fileStore(path), "key"))
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		record := storetest.Record(idempotency.Started, 1)
		_, begin := last.store.Begin(t.Context(), storetest.ID(1), record, time.Hour)
		for step, err := range map[string]error{
			"begin": begin, "replace": last.store.Replace(t.Context(), storetest.ID(1), record, record, time.Hour), "health": last.store.Health(t.Context()),
		} {
			if err == nil || strings.Count(err.Error(), path) != 1 {
				t.Errorf("%s: %v", step, err)
			}
		}
	})
}

// TestHandlersThatShareAStoreAgreeOnItsSize holds that the size is not that of whichever
// handler comes last.
func TestHandlersThatShareAStoreAgreeOnItsSize(t *testing.T) {
	const one, two = 1 << 20, 2 << 20
	for name, test := range map[string]struct {
		modules []Module
		want    int64 // of all; 0 for an error
	}{
		"the same":      {[]Module{&Memory{MaxSize: one}, &Memory{MaxSize: one}}, one},
		"one of them":   {[]Module{new(Memory), new(Memory), &Memory{MaxSize: one}}, one},
		"the first":     {[]Module{&File{Path: "/a", MaxSize: two}, &File{Path: "/a"}}, two},
		"others":        {[]Module{&Memory{MaxSize: one}, new(Memory), &Memory{MaxSize: two}}, 0},
		"others, files": {[]Module{&File{Path: "/a", MaxSize: one}, &File{Path: "/a", MaxSize: two}}, 0},
		"two stores":    {[]Module{&File{Path: "/a", MaxSize: one}, &File{Path: "/b", MaxSize: one}, new(Memory)}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			var a App
			var errs []error
			for _, m := range test.modules {
				errs = append(errs, a.add(&Store{module: m}))
			}
			err := errors.Join(errs...)
			if (test.want == 0) != (err != nil) || err != nil && !strings.Contains(err.Error(), "max_size: 2097152 here, and 1048576 in another handler") {
				t.Fatal(err)
			}
			for _, m := range test.modules {
				if got := *m.(sized).size(); test.want > 0 && got != test.want {
					t.Errorf("the size is %d, want %d", got, test.want)
				}
			}
		})
	}
}

// TestTwoPathsOfAFileAreOneStore holds that a link is no other file, which would be
// locked.
func TestTwoPathsOfAFileAreOneStore(t *testing.T) {
	dir := t.TempDir()
	path, link, linkedDir := filepath.Join(dir, "calls.db"), filepath.Join(dir, "link.db"), filepath.Join(dir, "dir")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Symlink(path, link), os.Symlink(dir, linkedDir)); err != nil {
		t.Fatal(err)
	}
	for here, want := range map[string]string{
		path: path, link: path, filepath.Join(linkedDir, "calls.db"): path,
		filepath.Join(linkedDir, "new.db"): filepath.Join(dir, "new.db"),
		filepath.Join(dir, "no", "new.db"): filepath.Join(dir, "no", "new.db"),
	} {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path)) // of the temporary directory
		if err != nil {
			t.Fatal(err)
		}
		want = strings.Replace(want, filepath.Dir(path), dir, 1)
		f := &File{Path: here}
		if err := f.Provision(caddy.Context{}); err != nil || f.Path != want {
			t.Errorf("%s is %s, %v; want %s", here, f.Path, err, want)
		}
	}
}

func TestCaddyfile(t *testing.T) {
	for _, test := range []struct {
		module caddyfile.Unmarshaler
		input  string
		want   string // JSON, or what the error says
	}{
		{new(Memory), "memory", `{}`},
		{new(Memory), "memory {\n max_size 1MiB\n}", `{"max_size":1048576}`},
		{new(Memory), "memory x", "memory: takes a block and no arguments"},
		{new(Memory), "memory {\n max_size much\n}", `max_size: "much" is not a size; write a number with a unit`},
		{new(Memory), "memory {\n max_size 0\n}", `max_size: "0" is out of range`},
		{new(Memory), "memory {\n max_sise 1\n}", `unknown option "max_sise"; did you mean max_size?`},
		{new(Memory), "memory {\n max_size 1MiB\n max_size 1MiB\n}", "set twice"},
		{new(File), "file /var/lib/calls.db", `{"path":"/var/lib/calls.db"}`},
		{new(File), "file a {\n max_size 2MiB\n}", `{"path":"a","max_size":2097152}`},
		{new(File), "file", "want a path"},
		{new(File), "file a b", "file: want one path"},
	} {
		err := test.module.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.input))
		got, _ := json.Marshal(test.module)
		if !strings.HasPrefix(test.want, "{") {
			got = []byte(fmt.Sprint(err))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q: %s; want it to say %q", test.input, got, test.want)
			}
			continue
		}
		if err != nil || string(got) != test.want {
			t.Errorf("%q: %s, %v; want %s", test.input, got, err, test.want)
		}
	}
}

// TestAFullStoreIsShownWithWhatItHolds holds that calls can still be settled when new ones
// are refused.
func TestAFullStoreIsShownWithWhatItHolds(t *testing.T) {
	load(t, config(`{"module": "memory", "max_size": 320}`, ""))
	if _, err := last.store.Begin(t.Context(), storetest.ID(1), storetest.Record(idempotency.Unknown, 1), time.Hour); err != nil {
		t.Fatal(err)
	}
	want := `"healthy":false,"error":"the store is full","counts":{"started":0,"unknown":1,"done":0,"not_kept":0,"unreadable":0},"unknown":["` + storetest.ID(1).String() + `"]`
	if code, body := admin(t, http.MethodGet, adminPath); code != http.StatusOK || !strings.Contains(body, want) {
		t.Errorf("%d %s", code, body)
	}
}

// admin sends a request to the admin API.
func admin(t *testing.T, method, path string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	w := httptest.NewRecorder()
	for _, route := range (Admin{}).Routes() {
		if route.Pattern != path && (!strings.HasSuffix(route.Pattern, "/") || !strings.HasPrefix(path, route.Pattern)) {
			continue
		}
		if err := route.Handler.ServeHTTP(w, r); err != nil {
			return err.(caddy.APIError).HTTPStatus, err.Error() //nolint:forcetypeassert // it is what they return
		}
	}
	return w.Code, w.Body.String()
}

func TestAnUnknownCallIsShownAndSettled(t *testing.T) {
	load(t, config(fileStore(filepath.Join(t.TempDir(), "calls.db")), "key"))
	claim := storetest.Record(idempotency.Started, 1)
	for n := range 2 {
		if _, err := last.store.Begin(t.Context(), storetest.ID(n), claim, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := last.store.Replace(t.Context(), storetest.ID(1), claim, storetest.Record(idempotency.Unknown, 1), time.Hour); err != nil {
		t.Fatal(err)
	}
	id := storetest.ID(1).String()
	code, body := admin(t, http.MethodGet, adminPath)
	if code != http.StatusOK || !strings.Contains(body, `"healthy":true,"counts":{"started":1,"unknown":1,"done":0,"not_kept":0,"unreadable":0},"unknown":["`+id+`"]`) {
		t.Errorf("%d %s", code, body)
	}
	for _, step := range []struct {
		method, path string
		want         int
	}{
		{http.MethodPost, adminPath, http.StatusMethodNotAllowed},
		{http.MethodGet, adminPath + "/" + id, http.StatusMethodNotAllowed},
		{http.MethodDelete, adminPath + "/xyz", http.StatusBadRequest},
		{http.MethodDelete, adminPath + "/ffffffffffffffff", http.StatusNotFound},
		{http.MethodDelete, adminPath + "/" + storetest.ID(0).String(), http.StatusConflict},
		{http.MethodDelete, adminPath + "/" + id, http.StatusNoContent},
		{http.MethodDelete, adminPath + "/" + id, http.StatusNotFound},
	} {
		if code, body := admin(t, step.method, step.path); code != step.want {
			t.Errorf("%s %s: %d %s, want %d", step.method, step.path, code, body, step.want)
		}
	}
	if !claims(t, 1) {
		t.Error("a settled key can't be used again")
	}
}
