package handler

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// admitRow judges a row of many as [Handler.admit] judges a call of its own. The
// violations tell the row.
func (h *Handler) admitRow(r *http.Request, at target, row *request.Row) (admission, *refusal) {
	a := admission{request: &row.Request}
	h.enrich(a.request, r)
	refused := a.judge(h, at, row.Violations)
	if refused != nil {
		ofRow(refused.violations, row)
	}
	ofRow(a.verdict.Reported, row)
	ofRow(a.verdict.Warnings, row)
	return a, refused
}

// ofRow says of violations which row they are of.
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
