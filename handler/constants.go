package handler

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// isTemplate reports whether a value may expand to something else.
func isTemplate(value string) bool { return strings.ContainsAny(value, `{\`) }

// environment matches the placeholders of environment variables, which come out the
// same for every request.
var environment = regexp.MustCompile(`\{env\.([^{}]+)\}`)

// ValidateTogether finds mistakes of options that are valid one by one: those that
// contradict each other, and what default and set give to every request alike, since a
// client could do nothing about its failing a rule.
func (c *Config) ValidateTogether() error {
	policy, err := rules.Compile(c.Options)
	if err != nil {
		return err
	}
	return errors.Join(c.contradictions(policy), c.eachAssignment(func(f rules.Field, value string) error {
		if isTemplate(value) {
			return nil
		}
		return judgeConstant(policy, f, value)
	}))
}

// contradictions finds options that do nothing, or harm, beside or without others.
func (c *Config) contradictions(policy *rules.Policy) error {
	var errs []error
	_, configured := c.Rules[rules.DuplicateCall.Name]
	if configured && c.Duplicates == nil && policy.Mode(rules.DuplicateCall) != rules.Off {
		errs = append(errs, errors.New("rules.duplicate_call: no call is a duplicate without the block duplicates; add it"))
	}
	var set rules.Call
	for name, value := range c.Set {
		if f, ok := rules.FieldByName(name); ok && !isTemplate(value) {
			set[f] = rules.Value{Text: value, Set: true}
		}
	}
	policy.Normalize(&set)
	for _, v := range policy.Judge(set).Violations {
		if v.Rule == rules.Distinct {
			errs = append(errs, errors.New("set: "+strings.TrimSuffix(v.Detail, ".")))
		}
	}
	if c.Idempotency != nil || c.Bulk != nil || c.Duplicates != nil {
		keys := orDefault(orDefault(c.Idempotency, new(Idempotency)).Header, DefaultKeyHeader)
		if strings.EqualFold(keys, c.CorrelationID) {
			errs = append(errs, fmt.Errorf("correlation_id: %s holds the key of idempotency; name another header, such as %s", keys, DefaultCorrelationHeader))
		}
	}
	return errors.Join(errs...)
}

// checkEnvironment judges what placeholders of the environment expand to, and
// finds the variables that are not there. Only the process that serves has them, so
// a configuration is adapted without.
func (c *Config) checkEnvironment(policy *rules.Policy) error {
	errs := []error{c.ValidateTogether(), c.eachAssignment(func(f rules.Field, value string) error {
		if err := checkVariables(value); err != nil || !isTemplate(value) || isTemplate(environment.ReplaceAllString(value, "")) {
			return err
		}
		return judgeConstant(policy, f, caddy.NewReplacer().ReplaceAll(value, ""))
	})}
	if c.Idempotency != nil {
		errs = append(errs, under("idempotency.scope", checkVariables(c.Idempotency.Scope)))
	}
	if c.CSV != nil {
		errs = append(errs, under("csv.filename", checkVariables(c.CSV.Filename)))
		for _, name := range slices.Sorted(maps.Keys(c.CSV.Views)) {
			errs = append(errs, under("csv.views."+name+".filename", checkVariables(c.CSV.Views[name].Filename)))
		}
	}
	if err := checkVariables(c.HashKey); err != nil {
		errs = append(errs, fmt.Errorf("hash_key: %w", err))
	} else if isTemplate(c.HashKey) {
		key := caddy.NewReplacer().ReplaceAll(c.HashKey, "")
		if key == "" {
			errs = append(errs, errors.New("hash_key: comes out empty"))
		}
		errs = append(errs, checkHashKey(key))
	}
	return errors.Join(errs...)
}

// eachAssignment checks the values of default and set, and names those that are
// wrong. The field of others than the four is [rules.NumFields].
func (c *Config) eachAssignment(check func(f rules.Field, value string) error) error {
	var errs []error
	for _, option := range [...]struct {
		name   string
		values map[string]string
	}{{"default", c.Default}, {"set", c.Set}} {
		for _, name := range slices.Sorted(maps.Keys(option.values)) {
			f, ok := rules.FieldByName(name)
			if !ok {
				f = rules.NumFields
			}
			if err := check(f, option.values[name]); err != nil {
				errs = append(errs, under(option.name+"."+name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// judgeConstant judges the value of a field. Others than the four have no rules.
func judgeConstant(policy *rules.Policy, f rules.Field, value string) error {
	if f == rules.NumFields || value == "" {
		return nil
	}
	var errs []error
	for _, v := range policy.JudgeValue(f, value) {
		errs = append(errs, errors.New(strings.TrimSuffix(v.Detail, ".")))
	}
	return errors.Join(errs...)
}

// checkTemplate finds a placeholder that does not end: it would be taken as it is
// written.
func checkTemplate(template string) error {
	for i := 0; i < len(template); i++ {
		switch template[i] {
		case '\\':
			i++
		case '{':
			length := strings.IndexByte(template[i:], '}')
			if length < 0 {
				return errors.New(`a placeholder has no closing brace; write \{ for a brace`)
			}
			i += length
		}
	}
	return nil
}

// checkVariables finds environment variables that are not there.
func checkVariables(template string) error {
	var errs []error
	for _, match := range environment.FindAllStringSubmatch(template, -1) {
		if _, ok := os.LookupEnv(match[1]); !ok {
			errs = append(errs, fmt.Errorf("there is no environment variable %s", match[1]))
		}
	}
	return errors.Join(errs...)
}
