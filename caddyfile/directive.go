package caddyfile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/handler"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

// Name is the name of the directive.
const Name = "conference_members"

// Unmarshal reads the directive's tokens into c. Syntax:
//
//	conference_members [<matcher>] {
//	    <subdirective> ...
//	}
func Unmarshal(d *caddyfile.Dispenser, c *handler.Config) error {
	d.Next() // consume the directive's name
	at := *d
	if args := d.RemainingArgs(); len(args) > 0 {
		return at.Errf("%s takes no arguments but a matcher, got %q", Name, args[0])
	}
	return errors.Join(directive.read(d, c)...)
}

// directive is the table of the directive's subdirectives.
var directive = options[handler.Config]{
	in:       Name,
	validate: (*handler.Config).Validate,
	whole: func(c *handler.Config) error {
		return cmp.Or(c.Validate(), c.ValidateTogether())
	},
	table: []option[handler.Config]{
		{
			name: "route", syntax: "<template>", def: handler.DefaultRoute, least: 1, most: 1,
			example: "route /v2/sessions/{sessionId}/conference/members",
			set:     func(c *handler.Config, args []string) error { c.Route = args[0]; return nil },
		},
		{
			name: "predefined_routes", syntax: "judge|refuse|pass", def: handler.PredefinedJudge, least: 1, most: 1,
			example: "predefined_routes refuse",
			set:     func(c *handler.Config, args []string) error { c.PredefinedRoutes = args[0]; return nil },
		},
		{
			name: "calls", syntax: "on|off", def: handler.CallsOn, least: 1, most: 1,
			example: "calls off",
			set:     func(c *handler.Config, args []string) error { c.Calls = args[0]; return nil },
		},
		{
			name: "check", syntax: "on|off", def: handler.CheckOn, least: 1, most: 1,
			example: "check off",
			set:     func(c *handler.Config, args []string) error { c.Check = args[0]; return nil },
		},
		{
			name: "max_body", syntax: "<size>", def: "16KiB", least: 1, most: 1,
			example: "max_body 32KiB",
			set:     func(c *handler.Config, args []string) error { return stores.Size(&c.MaxBody, args[0]) },
		},
		{
			name: "unknown_fields", syntax: "strip|pass|reject", def: "strip", least: 1, most: 1,
			example: "unknown_fields reject",
			set:     func(c *handler.Config, args []string) error { c.UnknownFields = args[0]; return nil },
		},
		{
			name: "default", syntax: "<field> <value>", def: "none", least: 2, most: 2, repeats: true,
			example: "default fromNumber +12025550100",
			set:     func(c *handler.Config, args []string) error { return put(&c.Default, args) },
		},
		{
			name: "set", syntax: "<field> <value>", def: "none", least: 2, most: 2, repeats: true,
			example: "set tenant {http.request.host}",
			set:     func(c *handler.Config, args []string) error { return put(&c.Set, args) },
		},
		{
			name: "correlation_id", syntax: "[<header>]", def: "off", most: 1,
			example: "correlation_id X-Request-ID",
			set: func(c *handler.Config, args []string) error {
				c.CorrelationID = handler.DefaultCorrelationHeader
				if len(args) > 0 {
					c.CorrelationID = args[0]
				}
				return nil
			},
		},
		{
			name: "hash_key", syntax: "<key>", def: "made at start", least: 1, most: 1,
			example: "hash_key {env.HASH_KEY}",
			set:     func(c *handler.Config, args []string) error { c.HashKey = args[0]; return nil },
		},
		{
			name: "require", syntax: "[<field>...]", def: "destination", most: many,
			example: "require destination callSid",
			set: func(c *handler.Config, args []string) error {
				c.Require = append([]string{}, args...)
				return nil
			},
		},
		{
			name: "mode", syntax: "enforce|report|off", def: "enforce", least: 1, most: 1,
			example: "mode report",
			set:     func(c *handler.Config, args []string) error { c.Mode = args[0]; return nil },
		},
		{
			name: "rule", json: "rules", syntax: "<name> enforce|report|off", def: "as `mode` says", least: 2, most: 2, repeats: true,
			example: "rule validity enforce",
			set:     func(c *handler.Config, args []string) error { return put(&c.Rules, args) },
		},
		{
			name: "destinations", syntax: "<kind>...", def: "phone sip client email name", least: 1, most: many,
			example: "destinations phone sip",
			set:     func(c *handler.Config, args []string) error { c.Destinations = args; return nil },
		},
		{
			name: "numbers", syntax: "{ ... }", def: "see below",
			example: "numbers {\n\tregion US\n\tallow_countries US CA\n}",
			block: func(d *caddyfile.Dispenser, c *handler.Config, _ []string) []error {
				return numbers.read(d, &c.Numbers)
			},
		},
		{
			name: "csv", syntax: "{ ... }", def: "see below",
			example: "csv {\n\tdialect excel\n}",
			block: func(d *caddyfile.Dispenser, c *handler.Config, _ []string) []error {
				c.CSV = new(handler.CSV)
				return csv.read(d, c.CSV)
			},
		},
		{
			name: "capture", json: "captures", syntax: "<name> <path>", def: "none", least: 2, most: 2, repeats: true,
			example: "capture participant members.@reverse.0.callSid",
			set:     func(c *handler.Config, args []string) error { return put(&c.Captures, args) },
		},
		{
			name: "idempotency", syntax: "{ ... }", def: "off",
			example: "idempotency {\n\tttl 48h\n}",
			block: func(d *caddyfile.Dispenser, c *handler.Config, _ []string) []error {
				c.Idempotency = new(handler.Idempotency)
				return idempotency.read(d, c.Idempotency)
			},
		},
		{
			name: "duplicates", syntax: "{ ... }", def: "off",
			example: "duplicates {\n\twindow 30s\n}",
			block: func(d *caddyfile.Dispenser, c *handler.Config, _ []string) []error {
				c.Duplicates = new(handler.Duplicates)
				return duplicates.read(d, c.Duplicates)
			},
		},
		{
			name: "bulk", syntax: "{ ... }", def: "off",
			example: "bulk {\n\tmax_rows 50\n}",
			block: func(d *caddyfile.Dispenser, c *handler.Config, _ []string) []error {
				c.Bulk = new(handler.Bulk)
				return bulk.read(d, c.Bulk)
			},
		},
		{
			name: "errors_via", syntax: "handle_errors", def: "the module's own responses", least: 1, most: 1,
			example: "errors_via handle_errors",
			set:     func(c *handler.Config, args []string) error { c.ErrorsVia = args[0]; return nil },
		},
	},
}

// put stores a value under a key that must not appear twice.
func put(m *map[string]string, args []string) error {
	if _, ok := (*m)[args[0]]; ok {
		return fmt.Errorf("%s appears twice", args[0])
	}
	next := maps.Clone(*m)
	if next == nil {
		next = make(map[string]string)
	}
	next[args[0]] = args[1]
	*m = next
	return nil
}

// onOff stores a switch that is on without an argument.
func onOff(b **bool, args []string) error {
	on := true
	if len(args) > 0 {
		switch args[0] {
		case "on":
		case "off":
			on = false
		default:
			return fmt.Errorf("%q is not on or off", args[0])
		}
	}
	*b = &on
	return nil
}
