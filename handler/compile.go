package handler

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	"github.com/evovoice-gateway/caddy-conference-members/stores"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// compiled is a configuration in the form in which requests are served.
type compiled struct {
	route      *route.Template
	predefined string // judge, refuse or pass
	callsOff   bool
	checkOff   bool
	bulk       *bulkOptions // nil if it is off

	reader            *request.Reader
	rowReader         *request.Reader // of many calls
	assignments       []assignment
	correlationHeader string // canonical, empty for none
	policy            *rules.Policy

	captures    []capture
	csv         *representation
	views       map[string]*representation
	viewNames   string // for people
	errorRoutes bool
}

// Validate finds every mistake; the error joins one error a mistake.
func (c *Config) Validate() error {
	_, err := compile(*c)
	return err
}

// compile compiles a configuration. The error joins one error a mistake.
func compile(cfg Config) (*compiled, error) {
	var errs []error
	mistake := func(option string, err error) { errs = append(errs, under(option, err)) }
	c := &compiled{
		predefined:        orDefault(cfg.PredefinedRoutes, PredefinedJudge),
		callsOff:          cfg.Calls == CallsOff,
		checkOff:          cfg.Check == CheckOff,
		assignments:       compileAssignments(cfg.Default, cfg.Set),
		correlationHeader: http.CanonicalHeaderKey(cfg.CorrelationID),
		errorRoutes:       cfg.ErrorsVia == ViaHandleErrors,
	}
	mistake("", oneOf("predefined_routes", cfg.PredefinedRoutes, PredefinedJudge, PredefinedRefuse, PredefinedPass))
	mistake("", oneOf("calls", cfg.Calls, CallsOn, CallsOff))
	mistake("", oneOf("check", cfg.Check, CheckOn, CheckOff))
	mistake("", oneOf("errors_via", cfg.ErrorsVia, ViaHandleErrors))

	var err error
	c.route, err = parseRoute(orDefault(cfg.Route, DefaultRoute))
	mistake("route", err)

	unknown, _ := request.ParseUnknownFields(cfg.UnknownFields)
	mistake("", oneOf("unknown_fields", cfg.UnknownFields, request.UnknownFieldsWords()...))
	if cfg.MaxBody < 0 {
		mistake("max_body", fmt.Errorf("%d is negative", cfg.MaxBody))
	}
	c.reader = &request.Reader{MaxBody: orDefault(cfg.MaxBody, request.DefaultMaxBody), UnknownFields: unknown, ClientGone: isStreamReset}
	c.rowReader = &request.Reader{
		MaxBody: max(DefaultMaxRowsBody, c.reader.MaxBody), UnknownFields: unknown, ClientGone: isStreamReset,
	}
	if cfg.Bulk != nil {
		mistake("bulk.", cfg.Bulk.Validate())
		c.bulk = cfg.Bulk.compile()
		c.rowReader.MaxBody, c.rowReader.MaxRows = orDefault(cfg.Bulk.MaxBody, DefaultMaxRowsBody), cfg.Bulk.MaxRows
	}
	mistake("", fieldNames("default", cfg.Default))
	mistake("", fieldNames("set", cfg.Set))
	mistake("correlation_id", checkHeaderName(cfg.CorrelationID))
	mistake("", cfg.eachAssignment(func(_ rules.Field, value string) error { return checkTemplate(value) }))

	c.policy, err = rules.Compile(cfg.Options)
	mistake("", err)
	if isTemplate(cfg.HashKey) {
		mistake("hash_key", checkTemplate(cfg.HashKey))
	} else {
		mistake("", checkHashKey(cfg.HashKey))
	}
	c.captures, err = compileCaptures(cfg.Captures)
	mistake("", err)
	if cfg.Idempotency != nil {
		mistake("idempotency.", cfg.Idempotency.Validate())
	}
	if cfg.Duplicates != nil {
		mistake("duplicates.", cfg.Duplicates.Validate())
	}
	c.csv, c.views, err = orDefault(cfg.CSV, new(CSV)).compile()
	c.viewNames = strings.Join(slices.Sorted(maps.Keys(c.views)), ", ")
	mistake("csv.", err)
	return c, errors.Join(errs...)
}

// Validate finds every mistake, those in views too.
func (c *CSV) Validate() error {
	_, _, err := c.compile()
	return err
}

// compile compiles the csv block and its views. The error joins one error a
// mistake.
func (c *CSV) compile() (*representation, map[string]*representation, error) {
	csv, err := c.compileOne()
	errs := []error{err}
	views := make(map[string]*representation, len(c.Views))
	for _, name := range slices.Sorted(maps.Keys(c.Views)) {
		view := c.Views[name]
		switch {
		case !validViewName(name):
			errs = append(errs, fmt.Errorf("views: %q: a name is 1 to 64 letters, digits, - and _", name))
		case view == nil:
			errs = append(errs, fmt.Errorf("views.%s: null", name))
		case len(view.Views) > 0:
			errs = append(errs, fmt.Errorf("views.%s: holds views of its own", name))
		default:
			if views[name], err = view.over(c).compileOne(); err != nil {
				errs = append(errs, under("views."+name+".", err))
			}
		}
	}
	return csv, views, errors.Join(errs...)
}

