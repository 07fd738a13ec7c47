// Package idempotency lets a client repeat a call without a second phone
// ringing. It knows no Caddy: it is the protocol, the records, and the interface
// of the stores that keep them.
//
// A client names its intent with an Idempotency-Key. Before the call is placed, a
// [Ledger] claims the key in a [Store], in one atomic step. After the call, it
// replaces the claim with what became of it:
//
//	found, err := ledger.Begin(ctx, idempotency.NewClaim(id, fingerprint))
//	if err != nil || found.Result != idempotency.Claimed {
//		return // refuse or replay; nothing may be dialled
//	}
//	defer found.Claim.Close() // unknown, unless finished below
//	// place the call, then one of
//	found.Claim.Finish(response) // it was placed
//	found.Claim.Release()        // it certainly was not
//
// A claim that nobody replaces, because its process died, is unknown from its
// deadline on. What is unknown stays unknown until its record expires, or until a
// human settles it ([Settle]): it is never dialled again. The states of a record:
//
//	          Begin               Finish
//	(absent) ───────► started ───────────► done ──► not kept (the body was dropped)
//	    ▲               │  │
//	    └── Release ────┘  └── Close, or the deadline ──► unknown
//
// Every record leaves the store when its ttl is over.
//
// The duplicate guard for clients without a key is the same ledger over the same
// stores: the key is made of the call itself ([Keyring.DuplicateID]), and the ttl
// is its window.
package idempotency
