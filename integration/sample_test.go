package integration

import (
	"os"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// TestTheSampleIsWhatTheDefaultsMake compares the CSV that most scenarios expect with
// what package transform makes; -update writes it, which a new column needs.
func TestTheSampleIsWhatTheDefaultsMake(t *testing.T) {
	plan, err := transform.Compile(transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := plan.AppendSessions(nil, []byte(sessionJSON))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) == sessionCSV {
		return
	}
	if !*updateDocs {
		t.Errorf("testdata/session.csv is not what the defaults make (go test ./integration -run Sample -update writes it): %s", firstDifference(sessionCSV, string(got)))
		return
	}
	if err := os.WriteFile("testdata/session.csv", got, 0o644); err != nil {
		t.Fatal(err)
	}
}
