// Package request reads the four fields of AddConferenceMember, in every way of
// sending them that the upstream would bind, and writes the one canonical body
// that is forwarded instead.
//
// The upstream binds JSON, CSV, URL-encoded and multipart bodies, the path and
// the query string, each laxly and one over the other: of two members with one
// name the last counts, a body cut short is good enough, and ?destination= is
// dialled whatever the body says. A gateway that judges one reading while the
// upstream acts on another judges nothing. So [Reader.Read] makes one
// [rules.Call] of all of them and refuses what has two readings: names that
// appear twice, in any mix of letter cases; one field with two values; text that
// is not UTF-8; whatever its format does not allow. [Request.AppendJSON] then
// writes the judged call as strict JSON, and [StripQuery] removes the fields
// from the query string, so that nothing else is left to be bound. [Reader.Rows]
// does the same for a body of many calls, row by row.
//
// # Choices
//
// Where the formats leave room, these are the choices:
//
//   - A JSON text may begin with a byte order mark, which is dropped (RFC 8259
//     section 8.1, recording 590). A lone surrogate in an escape is refused
//     (section 8.2): what is forwarded could not equal what was judged.
//   - A number is taken as its literal text, as the upstream takes it: 1.50
//     stays "1.50" (recording 617).
//   - Names of unknown members are compared in any ASCII letter case at the top
//     level, and exactly inside of nested objects.
//   - A name that only looks like a field's, with letters from beyond ASCII or
//     with invisible characters, is refused. Hosts on .NET Framework compare
//     the names of a query string by the rules of a language, for which "ſ" is
//     an s and a soft hyphen is nothing.
//   - Members beyond the four fields are dropped, or forwarded if every name in
//     them is a member name ([IsMemberName]): the upstream loses its place in a
//     name with an escape, and reads names as values from there on.
//   - A name that is nearly a field's is refused if that field is not sent.
//   - The member __type, a type hint to the upstream's deserializer, is dropped
//     at the top level, where existing clients write it (recording 634). A member
//     that holds one deeper down is refused instead of being forwarded.
//   - An empty cell of a CSV row and an empty value in a query string or a form
//     are not sent (recordings 506, 507 and 642). An empty text in JSON is
//     (recording 615).
//   - Rows of CSV without a value are skipped. Cells are separated by commas,
//     semicolons or tabs, by whichever the header row has a field's name, or
//     by what a line "sep=;" declares.
//   - A charset other than UTF-8 is read if it is a superset of ASCII and the
//     body is ASCII.
//   - Names in a CSV header row are trimmed of spaces and tabs, cells are not
//     (recording 509).
//   - A form that begins with "{" is refused: it is JSON under the label that
//     many clients put on a body by default, of which the upstream binds
//     nothing (recording 526).
//   - A part of a multipart form that is a file is refused, and so is one with
//     a transfer encoding (RFC 7578 section 4.7).
//   - A name of the query string has to be percent-encoded UTF-8, whatever it
//     names: what a host makes of another one is not known. Values of
//     parameters other than the fields are not looked at.
package request
