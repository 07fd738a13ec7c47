package handler

import (
	"net/http"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// asksForDryRun reports whether a client thinks that a flag of its request keeps
// the phone from ringing.
func asksForDryRun(r *http.Request) bool {
	for name := range r.Header {
		if request.IsDryRunFlag(strings.TrimPrefix(name, "X-")) {
			return true
		}
	}
	found := false
	if r.URL.RawQuery != "" {
		request.StripQuery(r.URL.RawQuery, func(name string) bool {
			found = found || request.IsDryRunFlag(name)
			return found
		})
	}
	return found
}

// dryRunRefused refuses a request with a flag, and says where to check a call instead.
func (h *Handler) dryRunRefused() *refusal {
	return newRefusal(metrics.Refused, rules.DryRunPath, "The request has "+h.flagUnknown())
}

// refuseDryRun adds the violation of a call whose body has a flag.
func (h *Handler) refuseDryRun(violations []rules.Violation, asked *request.Request, at *target) []rules.Violation {
	if !asked.AsksForDryRun || !at.dials {
		return violations
	}
	return append(violations, rules.Violation{Rule: rules.DryRunPath, Detail: "The body has " + h.flagUnknown()})
}

// flagUnknown says what a flag would not do, and where to check a call.
func (h *Handler) flagUnknown() string {
	const detail = "a flag for a dry run, which is not known here: a call would be placed all the same. "
	if h.checkOff {
		return detail + "Checking calls is off on this gateway."
	}
	return detail + "POST to " + h.route.String() + "/" + checkSegment + " instead."
}
