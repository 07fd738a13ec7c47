package request_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/request"
)

func ExampleReader_Read() {
	r := httptest.NewRequest(http.MethodPost, "/sessions/S1/conference/members?fromNumber=%2B12025550100",
		strings.NewReader("CALLSID,Destination\r\nCA0123456789abcdef0123456789abcdef,+12025550123\r\n"))
	r.Header.Set("Content-Type", "text/csv")

	var reader request.Reader
	asked, violations, err := reader.Read(r, "S1")
	if err != nil || len(violations) > 0 {
		fmt.Println(violations, err)
		return
	}
	fmt.Printf("%s\n", asked.AppendJSON(nil))
	// Output:
	// {"sessionId":"S1","callSid":"CA0123456789abcdef0123456789abcdef","destination":"+12025550123","fromNumber":"+12025550100"}
}

func ExampleReader_Read_violations() {
	r := httptest.NewRequest(http.MethodPost, "/sessions/S1/conference/members?destination=alice",
		strings.NewReader(`{"destination":"bob","callSid":true}`))
	r.Header.Set("Content-Type", "application/json")

	var reader request.Reader
	_, violations, err := reader.Read(r, "S1")
	for _, v := range violations {
		fmt.Println(v.Rule.Status, v.Rule.Name, v.Pointer)
	}
	fmt.Println(err)
	// Output:
	// 422 conflict #/destination
	// 422 wrong_type #/callSid
	// <nil>
}
