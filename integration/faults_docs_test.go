package integration

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/docgen"
	"github.com/evovoice-gateway/caddy-conference-members/internal/faults"
)

const faultsFile = "../docs/faults.md"

// TestDocsFaults holds that the documentation says what TestFaults holds; -update
// writes it.
func TestDocsFaults(t *testing.T) {
	makers := make(map[string]docgen.Maker)
	for _, of := range []string{ofUpstream, ofClient, ofOperator, ofStore} {
		makers[of] = func(string, string) (string, error) { return rowsOf(of), nil }
	}
	docgen.Check(t, *updateDocs, "go test ./integration -run DocsFaults -update", makers, faultsFile)
}

// onceMore says what becomes of a call that is sent again.
var onceMore = map[string]string{
	"placed":            "the call is placed",
	"replayed":          "the response is replayed",
	"response_not_kept": "409 [`response_not_kept`](rules.md#response_not_kept)",
	"outcome_unknown":   "409 [`outcome_unknown`](rules.md#outcome_unknown)",
}

// rowsOf returns the table of the faults of one party.
func rowsOf(of string) string {
	var rows [][]string
	all := slices.Clone(faultCases)
	for _, c := range shutdownCases {
		all = append(all, c.faultCase)
	}
	for _, c := range storeCases {
		all = append(all, c.faultCase)
	}
	for _, c := range all {
		if c.of != of {
			continue
		}
		what := c.what
		if c.over != nil {
			what += " (" + strings.Join(c.over, ", ") + ")"
		}
		json, csv := c.fate("json"), c.fate("csv")
		outcome := counted(json)
		if csv.Outcome != json.Outcome {
			outcome += ", as CSV " + counted(csv)
		}
		rows = append(rows, []string{
			what, c.gets(json), c.gets(csv), strconv.Itoa(c.requests), "`" + c.call(json) + "`", outcome, onceMore[c.onceAgain(json)],
		})
	}
	columns := []string{"The " + of, "A client of JSON gets", "A client of CSV gets", "Upstream requests", "The call is", "Outcome", "With the same key again"}
	return docgen.Table(columns, rows...)
}

// gets says what a client gets.
func (c *faultCase) gets(f faults.Fate) string {
	if f.Status == 0 {
		if c.of == ofClient {
			return "nothing, it is gone"
		}
		return "no response, the connection ends"
	}
	text := fmt.Sprint(f.Status)
	if c.continued {
		text = "100, then " + text
	}
	if f.Reason != "" {
		text += ", as it came, with `X-Transcode-Error: " + f.Reason + "`"
	}
	if f.Broken {
		text += ", which breaks off"
	}
	return text
}

// counted says how it is counted.
func counted(f faults.Fate) string {
	if f.Outcome == "" {
		return "not counted"
	}
	return docgen.Code(f.Outcome)
}
