package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// Offline is a configuration that works on files: it checks calls and makes CSV,
// and needs no server, no store and no metrics.
type Offline struct{ handler *Handler }

// NewOffline compiles a configuration. The error names every mistake in it.
// Placeholders of requests come out empty, global ones as they do in a gateway.
func NewOffline(cfg Config) (*Offline, error) {
	c, err := compile(cfg)
	if err != nil {
		return nil, err
	}
	if err := cfg.checkEnvironment(c.policy); err != nil {
		return nil, err
	}
	// The session of a call that names none. It fails no rule.
	any := assignment{name: rules.SessionID.String(), field: rules.SessionID, isField: true, template: "any"}
	c.assignments = append([]assignment{any}, c.assignments...)
	return &Offline{&Handler{compiled: c}}, nil
}

// Check writes to w, as CSV, what would become of the calls in a body of a
// Content-Type, which may be empty: JSON then. Sessions are taken from the rows if
// session is empty. It reports whether all calls would be placed. The error says why
// the body can't be read, or w can't be written.
func (o *Offline) Check(w io.Writer, body io.Reader, contentType, session string) (ok bool, err error) {
	h := o.handler
	r := &http.Request{Method: http.MethodPost, URL: new(url.URL), Header: make(http.Header), Body: io.NopCloser(body), ContentLength: -1}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	checked, refused, err := h.check(r, target{operation: checkCalls, Match: route.Match{Kind: route.Members, SessionID: session}})
	if err != nil {
		return false, err
	}
	if refused != nil {
		refused.sort()
		first := refused.violations[0]
		return false, fmt.Errorf("%s (%s)", strings.TrimSuffix(first.Detail, "."), first.Rule.Name)
	}
	_, err = w.Write(checked.appendCSV(nil, h.csv))
	return checked.OK, err
}

// CSV writes to w the CSV of a session, or of a list of sessions, as the view shows
// it; the empty view is the block csv itself.
func (o *Offline) CSV(w io.Writer, body io.Reader, view string) error {
	h := o.handler
	csv := h.csv
	if view != "" {
		var ok bool
		if csv, ok = h.views[view]; !ok {
			return fmt.Errorf("there is no view %s; the views are: %s", view, orDefault(h.viewNames, "none"))
		}
	}
	var text bytes.Buffer
	if _, err := io.Copy(&text, io.LimitReader(body, csv.maxResponse+1)); err != nil {
		return err
	}
	if int64(text.Len()) > csv.maxResponse {
		return fmt.Errorf("the JSON is larger than max_response, %d bytes", csv.maxResponse)
	}
	if err := apiError(text.Bytes()); err != nil {
		return err
	}
	out, err := csv.plan.AppendSessions(nil, bytes.TrimPrefix(text.Bytes(), []byte("\ufeff")))
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// apiError returns the error that the API responded with in place of a session: as a session
// it would be a row without values.
func apiError(text []byte) error {
	if len(bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))) == 0 {
		return errors.New("is empty")
	}
	var response struct {
		ResponseStatus struct{ ErrorCode, Message string }
	}
	err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &response)
	if status := response.ResponseStatus; err == nil && status.ErrorCode != "" {
		return fmt.Errorf("the API responded with an error: %s: %s", status.ErrorCode, status.Message)
	}
	return nil
}
