package upstreamtest

// failure is an error that the server responds with.
type failure struct {
	status  int
	reason  string // of the status line
	code    string
	message string
	errors  []fieldError
}

// fieldError is what is wrong with one field.
type fieldError struct {
	code, field, message string
	meta                 []pair
}

// json returns the error body.
func (f *failure) json() []byte {
	dst := []byte(`{"responseStatus":{"errorCode":`)
	dst = appendString(dst, f.code, false)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, f.message, false)
	dst = append(dst, `,"errors":[`...)
	for i, e := range f.errors {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"errorCode":`...)
		dst = appendString(dst, e.code, false)
		dst = append(dst, `,"fieldName":`...)
		dst = appendString(dst, e.field, false)
		dst = append(dst, `,"message":`...)
		dst = appendString(dst, e.message, false)
		dst = append(dst, `,"meta":{`...)
		for j, m := range e.meta {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, m.name, false)
			dst = append(dst, ':')
			dst = appendString(dst, m.value, false)
		}
		dst = append(dst, "}}"...)
	}
	return append(dst, "]}}"...)
}
