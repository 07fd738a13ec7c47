package main

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestMain runs the tests or, in a process that they start, a Caddy.
func TestMain(m *testing.M) {
	beCaddy()
	os.Exit(m.Run())
}

func TestNoIntentIsDialledTwiceThoughGatewaysAreKilled(t *testing.T) {
	var out bytes.Buffer
	wrong, err := soakKeyed(t.Context(), keyedOptions{intents: 60, kills: 2, seed: 1, dir: t.TempDir(), out: &out})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	if said := out.String(); !strings.Contains(said, "60 intents") || !strings.Contains(said, "2 kills") {
		t.Error(said)
	}
}

// TestTheBooksShowWhatIsWrong holds that the soak finds what it looks for.
func TestTheBooksShowWhatIsWrong(t *testing.T) {
	for says, i := range map[string]*intent{
		"dialled twice": {key: "a", dials: 2, end: placed},
		"never dialled": {key: "b", end: placed},
	} {
		k := &keyed{name: "test", counts: make(map[string]int), wrong: mismatches{seen: make(map[string]int)}}
		k.balance([]*intent{i})
		if all := strings.Join(k.wrong.list(), "\n"); !strings.Contains(all, says) {
			t.Errorf("%q does not say %q", all, says)
		}
	}
	k := &keyed{name: "test", counts: make(map[string]int), wrong: mismatches{seen: make(map[string]int)}}
	for _, ok := range []*reply{
		{},
		{status: http.StatusOK, call: "dialled"},
		{status: http.StatusConflict, rule: "idempotency_in_flight"},
		{status: http.StatusConflict, rule: "outcome_unknown"},
		{status: http.StatusBadGateway, call: "unknown"},
	} {
		k.judge(new(intent), ok)
	}
	if all := k.wrong.list(); len(all) > 0 {
		t.Error(all)
	}
	k.judge(new(intent), &reply{status: http.StatusUnprocessableEntity, rule: "idempotency_key_reused"})
	if len(k.wrong.list()) != 1 {
		t.Error("a key that is refused as another call's is not found")
	}
}
