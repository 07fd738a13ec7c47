package metrics

import "time"

// Idempotency says what became of an idempotency key.
type Idempotency uint8

// The results.
const (
	// KeyNone: the request has no key, or keys are off. It is not counted.
	KeyNone Idempotency = iota
	// KeyNew: the key was new; the call was placed.
	KeyNew
	// KeyReplayed: the response of the first request was sent again.
	KeyReplayed
	// KeyInFlight: the call is being placed.
	KeyInFlight
	// KeyReused: the key belongs to another call.
	KeyReused
	// KeyUnknown: the call may have been placed.
	KeyUnknown
	// KeyNotKept: the call was placed, but its response can't be sent again.
	KeyNotKept
	// KeyReleased: the call was certainly not placed; the key is free again. The
	// request was counted as new before.
	KeyReleased
	// KeyLost: the outcome of a call is unknown, or could not be recorded. The request
	// was counted as new before.
	KeyLost
	// KeyMalformed: the key can't be read.
	KeyMalformed
	// KeyMissing: there is no key, and one is required.
	KeyMissing
	// KeyStoreError: the store failed before the call was placed.
	KeyStoreError
	// KeyGuardError: the store failed when a duplicate was looked for; the request went
	// on.
	KeyGuardError

	numIdempotency
)

// idempotency is the one table of results: label value and meaning.
var idempotency = [numIdempotency]struct{ name, meaning string }{
	KeyNew:        {"new", "Nothing was known of the key; the call was placed."},
	KeyReplayed:   {"replayed", "The response of the first request was sent again."},
	KeyInFlight:   {"in_flight", "The call is being placed (409)."},
	KeyReused:     {"reused", "The key belongs to another call (422)."},
	KeyUnknown:    {"unknown", "The call may have been placed (409)."},
	KeyNotKept:    {"not_kept", "The call was placed, but its response can't be sent again (409)."},
	KeyReleased:   {"released", "The call of a new key was certainly not placed; the key is free again."},
	KeyLost:       {"lost", "The outcome of the call of a new key is unknown, or could not be recorded."},
	KeyMalformed:  {"malformed", "The key can't be read (400)."},
	KeyMissing:    {"missing", "There is no key, and one is required (400)."},
	KeyStoreError: {"store_error", "The store failed: nothing was dialled (503) or, under `on_store_error forward`, the call was placed unguarded."},
	KeyGuardError: {"guard_error", "The store failed when the duplicate guard asked it; the request went on."},
}

// String returns the label value, empty for KeyNone.
func (i Idempotency) String() string { return idempotency[i].name }

// number is its number among the values of the label result, which are in the order
// of the table, and then other.
func (i Idempotency) number() int {
	if i == KeyNone {
		i = numIdempotency
	}
	return int(i) - 1
}

// Meaning returns one sentence for the documentation.
func (i Idempotency) Meaning() string { return idempotency[i].meaning }

// IdempotencyResults returns all results in the order of the table.
func IdempotencyResults() []Idempotency {
	all := make([]Idempotency, 0, numIdempotency-1)
	for i := KeyNew; i < numIdempotency; i++ {
		all = append(all, i)
	}
	return all
}

// idempotencyNames returns the label values.
func idempotencyNames() []string {
	names := make([]string, 0, len(IdempotencyResults()))
	for _, i := range IdempotencyResults() {
		names = append(names, i.String())
	}
	return names
}

// StoreOp is an operation of a store.
type StoreOp uint8

// The operations.
const (
	StoreBegin StoreOp = iota
	StoreReplace
	StoreScan

	numStoreOps
)

// storeOps are their names, the values of the label op.
var storeOps = [numStoreOps]string{StoreBegin: "begin", StoreReplace: "replace", StoreScan: "scan"}

// Idempotent counts what became of an idempotency key.
func (c *Collectors) Idempotent(i Idempotency) { c.idempotency.at(i.number()).Inc() }

// StoreUsed records how long an operation took.
func (c *Collectors) StoreUsed(op StoreOp, took time.Duration) {
	observeLater(c, &c.pending.next.stored, stored{op, took}, "")
}
