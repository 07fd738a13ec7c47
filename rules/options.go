package rules

// The modes of a rule, from the strictest to none. Warn is that of validity alone.
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
	// Mode is the mode of every rule that has none of its own: "enforce" refuses
	// what fails, "report" counts and logs it and lets the request go on, "off"
	// judges nothing. Default: enforce.
	Mode string `json:"mode,omitempty"`

	// Rules gives single rules a mode of their own, by the rule's name. It beats
	// Mode and whatever Numbers says about the same rule. Rules about reading and
	// routing a request are always enforced and can't stand here.
	Rules map[string]string `json:"rules,omitempty"`

	// Require lists the fields that must be there and not be empty: sessionId,
	// callSid, destination, fromNumber. Default: destination. An empty list
	// requires none.
	Require []string `json:"require,omitzero"`

	// Destinations lists the kinds of destination that may be dialled: phone,
	// sip, client, email, name. Default: all of them.
	Destinations []string `json:"destinations,omitempty"`

	// Numbers is the dial policy: what is done about phone numbers.
	Numbers NumberOptions `json:"numbers,omitzero"`
}

// NumberOptions are the dial policy. It judges every phone number that a carrier
// could find in a destination, whatever its kind.
type NumberOptions struct {
	// Region is the ISO 3166 code of the country from which national numbers are
	// dialled. With a region, national and punctuated numbers in destination and
	// fromNumber are rewritten to E.164. Default: none; national numbers stay as
	// they are, of unknown country, and punctuated ones are refused.
	Region string `json:"region,omitempty"`

	// AllowCountries lists the ISO 3166 codes of the only countries that may be
	// dialled. A number whose country can't be told is refused. "001" stands for
	// the codes that belong to no country, such as +800 and +882. Default: all.
	AllowCountries []string `json:"allow_countries,omitempty"`

	// DenyCountries lists the ISO 3166 codes of countries that may not be
	// dialled. A number whose country can't be told is refused if it might be one
	// of them: a national number without a region, or a number under a calling
	// code that one of them shares. Default: none.
	DenyCountries []string `json:"deny_countries,omitempty"`

	// DenyTypes lists the types of number that may not be dialled: fixed_line,
	// mobile, fixed_line_or_mobile (where the two can't be told apart, as in the
	// US), toll_free, premium_rate, shared_cost, voip, personal_number, pager,
	// uan, voicemail, satellite (+870, +881, +882 and +883). Default: none.
	DenyTypes []string `json:"deny_types,omitempty"`

	// Emergency is "deny" or "allow". Emergency numbers are those of Region, of
	// the calling code in the +CC form (+1911), and 112 and 911 everywhere. With
	// no region, a short bare number that is an emergency number of any country
	// counts as one: 100 to 119 and many more, which may be extensions elsewhere,
	// so set a region where there are such. Default: deny.
	Emergency string `json:"emergency,omitempty"`

	// Validity says what happens to a number that does not exist by
	// libphonenumber's tables: "warn" counts and logs it in any mode but off, "enforce"
	// refuses it, "off" asks nothing. Under mode report or off it never does more than
	// that mode.
	// Default: warn.
	Validity string `json:"validity,omitempty"`

	// AllowFrom lists the only numbers that may stand as fromNumber, in E.164 or,
	// with a region, as written there. A call without fromNumber passes; require
	// the field to close that. Default: any.
	AllowFrom []string `json:"allow_from,omitempty"`

	// Distinct says whether fromNumber must differ from destination. Default:
	// true.
	Distinct *bool `json:"distinct,omitempty"`
}
