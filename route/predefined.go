package route

// operation is the name of the operation, in lower case.
const operation = "addconferencemember"

// apiRoot is the first segment of the routes /api/{operation}, in lower case.
const apiRoot = "api"

// actions are the second segments of the routes /{format}/{action}/{operation},
// in lower case. Not every version of the upstream has all four (recording
// 438).
var actions = [...]string{"reply", "oneway", "syncreply", "asynconeway"}

// isPredefined reports whether a path that was read is one of the routes that
// the upstream has for every operation: /{any}/{action}/{operation} and
// /api/{operation}. The upstream minds neither what follows the operation in
// the first form nor what precedes it in the second, so nor does this.
func isPredefined[T text](path T) bool {
	first, path := cutSegment(path)
	second, path := cutSegment(path)
	if len(second) == 0 {
		return false
	}
	if folds(first, apiRoot) {
		last := second
		for s := second; len(s) > 0; s, path = cutSegment(path) {
			last = s
		}
		return isOperation(last)
	}
	for _, action := range actions {
		if folds(second, action) {
			third, _ := cutSegment(path)
			return isOperation(third)
		}
	}
	return false
}

// isOperation reports whether a segment names the operation, alone or as a
// batch ("AddConferenceMember[]"), with or without a suffix of any kind.
func isOperation[T text](segment T) bool {
	for i := range len(segment) {
		if segment[i] == '.' {
			segment = segment[:i]
			break
		}
	}
	if n := len(segment) - len("[]"); n >= 0 && string(segment[n:]) == "[]" {
		segment = segment[:n]
	}
	return folds(segment, operation)
}
