package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
)

// The values of the options that are neither modes nor names of something.
const (
	deny  = "deny"
	allow = "allow"
)

// Compile checks options and makes a policy of them. Its error joins all that
// is wrong with them, each with the option's name and, where a value is almost
// right, with the one that was probably meant.
func Compile(o Options) (*Policy, error) {
	b := builder{policy: &Policy{modes: make([]string, len(table))}}
	b.modes(&o)
	b.fields(&o)
	b.numbers(&o.Numbers)
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	b.rules()
	return b.policy, nil
}

// builder collects a policy and all that is wrong with its options.
type builder struct {
	policy *Policy
	errs   []error
}

func (b *builder) errorf(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf(format, args...))
}

// oneOf returns value if it is one of choices, and first if it is empty.
func (b *builder) oneOf(option, value string, choices ...string) string {
	if value == "" {
		return choices[0]
	}
	if err := nearmiss.OneOf(value, choices); err != nil {
		b.errorf("%s: %w", option, err)
	}
	return value
}

// modes sets the mode of every rule: what its own option says, or else what
// Numbers says within what Mode says.
func (b *builder) modes(o *Options) {
	mode := b.oneOf("mode", o.Mode, Enforce, Report, Off)
	for _, r := range table {
		b.policy.modes[r.number] = Enforce
		if r.Switchable {
			b.policy.modes[r.number] = mode
		}
		if r.warns && mode != Off {
			b.policy.modes[r.number] = Warn
		}
	}
	switch b.oneOf("numbers.validity", o.Numbers.Validity, Warn, Enforce, Off) {
	case Enforce:
		b.policy.modes[Validity.number] = mode
	case Off:
		b.policy.modes[Validity.number] = Off
	}
	if b.oneOf("numbers.emergency", o.Numbers.Emergency, deny, allow) == allow {
		b.policy.modes[Emergency.number] = Off
	}
	if d := o.Numbers.Distinct; d != nil && !*d {
		b.policy.modes[Distinct.number] = Off
	}
	for _, name := range slices.Sorted(maps.Keys(o.Rules)) {
		own := o.Rules[name]
		r := ByName(name)
		switch {
		case r == nil:
			b.errorf("rules.%s: there is no such rule%s", name, nearmiss.Hint(name, switchable()))
		case !r.Switchable:
			b.errorf("rules.%s: is always enforced: it judges requests that could not be forwarded", name)
		case own == "":
			b.errorf("rules.%s: want one of %s", name, strings.Join([]string{Enforce, Report, Off}, ", "))
		default:
			b.policy.modes[r.number] = b.oneOf("rules."+name, own, Enforce, Report, Off)
		}
	}
}

// switchable returns the names of the rules that can be switched.
func switchable() []string {
	var names []string
	for r := range All() {
		if r.Switchable {
			names = append(names, r.Name)
		}
	}
	return names
}

func (b *builder) fields(o *Options) {
	if o.Require == nil {
		b.policy.require = []Field{Destination}
	}
	for _, name := range o.Require {
		f, ok := FieldByName(name)
		switch {
		case !ok:
			b.errorf("require: there is no field %q%s", name, nearmiss.Hint(name, fieldNames[:]))
		case slices.Contains(b.policy.require, f):
			b.errorf("require: %s appears twice", f)
		default:
			b.policy.require = append(b.policy.require, f)
		}
	}
	names := make([]string, 0, len(destination.Kinds()))
	for _, k := range destination.Kinds() {
		names = append(names, string(k))
	}
	for _, name := range o.Destinations {
		switch k := destination.Kind(name); {
		case !slices.Contains(destination.Kinds(), k):
			b.errorf("destinations: there is no kind %q; the kinds are %s%s", name, list(names), nearmiss.Hint(name, names))
		case b.policy.takes(k):
			b.errorf("destinations: %s appears twice", name)
		default:
			b.policy.destinations = append(b.policy.destinations, k)
		}
	}
	b.policy.kindList = list(o.Destinations)
}

