package transform

// Options say how a session becomes CSV. The zero value makes byte for byte the
// CSV that the API itself would send.
type Options struct {
	// Dialect is the preset that the other options change: "upstream" (as the
	// API writes CSV), "rfc4180" (for programs) or "excel" (for spreadsheets).
	// Default: upstream.
	Dialect string `json:"dialect,omitempty"`

	// Columns are the columns in their order: properties of what becomes a row
	// by JSON name, or values by path. With rows other than "session" a plain
	// name is the element's, and `session.NAME` the session's. The name "*"
	// stands for all columns that are there by default and not named besides.
	// Default: all of the session's; of an element's, the session's id and then
	// all of the element's.
	Columns []Column `json:"columns,omitempty"`

	// Header is how the header row names the columns: "pascal" (FromName),
	// "camel" (fromName), or "off" for no header row. Default: as the dialect.
	Header string `json:"header,omitempty"`

	// Nested is how lists and objects stand in a cell: as "jsv" or as "json".
	// Default: as the dialect.
	Nested string `json:"nested,omitempty"`

	// Lists is what is done with a list, by its name (customerBreadcrumb, log,
	// members, and of a member applicationData): write it as "json" or as "jsv",
	// write its "count" of elements, or "drop" its column. Default: as nested
	// says.
	Lists map[string]string `json:"lists,omitempty"`

	// Rows is what becomes a row: a "session", or each element of one of its
	// lists, "customerBreadcrumb", "log" or "members". Default: session.
	Rows string `json:"rows,omitempty"`

	// Booleans are the texts of the cells of true and false; nested values keep
	// their notation's. Default: as the dialect.
	Booleans *Booleans `json:"booleans,omitempty"`

	// Delimiter is the character between two cells: one ASCII character that is
	// no letter, digit, quote, CR or LF, or one of the names "comma", "semicolon",
	// "tab", "pipe". Default: as the dialect.
	Delimiter string `json:"delimiter,omitempty"`

	// BOM is whether a byte order mark begins the CSV, by which Excel knows it
	// as UTF-8. Default: as the dialect.
	BOM *bool `json:"bom,omitempty"`

	// FormulaGuard is whether an apostrophe is put before a cell that begins
	// with = + - @ TAB CR or LF, lest a spreadsheet runs it as a formula. E.164
	// numbers and plain negative numbers are left alone. Default: as the dialect.
	FormulaGuard *bool `json:"formula_guard,omitempty"`

	// TextCells is which cells are written as ="text", so that a spreadsheet keeps
	// them as they are: "off" for none, "numbers" for texts that look like a
	// number, a date or a formula, such as +12025550123, 00123, 3-4 and =A1, and
	// for numbers of more than 15 digits, or "all" for every text and number. Not for texts of
	// more than 255 characters or with control characters, nor for those that the
	// formula guard puts an apostrophe before. Default: off.
	TextCells string `json:"text_cells,omitempty"`

	// Dates is how dates are written. Default: as they came.
	Dates *Dates `json:"dates,omitempty"`

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

// Column is one column: a property by Name, or a value by Path.
type Column struct {
	// Name is the JSON name of the property, such as fromName.
	Name string `json:"name,omitempty"`
	// Label is the column's name in the header row. A column by path needs one.
	// Default: the name, as the header option writes names; the session's columns
	// in rows of a list begin with Session there.
	Label string `json:"label,omitempty"`
	// Path is where the value stands, as [CompilePath] reads it: in the session
	// or, behind `row:`, in what becomes a row. A value that is not there is null.
	Path string `json:"path,omitempty"`
}

// Dates is how dates are written: those of the properties dateCreated,
// dateLastModified, dateCompleted and date, and of paths that end in such a name.
// ISO 8601 with a time is a date, and so is /Date(1629279600123)/; anything else
// stays as it is.
type Dates struct {
	// Layout is `iso` (as they came or, with a zone, as 2006-01-02T15:04:05Z07:00),
	// `spreadsheet` (2006-01-02 15:04:05), or a layout of Go's package time, which
	// shows how it writes Monday, January 2nd 2006, 15:04:05.
	Layout string `json:"layout"`
	// Zone is the time zone in which they are written, by its name in the IANA
	// database, such as Europe/Berlin. Default: that of the date.
	Zone string `json:"zone,omitempty"`
}

// Booleans are the texts of cells with a boolean.
type Booleans struct {
	// True is the text for true.
	True string `json:"true"`
	// False is the text for false.
	False string `json:"false"`
}
