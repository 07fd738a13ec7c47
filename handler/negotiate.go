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

// negotiate chooses the representation of the answer: a view and a format.
func (x *exchange) negotiate() *refusal {
	unknown := x.chooseView()
	if f := x.chooseFormat(); f != nil {
		return f
	}
	return unknown
}

// chooseView takes the view that the query names.
func (x *exchange) chooseView() *refusal {
	if len(x.h.views) == 0 {
		return nil // without views the parameter is the upstream's
	}
	asked := negotiate.FromQuery(x.r.URL.RawQuery, viewParameter)
	if asked.Value == "" {
		return nil
	}
	csv, ok := x.h.views[asked.Value]
	if !ok || asked.Ambiguous {
		return newRefusal(metrics.NotAcceptable, rules.UnknownView,
			"There is no such view; the views are "+x.h.viewNames+".")
	}
	x.csv = csv
	return nil
}

// chooseFormat takes the format of the path's suffix, else that of the query,
// else the one that suits Accept best. What the suffix has settled is not
// refused for a query or an Accept that says otherwise.
func (x *exchange) chooseFormat() *refusal {
	if f, ok := negotiate.BySuffix(x.match.Suffix); ok {
		x.format = f
		return nil
	}
	if asked := negotiate.FromQuery(x.r.URL.RawQuery, formatParameter); asked.Value != "" {
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
	all := make([]string, 0, len(negotiate.Formats()))
	for _, f := range negotiate.Formats() {
		all = append(all, of(f))
	}
	return strings.Join(all, ", ")
}
