// Package integration holds the tests that start a Caddy with the module and
// talk to it over HTTP. A process can run only one Caddy at a time, so they
// are in one package and do not run in parallel.
package integration
