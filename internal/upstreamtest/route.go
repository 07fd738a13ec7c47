package upstreamtest

import "strings"

// place is what a path addresses.
type place uint8

const (
	nowhere    place = iota // no route, 404 without a body
	members                 // /sessions/{id}/conference/members
	predefined              // /{format}/{reply,oneway}/{operation}
)

// operation is the name of the request DTO.
const operation = "AddConferenceMember"

// route is a path that was looked up.
type route struct {
	place place
	// id is the session id of the path.
	id string
	// format is that of the suffix, or of a predefined route; nil for none.
	format *format
	// operation is the name in a predefined route, as sent.
	operation string
	// typed says that the body is read by its Content-Type, and not by the
	// format of the route.
	typed bool
}

// findRoute looks up a decoded path. Literal segments match in any letter
// case, empty segments count for nothing, a suffix counts in lower case only
// (recordings 230 to 302).
func findRoute(path string, api bool) route {
	segments := nonEmpty(strings.Split(path, "/"))
	if api && len(segments) == 2 && equalFold(segments[0], "api") {
		return findAPI(segments[1])
	}
	if len(segments) == 3 {
		if rt := findPredefined(segments); rt.place != nowhere {
			return rt
		}
	}
	var suffix *format
	if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
		if suffix = formatNamed(path[dot+1:]); suffix != nil {
			segments = nonEmpty(strings.Split(path[:dot], "/"))
		}
	}
	if len(segments) != 4 || !equalFold(segments[0], "sessions") ||
		!equalFold(segments[2], "conference") || !equalFold(segments[3], "members") {
		return route{}
	}
	return route{place: members, id: segments[1], format: suffix, typed: true}
}

// findPredefined looks up /{format}/{reply,oneway}/{operation}.
func findPredefined(segments []string) route {
	f := formatNamed(strings.ToLower(segments[0]))
	if f == nil {
		return route{}
	}
	switch strings.ToLower(segments[1]) {
	case "reply", "oneway":
		return route{place: predefined, format: f, operation: segments[2]}
	}
	return route{}
}

// findAPI looks up the operation of /api/{operation}[.suffix], which responds
// JSON without a suffix. Only hosts newer than the recorded one have it.
func findAPI(name string) route {
	rt := route{place: predefined, format: formatJSON, operation: name, typed: true}
	if base, suffix, ok := strings.Cut(name, "."); ok {
		if f := formatNamed(suffix); f != nil {
			rt.operation, rt.format = base, f
		}
	}
	return rt
}

func nonEmpty(segments []string) []string {
	kept := segments[:0]
	for _, s := range segments {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}
