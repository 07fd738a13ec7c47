package handler

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
)

// brokenStore is a store whose steps fail.
type brokenStore struct {
	idempotency.Store

	failure              error
	begin, replace, scan bool   // what fails
	record               []byte // what is there under every key
	used                 bool
}

func (s *brokenStore) Begin(ctx context.Context, id idempotency.ID, claim []byte, ttl time.Duration) ([]byte, error) {
	s.used = true
	switch {
	case s.begin:
		return nil, s.failure
	case s.record != nil:
		return s.record, nil
	}
	return s.Store.Begin(ctx, id, claim, ttl)
}

func (s *brokenStore) Replace(ctx context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	if s.replace {
		return s.failure
	}
	return s.Store.Replace(ctx, id, held, record, ttl)
}

func (s *brokenStore) Scan(ctx context.Context, prefix []byte, visit func(idempotency.ID, []byte) error) error {
	s.used = true
	switch {
	case s.scan:
		return s.failure
	case s.record != nil:
		return visit(idempotency.ID(prefix), s.record)
	}
	return s.Store.Scan(ctx, prefix, visit)
}

func TestAStoreThatFailsDialsNothingThatMayHaveBeenDialled(t *testing.T) {
	const refused = `{"callSid":"CA0123456789abcdef0123456789abcdef","destination":"sip:somebody"}`
	for _, tt := range []struct {
		rule      string
		store     brokenStore
		unguarded bool
		body      string
		want      int
		by        string // the rule that refuses it
		dialled   int
		untouched bool // the store
	}{
		{rule: "a claim that can't be made dials nothing", store: brokenStore{begin: true}, want: 503, by: "store_unavailable"},
		{rule: "unless the configuration says so", store: brokenStore{begin: true}, unguarded: true, want: 200, dialled: 1},
		{rule: "a record that can't be read is a key that is taken", store: brokenStore{record: []byte{255}}, want: 409, by: "outcome_unknown"},
		{rule: "whatever the configuration says", store: brokenStore{record: []byte{255}}, unguarded: true, want: 409, by: "outcome_unknown"},
		{rule: "a response is delivered though it can't be recorded", store: brokenStore{replace: true}, want: 200, dialled: 1},
		{rule: "a refused call that can't be looked for may have been placed", store: brokenStore{scan: true}, body: refused, want: 503, by: "store_unavailable"},
		{rule: "unless the configuration says that it doesn't matter", store: brokenStore{scan: true}, unguarded: true, body: refused, want: 422, by: "destination_kind"},
		{rule: "and so may one whose record can't be read", store: brokenStore{record: []byte{255}}, body: refused, want: 409, by: "outcome_unknown"},
		{rule: "a refused call that is not known is refused", body: refused, want: 422, by: "destination_kind"},
		{rule: "what can't be read is no call that was placed", store: brokenStore{scan: true}, body: "{", want: 400, by: "malformed_json", untouched: true},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			cfg := Config{Idempotency: new(Idempotency)}
			cfg.Destinations = []string{"phone"}
			if tt.unguarded {
				cfg.Idempotency.OnStoreError = StoreErrorForward
			}
			h := newHandler(t, cfg)
			store := tt.store
			store.Store, store.failure = h.calls.Store, errors.New("no reply")
			h.calls.Store = &store

			r := newRequest(route1, "application/json")
			if tt.body != "" {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(tt.body)), int64(len(tt.body))
			}
			r.Header.Set("Idempotency-Key", t.Name())
			dialled := 0
			w := httptest.NewRecorder()
			err := h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
				dialled++
				_, err := io.WriteString(w, "{}")
				return err
			}))
			if err != nil || w.Code != tt.want || w.Header().Get(refusedBy) != tt.by || dialled != tt.dialled {
				t.Errorf("status %d, refused by %q, %d dialled, %v; want %d, %q, %d", w.Code, w.Header().Get(refusedBy), dialled, err, tt.want, tt.by, tt.dialled)
			}
			if store.used == tt.untouched {
				t.Errorf("the store was used: %t", store.used)
			}
		})
	}
}

// slowStore notes what the client has when an outcome is recorded.
type slowStore struct {
	idempotency.Store

	look func()
}

func (s *slowStore) Replace(ctx context.Context, id idempotency.ID, held, record []byte, ttl time.Duration) error {
	s.look()
	return s.Store.Replace(ctx, id, held, record, ttl)
}

