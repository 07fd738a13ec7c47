package handler

import (
	"net/http"
	"slices"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// dryRunFlags are the flags by which APIs are asked to do nothing, in lower case
// and without separators. The upstream knows none of them, and would dial.
var dryRunFlags = []string{"dryrun", "validate", "validateonly"}

// isDryRunFlag reports whether a name is one of the flags, in whatever spelling.
func isDryRunFlag(name string) bool {
	name = strings.Map(func(c rune) rune {
		if strings.ContainsRune("_-. ", c) {
			return -1
		}
		return c
	}, name)
	return slices.ContainsFunc(dryRunFlags, func(flag string) bool { return strings.EqualFold(flag, name) })
}

// asksForDryRun reports whether a client thinks that a flag of its request keeps
// the phone from ringing.
func asksForDryRun(r *http.Request) bool {
	for name := range r.Header {
		if name, ok := strings.CutPrefix(name, "X-"); ok && isDryRunFlag(name) {
			return true
		}
	}
	found := false
	if r.URL.RawQuery != "" {
		request.StripQuery(r.URL.RawQuery, func(name string) bool {
			found = found || isDryRunFlag(name)
			return found
		})
	}
	return found
}

// dryRunRefused refuses a flag, and says where to check a call instead.
func (h *Handler) dryRunRefused() *refusal {
	detail := "The request has a flag for a dry run, which is not known here: a call would be placed all the same. "
	if h.checkOff {
		detail += "Checking calls is off on this gateway."
	} else {
		detail += "POST to " + h.route.String() + "/" + checkCalls.under + " instead."
	}
	return newRefusal(metrics.Refused, rules.DryRunPath, detail)
}
