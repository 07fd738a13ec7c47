package negotiate_test

import (
	"fmt"

	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
)

func ExampleOffers_Accept() {
	offers := negotiate.NewOffers(true)
	for _, accept := range []string{
		"text/csv",
		"text/csv;q=0.5, application/json",
		"text/*, application/json;q=0.1",
		"image/png",
	} {
		format, ok := offers.Accept([]string{accept})
		fmt.Println(format, ok)
	}
	// Output:
	// csv true
	// json true
	// csv true
	// none false
}

func ExampleFromQuery() {
	q := negotiate.FromQuery("a=b&Format=c%73v", "format")
	format, ok := negotiate.ByName(q.Value)
	fmt.Println(format, ok, q.Ambiguous)
	// Output:
	// csv true false
}
