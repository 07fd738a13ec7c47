package handler

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// The query parameters that choose a representation, in any letter case.
const (
	formatParameter = "format"
	viewParameter   = "view"
)

// wanted is the representation that a client wants of the response.
type wanted struct {
	format negotiate.Format
	lines  bool            // the format is JSON, and the result of many calls an object a line
	csv    *representation // nil unless the format is CSV
}

// negotiate chooses the representation of the response: a view and a format.
func (h *Handler) negotiate(r *http.Request, at *target) (wanted, *refusal) {
	view, unknown := h.chooseView(r)
	format, unacceptable := h.chooseFormat(r, at, view)
	want := wanted{format: format}
	switch format { //nolint:exhaustive // the others are what they are
	case negotiate.CSV:
		want.csv = view
	case negotiate.NDJSON:
		want.format, want.lines = negotiate.JSON, true
	}
	return want, cmp.Or(unacceptable, unknown)
}

// chooseView takes the view that the query names. One that is unknown leaves the
// csv block itself.
func (h *Handler) chooseView(r *http.Request) (*representation, *refusal) {
	if len(h.views) == 0 {
		return h.csv, nil // without views the parameter is the upstream's
	}
	asked := negotiate.FromQuery(r.URL.RawQuery, viewParameter)
	if asked.Value == "" {
		return h.csv, nil
	}
	view, ok := h.views[asked.Value]
	if !ok || asked.Ambiguous {
		return h.csv, newRefusal(metrics.NotAcceptable, rules.UnknownView,
			"There is no such view; the views are "+h.viewNames+".")
	}
	return view, nil
}

// chooseFormat takes the format of the path's suffix, else that of the query,
// else the one that suits Accept best. What the suffix has settled is not
// refused for a query or an Accept that says otherwise.
func (h *Handler) chooseFormat(r *http.Request, at *target, view *representation) (negotiate.Format, *refusal) {
	formats := at.formats
	if formats == nil {
		formats = negotiate.Formats()
	}
	if f, ok := negotiate.BySuffix(at.Suffix); ok {
		if !slices.Contains(formats, f) {
			return negotiate.None, unknownFormat(formats)
		}
		return f, nil
	}
	if asked := negotiate.FromQuery(r.URL.RawQuery, formatParameter); asked.Value != "" {
		i := slices.IndexFunc(formats, func(f negotiate.Format) bool { return ascii.EqualFold(f.String(), asked.Value) })
		if i < 0 || asked.Ambiguous {
			return negotiate.None, unknownFormat(formats)
		}
		return formats[i], nil
	}
	if at.Format != negotiate.None { // that of a predefined route, recordings 426 and 432
		return at.Format, nil
	}
	f, ok := view.offers[at.number].Accept(r.Header["Accept"])
	if !ok {
		return negotiate.None, newRefusal(metrics.NotAcceptable, rules.NotAcceptable,
			"Nothing that Accept names can be sent; there is "+names(formats, negotiate.Format.MediaType)+".")
	}
	return f, nil
}

// unknownFormat refuses a format that the response can't have.
func unknownFormat(formats []negotiate.Format) *refusal {
	return newRefusal(metrics.NotAcceptable, rules.NotAcceptable,
		"The format asked for is not known; the formats are "+names(formats, negotiate.Format.String)+".")
}

// names lists formats for people.
func names(formats []negotiate.Format, of func(negotiate.Format) string) string {
	all := make([]string, 0, len(formats))
	for _, f := range formats {
		all = append(all, of(f))
	}
	return strings.Join(all, ", ")
}
