package upstreamtest

import (
	"net/http"
	"strings"
)

// bind makes the request DTO of everything a request says: body, path, query
// string and form, the later over the earlier. The body of a media type that
// is not known is ignored (recordings 481 to 485), and so is one without a
// Content-Length unless it is a form (738 to 743).
func bind(rt route, r *http.Request, query pairs, body []byte) (*Bound, *failure) {
	b := new(Bound)
	form, isForm, fail := readForm(r.Header.Get("Content-Type"), body)
	if fail != nil {
		return nil, fail
	}
	if !isForm && r.ContentLength > 0 {
		f := rt.format
		if rt.typed {
			f = formatOf(realType(r.Header.Get("Content-Type")))
		}
		if read := bodyReaders[f]; read != nil {
			if why := read(b, string(body)); why != "" {
				return nil, unreadable(f.types[0], why)
			}
		}
	}
	if rt.place == members {
		b.set("sessionId", rt.id)
	}
	b.setPairs(query)
	b.setPairs(form)
	return b, nil
}

// bodyReaders bind a body of a format. What they return is empty, or the
// server's own words for why the body is refused.
var bodyReaders = map[*format]func(*Bound, string) string{
	formatJSON: bindJSON,
	formatJSV:  bindJSV,
	formatCSV:  bindCSV,
	formatXML:  bindXML,
}

// unreadable returns the error for a body that can't be deserialized.
func unreadable(mediaType, why string) *failure {
	return &failure{
		status: http.StatusBadRequest, reason: http.StatusText(http.StatusBadRequest),
		code: "SerializationException",
		message: "Could not deserialize '" + mediaType + "' request using Voice.Api.Sessions." + operation +
			"'\nError: " + why,
	}
}

// text returns a body as the server decodes it: no byte order mark, and a replacement
// character for each byte that is not UTF-8.
func text(body string) string {
	return strings.TrimPrefix(string([]rune(body)), "\ufeff")
}

// noObject returns the server's complaint about a JSON or JSV body that is not an
// object. It quotes the first 50 characters.
func noObject(s string) string {
	if r := []rune(s); len(r) > 50 {
		s = string(r[:50])
	}
	return "Type definitions should start with a '{', expecting serialized type '" + operation +
		"', got string starting with: " + s
}

// outOfBounds is what the server says about a body of nothing but white space.
const outOfBounds = "Index was outside the bounds of the array."
