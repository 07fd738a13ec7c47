package transform

// Options say how a session becomes CSV. The zero value makes byte for byte the
// CSV that the API itself would send.
type Options struct {
	// Dialect is the preset that the other options change: "upstream" (as the
	// API writes CSV), "rfc4180" (for programs) or "excel" (for spreadsheets).
	// Default: upstream.
	Dialect string `json:"dialect,omitempty"`

	// Columns are the session's columns in their order, by JSON name, each with
	// an optional label. With rows other than "session" they follow the
	// element's own columns. Default: all for "session", else none.
	Columns []Column `json:"columns,omitempty"`

	// Header is how the header row names the columns: "pascal" (FromName),
	// "camel" (fromName), or "off" for no header row. Default: as the dialect.
	Header string `json:"header,omitempty"`

	// Nested is how lists and objects stand in a cell: as "jsv" or as "json".
	// Default: as the dialect.
	Nested string `json:"nested,omitempty"`

	// Lists is what is done with a list, by the list's name (customerBreadcrumb,
	// log, members): write it as "json" or as "jsv", write its "count" of
	// elements, or "drop" its column. Default: as nested says.
	Lists map[string]string `json:"lists,omitempty"`

	// Rows is what becomes a row: a "session", or each element of one of its
	// lists, "customerBreadcrumb", "log" or "members". A row for an element has
	// the column SessionId, then the element's own. Default: session.
	Rows string `json:"rows,omitempty"`

	// Booleans are the texts of the cells of true and false; nested values keep
	// their notation's. Default: as the dialect.
	Booleans *Booleans `json:"booleans,omitempty"`

	// Delimiter is the character between two cells: one ASCII character that is
	// no letter, digit, quote, CR or LF, or one of the names "comma",
	// "semicolon", "tab", "pipe". Default: as the
	// dialect.
	Delimiter string `json:"delimiter,omitempty"`

	// BOM is whether a byte order mark begins the CSV, by which Excel knows it
	// as UTF-8. Default: as the dialect.
	BOM *bool `json:"bom,omitempty"`

	// FormulaGuard is whether an apostrophe is put before a cell that begins
	// with = + - @ TAB CR or LF, lest a spreadsheet runs it as a formula. E.164
	// numbers and plain negative numbers are left alone. Default: as the dialect.
	FormulaGuard *bool `json:"formula_guard,omitempty"`

	// Null is the text of a cell whose value is null or absent. A text that
	// happens to be the same is put in quotes. Default: empty.
	Null *string `json:"null,omitempty"`

	// ExtraColumns is what becomes of members that the API does not describe:
	// "drop" leaves them out, "append" puts them all, as one object, into one
	// further last column, Extra. Default: drop.
	ExtraColumns string `json:"extra_columns,omitempty"`
}

// nullText is the text of null, empty where none is given.
func (o *Options) nullText() string {
	if o.Null == nil {
		return ""
	}
	return *o.Null
}

// Column is one column of the session's.
type Column struct {
	// Name is the JSON name of the property, such as fromName.
	Name string `json:"name"`
	// Label is the column's name in the header row. Default: the name, as the
	// header option writes names.
	Label string `json:"label,omitempty"`
}

// Booleans are the texts of cells with a boolean.
type Booleans struct {
	// True is the text for true.
	True string `json:"true"`
	// False is the text for false.
	False string `json:"false"`
}
