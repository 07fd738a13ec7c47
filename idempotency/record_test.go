package idempotency

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"
)

func keyring(t testing.TB, key string) *Keyring {
	t.Helper()
	k, err := NewKeyring([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestIDsAndFingerprintsTellApart(t *testing.T) {
	a, b := keyring(t, "a"), keyring(t, "b")
	sums := map[[32]byte]string{}
	for name, sum := range map[string][32]byte{
		"id":             a.CallID("scope", "route", "key"),
		"another key":    a.CallID("scope", "route", "key2"),
		"another route":  a.CallID("scope", "route2", "key"),
		"another scope":  a.CallID("scope2", "route", "key"),
		"moved letters":  a.CallID("scoper", "oute", "key"),
		"other hash_key": b.CallID("scope", "route", "key"),
		"duplicate":      a.DuplicateID("scope", "", "session", "sid", "to", "from"),
		"with a key":     a.DuplicateID("scope", "key", "session", "sid", "to", "from"),
		"fingerprint":    a.Fingerprint([]Field{{"scope", "route"}}),
		"moved":          a.Fingerprint([]Field{{"scoper", "oute"}}),
		"two fields":     a.Fingerprint([]Field{{"scope", "route"}, {"a", "b"}}),
		"no field":       a.Fingerprint(nil),
	} {
		if other, ok := sums[sum]; ok {
			t.Errorf("%s is %s", name, other)
		}
		sums[sum] = name
	}
	if a.CallID("s", "r", "k") != keyring(t, "a").CallID("s", "r", "k") {
		t.Error("the same key has two IDs")
	}
	one := a.Fingerprint([]Field{{"b", "2"}, {"a", "1"}, {"c", ""}})
	if one != a.Fingerprint([]Field{{"a", "1"}, {"b", "2"}}) {
		t.Error("the order of fields or an empty one changes the fingerprint")
	}
	if id := a.CallID("s", "r", "k"); len(id.String()) != 16 {
		t.Errorf("an ID is shown as %s", id)
	}
}

func TestARecordComesBackAsItWas(t *testing.T) {
	for _, seal := range []bool{false, true} {
		c := codec{keyring(t, "key"), seal}
		for _, r := range []Response{
			{Status: 200, Format: "json", ContentType: "application/json", Location: "/x", Body: []byte(`{"destination":"+12025550123"}`)},
			{Status: 204, Body: []byte{}},
			{Status: 301, Location: "/y", Body: bytes.Repeat([]byte{0}, 300_000)},
		} {
			record, err := c.encode(ID{1}, new(head), time.Now(), &r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.decode(ID{1}, record)
			if err != nil || !reflect.DeepEqual(*got, r) {
				t.Errorf("seal %v: %+v, %v; want %+v", seal, got, err, r)
			}
			if seal && bytes.Contains(record, []byte("12025550123")) {
				t.Error("a number can be read in the store")
			}
		}
	}
}

func TestASealedRecordThatWasTouchedIsUnreadable(t *testing.T) {
	c := codec{keyring(t, "key"), true}
	record, err := c.encode(ID{1}, new(head), time.Now(), &Response{Status: 200, Body: []byte("body")})
	if err != nil {
		t.Fatal(err)
	}
	for i := authenticateAt; i < len(record); i++ {
		touched := bytes.Clone(record)
		touched[i] ^= 1
		if _, err := c.decode(ID{1}, touched); !errors.Is(err, ErrUnreadable) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	if _, err := c.decode(ID{2}, record); !errors.Is(err, ErrUnreadable) {
		t.Errorf("under another ID: %v", err)
	}
	other := codec{keyring(t, "other"), true}
	if _, err := other.decode(ID{1}, record); !errors.Is(err, ErrUnreadable) {
		t.Errorf("under another hash_key: %v", err)
	}
}

func TestWhatStoresDoToRecords(t *testing.T) {
	c := codec{keyring(t, "key"), true}
	var h head
	h.set(Started, time.Now())
	started := h[:]
	done, err := c.encode(ID{1}, new(head), time.Now(), &Response{Status: 200, Body: []byte("body")})
	if err != nil {
		t.Fatal(err)
	}
	interrupted, ok := Interrupt(started)
	if state, _ := StateOf(interrupted, time.Time{}); !ok || state != Unknown {
		t.Errorf("an interrupted claim is %v, %v", state, ok)
	}
	dropped, ok := DropBody(done)
	if state, _ := StateOf(dropped, time.Time{}); !ok || state != NotKept || len(dropped) != HeadSize {
		t.Errorf("a record whose body is dropped is %v, %v", state, ok)
	}
	for _, record := range [][]byte{nil, {1}, {2, 1}, started[:HeadSize-1], done, dropped, interrupted} {
		if _, ok := Interrupt(record); ok {
			t.Errorf("interrupted %x", record)
		}
	}
	for _, record := range [][]byte{nil, started, dropped, interrupted} {
		if _, ok := DropBody(record); ok {
			t.Errorf("dropped the body of %x", record)
		}
	}
}

// TestATextLongerThanItsRecordIsDamage holds that the length of a text is judged by
// what is left of the record.
func TestATextLongerThanItsRecordIsDamage(t *testing.T) {
	c := codec{keyring(t, "key"), false}
	record, err := c.encode(ID{1}, new(head), time.Now(), &Response{Status: 200})
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range [][]byte{{}, {1}, {2, 'a'}, {0, 0, 1}, {0x80}} {
		damaged := slices.Concat(record[:HeadSize], plain)
		if _, err := c.decode(ID{1}, slices.Clip(damaged)); !errors.Is(err, ErrUnreadable) {
			t.Errorf("% x: %v", plain, err)
		}
	}
}

// FuzzReadRecord holds that whatever a store returns is read or refused.
func FuzzReadRecord(f *testing.F) {
	c := codec{keyring(f, "key"), false}
	record, err := c.encode(ID{1}, new(head), time.Now(), &Response{Status: 200, ContentType: "a", Location: "b", Body: []byte("c")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(record)
	f.Add(record[:HeadSize])
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, record []byte) {
		if r, err := c.decode(ID{1}, record); err != nil && !errors.Is(err, ErrUnreadable) || err == nil && r == nil {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
