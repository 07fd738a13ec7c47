package caddyfile

import "github.com/evovoice-gateway/caddy-conference-members/rules"

// numbers is the table of the subdirectives of numbers.
var numbers = options[rules.NumberOptions]{
	in:       "numbers",
	validate: validNumbers,
	whole:    validNumbers,
	table: []option[rules.NumberOptions]{
		{
			name: "region", syntax: "<country>", def: "none", least: 1, most: 1,
			example: "region US",
			set:     func(n *rules.NumberOptions, args []string) error { n.Region = args[0]; return nil },
		},
		{
			name: "allow_countries", syntax: "<country>...", def: "all", least: 1, most: many,
			example: "allow_countries US CA",
			set:     func(n *rules.NumberOptions, args []string) error { n.AllowCountries = args; return nil },
		},
		{
			name: "deny_countries", syntax: "<country>...", def: "none", least: 1, most: many,
			example: "deny_countries KP",
			set:     func(n *rules.NumberOptions, args []string) error { n.DenyCountries = args; return nil },
		},
		{
			name: "deny_types", syntax: "<type>...", def: "none", least: 1, most: many,
			example: "deny_types premium_rate shared_cost satellite",
			set:     func(n *rules.NumberOptions, args []string) error { n.DenyTypes = args; return nil },
		},
		{
			name: "emergency", syntax: "deny|allow", def: "deny", least: 1, most: 1,
			example: "emergency allow",
			set:     func(n *rules.NumberOptions, args []string) error { n.Emergency = args[0]; return nil },
		},
		{
			name: "validity", syntax: "warn|enforce|off", def: "warn", least: 1, most: 1,
			example: "validity enforce",
			set:     func(n *rules.NumberOptions, args []string) error { n.Validity = args[0]; return nil },
		},
		{
			name: "allow_from", syntax: "<number>...", def: "any", least: 1, most: many,
			example: "allow_from +12025550100 +12025550101",
			set:     func(n *rules.NumberOptions, args []string) error { n.AllowFrom = args; return nil },
		},
		{
			name: "distinct", syntax: "[on|off]", def: "on", most: 1,
			example: "distinct off",
			set:     func(n *rules.NumberOptions, args []string) error { return onOff(&n.Distinct, args) },
		},
	},
}

func validNumbers(n *rules.NumberOptions) error {
	_, err := rules.Compile(rules.Options{Numbers: *n})
	return err
}
