package handler

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// hashBytes is how much of a hash is shown: 128 bits.
const hashBytes = 16

// destinationHash tells destinations apart without telling what they are, one
// for each number, however it is spelled: an HMAC, for the few billion phone
// numbers there are can all be tried against a hash without a key. It is empty where there is no destination.
func (x *exchange) destinationHash() string {
	destination := x.field(rules.Destination)
	if destination == "" {
		return ""
	}
	mac := hmac.New(sha256.New, x.h.hashKey)
	mac.Write([]byte(x.h.policy.Canonical(destination)))
	return hex.EncodeToString(mac.Sum(nil)[:hashBytes])
}
