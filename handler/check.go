package handler

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// verdict is what became of a row that was checked: what a call of it would be.
type verdict struct {
	Row         int            `json:"row"`
	Ref         string         `json:"ref,omitempty"`
	OK          bool           `json:"ok"`
	Destination string         `json:"destination,omitempty"` // masked
	Kind        string         `json:"kind,omitempty"`
	Country     string         `json:"country,omitempty"`
	Type        string         `json:"type,omitempty"`
	Errors      []problemError `json:"errors"`
	// Warnings are of rules that refuse no call as they are set: of mode report, and
	// those that only warn.
	Warnings []problemError `json:"warnings,omitempty"`
}

// verdicts are the verdicts on all rows.
type verdicts struct {
	OK   bool      `json:"ok"`
	Rows []verdict `json:"rows"`

	bodyBytes int64
}

// check responds with verdicts. Nothing is forwarded.
func (x *exchange) check(caddyhttp.Handler) error {
	checked, refused, err := x.h.check(x.r, x.at)
	switch {
	case err != nil:
		return x.abandon(err)
	case refused != nil:
		return x.refuse(refused)
	}
	x.admission.request = &request.Request{BodyBytes: checked.bodyBytes}
	x.admission.request.Call[rules.SessionID] = rules.Value{Text: x.at.SessionID, Set: true}

	body, contentType := checked.appendJSON(nil), negotiate.JSON.MediaType()
	if csv := x.wanted.csv; csv != nil {
		body, contentType = checked.appendCSV(nil, csv), csv.contentType
	}
	w := x.writer(nil)
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(body); err != nil {
		x.record(metrics.ClientGone)
		return nil
	}
	x.record(metrics.Checked)
	return nil
}

// check judges what a client may send to the route, or to the route of many
// calls, by the code that judges it there: one call as it is judged on the route,
// several as rows. What is refused there as a whole, and not for what a row says,
// is refused.
func (h *Handler) check(r *http.Request, at target) (*verdicts, *refusal, error) {
	var read bytes.Buffer
	once := r.WithContext(r.Context())
	if r.Body != nil {
		once.Body = io.NopCloser(io.TeeReader(r.Body, &read))
	}
	rows, violations, err := h.rowReader.Rows(once, at.SessionID)
	if err != nil {
		return nil, nil, err
	}
	if len(violations) == 1 && violations[0].Rule == rules.BodyTooLarge && h.rowReader.MaxBody >= h.reader.MaxBody {
		return nil, &refusal{outcome: metrics.Refused, violations: violations}, nil // with the limit of many calls
	}
	checked := &verdicts{OK: true}
	var leftOut []rules.Violation
	if len(violations) == 0 {
		checked.bodyBytes = rows.BodyBytes
		for row := range rows.All() {
			a, refused := h.admitRow(r, at, row)
			if row.Number == 0 { // the body as a whole
				if len(checked.Rows) == 0 && rows.IsList() {
					return nil, refused, nil
				}
				break
			}
			leftOut = append(leftOut, columnsLeftOut(row)...)
			checked.add(row.Number, row.Ref, &a, refused)
		}
	}
	if many := len(checked.Rows) > 1 && !rows.IsObject(); many || len(checked.Rows) == 1 && rows.IsList() {
		return checked, nil, nil
	}

	again := r.WithContext(r.Context())
	if r.Body != nil {
		again.Body = io.NopCloser(io.MultiReader(&read, r.Body))
	}
	var a admission
	refused, err := a.admit(h, again, &at)
	switch {
	case err != nil:
		return nil, nil, err
	case refused != nil && !a.request.Readable:
		// More rows are no fault here. They were not judged because of another one.
		if a.request.HasMoreRows && len(refused.violations) > 1 {
			refused.violations = slices.DeleteFunc(refused.violations, func(v rules.Violation) bool { return v.Rule == rules.RowCount })
		}
		return nil, refused, nil
	}
	one := &verdicts{OK: true, bodyBytes: a.request.BodyBytes}
	ref := ""
	if len(checked.Rows) == 1 {
		ref = checked.Rows[0].Ref
	}
	if refused != nil && a.request.BodyBytes == 0 {
		for i := range refused.violations {
			if v := &refused.violations[i]; v.Rule == rules.Required {
				v.Detail += " The body is empty."
			}
		}
	}
	a.verdict.Warnings = append(a.verdict.Warnings, leftOut...)
	one.add(1, ref, &a, refused)
	return one, nil, nil
}

// add adds the verdict on a row.
func (c *verdicts) add(number int, ref string, a *admission, refused *refusal) {
	v := verdict{Row: number, Ref: ref, OK: refused == nil, Errors: []problemError{}}
	if a.request.Readable {
		v.Destination = destination.Mask(a.request.Call[rules.Destination].Text)
		v.Kind, v.Country, v.Type = string(a.verdict.Kind), a.verdict.Country, a.verdict.NumberType
	}
	if refused != nil {
		refused.sort()
		v.Errors = problemErrors(refused.violations)
	}
	v.Warnings = problemErrors(tolerated(&a.verdict))
	c.OK = c.OK && v.OK
	c.Rows = append(c.Rows, v)
}

// appendJSON appends the verdicts as a client of JSON gets them.
func (c *verdicts) appendJSON(dst []byte) []byte {
	text, _ := json.Marshal(c) // text and numbers: no error is possible
	return append(append(dst, text...), '\n')
}

// checkColumns are the columns of verdicts in CSV.
var checkColumns = []string{"row", "ref", "ok", "destination", "kind", "country", "type", "rules", "detail"}

// appendCSV appends the verdicts as CSV.
func (c *verdicts) appendCSV(dst []byte, csv *representation) []byte {
	dst = csv.plan.AppendTableHeader(dst, checkColumns...)
	for _, v := range c.Rows {
		var names, details []string
		for _, e := range v.Errors {
			names, details = append(names, e.Rule), append(details, e.Detail)
		}
		rule, detail := withWarnings(strings.Join(names, " "), strings.Join(details, " "), v.Warnings)
		cells := []transform.Cell{transform.NumberCell(v.Row)}
		for _, text := range []string{v.Ref, strconv.FormatBool(v.OK), v.Destination, v.Kind, v.Country, v.Type, rule, detail} {
			cells = append(cells, transform.TextCell(text))
		}
		dst = csv.plan.AppendTableRow(dst, cells...)
	}
	return dst
}

// withWarnings puts warnings behind the rules and the details of a row of CSV.
func withWarnings(names, details string, warnings []problemError) (allNames, allDetails string) {
	for _, w := range warnings {
		names += " " + w.Rule
		details += " Warning: " + w.Detail
	}
	return strings.TrimPrefix(names, " "), strings.TrimPrefix(details, " ")
}

// tolerated are the violations for which a call is not refused: by rules in mode
// report, and by those that only warn.
func tolerated(v *rules.Verdict) []rules.Violation { return slices.Concat(v.Reported, v.Warnings) }
