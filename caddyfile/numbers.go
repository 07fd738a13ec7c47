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
			meaning: "The country (ISO 3166 code) from which national numbers are dialled; national and punctuated numbers are rewritten to E.164.",
			set:     func(n *rules.NumberOptions, args []string) error { n.Region = args[0]; return nil },
		},
		{
			name: "allow_countries", syntax: "<country>...", def: "all", least: 1, most: many,
			meaning: "The only countries that may be dialled. A number of unknown country is refused.",
			set:     func(n *rules.NumberOptions, args []string) error { n.AllowCountries = args; return nil },
		},
		{
			name: "deny_countries", syntax: "<country>...", def: "none", least: 1, most: many,
			meaning: "Countries that may not be dialled.",
			set:     func(n *rules.NumberOptions, args []string) error { n.DenyCountries = args; return nil },
		},
		{
			name: "deny_types", syntax: "<type>...", def: "none", least: 1, most: many,
			meaning: "Types of number that may not be dialled, such as premium_rate, shared_cost and satellite.",
			set:     func(n *rules.NumberOptions, args []string) error { n.DenyTypes = args; return nil },
		},
		{
			name: "emergency", syntax: "deny|allow", def: "deny", least: 1, most: 1,
			meaning: "Whether emergency numbers may be dialled.",
			set:     func(n *rules.NumberOptions, args []string) error { n.Emergency = args[0]; return nil },
		},
		{
			name: "validity", syntax: "warn|enforce|off", def: "warn", least: 1, most: 1,
			meaning: "What happens to a number that does not exist by libphonenumber's tables.",
			set:     func(n *rules.NumberOptions, args []string) error { n.Validity = args[0]; return nil },
		},
		{
			name: "allow_from", syntax: "<number>...", def: "any", least: 1, most: many,
			meaning: "The only numbers that may stand as fromNumber.",
			set:     func(n *rules.NumberOptions, args []string) error { n.AllowFrom = args; return nil },
		},
		{
			name: "distinct", syntax: "[on|off]", def: "on", most: 1,
			meaning: "Whether fromNumber must differ from destination.",
			set:     func(n *rules.NumberOptions, args []string) error { return onOff(&n.Distinct, args) },
		},
	},
}

func validNumbers(n *rules.NumberOptions) error {
	_, err := rules.Compile(rules.Options{Numbers: *n})
	return err
}
