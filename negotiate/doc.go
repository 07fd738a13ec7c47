// Package negotiate chooses the format of a response: by the suffix of the
// path, by the query parameter "format", or by the Accept header.
//
// Accept is read as RFC 9110 section 12.5.1 has it, with weights (12.4.2),
// precedence of the more specific range, media type parameters, several field
// lines and empty list members (5.6.1). Of offers with equal weights the one
// that a more specific range names is chosen, so "*/*, text/csv" is a wish for
// CSV. Malformed members are skipped, the others still count, and what has one
// plain meaning is not a mistake: "*" is */*, "q=.5" is 0.5 and application/csv is
// CSV. This is deliberately not how the upstream reads Accept:
// it ignores weights, compares types by prefix and takes the first member
// alone (recordings 7, 12, 52 and 62).
//
// A parameter that a representation does not have makes a range miss that
// representation (erratum 7138 of RFC 9110), so "text/html;level=3" says
// nothing about plain text/html. If that leaves a client with nothing at all,
// the parameters that the media type's registration does not define are
// disregarded: "application/json;odata=verbose" gets JSON rather than a 406,
// but "text/csv;charset=utf-16" still gets no UTF-8.
//
// The package is pure: it knows neither requests nor headers, only their text.
package negotiate
