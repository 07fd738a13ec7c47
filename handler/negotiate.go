package handler

import (
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// The query parameters that choose a representation, in any letter case.
const (
	formatParameter = "format"
	viewParameter   = "view"
)

// negotiate chooses the representation of the answer: the view, and the
// format, of which the path's suffix beats the query and the query beats
// Accept. Nothing is refused for a format that the suffix has settled.
func (x *exchange) negotiate() *refusal {
	query := x.r.URL.RawQuery
	if len(x.h.views) > 0 {
		view := negotiate.FromQuery(query, viewParameter)
		csv, ok := x.h.views[view.Value]
		switch {
		case view.Ambiguous, view.Value != "" && !ok:
			return newRefusal(metrics.NotAcceptable, rules.UnknownView,
				"There is no such view; the views are "+x.h.viewNames+".")
		case ok:
			x.csv = csv
		}
	}
	if f, ok := negotiate.BySuffix(x.match.Suffix); ok {
		x.format = f
		return nil
	}
	if asked := negotiate.FromQuery(query, formatParameter); asked.Value != "" {
		f, ok := negotiate.ByName(asked.Value)
		if !ok || asked.Ambiguous {
			return newRefusal(metrics.NotAcceptable, rules.NotAcceptable,
				"The format asked for is not known; the formats are "+names(negotiate.Format.String)+".")
		}
		x.format = f
		return nil
	}
	f, ok := x.csv.offers.Accept(x.r.Header["Accept"])
	if !ok {
		return newRefusal(metrics.NotAcceptable, rules.NotAcceptable,
			"Nothing that Accept names can be sent; there is "+names(negotiate.Format.MediaType)+".")
	}
	x.format = f
	return nil
}

// names lists all formats for people.
func names(of func(negotiate.Format) string) string {
	var all []string
	for _, f := range negotiate.Formats() {
		all = append(all, of(f))
	}
	return strings.Join(all, ", ")
}
