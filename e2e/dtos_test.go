package e2e

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// member finds a line of a class that declares a member.
var member = regexp.MustCompile(`(?m)^    public (\w+): `)

// TestThePublishedTypesHaveEveryProperty compares the types that the API
// publishes for its client library with the columns.
func TestThePublishedTypesHaveEveryProperty(t *testing.T) {
	text, err := os.ReadFile("client/dtos.ts")
	if err != nil {
		t.Fatal(err)
	}
	for rows, class := range map[string]string{
		transform.RowsSession:            "SessionInfo",
		transform.RowsCustomerBreadcrumb: "EntityReference",
		transform.RowsLog:                "SessionLogEntry",
		transform.RowsMembers:            "SessionMember",
	} {
		_, body, ok := strings.Cut(string(text), "class "+class+"\n{\n")
		body, _, ok2 := strings.Cut(body, "\n}\n")
		if !ok || !ok2 {
			t.Fatalf("there is no class %s", class)
		}
		var got, want []string
		for _, m := range member.FindAllStringSubmatch(body, -1) {
			got = append(got, m[1])
		}
		for _, p := range transform.Properties(rows) {
			want = append(want, p.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%q\ncolumns:\n%q", class, got, want)
		}
	}
}
