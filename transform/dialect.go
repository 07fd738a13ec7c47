package transform

// dialect is a preset of the options.
type dialect struct {
	name     string
	header   string
	nested   notation
	yes, no  string
	bom      bool
	guard    bool
	brackets bool // quote each cell that begins with [ or {, needed or not
	edges    bool // quote each cell that begins or ends with a space or tab
	others   bool // quote each cell that holds a separator other than the delimiter
}

// dialects are the presets, the default first.
var dialects = []dialect{
	{name: "upstream", header: headerPascal, nested: inJSV, yes: "True", no: "False", brackets: true},
	{name: "rfc4180", header: headerCamel, nested: inJSON, yes: "true", no: "false", edges: true},
	{name: "excel", header: headerPascal, nested: inJSON, yes: "TRUE", no: "FALSE", edges: true, others: true, bom: true, guard: true},
}

// The values of Options.Header.
const (
	headerPascal = "pascal"
	headerCamel  = "camel"
	headerOff    = "off"
)

// The values of Options.ExtraColumns.
const (
	extraDrop   = "drop"
	extraAppend = "append"
)

// The values of Options.Lists that are no notation.
const (
	policyCount = "count"
	policyDrop  = "drop"
)

// notations are the notations by name.
var notations = map[string]notation{"jsv": inJSV, "json": inJSON}

// The names that options take, in the order in which errors list them.
var (
	headerNames = []string{headerPascal, headerCamel, headerOff}
	nestedNames = []string{"jsv", "json"}
	policyNames = []string{"json", "jsv", policyCount, policyDrop}
	rowsNames   = []string{RowsSession, RowsCustomerBreadcrumb, RowsLog, RowsMembers}
	listNames   = []string{RowsCustomerBreadcrumb, RowsLog, RowsMembers}
	extraNames  = []string{extraDrop, extraAppend}
)

// delimiterNames are the delimiters that have a name.
var delimiterNames = map[string]string{"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