// compileOne compiles the options without their views.
func (c *CSV) compileOne() (*representation, error) {
	errs := []error{oneOf("errors", c.Errors, ErrorsNegotiated, ErrorsJSON), under("filename", checkTemplate(c.Filename))}
	plan, err := transform.Compile(c.Options)
	errs = append(errs, err)
	if c.MaxResponse < 0 || c.MaxResponse > stores.LargestSize {
		errs = append(errs, fmt.Errorf("max_response: %d is out of range: from 1 to %d bytes", c.MaxResponse, stores.LargestSize))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	contentType := "text/csv; charset=utf-8"
	if !plan.HeaderPresent() {
		contentType += "; header=absent" // RFC 4180 section 3
	}
	r := &representation{
		plan:        plan,
		maxResponse: orDefault(c.MaxResponse, DefaultMaxResponse),
		contentType: contentType,
		disposition: disposition(orDefault(c.Filename, DefaultFilename)),
		errorsJSON:  c.Errors == ErrorsJSON,
	}
	if strings.ContainsRune(c.Filename, '{') {
		r.filename = c.Filename
	}
	for _, op := range operations {
		r.offers = append(r.offers, negotiate.NewOffers(plan.HeaderPresent(), op.formats...))
	}
	return r, nil
}

// over returns the options of a view: its own where they are set, else those
// of base.
func (c *CSV) over(base *CSV) *CSV {
	v := *c
	v.Dialect = orDefault(v.Dialect, base.Dialect)
	v.Columns = c.columnsOver(base)
	v.Header = orDefault(v.Header, base.Header)
	v.Nested = orDefault(v.Nested, base.Nested)
	v.Lists = maps.Clone(base.Lists)
	if v.Lists == nil {
		v.Lists = make(map[string]string)
	}
	maps.Copy(v.Lists, c.Lists)
	v.Rows = orDefault(v.Rows, base.Rows)
	v.Booleans = orDefault(v.Booleans, base.Booleans)
	v.Delimiter = orDefault(v.Delimiter, base.Delimiter)
	v.BOM = orDefault(v.BOM, base.BOM)
	v.FormulaGuard = orDefault(v.FormulaGuard, base.FormulaGuard)
	v.TextCells = orDefault(v.TextCells, base.TextCells)
	v.Dates = orDefault(v.Dates, base.Dates)
	v.Null = orDefault(v.Null, base.Null)
	v.ExtraColumns = orDefault(v.ExtraColumns, base.ExtraColumns)
	v.Filename = orDefault(v.Filename, base.Filename)
	v.MaxResponse = orDefault(v.MaxResponse, base.MaxResponse)
	v.Errors = orDefault(v.Errors, base.Errors)
	v.Views = nil
	return &v
}

// columnsOver returns the columns of a view: its own, in which * stands for those
// of base. A view with other rows than base has nothing of base's columns.
func (c *CSV) columnsOver(base *CSV) []transform.Column {
	rows := orDefault(base.Rows, transform.RowsSession)
	if len(base.Columns) == 0 || orDefault(c.Rows, rows) != rows {
		return c.Columns
	}
	if len(c.Columns) == 0 {
		return base.Columns
	}
	var columns []transform.Column
	for _, column := range c.Columns {
		if column.Name != transform.AllColumns {
			columns = append(columns, column)
			continue
		}
		for _, inherited := range base.Columns {
			named := func(own transform.Column) bool { return own.Name != "" && own.Name == inherited.Name }
			if inherited.Name == transform.AllColumns || !slices.ContainsFunc(c.Columns, named) {
				columns = append(columns, inherited)
			}
		}
	}
	return columns
}

// validViewName reports whether a name can be in a query as it is.
func validViewName(name string) bool {
	const longest = 64
	return name != "" && len(name) <= longest && strings.Trim(name, viewNameChars) == ""
}

// viewNameChars are the characters of a view's name.
const viewNameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// fieldNames checks the names of fields that the configuration gives values to. A
// name that is nearly one of the four is a mistake, though others are allowed.
func fieldNames(option string, values map[string]string) error {
	var errs []error
	fields := make([]string, rules.NumFields)
	for f := range rules.NumFields {
		fields[f] = f.String()
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !request.IsMemberName(name) {
			errs = append(errs, fmt.Errorf("%s: %q is not a field name: 1 to 64 letters, digits, ., - and _", option, name))
		}
		if _, ok := rules.FieldByName(name); !ok && request.IsMemberName(name) {
			if near := nearmiss.Find(name, fields); near != "" {
				errs = append(errs, fmt.Errorf("%s.%s: there is no such field; did you mean %s?", option, name, near))
			}
		}
		for _, other := range slices.Sorted(maps.Keys(values)) {
			if name < other && strings.EqualFold(name, other) {
				errs = append(errs, fmt.Errorf("%s.%s: %s is the same field", option, name, other))
			}
		}
	}
	return errors.Join(errs...)
}

// under puts the option that is wrong before each mistake that err joins: a path of
// JSON names. One that ends with a dot is a block, in which err names the option.
func under(option string, err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs := make([]error, 0, len(joined.Unwrap()))
		for _, err := range joined.Unwrap() {
			errs = append(errs, under(option, err))
		}
		return errors.Join(errs...)
	}
	switch {
	case err == nil || option == "":
		return err
	case strings.HasSuffix(option, "."):
		return fmt.Errorf("%s%w", option, err)
	default:
		return fmt.Errorf("%s: %w", option, err)
	}
}

// oneOf checks an option that is empty or one of a few words.
func oneOf(option, got string, words ...string) error {
	if got == "" {
		return nil
	}
	return under(option, nearmiss.OneOf(got, words))
}
