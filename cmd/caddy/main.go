// Command caddy is Caddy with its standard modules and conference_members.
//
// It is what xcaddy builds, for those who have only Go:
//
//	go run ./cmd/caddy run --config Caddyfile.example
package main

import (
	_ "time/tzdata"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/evovoice-gateway/caddy-conference-members"
	_ "github.com/evovoice-gateway/caddy-conference-members/stores/redis"
)

func main() {
	caddycmd.Main()
}
