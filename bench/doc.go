// Package bench compares package transform with other libraries, on the same bytes in
// one run:
//
//	go test -bench . ./...
//
// It is a separate module, so that those libraries are no dependencies of the gateway.
// tools.sh times programs that are not written in Go.
package bench
