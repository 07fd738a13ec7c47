// Package route finds the requests that add a conference member.
//
// The upstream is generous about paths: letter case, doubled and trailing
// slashes, dot segments and percent-encoding make no difference to it. Whatever
// reaches its handler makes a phone ring, so a [Template] matches at least what
// the upstream matches, however it is encoded.
//
// # How the upstream reads a path
//
//   - Percent-encoded UTF-8 is decoded, once: "a%2525b" is "a%25b" (recording
//     368). What is not UTF-8 or no escape stays as it is, and so does an
//     encoded slash.
//   - Then dot segments are removed (394 and 396).
//   - Then "+" becomes a space, also one that was encoded (347), and "%2f"
//     becomes a slash (352), whereas "%2F" stays (350). As decoding is done by
//     now, "%252f" is a slash as well.
//   - Behind the last dot may be csv, json, xml, jsv or html in lower case
//     (247 and 250): a suffix, which is taken off with its dot, encoded or not
//     (287 and 290), even with nothing before it but a slash (280). Any other
//     dot belongs to its segment (265 to 273 and 736).
//   - Empty segments count for nothing (274, 399 and 401, but see 389), and
//     literal segments match in any letter case (337 and 339).
//
// # Other readings
//
// A proxy on the way to the upstream may normalise the path in its own manner,
// so if that reading does not match, others are tried: all encoded slashes
// separate segments, or the backslash does, or both, or no encoded slash does;
// dot segments are removed after those slashes were decoded, or before and
// after; doubled slashes are merged before; slashes at the end are dropped. The
// first that matches wins. A path that matches in such a reading only is one
// that a plain client does not send.
//
// # More than the recorded upstream dials for
//
// A host can have more formats registered than the recorded one. It cuts off what
// follows the last dot if that names one of them, so every other suffix behind the
// route is matched and marked. Hosts can also have routes for every operation that
// carry no session id: [Predefined], [Batch] and [SOAP].
//
// A path that ends like the route and is neither is a [LookAlike]. The gateway has
// nothing to do with it, unless it was mounted where it does not see the calls.
//
// Matched are also a NUL, control characters and malformed escapes in the
// session id, though the upstream refuses the first with 400: to judge the id
// is up to the caller. Parameters such as ";x" belong to their segment
// (375, 736 and 737), as do trailing spaces and dots (265 and 294).
//
// The package is pure: it knows no requests, only escaped paths, as
// net/url.URL.EscapedPath returns them.
package route
