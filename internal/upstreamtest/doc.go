// Package upstreamtest is the upstream for tests: an HTTP server that responds
// as the ServiceStack server behind AddConferenceMember was recorded to do,
// with its quirks, and misbehaves on demand.
//
// # What it imitates
//
// The recordings in internal/recordings are the reference, and a test replays
// every recorded exchange over a raw connection. The server reads the raw request target, finds the route as the
// recorded one does (any letter case, doubled slashes, dot segments, "+" for a
// space, "%2f" as a slash), chooses the format of the response (suffix, then
// callback, then ?format=, then its own wrong reading of Accept), and binds
// the four fields of the request as laxly as recorded: a chunked JSON body
// binds nothing, a truncated one binds what is there, the query string
// overrides the path.
//
// The X-Bound header of the response says what it bound, and the call is counted
// as dialled. A gateway that judged other values than those, or that
// sent a refusal while a call was dialled, is wrong.
//
// # Sessions
//
// Every recorded session is served under its own id: doc, full, lists-many and
// so on. The ids of the recorded exchanges (abc, ABC, "a b", a.b and so on)
// have the session full under that id. The ids err403, err404,
// err409, err500, errargnull, errdto, errempty, errunauth and validation2
// have the recorded errors, validation judges destination and
// fromNumber, and null, httpresult, list, list0 and string have other
// shapes than one session. Every other id is not found, unless
// [Options.AnyID] is set or [Options.Session] has it.
//
// # Where the recordings are silent
//
// The HTML and XML responses are documents of their type and no more. A callback
// without a suffix gets text/javascript. A response that would have the
// request's own Content-Type because of */* is HTML if that type is not known.
// A predefined route takes fields from the query string too. "%252f" is taken
// for a slash: recordings 350, 352 and 368 fit a server that decodes the path
// once, leaves encoded slashes alone, and then makes a slash of each "%2f".
//
// # Inspection
//
// [Upstream.Received] returns what arrived, [Upstream.Stats] counts it, and
// [Upstream.Await] waits for a condition on the counts, so that no test has to
// sleep. [Options.Ended] is called for each request when it ends, for those that keep
// books of their own. All of it may be used while requests are under way.
//
// # Faults
//
// A [Fault] replaces or spoils one response: it holds it back, drops or resets
// the connection, cuts the body short, declares a wrong length, packs the body
// or replaces any part of it. The request itself may name one in the header
// [FaultHeader], [Upstream.Next] queues one for the next request, and
// [Options.Fault] chooses by the request; [Named] has the usual ones. A second
// process reaches gates, faults and records through [Upstream.Control].
package upstreamtest
