package handler

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// admitRow judges a row of many as [admission.admit] judges a single call. The
// violations name the row.
func (h *Handler) admitRow(r *http.Request, at target, row *request.Row) (admission, *refusal) {
	a := admission{request: &row.Request}
	h.enrich(a.request, r)
	refused := a.judge(h, &at, h.refuseDryRun(row.Violations, a.request, &at))
	a.verdict.Warnings = append(a.verdict.Warnings, columnsLeftOut(row)...)
	if refused != nil {
		ofRow(refused.violations, row)
	}
	ofRow(a.verdict.Reported, row)
	ofRow(a.verdict.Warnings, row)
	return a, refused
}

// ofRow sets the row of violations.
func ofRow(violations []rules.Violation, row *request.Row) {
	for i := range violations {
		v := &violations[i]
		if f, ok := rules.FieldByName(v.Field); ok && v.Rule == rules.Required && row.NoColumn[f] {
			v.Detail += " The first row, which names the columns, has no " + v.Field + "."
		}
		if v.Row == 0 && row.Number > 0 {
			v.Row = row.Number
			if name, ok := strings.CutPrefix(v.Pointer, "#/"); ok {
				v.Pointer = fmt.Sprintf("#/%d/%s", row.Number, name)
			}
		}
	}
}

// columnsLeftOut warns of columns that are dropped. Their names are never shown: in a
// CSV without a header row they are somebody's.
func columnsLeftOut(row *request.Row) []rules.Violation {
	if len(row.LeftOut) == 0 {
		return nil
	}
	const most = 12
	names := make([]string, 0, most)
	for _, n := range row.LeftOut[:min(len(row.LeftOut), most)] {
		names = append(names, columnName(n))
	}
	detail := "The first row has names that are not fields. What is in these columns is left out: " + strings.Join(names, ", ")
	if more := len(row.LeftOut) - most; more > 0 {
		detail += fmt.Sprintf(" and %d more", more)
	}
	return []rules.Violation{{
		Rule: rules.UnknownField, Detail: detail + ".",
		Fix: "Name the columns destination, callSid, fromNumber and sessionId, as far as you need them; name one ref to have it in the result.",
	}}
}

// columnName is what spreadsheets call a column, from 1: A to Z, AA and so on.
func columnName(n int) string {
	name := ""
	for ; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}
