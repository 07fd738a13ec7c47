package caddyfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/handler"
	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
)

// idempotency is the table of the subdirectives of idempotency.
var idempotency = options[handler.Idempotency]{
	in:       "idempotency",
	validate: (*handler.Idempotency).Validate,
	table: []option[handler.Idempotency]{
		{
			name: "header", syntax: "<name>", def: handler.DefaultKeyHeader, least: 1, most: 1,
			example: "header X-Call-Key",
			set:     func(i *handler.Idempotency, args []string) error { i.Header = args[0]; return nil },
		},
		{
			name: "require", syntax: "[on|off]", def: "off", most: 1,
			example: "require",
			set:     func(i *handler.Idempotency, args []string) error { return onOffValue(&i.Require, args) },
		},
		{
			name: "scope", syntax: "<template>", def: "Authorization, else Cookie", least: 1, most: 1,
			example: "scope {http.auth.user.id}",
			set:     func(i *handler.Idempotency, args []string) error { i.Scope = args[0]; return nil },
		},
		{
			name: "ttl", syntax: "<duration>", def: "24h", least: 1, most: 1,
			example: "ttl 48h",
			set:     func(i *handler.Idempotency, args []string) error { return stores.Duration(&i.TTL, args[0]) },
		},
		{
			name: "call_timeout", syntax: "<duration>", def: "2m", least: 1, most: 1,
			example: "call_timeout 90s",
			set:     func(i *handler.Idempotency, args []string) error { return stores.Duration(&i.CallTimeout, args[0]) },
		},
		{
			name: "max_stored", syntax: "<size>", def: "256KiB", least: 1, most: 1,
			example: "max_stored 64KiB",
			set:     func(i *handler.Idempotency, args []string) error { return stores.Size(&i.MaxStored, args[0]) },
		},
		{
			name: "on_store_error", syntax: "refuse|forward", def: handler.StoreErrorRefuse, least: 1, most: 1,
			example: "on_store_error forward",
			set:     func(i *handler.Idempotency, args []string) error { i.OnStoreError = args[0]; return nil },
		},
		{
			name: "store", syntax: "<module> ...", def: "memory",
			example: "store memory {\n\tmax_size 128MiB\n}",
			guest:   readStore,
		},
	},
}

// duplicates is the table of the subdirectives of duplicates.
var duplicates = options[handler.Duplicates]{
	in:       "duplicates",
	validate: (*handler.Duplicates).Validate,
	table: []option[handler.Duplicates]{
		{
			name: "window", syntax: "<duration>", def: "10s", least: 1, most: 1,
			example: "window 30s",
			set:     func(d *handler.Duplicates, args []string) error { return stores.Duration(&d.Window, args[0]) },
		},
		{
			name: "on_duplicate", syntax: "refuse|replay", def: handler.DuplicateRefuse, least: 1, most: 1,
			example: "on_duplicate replay",
			set:     func(d *handler.Duplicates, args []string) error { d.OnDuplicate = args[0]; return nil },
		},
		{
			name: "include_keyed", syntax: "[on|off]", def: "off", most: 1,
			example: "include_keyed",
			set:     func(d *handler.Duplicates, args []string) error { return onOffValue(&d.IncludeKeyed, args) },
		},
	},
}

// readStore reads a guest module, whose name is the next token.
func readStore(d *caddyfile.Dispenser, i *handler.Idempotency) error {
	if !d.NextArg() {
		return d.Err("store: want the name of a module, such as memory, file or redis")
	}
	name := d.Val()
	if _, err := caddy.GetModule(stores.Namespace + "." + name); err != nil {
		return d.Errf("store: %w", unknownStore(name))
	}
	module, err := caddyfile.UnmarshalModule(d, stores.Namespace+"."+name)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	i.StoreRaw = caddyconfig.JSONModuleObject(module, "module", name, nil)
	return nil
}

// unknownStore says how to get a store that the program does not have, or which ones
// exist.
func unknownStore(name string) error {
	if name == "redis" { // a separate package, see docs/deployment.md
		return errors.New("this Caddy is built without redis; build it --with github.com/evovoice-gateway/caddy-conference-members/stores/redis too")
	}
	var known []string
	for _, module := range caddy.GetModules(stores.Namespace) {
		known = append(known, module.ID.Name())
	}
	return fmt.Errorf("there is no store %q; the stores are %s%s", name, strings.Join(known, ", "), nearmiss.Hint(name, known))
}

// onOffValue stores a switch that is on without an argument.
func onOffValue(to *bool, args []string) error {
	var b *bool
	if err := onOff(&b, args); err != nil {
		return err
	}
	*to = *b
	return nil
}
