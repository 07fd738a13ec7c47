package handler

import (
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// columns returns columns, by name or as LABEL:PATH.
func columns(names ...string) []transform.Column {
	var columns []transform.Column
	for _, name := range names {
		if label, path, ok := strings.Cut(name, ":"); ok {
			columns = append(columns, transform.Column{Label: label, Path: path})
		} else {
			columns = append(columns, transform.Column{Name: name})
		}
	}
	return columns
}

func TestAViewStartsFromTheColumnsAroundIt(t *testing.T) {
	for _, c := range []struct {
		rule       string
		base, view CSV
		want       string
	}{
		{
			"a view without columns has those around it",
			CSV{Options: transform.Options{Columns: columns("id", "P:log.#")}},
			CSV{},
			"Id P",
		},
		{
			"a view with columns has its own",
			CSV{Options: transform.Options{Columns: columns("id", "P:log.#")}},
			CSV{Options: transform.Options{Columns: columns("ended")}},
			"Ended",
		},
		{
			"* in a view is the columns around it that it does not name",
			CSV{Options: transform.Options{Columns: columns("id", "ended", "P:log.#")}},
			CSV{Options: transform.Options{Columns: columns("Q:members.#", "*", "id")}},
			"Q Ended P Id",
		},
		{
			"a view with other rows has all of their columns",
			CSV{Options: transform.Options{Columns: columns("id", "P:log.#")}},
			CSV{Options: transform.Options{Rows: "log"}},
			"SessionId Date Message",
		},
		{
			"a view with the same rows has the columns around it",
			CSV{Options: transform.Options{Rows: "log", Columns: columns("date", "P:row:message")}},
			CSV{Options: transform.Options{Rows: "log", Columns: columns("*", "session.id")}},
			"Date P SessionId",
		},
		{
			"a view with the rows of a session named is no other",
			CSV{Options: transform.Options{Columns: columns("id")}},
			CSV{Options: transform.Options{Rows: "session"}},
			"Id",
		},
	} {
		plan, err := transform.Compile(c.view.over(&c.base).Options)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		if got := strings.Join(plan.Header(), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
	}
}
