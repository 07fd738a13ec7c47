// Package rig is shared by the benchmarks of the whole gateway: a Caddy as a separate
// process, an upstream that costs next to nothing, and clients.
//
// The upstream and the clients of HTTP/1.1 read and write it themselves, because on a small
// machine net/http would cost more than what is measured.
package rig
