package caddyfile

import (
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/handler"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

// bulk is the table of the subdirectives of bulk.
var bulk = options[handler.Bulk]{
	in:       "bulk",
	validate: (*handler.Bulk).Validate,
	table: []option[handler.Bulk]{
		{
			name: "max_rows", syntax: "<number>", def: "100", least: 1, most: 1,
			example: "max_rows 500",
			set: func(b *handler.Bulk, args []string) error {
				n, err := strconv.Atoi(args[0])
				if err != nil || n < 1 {
					return fmt.Errorf("%q is not a number above 0", args[0])
				}
				b.MaxRows = n
				return nil
			},
		},
		{
			name: "max_body", syntax: "<size>", def: "256KiB", least: 1, most: 1,
			example: "max_body 1MiB",
			set:     func(b *handler.Bulk, args []string) error { return stores.Size(&b.MaxBody, args[0]) },
		},
		{
			name: "pace", syntax: "<duration>", def: handler.DefaultPace.String(), least: 1, most: 1,
			example: "pace 0",
			set: func(b *handler.Bulk, args []string) error {
				n, err := caddy.ParseDuration(args[0])
				if err != nil || n < 0 {
					return fmt.Errorf("%q is not a duration; write 0, or a number above 0 with a unit, such as %s", args[0], time.Second)
				}
				pace := caddy.Duration(n)
				b.Pace = &pace
				return nil
			},
		},
		{
			name: "on_failure", syntax: "stop|continue", def: handler.BulkStop, least: 1, most: 1,
			example: "on_failure continue",
			set:     func(b *handler.Bulk, args []string) error { b.OnFailure = args[0]; return nil },
		},
	},
}
