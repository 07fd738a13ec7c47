package transform_test

import (
	"fmt"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

const session = `{
	"fromName": "O'Brien, \"Pat\"",
	"ended": false,
	"members": [
		{"identity": "user:42", "displayName": "Ann", "muted": false},
		{"identity": "caller", "displayName": "=Pat", "muted": true}
	],
	"id": "S1"
}`

// show prints CSV with plain line ends.
func show(csv []byte, err error) {
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(strings.ReplaceAll(string(csv), "\r\n", "\n"))
}

func Example() {
	plan, err := transform.Compile(transform.Options{
		Columns: []transform.Column{{Name: "id"}, {Name: "fromName", Label: "Caller"}, {Name: "ended"}, {Name: "members"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(plan.AppendSessions(nil, []byte(session)))
	// Output:
	// Id,Caller,Ended,Members
	// S1,"O'Brien, ""Pat""",False,"[{identity:""user:42"",displayName:Ann,muted:False},{identity:caller,displayName:=Pat,muted:True}]"
}

func ExampleCompile() {
	_, err := transform.Compile(transform.Options{
		Columns:   []transform.Column{{Name: "fromNumber"}},
		Delimiter: `"`,
	})
	fmt.Println(err)
	// Output:
	// columns: unknown column "fromNumber"; did you mean fromPhoneNumber?
	// delimiter: a quote cannot be the delimiter: cells are quoted with it
}

func ExamplePlan_AppendSessions_rows() {
	plan, err := transform.Compile(transform.Options{
		Dialect: "rfc4180",
		Rows:    transform.RowsMembers,
		Columns: []transform.Column{{Name: "*"}, {Name: "session.ended"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(plan.AppendSessions(nil, []byte(session)))
	// Output:
	// sessionId,identity,endpointId,displayName,isOriginalMember,avatarUrl,applicationData,callState,role,callSid,muted,sessionEnded
	// S1,user:42,,Ann,,,,,,,false,false
	// S1,caller,,=Pat,,,,,,,true,false
}

func ExamplePlan_AppendError() {
	plan, err := transform.Compile(transform.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(plan.AppendError(nil, []byte(`{"responseStatus":{"errorCode":"NotFound","message":"No session S2","errors":[]}}`)))
	// Output:
	// ResponseStatus
	// "{errorCode:NotFound,message:No session S2,errors:[]}"
}

func ExampleError() {
	plan, err := transform.Compile(transform.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = plan.AppendSessions(nil, []byte(`{"id":"S1","id":"S2"}`))
	fmt.Println(err)
	// Output:
	// duplicate_name at byte 11
}
