package handler

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/request"
)

// admitRow judges a row of many as [Handler.admit] judges a call of its own. The
// violations tell the row.
func (h *Handler) admitRow(r *http.Request, at target, row *request.Row) (admission, *refusal) {
	a := admission{request: &row.Request}
	h.enrich(a.request, r)
	refused := a.judge(h, at, row.Violations)
	if refused == nil {
		return a, nil
	}
	for i := range refused.violations {
		if v := &refused.violations[i]; v.Row == 0 && row.Number > 0 {
			v.Row = row.Number
			if name, ok := strings.CutPrefix(v.Pointer, "#/"); ok {
				v.Pointer = fmt.Sprintf("#/%d/%s", row.Number, name)
			}
		}
	}
	return a, refused
}
