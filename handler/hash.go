package handler

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// minHashKey is the fewest bytes of a key that can't be found by trying all keys.
const minHashKey = 16

// checkHashKey checks a key after its placeholders are replaced. An empty one is valid:
// a random key is then made at start.
func checkHashKey(key string) error {
	if key == "" || len(key) >= minHashKey {
		return nil
	}
	return fmt.Errorf("hash_key: %d bytes can be guessed; want %d or more, such as openssl rand -hex 32 makes", len(key), minHashKey)
}

// hashBytes is how much of a hash is shown: 128 bits.
const hashBytes = 16

// destinationHash tells destinations apart without revealing them. All spellings of a
// number have the same hash. It is an HMAC, because there are few enough phone numbers
// to hash them all without a key. It is empty if there is no destination.
func (x *exchange) destinationHash() string {
	destination := x.field(rules.Destination)
	if destination == "" {
		return ""
	}
	mac := hmac.New(sha256.New, x.h.hashKey)
	mac.Write([]byte(x.h.policy.Canonical(destination)))
	return hex.EncodeToString(mac.Sum(nil)[:hashBytes])
}
