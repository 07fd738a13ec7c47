package caddyfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/handler"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// csv is the table of the subdirectives of csv, view that of a view: the same
// except view itself.
var (
	csv = options[handler.CSV]{
		in:       "csv",
		validate: (*handler.CSV).Validate,
		whole:    (*handler.CSV).Validate,
		table: append(slices.Clip(representation), option[handler.CSV]{
			name: "view", json: "views", syntax: "<name> { ... }", def: "none", least: 1, most: 1, repeats: true,
			example: "view agents {\n\trows members\n\tcolumns displayName=Agent session.destination\n}",
			block:   readView,
		}),
	}
	view = options[handler.CSV]{in: "view", validate: (*handler.CSV).Validate, table: representation}
)

// representation is the table of what says how a response is made CSV.
var representation = []option[handler.CSV]{
	{
		name: "dialect", syntax: choices("dialect"), def: transform.Dialects()[0].Name, least: 1, most: 1,
		example: "dialect excel",
		set:     func(c *handler.CSV, args []string) error { c.Dialect = args[0]; return nil },
	},
	{
		name: "columns", syntax: "<name>[=<label>]...", def: "all", least: 1, most: many,
		example: "columns id destination=Number \"fromName=Who called\" log",
		set:     setColumns,
		alone:   validColumns,
	},
	{
		name: "column", syntax: "<label> <path>", def: "none", least: 2, most: 2, repeats: true,
		example: "column Agent `members.#(role==\"Agent\").displayName`",
		set: func(c *handler.CSV, args []string) error {
			if len(c.Columns) == 0 {
				c.Columns = []transform.Column{{Name: transform.AllColumns}}
			}
			c.Columns = append(c.Columns, transform.Column{Label: args[0], Path: args[1]})
			return nil
		},
	},
	{
		name: "header", syntax: choices("header"), def: "as the dialect", least: 1, most: 1,
		example: "header camel",
		set:     func(c *handler.CSV, args []string) error { c.Header = args[0]; return nil },
	},
	{
		name: "nested", syntax: choices("nested"), def: "as the dialect", least: 1, most: 1,
		example: "nested json",
		set:     func(c *handler.CSV, args []string) error { c.Nested = args[0]; return nil },
	},
	{
		name: "list", json: "lists", syntax: "<name> " + choices("lists"), def: "as `nested` says", least: 2, most: 2, repeats: true,
		example: "list log drop\nlist members count",
		set:     func(c *handler.CSV, args []string) error { return put(&c.Lists, args) },
	},
	{
		name: "rows", syntax: choices("rows"), def: transform.RowsSession, least: 1, most: 1,
		example: "rows members",
		set:     func(c *handler.CSV, args []string) error { c.Rows = args[0]; return nil },
	},
	{
		name: "booleans", syntax: "<true> <false>", def: "as the dialect", least: 2, most: 2,
		example: "booleans yes no",
		set: func(c *handler.CSV, args []string) error {
			c.Booleans = &transform.Booleans{True: args[0], False: args[1]}
			return nil
		},
	},
	{
		name: "delimiter", syntax: "<character>", def: "as the dialect", least: 1, most: 1,
		example: "delimiter semicolon",
		set:     func(c *handler.CSV, args []string) error { c.Delimiter = args[0]; return nil },
	},
	{
		name: "bom", syntax: "[on|off]", def: "as the dialect", most: 1,
		example: "bom",
		set:     func(c *handler.CSV, args []string) error { return onOff(&c.BOM, args) },
	},
	{
		name: "formula_guard", syntax: "[on|off]", def: "as the dialect", most: 1,
		example: "formula_guard",
		set:     func(c *handler.CSV, args []string) error { return onOff(&c.FormulaGuard, args) },
	},
	{
		name: "text_cells", syntax: choices("text_cells"), def: "off", least: 1, most: 1,
		example: "text_cells numbers",
		set:     func(c *handler.CSV, args []string) error { c.TextCells = args[0]; return nil },
	},
	{
		name: "dates", syntax: "iso|spreadsheet|<layout> [<zone>]", def: "iso", least: 1, most: 2,
		example: "dates \"02.01.2006 15:04\" Europe/Berlin",
		set: func(c *handler.CSV, args []string) error {
			c.Dates = &transform.Dates{Layout: args[0]}
			if len(args) > 1 {
				c.Dates.Zone = args[1]
			}
			return nil
		},
	},
	{
		name: "null", syntax: "<text>", def: `""`, least: 1, most: 1, empty: true,
		example: "null NULL",
		set:     func(c *handler.CSV, args []string) error { c.Null = &args[0]; return nil },
	},
	{
		name: "extra_columns", syntax: choices("extra_columns"), def: transform.Choices("extra_columns")[0], least: 1, most: 1,
		example: "extra_columns append",
		set:     func(c *handler.CSV, args []string) error { c.ExtraColumns = args[0]; return nil },
	},
	{
		name: "filename", syntax: "<template>", def: handler.DefaultFilename, least: 1, most: 1,
		example: "filename members-{http.request.uuid}.csv",
		set:     func(c *handler.CSV, args []string) error { c.Filename = args[0]; return nil },
	},
	{
		name: "max_response", syntax: "<size>", def: "8MiB", least: 1, most: 1,
		example: "max_response 1MiB",
		set:     func(c *handler.CSV, args []string) error { return stores.Size(&c.MaxResponse, args[0]) },
	},
	{
		name: "errors", syntax: "negotiated|json", def: handler.ErrorsNegotiated, least: 1, most: 1,
		example: "errors json",
		set:     func(c *handler.CSV, args []string) error { c.Errors = args[0]; return nil },
	},
}

// choices returns the syntax of an option that takes one of a few words.
func choices(option string) string { return strings.Join(transform.Choices(option), "|") }

// setColumns reads columns as NAME or NAME=LABEL. Those by path stay behind them.
func setColumns(c *handler.CSV, args []string) error {
	named := make([]transform.Column, 0, len(args)+len(c.Columns))
	for _, arg := range args {
		name, label, labelled := strings.Cut(arg, "=")
		if labelled && label == "" {
			return fmt.Errorf("%q has no label behind the =", arg)
		}
		named = append(named, transform.Column{Name: name, Label: label})
	}
	for _, column := range c.Columns {
		if column.Path != "" {
			named = append(named, column)
		}
	}
	c.Columns = named
	return nil
}

// validColumns validates columns without knowing the rows: each has to be one of
// some rows.
func validColumns(c *handler.CSV) error {
	errs := make([]error, 0, len(c.Columns))
	for _, column := range c.Columns {
		one := handler.CSV{Options: transform.Options{Columns: []transform.Column{column}}}
		mistake := one.Validate()
		for _, one.Rows = range transform.Choices("rows") {
			if one.Validate() == nil {
				mistake = nil
			}
		}
		errs = append(errs, mistake)
	}
	return errors.Join(errs...)
}

// readView reads a view, a named set of the same options.
func readView(d *caddyfile.Dispenser, c *handler.CSV, args []string) []error {
	at := *d
	name := args[0]
	if _, ok := c.Views[name]; ok {
		skip(d)
		return []error{at.Errf("csv: view %s appears twice", name)}
	}
	if c.Views == nil {
		c.Views = make(map[string]*handler.CSV)
	}
	c.Views[name] = new(handler.CSV)
	return view.read(d, c.Views[name])
}
