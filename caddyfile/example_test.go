package caddyfile_test

import (
	"encoding/json"
	"fmt"

	caddy "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/caddyfile"
	"github.com/evovoice-gateway/caddy-conference-members/handler"
)

func ExampleUnmarshal() {
	d := caddy.NewTestDispenser(`conference_members {
		require destination callSid
		rule distinct report
		csv {
			dialect excel
			columns id fromName=Caller
		}
	}`)
	var cfg handler.Config
	if err := caddyfile.Unmarshal(d, &cfg); err != nil {
		fmt.Println(err)
		return
	}
	text, err := json.Marshal(&cfg)
	fmt.Println(string(text), err)
	// Output:
	// {"rules":{"distinct":"report"},"require":["destination","callSid"],"csv":{"dialect":"excel","columns":[{"name":"id"},{"name":"fromName","label":"Caller"}]}} <nil>
}

func ExampleUnmarshal_mistakes() {
	d := caddy.NewTestDispenser(`conference_members {
		rout /v2
		csv {
			header camle
		}
	}`)
	var cfg handler.Config
	fmt.Println(caddyfile.Unmarshal(d, &cfg))
	// Output:
	// unknown subdirective "rout"; did you mean route?, at Testfile:2
	// header: "camle" is not one of pascal, camel, off; did you mean camel?, at Testfile:4
}
