// Package handler is the life of a request to the conference members route:
// which requests are its own, what format the response has, what is forwarded,
// and how the response travels back. [Handler.ServeHTTP] reads top to bottom in
// that order.
//
// A [Config] is what an operator writes; [New] compiles it once, and nothing
// of it changes while requests are served.
package handler
