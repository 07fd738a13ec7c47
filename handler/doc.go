// Package handler takes a request to the conference members route from arrival to
// response: whether it is on the route, what format the response has, what is
// forwarded, and how the response is delivered. [Handler.ServeHTTP] reads top to bottom in
// that order.
//
// A [Config] is what an operator writes; [New] compiles it once, and nothing
// of it changes while requests are served.
package handler
