package upstreamtest

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

// aliases are the ids of the recorded exchanges that respond with the session
// full under that id (recordings 337 to 384, 729).
var aliases = [...]string{
	"abc", "ABC", "a b", "a.b", "a,b", "a;b", "a%b", "a?b", "a.csv", "é", "{x}", "[x]",
}

// recordedErrors are the ids that respond with an error.
var recordedErrors = [...]string{
	"err403", "err404", "err409", "err500", "errargnull", "errdto", "errempty", "errunauth", "validation2",
}

// result is what the service makes of a call, before it is serialized.
type result struct {
	status int
	reason string // of the status line, empty for the usual one
	json   []byte // nil for no body
	// columns are those of the session's CSV, nil for those of the newest recording.
	columns []string
	// plain is a body that is sent as it is in every format.
	plain bool
	// bare says that the service set the response up itself, without a
	// Content-Disposition.
	bare bool
}

// store holds the sessions.
type store struct {
	results map[string]result
	full    []byte
	columns []string
	session func(id string) []byte // nil for none but the recorded
	anyID   bool
}

// newStore reads the recordings.
func newStore(o Options) (*store, error) {
	s := &store{results: make(map[string]result), session: o.Session, anyID: o.AnyID}
	for id, json := range recordings.Sessions(".json") {
		s.results[id] = result{status: http.StatusOK, json: json, columns: recordings.Columns(id)}
	}
	s.full = s.results["full"].json
	s.columns = recordings.Columns("doc")
	for _, id := range aliases {
		s.results[id] = result{status: http.StatusOK, json: s.fullAs(id), columns: recordings.Columns("full")}
	}
	s.addShapes()
	return s, s.addErrors()
}

// addShapes adds the ids that respond with other than one session (recordings
// 744 to 755).
func (s *store) addShapes() {
	s.results["null"] = result{status: http.StatusNoContent}
	columns := recordings.Columns("full")
	s.results["httpresult"] = result{status: http.StatusCreated, json: s.full, bare: true, columns: columns}
	s.results["list"] = result{status: http.StatusOK, json: recordings.List(), columns: columns}
	s.results["list0"] = result{status: http.StatusOK, json: []byte("[]"), columns: columns}
	s.results["string"] = result{status: http.StatusOK, json: []byte(`plain string, "quoted"`), plain: true}
}

// addErrors adds the ids that respond with a recorded error, under the recorded
// status line.
func (s *store) addErrors() error {
	bodies := recordings.Errors(".json")
	for _, id := range recordedErrors {
		part := strings.SplitN(recordings.ErrorHead(id, ".json")[0], " ", 3)
		if len(part) != 3 {
			return fmt.Errorf("reading a recorded error: %s has no status line", id)
		}
		status, err := strconv.Atoi(part[1])
		if err != nil {
			return fmt.Errorf("reading a recorded error: %w", err)
		}
		s.results[id] = result{status: status, reason: part[2], json: bodies[id]}
	}
	return nil
}

// fullAs returns the session full under another id.
func (s *store) fullAs(id string) []byte {
	return bytes.Replace(s.full, []byte(`"id":"full"`), appendString([]byte(`"id":`), id, false), 1)
}

// call runs the service.
func (s *store) call(b *Bound) (result, *failure) {
	id, _ := b.Get("sessionId")
	if r, ok := s.results[id]; ok {
		return r, nil
	}
	if s.session != nil {
		if json := s.session(id); json != nil {
			return result{status: http.StatusOK, json: json}, nil
		}
	}
	if s.anyID && id != "" {
		return result{status: http.StatusOK, json: s.fullAs(id)}, nil
	}
	return result{}, &failure{
		status: http.StatusNotFound, reason: "NotFound", code: "NotFound", message: "No session " + id,
	}
}
