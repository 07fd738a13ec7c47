package route_test

import (
	"fmt"

	"github.com/evovoice-gateway/caddy-conference-members/route"
)

func ExampleTemplate_Match() {
	t, err := route.Parse(route.DefaultTemplate)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range []string{
		"/sessions/S1/conference/members",
		"//SESSIONS/x/../S%31/Conference/members.csv",
		"/sessions/S1",
		"/api/AddConferenceMember",
	} {
		m := t.Match(path)
		fmt.Printf("%d %q %q\n", m.Kind, m.SessionID, m.Suffix)
	}
	// Output:
	// 2 "S1" ""
	// 2 "S1" ".csv"
	// 0 "" ""
	// 3 "" ""
}

func ExampleTemplate_Path() {
	t, err := route.Parse("/v2/calls/{sessionId}/members")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Path("a b", ".csv"))
	// Output:
	// /v2/calls/a%20b/members.csv true
}
