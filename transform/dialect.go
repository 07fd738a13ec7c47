package transform

import (
	"maps"
	"slices"
)

// Dialect is a preset of the options.
type Dialect struct {
	// Name is its name in [Options.Dialect].
	Name string
	// Audience says in a few words whom it is for.
	Audience string

	// Header is [Options.Header], and Nested is [Options.Nested].
	Header, Nested string
	// Booleans are the texts of true and false.
	Booleans Booleans
	// Delimiter is between two cells.
	Delimiter byte
	// BOM is [Options.BOM], and FormulaGuard is [Options.FormulaGuard].
	BOM, FormulaGuard bool

	// QuoteBrackets is whether each cell is quoted that begins with [ or {,
	// needed or not.
	QuoteBrackets bool
	// QuoteEdges is whether each cell is quoted that a reader could change or take
	// for something else without quotes: one that begins or ends with a space or
	// a tab, that begins with U+FEFF, the byte order mark, or that is just \., the
	// end of the table for PostgreSQL's COPY.
	QuoteEdges bool
	// QuoteSeparators is whether each cell is quoted that holds a separator other
	// than the delimiter.
	QuoteSeparators bool
}

// dialects are the presets, the default first.
var dialects = [...]Dialect{
	{
		Name: "upstream", Audience: "existing clients of the API",
		Header: headerPascal, Nested: nestedJSV, Booleans: Booleans{"True", "False"}, Delimiter: ',',
		QuoteBrackets: true,
	},
	{
		Name: "rfc4180", Audience: "programs, databases",
		Header: headerCamel, Nested: nestedJSON, Booleans: Booleans{"true", "false"}, Delimiter: ',',
		QuoteEdges: true,
	},
	{
		Name: "excel", Audience: "people with a spreadsheet",
		Header: headerPascal, Nested: nestedJSON, Booleans: Booleans{"TRUE", "FALSE"}, Delimiter: ',',
		BOM: true, FormulaGuard: true, QuoteEdges: true, QuoteSeparators: true,
	},
}

// Dialects returns every dialect, the default first.
func Dialects() []Dialect { return slices.Clone(dialects[:]) }

// The values of Options.Header.
const (
	headerPascal = "pascal"
	headerCamel  = "camel"
	headerOff    = "off"
)

// The values of Options.Nested.
const (
	nestedJSV  = "jsv"
	nestedJSON = "json"
)

// The values of Options.ExtraColumns.
const (
	extraDrop   = "drop"
	extraAppend = "append"
)

// The values of Options.Lists that are not notations.
const (
	policyCount = "count"
	policyDrop  = "drop"
)

// notations are the notations by name.
var notations = map[string]notation{nestedJSV: inJSV, nestedJSON: inJSON}

// delimiterNames are the delimiters that have a name.
var delimiterNames = map[string]string{"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}

// choices are the words that options take, by the JSON name of the option, in
// the order in which errors list them. Those of lists are what is done with one.
var choices = map[string][]string{
	"dialect":       dialectNames(),
	"header":        {headerPascal, headerCamel, headerOff},
	"nested":        {nestedJSV, nestedJSON},
	"lists":         {nestedJSON, nestedJSV, policyCount, policyDrop},
	"rows":          append([]string{RowsSession}, listNames...),
	"delimiter":     slices.Sorted(maps.Keys(delimiterNames)),
	"extra_columns": {extraDrop, extraAppend},
	"text_cells":    {"off", "numbers", "all"},
}

// listNames are the lists of a session, in the order in which errors list them,
// and nestedNames those that Options.Lists takes: the objects of an element too.
var (
	listNames   = []string{RowsCustomerBreadcrumb, RowsLog, RowsMembers}
	nestedNames = append(slices.Clip(listNames), applicationData)
)

// applicationData is the object that a member has.
const applicationData = "applicationData"

func dialectNames() []string {
	names := make([]string, len(dialects))
	for i, d := range dialects {
		names[i] = d.Name
	}
	return names
}

// Choices returns the words that an option takes, by its JSON name, or nil for
// an option that takes any text. Errors, the Caddyfile's syntax and the
// documentation list them in this order.
func Choices(option string) []string { return slices.Clone(choices[option]) }
