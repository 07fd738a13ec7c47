package integration

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const faultsFile = "../docs/faults.md"

// faultTable is what stands between <!-- TABLE NAME --> and <!-- /TABLE -->.
var faultTable = regexp.MustCompile(`(?ms)^<!-- TABLE ([a-z]+) -->\n(.*?)^<!-- /TABLE -->$`)

// TestDocsFaults holds that the documentation says what TestFaults holds; with
// -update it is made to.
func TestDocsFaults(t *testing.T) {
	page := mustRead(faultsFile)
	shown := make(map[string]bool)
	want := faultTable.ReplaceAllStringFunc(page, func(section string) string {
		of := faultTable.FindStringSubmatch(section)[1]
		shown[of] = true
		return "<!-- TABLE " + of + " -->\n" + rowsOf(of) + "<!-- /TABLE -->"
	})
	for _, of := range []string{ofUpstream, ofClient, ofOperator} {
		if !shown[of] {
			t.Errorf("there is no table of the faults of the %s", of)
		}
	}
	if want == page {
		return
	}
	if !*updateDocs {
		t.Fatalf("the faults are others (go test ./integration -run DocsFaults -update writes them): %s", firstDifference(page, want))
	}
	if err := os.WriteFile(faultsFile, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// rowsOf is the table of one party's faults.
func rowsOf(of string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| The %s | A client of JSON gets | A client of CSV gets | Upstream requests | Outcome |\n|---|---|---|---|---|\n", of)
	all := slices.Clone(faultCases)
	for _, c := range shutdownCases {
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
		outcome := json.counted()
		if csv.outcome != json.outcome {
			outcome += ", as CSV " + csv.counted()
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %s |\n", what, c.gets(json), c.gets(csv), c.requests, outcome)
	}
	return b.String()
}

// gets says what a client gets.
func (c *faultCase) gets(f fate) string {
	if f.status == 0 {
		if c.of == ofClient {
			return "nothing, it is gone"
		}
		return "no answer, the connection ends"
	}
	text := fmt.Sprint(f.status)
	if c.continued {
		text = "100, then " + text
	}
	if f.reason != "" {
		text += ", as it came, with `X-Transcode-Error: " + f.reason + "`"
	}
	if f.broken {
		text += ", which breaks off"
	}
	return text
}

// counted says how it is counted.
func (f fate) counted() string {
	if f.outcome == "" {
		return "not counted"
	}
	return "`" + f.outcome + "`"
}
