// Package e2e tests the gateway as its users use it: with the API's own client library,
// curl, spreadsheets, command-line tools and a browser, against a Caddy in a separate
// process.
//
// They need those programs, so they have a build tag:
//
//	(cd e2e && npm ci)
//	go test -tags e2e ./e2e
//
// A test whose program is missing fails and names the Debian package.
package e2e
