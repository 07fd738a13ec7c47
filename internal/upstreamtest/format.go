package upstreamtest

import (
	"net/http"
	"slices"
	"strings"
)

// format is one of the serializations the server knows.
type format struct {
	name string
	// types are the media types of a request body in this format; the first
	// is the one that responses have and that Accept is searched for.
	types []string
	// header is the Content-Type of a response.
	header string
}

// The formats. The first four are in the server's order of preference;
// CSV comes from a plugin and is looked at last (recordings 664 to 725).
var (
	formatHTML = &format{"html", []string{"text/html"}, "text/html"}
	formatJSON = &format{"json", []string{"application/json", "text/json"}, "application/json; charset=utf-8"}
	formatXML  = &format{"xml", []string{"application/xml", "text/xml"}, "application/xml"}
	formatJSV  = &format{"jsv", []string{"application/jsv", "text/jsv"}, "application/jsv"}
	formatCSV  = &format{"csv", []string{"text/csv"}, "text/csv"}

	preferred = [...]*format{formatHTML, formatJSON, formatXML, formatJSV}
	formats   = [...]*format{formatHTML, formatJSON, formatXML, formatJSV, formatCSV}
)

// formatNamed returns the format of that name, or nil.
func formatNamed(name string) *format {
	for _, f := range formats {
		if f.name == name {
			return f
		}
	}
	return nil
}

// formatOf returns the format of a media type, or nil.
func formatOf(mediaType string) *format {
	for _, f := range formats {
		if slices.Contains(f.types, mediaType) {
			return f
		}
	}
	return nil
}

// realType returns the media type without parameters, in lower case.
func realType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// chooseFormat returns the format of the response, and nil for a response without
// a body, which is what an empty Accept gets.
func chooseFormat(rt route, query pairs, h http.Header) *format {
	if rt.format != nil && rt.place == members {
		return rt.format
	}
	if query.get("callback") != "" {
		return formatJSON
	}
	// What follows a dot counts for nothing (recordings 189 to 202).
	name, _, _ := strings.Cut(query.get("format"), ".")
	if f := formatNamed(strings.ToLower(name)); f != nil {
		return f
	}
	if rt.format != nil {
		return rt.format
	}
	return accepted(h["Accept"], h.Get("Content-Type"))
}

// accepted returns the server's wrong reading of the Accept lines: a line is not split
// at its commas, q values count for nothing and types match by prefix. A preferred type
// that is also the request's own type wins outright (recordings 722 to 725); */* gives
// the request's own type, before CSV is looked at (671, 705).
func accepted(lines []string, contentType string) *format {
	if len(lines) == 0 {
		return formatHTML
	}
	own := contentType
	switch realType(contentType) {
	case "application/x-www-form-urlencoded", "multipart/form-data":
		own = formatHTML.types[0]
	}
	var has [len(preferred)]bool
	anything, empty := false, true
	for _, line := range lines {
		t := realType(line)
		anything = anything || t == "*/*"
		empty = empty && t == ""
		for i, f := range preferred {
			has[i] = has[i] || strings.HasPrefix(t, f.types[0])
			if has[i] && f.types[0] == own {
				return f
			}
		}
	}
	if empty {
		return nil
	}
	for i, f := range preferred {
		if has[i] {
			return f
		}
	}
	if anything {
		if f := formatOf(realType(own)); f != nil {
			return f
		}
		return formatHTML
	}
	for _, line := range lines {
		if strings.HasPrefix(realType(line), formatCSV.types[0]) {
			return formatCSV
		}
	}
	return formatHTML
}
