package upstreamtest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

// readForm reads a body that its Content-Type says is a form, URL-encoded or
// multipart, and reports whether it is one.
func readForm(contentType string, body []byte) (form pairs, ok bool, fail *failure) {
	switch realType(contentType) {
	case "application/x-www-form-urlencoded":
		return parsePairs(string(body)), true, nil
	case "multipart/form-data":
		form, fail = readMultipart(contentType, body)
		return form, true, fail
	}
	return nil, false, nil
}

// readMultipart reads the parts that are not files (recordings 529 and 530).
func readMultipart(contentType string, body []byte) (pairs, *failure) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return nil, internalError("InvalidDataException", "Missing content-type boundary.")
	}
	var form pairs
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return nil, unfinishedForm()
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, unfinishedForm()
		}
		if part.FileName() == "" {
			form = append(form, pair{part.FormName(), text(string(value))})
		}
	}
}

func unfinishedForm() *failure {
	return internalError("IOException",
		"Unexpected end of Stream, the content may have already been read by another component.")
}

func internalError(code, message string) *failure {
	return &failure{
		status: http.StatusInternalServerError, reason: http.StatusText(http.StatusInternalServerError),
		code: code, message: message,
	}
}