func (b *builder) numbers(o *NumberOptions) {
	p := b.policy
	if o.Region != "" {
		if region, ok := b.country("numbers.region", o.Region); ok && region == destination.Global {
			b.errorf("numbers.region: %s is not a country", destination.Global)
		} else {
			p.region = region
		}
	}
	dialer, err := destination.NewDialer(p.region)
	if err != nil {
		b.errs = append(b.errs, err)
	}
	p.dialer = dialer
	p.allow = b.countries("numbers.allow_countries", o.AllowCountries)
	p.deny = b.countries("numbers.deny_countries", o.DenyCountries)
	if p.allow != nil {
		p.countries = "; those that are: " + few(slices.Sorted(maps.Keys(p.allow)))
	}
	for _, country := range slices.Sorted(maps.Keys(p.allow)) {
		if p.deny[country] {
			b.errorf("numbers.allow_countries: %s is in deny_countries too", country)
		}
	}
	types := destination.Types()
	for _, name := range o.DenyTypes {
		if !slices.Contains(types, name) {
			b.errorf("numbers.deny_types: there is no type %q; the types are %s%s", name, list(types), nearmiss.Hint(name, types))
			continue
		}
		p.denyTypes = add(p.denyTypes, name)
	}
	for i, number := range o.AllowFrom {
		if p.region != "" && !destination.IsE164(number) {
			if rewritten, ok := destination.E164(number, p.region); ok {
				number = rewritten
			}
		}
		if problem := destination.PhoneProblem(number); problem != "" {
			b.errorf("numbers.allow_from: number %d (%s) %s", i+1, destination.Mask(number), problem)
			continue
		}
		p.allowFrom = add(p.allowFrom, number)
	}
}

// add puts a name into a set that is nil as long as it is empty.
func add(set map[string]bool, name string) map[string]bool {
	if set == nil {
		set = make(map[string]bool)
	}
	set[name] = true
	return set
}

// countries makes a set of a list of countries, nil of an empty one.
func (b *builder) countries(option string, codes []string) map[string]bool {
	var set map[string]bool
	for _, code := range codes {
		if country, ok := b.country(option, code); ok {
			set = add(set, country)
		}
	}
	return set
}

// mistaken are codes that people write for a country, and its ISO 3166 code.
var mistaken = map[string]string{
	"UK": "GB", "EN": "GB", "EL": "GR", "USA": "US", "GBR": "GB", "CAN": "CA", "DEU": "DE", "GER": "DE", "FRA": "FR", "AUS": "AU",
}

// country returns a country's ISO 3166 code in upper case, if there are phone
// numbers of that country.
func (b *builder) country(option, code string) (string, bool) {
	upper := strings.ToUpper(code)
	if upper == destination.Global || phonenumbers.GetSupportedRegions()[upper] {
		return upper, true
	}
	b.errorf("%s: %q is not the ISO 3166 code of a country with phone numbers, such as US or DE%s", option, code, didYouMean(mistaken[upper]))
	return "", false
}

// rules sorts the rules of judging that are not off and that something can fail by whose
// turn it is.
func (b *builder) rules() {
	p := b.policy
	for _, r := range table {
		check := check{r, r.check}
		switch {
		case r.check == nil || p.Mode(r) == Off || r.applies != nil && !r.applies(p):
		case r == Required: // judged of the fields that are
		case len(r.Fields) == int(NumFields):
			p.anyField = append(p.anyField, check)
		case r.comparesDestination:
			p.byField[Destination] = append(p.byField[Destination], check)
		default:
			for _, f := range r.Fields {
				p.byField[f] = append(p.byField[f], check)
			}
		}
	}
}

// maxListed is how many names of a long list are shown.
const maxListed = 12

// few joins the first names of a list for people.
func few(names []string) string {
	if len(names) <= maxListed {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:maxListed], ", ") + " and " + strconv.Itoa(len(names)-maxListed) + " more"
}

// list joins names for people: "a, b or c".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func didYouMean(choice string) string {
	if choice == "" {
		return ""
	}
	return "; did you mean " + choice + "?"
}
