// Package transform converts the API's JSON responses to CSV: a session, a list of
// sessions, or an error.
//
// # Plans
//
// [Compile] turns [Options] into a [Plan], once, and finds all mistakes in them.
// [Plan.AppendSessions] and [Plan.AppendError] then only execute. They append to
// a slice that the caller keeps, and allocate nothing if it is large enough.
//
// # Dialects
//
// A dialect is a preset of options, which single options then change:
//
//   - upstream, the default, is byte for byte what the API itself sends for
//     Accept: text/csv. It exists for clients that already read that.
//   - rfc4180 is for programs: names, booleans and nested values are those of
//     the JSON, and cells are quoted where they need it.
//   - excel is for spreadsheets: a byte order mark tells them that the text is
//     UTF-8, booleans are TRUE and FALSE, and text that they would run as a
//     formula gets an apostrophe.
//
// All have a header row, a row per session, CRLF after each row, and always the
// same columns: these follow from the options alone, never from the JSON.
//
// In the dialect upstream a cell is quoted if it holds a quote, the delimiter, CR
// or LF, or begins with [ or {. In the others it is quoted if it holds a quote,
// the delimiter, CR or LF (RFC 4180 section 2), and for readers that are not as
// strict also if it begins or ends with a space or tab, begins with a byte order
// mark, or is \. alone. In every dialect a text that is the same as that for
// null is quoted, and so is an empty cell that is alone in its row, since an
// empty line would not be a row.
//
// # Nested values
//
// A list or an object is one cell, in one of two notations. JSON is compact:
// without white space, and with the escapes that a string needs and no others.
//
// JSV is the notation of the API's own CSV, JSON with the quotes of CSV:
//
//	{name:value,...}    an object; null members are left out
//	[value,...]         a list; a null in it is {}
//	True False          booleans
//	12.50               a number, digit for digit
//	text                a text, or a name
//	"a ""text"", so"    one that is empty or holds any of " : , { } [ ] CR LF
//
// # Checks
//
// JSON is read by the letter: what RFC 8259 does not allow, what is not UTF-8, a
// name that appears twice in an object and nesting deeper than [MaxDepth] are
// errors, always an [*Error] with a [Reason]. Half a surrogate pair, which only
// an escape can be, becomes U+FFFD, as in the API's own CSV.
//
// # Speed
//
// There is one pass over the JSON, which checks it and finds the values of the
// columns (scan.go), and one over the values that writes them (cellbuffer.go, jsv.go,
// compact.go, format.go). Both take eight bytes at a time (internal/swar).
package transform
