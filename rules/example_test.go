package rules_test

import (
	"fmt"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

func Example() {
	policy, err := rules.Compile(rules.Options{
		Numbers: rules.NumberOptions{Region: "US", DenyTypes: []string{"premium_rate"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	call := rules.Call{
		rules.CallSID:     {Text: "CA0123456789abcdef0123456789abcdef", Set: true},
		rules.Destination: {Text: "(900) 555-0123", Set: true},
		rules.FromNumber:  {Text: "Alice", Set: true},
	}
	policy.Normalize(&call)
	verdict := policy.Judge(call)
	fmt.Println(verdict.Kind, verdict.Country, call[rules.Destination].Text)
	for _, v := range verdict.Violations {
		fmt.Printf("%d %s: %s\n", v.Rule.Status, v.Rule.Name, v.Detail)
	}
	// Output:
	// phone US +19005550123
	// 422 from_number_format: fromNumber is not a phone number.
	// 422 number_type: destination (+19*******23) is a number of type premium_rate, which is not dialled here.
}

func ExampleCompile() {
	_, err := rules.Compile(rules.Options{
		Require: []string{"callId"},
		Numbers: rules.NumberOptions{Region: "UK"},
	})
	fmt.Println(err)
	// Output:
	// require: there is no field "callId"; did you mean callSid?
	// numbers.region: "UK" is not the ISO 3166 code of a country with phone numbers, such as US or DE; did you mean GB?
}

func ExamplePolicy_Judge_report() {
	policy, err := rules.Compile(rules.Options{Rules: map[string]string{"emergency": rules.Report}})
	if err != nil {
		fmt.Println(err)
		return
	}
	verdict := policy.Judge(rules.Call{rules.Destination: {Text: "911", Set: true}})
	fmt.Println(len(verdict.Violations), "refuse")
	for _, v := range verdict.Reported {
		fmt.Println(v.Detail)
	}
	// Output:
	// 0 refuse
	// destination is an emergency number, or connects to one.
}

func ExampleMask() {
	fmt.Println(destination.Mask("+12025550123"))
	// Output:
	// +12*******23
}
