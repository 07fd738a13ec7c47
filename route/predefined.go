package route

import "github.com/evovoice-gateway/caddy-conference-members/negotiate"

// operation is the name of the operation, in lower case.
const operation = "addconferencemember"

// apiRoot is the first segment of the routes /api/{operation}, in lower case.
const apiRoot = "api"

// soapRoots are the first segments of the SOAP endpoints, in lower case.
var soapRoots = [...]string{"soap11", "soap12"}

// actions are the second segments of the routes /{format}/{action}/{operation},
// in lower case. Not every version of the upstream has all four (recording
// 438).
var actions = [...]string{"reply", "oneway", "syncreply", "asynconeway"}

// matchPredefined matches a path that was read with the routes that the upstream
// has for every operation: /{format}/{action}/{operation}, /api/{operation} and
// the SOAP endpoints. The upstream minds neither what follows the operation in
// the first form nor what precedes it in the second, so nor does this.
func matchPredefined[T text](path T) Match {
	first, path := cutSegment(path)
	for _, root := range soapRoots {
		if dotted, ok := cutFold(first, root); ok && (len(dotted) == 0 || dotted[0] == '.') {
			return Match{Kind: SOAP}
		}
	}
	second, path := cutSegment(path)
	if len(second) == 0 {
		return Match{}
	}
	if folds(first, apiRoot) {
		last := second
		for s := second; len(s) > 0; s, path = cutSegment(path) {
			last = s
		}
		return matchOperation(last)
	}
	for _, action := range actions {
		if !folds(second, action) {
			continue
		}
		third, _ := cutSegment(path)
		m := matchOperation(third)
		if m.Kind != None {
			m.Format, _ = negotiate.ByName(string(first))
		}
		return m
	}
	return Match{}
}

// matchOperation matches a segment that names the operation, alone or as a batch
// ("AddConferenceMember[]"), with or without a suffix of any kind.
func matchOperation[T text](segment T) Match {
	rest, ok := cutFold(segment, operation)
	if !ok {
		return Match{}
	}
	m := Match{Kind: Predefined}
	if len(rest) >= len("[]") && string(rest[:len("[]")]) == "[]" {
		m.Kind, rest = Batch, rest[len("[]"):]
	}
	if len(rest) == 0 {
		return m
	}
	if rest[0] != '.' {
		return Match{}
	}
	rest, m.Suffix = cutSuffix(rest)
	if m.UnknownSuffix = len(rest) > 0; m.UnknownSuffix {
		m.Suffix = ""
	}
	return m
}
