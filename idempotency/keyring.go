package idempotency

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"sync"
)

// ID is the key of a record in a store: an HMAC, which reveals nothing of what it
// was made of.
type ID [sha256.Size]byte

// shortBytes is how many bytes of an ID people see.
const shortBytes = 8

// String returns the first 16 hex digits: enough to find a record by, in the log,
// in refusals and in the admin API.
func (id ID) String() string { return hex.EncodeToString(id[:shortBytes]) }

// Fingerprint tells one call from another that comes under the same key.
type Fingerprint [sha256.Size]byte

// Field is a name and a value of a call as the client sent it.
type Field struct{ Name, Value string }

// compare orders fields by name, and by value.
func (f Field) compare(g Field) int {
	if c := strings.Compare(f.Name, g.Name); c != 0 {
		return c
	}
	return strings.Compare(f.Value, g.Value)
}

// Keyring holds what is derived from an operator's hash_key. It is safe for
// concurrent use.
type Keyring struct {
	check   [keyCheckSize]byte
	records []byte // the pseudorandom key of the records' keys
	macs    sync.Pool
}

// keyCheckSize is the length of what a record or a store says about the hash_key it
// was written with.
const keyCheckSize = 8

// Labels keep a key or hash that is derived for one purpose from being valid for another.
const (
	labelID          = "conference_members call"
	labelDuplicate   = "conference_members duplicate"
	labelFingerprint = "conference_members fingerprint"
	labelCheck       = "conference_members hash_key"
	labelRecord      = "conference_members record"
)

// NewKeyring derives the keys from hashKey.
func NewKeyring(hashKey []byte) (*Keyring, error) {
	records, err := hkdf.Extract(sha256.New, hashKey, []byte(labelRecord))
	if err != nil {
		return nil, err
	}
	k := &Keyring{records: records}
	k.macs.New = func() any { return &digest{mac: hmac.New(sha256.New, hashKey)} }
	check := k.sum(labelCheck)
	copy(k.check[:], check[:])
	return k, nil
}

// Check identifies the hash_key without telling it: a store that outlives the
// process keeps it, so that one with another hash_key is noticed.
func (k *Keyring) Check() [keyCheckSize]byte { return k.check }

// CallID returns the ID of a client's key: the same key of another scope or on
// another route is another ID.
func (k *Keyring) CallID(scope, route, key string) ID {
	return k.sum(labelID, scope, route, key)
}

// DuplicateID returns the ID of a call by what is dialled: the same call of the same
// scope. Calls with keys are others; the key is empty for those without.
func (k *Keyring) DuplicateID(scope, key, session, callSID, destination, from string) ID {
	return k.sum(labelDuplicate, scope, key, session, callSID, destination, from)
}

// Fingerprint returns the fingerprint of a call: of its fields in any order. An
// empty value counts as absent. It sorts fields in place, if they are not.
func (k *Keyring) Fingerprint(fields []Field) Fingerprint {
	if !slices.IsSortedFunc(fields, Field.compare) {
		slices.SortFunc(fields, Field.compare)
	}
	d := k.begin(labelFingerprint)
	for _, f := range fields {
		if f.Value != "" {
			d.write(f.Name)
			d.write(f.Value)
		}
	}
	return k.end(d)
}

// digest is an HMAC and its input, which is gathered to be hashed in one piece.
type digest struct {
	mac  hash.Hash
	text []byte
}

// write adds a text with its length before it, so that no two lists of texts are
// hashed alike.
func (d *digest) write(text string) {
	d.text = binary.AppendUvarint(d.text, uint64(len(text)))
	d.text = append(d.text, text...)
}

// begin begins an HMAC.
func (k *Keyring) begin(label string) *digest {
	d := k.macs.Get().(*digest) //nolint:forcetypeassert // the pool's New made it
	d.text = d.text[:0]
	d.write(label)
	return d
}

// end returns the sum of d, which must not be used again.
func (k *Keyring) end(d *digest) (sum [sha256.Size]byte) {
	d.mac.Reset()
	d.mac.Write(d.text)
	d.text = d.mac.Sum(d.text[:0])
	copy(sum[:], d.text)
	k.macs.Put(d)
	return sum
}

// sum is the HMAC of a few texts.
func (k *Keyring) sum(label string, texts ...string) [sha256.Size]byte {
	d := k.begin(label)
	for _, text := range texts {
		d.write(text)
	}
	return k.end(d)
}

// aead returns the cipher of one record.
func (k *Keyring) aead(id ID) (cipher.AEAD, error) {
	const keySize = 32 // AES-256
	key, err := hkdf.Expand(sha256.New, k.records, string(id[:]), keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
