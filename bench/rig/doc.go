// Package rig is what the benchmarks of the whole gateway share: a Caddy as a
// separate process, an upstream that costs next to nothing, and clients.
//
// Upstream and clients speak HTTP/1.1 by hand on bare connections, because on a
// small machine what they cost would hide what is measured.
package rig
