// Package bench compares package transform with what one could use instead, on
// the same bytes in one run:
//
//	go test -bench . ./...
//
// It is a separate module, so that what it compares with is not a dependency of
// the gateway. Programs outside of Go are timed by tools.sh.
package bench
