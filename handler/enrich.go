package handler

import (
	"maps"
	"net/http"
	"slices"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// assignment gives a field the value that a template expands to.
type assignment struct {
	name     string // as it is forwarded
	field    rules.Field
	isField  bool // one of the four
	template string
	always   bool // set, not default
}

// compileAssignments orders defaults and sets: by name, defaults first.
func compileAssignments(defaults, sets map[string]string) []assignment {
	var all []assignment
	for _, group := range []struct {
		values map[string]string
		always bool
	}{{defaults, false}, {sets, true}} {
		for _, name := range slices.Sorted(maps.Keys(group.values)) {
			a := assignment{name: name, template: group.values[name], always: group.always}
			if f, ok := rules.FieldByName(name); ok {
				a.name, a.field, a.isField = f.String(), f, true
			}
			all = append(all, a)
		}
	}
	return all
}

// enrich fills in what the configuration says. An expansion that comes out
// empty leaves a field alone. What the client sent is data and never expanded.
func (h *Handler) enrich(q *request.Request, r *http.Request) {
	if len(h.assignments) == 0 {
		return
	}
	repl := replacerOf(r)
	for _, a := range h.assignments {
		if !a.always && (a.isField && q.Call[a.field].Text != "" || !a.isField && q.HasExtra(a.name)) {
			continue
		}
		value := repl.ReplaceAll(a.template, "")
		switch {
		case value == "":
		case a.isField:
			q.Call[a.field] = rules.Value{Text: value, Set: true}
		default:
			q.SetExtra(a.name, value)
		}
	}
}

// isSet reports whether the configuration sets a member beyond the four fields. The
// upstream prefers what is in the query.
func (h *Handler) isSet(name string) bool {
	return slices.ContainsFunc(h.assignments, func(a assignment) bool {
		return a.always && !a.isField && ascii.EqualFold(a.name, name)
	})
}
