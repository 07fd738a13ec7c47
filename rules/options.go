package rules

// The modes of a rule, from the strictest to none. Warn is that of
// validity and lost_plus, unless the options say more.
const (
	Enforce = "enforce" // what fails is refused
	Report  = "report"  // what fails is counted and logged, and goes on
	Warn    = "warn"    // the same, of what would not be refused either
	Off     = "off"     // nothing is judged
)

// MaxText is the most characters, not bytes, that a field may hold.
const MaxText = 256

// Options say how a call is judged. The zero value is the default policy. They
// are compiled once, by [Compile].
type Options struct {
	// The mode of every rule without a mode. `enforce` refuses a request that
	// breaks a rule. `report` counts it, logs it and forwards it. `off` judges nothing.
	// Default: `enforce`.
	Mode string `json:"mode,omitempty"`

	// The mode of one rule, by its name. It beats the mode of all rules and whatever the
	// dial policy says about the same rule. Rules about reading and routing a request are
	// always enforced and have no mode. Default: the mode of all rules.
	Rules map[string]string `json:"rules,omitempty"`

	// The fields that must be present and not empty, of `sessionId`, `callSid`,
	// `destination` and `fromNumber`. An empty list requires none. Default: `destination`.
	Require []string `json:"require,omitzero"`

	// The kinds of destination that may be dialled, of `phone`, `sip`, `client`, `email`
	// and `name`. Default: all of them.
	Destinations []string `json:"destinations,omitempty"`

	// The dial policy. It judges every phone number that a carrier could find in a
	// destination, whatever its kind.
	Numbers NumberOptions `json:"numbers,omitzero"`
}

// NumberOptions are the dial policy. It judges every phone number that a carrier
// could find in a destination, whatever its kind.
type NumberOptions struct {
	// The ISO 3166 code of the country from which national numbers are dialled. With a
	// region, national and punctuated numbers in destination and fromNumber are rewritten
	// to E.164. Without one, national numbers stay as they are, of unknown country, and
	// punctuated ones are refused. Default: none.
	Region string `json:"region,omitempty"`

	// The ISO 3166 codes of the only countries that may be dialled. A number whose country
	// can't be told is refused. `001` means the calling codes that belong to no country,
	// such as +800 and +882. Default: all.
	AllowCountries []string `json:"allow_countries,omitempty"`

	// The ISO 3166 codes of countries that may not be dialled. A number whose country
	// can't be told is refused if it might be one of them: a national number without a
	// region, or a number under a calling code that one of them shares. Default: none.
	DenyCountries []string `json:"deny_countries,omitempty"`

	// The types of number that may not be dialled: `fixed_line`, `mobile`,
	// `fixed_line_or_mobile` (where the two can't be told apart, as in the US),
	// `toll_free`, `premium_rate`, `shared_cost`, `voip`, `personal_number`, `pager`,
	// `uan`, `voicemail`, `satellite` (+870, +881, +882 and +883). Default: none.
	DenyTypes []string `json:"deny_types,omitempty"`

	// Whether emergency numbers may be dialled: `deny` or `allow`. They are those of the
	// region, those of a calling code in the +CC form (+1911), and 112 and 911 everywhere.
	// Without a region, a short bare number that is an emergency number of any country
	// counts as one: 100 to 119 and many more. Set a region if such numbers are extensions
	// of yours. Default: `deny`.
	Emergency string `json:"emergency,omitempty"`

	// What happens to a number that does not exist by libphonenumber's tables. `warn`
	// counts and logs it and forwards the call, `enforce` refuses it, `off` does not look.
	// Under mode `report` or `off` it never does more than that mode. Default: `warn`.
	Validity string `json:"validity,omitempty"`

	// The only numbers that fromNumber may be, in E.164 or, with a region, as written
	// there. A call without fromNumber passes; to refuse it too, `require` the field.
	// Default: any.
	AllowFrom []string `json:"allow_from,omitempty"`

	// Whether fromNumber must differ from destination. Default: true.
	Distinct *bool `json:"distinct,omitempty"`
}