// TestAResponseIsPassedOnBeforeItIsRecorded holds that a response is not kept back
// for the store.
func TestAResponseIsPassedOnBeforeItIsRecorded(t *testing.T) {
	h := newHandler(t, Config{Idempotency: new(Idempotency)})
	w := httptest.NewRecorder()
	had := ""
	h.calls.Store = &slowStore{h.calls.Store, func() { had = w.Body.String() }}
	r := newRequest(route1, "application/json")
	r.Header.Set("Idempotency-Key", "k")
	err := h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, "{}")
		return err
	}))
	if err != nil || had != "{}" {
		t.Errorf("the client had %q when the response was recorded, %v", had, err)
	}
}

// TestTheContextOfACallEndsWithIt holds what net/http promises of a request's context,
// whether the client is there or not: other handlers wait for that to give back what they
// hold.
func TestTheContextOfACallEndsWithIt(t *testing.T) {
	h := newHandler(t, Config{Idempotency: new(Idempotency)})
	r := newRequest(route1, "application/json")
	ctx, leave := context.WithCancel(r.Context())
	r = r.WithContext(ctx)
	r.Header.Set("Idempotency-Key", "k")
	var call context.Context
	err := h.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		leave()
		if call = r.Context(); call.Err() != nil {
			t.Errorf("the call ended with its client: %v", call.Err())
		}
		_, err := io.WriteString(w, "{}")
		return err
	}))
	if err != nil || !errors.Is(call.Err(), context.Canceled) {
		t.Errorf("the context of a call that is over: %v; %v", call.Err(), err)
	}
}

// noFlush is a response writer of a handler in front that can't flush.
type noFlush struct{ http.ResponseWriter }

// TestAResponseThatCantBeFlushedIsDelivered holds that a handler in front whose response
// writer does not flush takes nothing from a client whose response is kept.
func TestAResponseThatCantBeFlushedIsDelivered(t *testing.T) {
	h := newHandler(t, Config{Idempotency: new(Idempotency)})
	r := newRequest(route1, "application/json")
	r.Header.Set("Idempotency-Key", t.Name())
	w := httptest.NewRecorder()
	err := h.ServeHTTP(noFlush{w}, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, first := io.WriteString(w, `{"id":`)
		_ = http.NewResponseController(w).Flush()
		_, second := io.WriteString(w, `"abc"}`)
		return errors.Join(first, second)
	}))
	if err != nil || w.Body.String() != `{"id":"abc"}` {
		t.Errorf("the client has %q, %v", w.Body, err)
	}
}

// TestARecordingGivesItsBuffersBack holds that the response to a call with a key that is also
// guarded against duplicates, and came packed, is unpacked into one buffer.
func TestARecordingGivesItsBuffersBack(t *testing.T) {
	h := newHandler(t, Config{Idempotency: new(Idempotency), Duplicates: &Duplicates{IncludeKeyed: true}})
	packed := pack(t, "gzip", []byte(`{"id":"abc"}`))
	r := newRequest(route1, "application/json")
	r.Header.Set("Idempotency-Key", t.Name())
	before := buffer.Taken()
	err := h.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Encoding", "gzip")
		_, err := w.Write(packed)
		return err
	}))
	if err != nil || buffer.Taken() != before {
		t.Errorf("%d buffers were not given back, %v", buffer.Taken()-before, err)
	}
}

// TestAnUpgradeIsNotReplayed holds that a connection that became one of another protocol
// is no response that can be sent again.
func TestAnUpgradeIsNotReplayed(t *testing.T) {
	h := newHandler(t, Config{Idempotency: new(Idempotency)})
	for _, want := range []struct {
		status int
		call   string
	}{{http.StatusSwitchingProtocols, "dialled"}, {http.StatusConflict, "dialled"}} {
		r := newRequest(route1, "application/json")
		r.Header.Set("Idempotency-Key", t.Name())
		r.Header["Connection"], r.Header["Upgrade"] = []string{"Upgrade"}, []string{"echo"}
		w := httptest.NewRecorder()
		err := h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusSwitchingProtocols)
			return nil
		}))
		if err != nil || w.Code != want.status || w.Header().Get(callHeader) != want.call {
			t.Errorf("status %d, %s, %v; want %+v", w.Code, w.Header().Get(callHeader), err, want)
		}
	}
}
