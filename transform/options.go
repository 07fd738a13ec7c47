package transform

// Options say how a session becomes CSV. The zero value makes byte for byte the
// CSV that the API itself would send.
type Options struct {
	// The preset that the other options change: `upstream` writes CSV as the API does,
	// `rfc4180` is for programs, `excel` for spreadsheets. Default: `upstream`.
	Dialect string `json:"dialect,omitempty"`

	// The columns in their order: properties of what becomes a row by JSON name, or values
	// by path. With rows of a list a plain name is the element's, and `session.NAME` the
	// session's. `*` means all columns that are there by default and not named elsewhere.
	// Default: all of the session's; with rows of a list, the session's id and then all of
	// the element's.
	Columns []Column `json:"columns,omitempty"`

	// How the header row names the columns: `pascal` (FromName), `camel` (fromName), or
	// `off` for no header row. Default: as the dialect.
	Header string `json:"header,omitempty"`

	// How lists and objects are written in a cell: as `jsv` or as `json`. Default: as the
	// dialect.
	Nested string `json:"nested,omitempty"`

	// How one list is written, by its name (`customerBreadcrumb`, `log`, `members`, and of
	// a member `applicationData`): as `json` or `jsv`, as the `count` of its elements, or
	// not at all, which is `drop`. Default: as `nested` says.
	Lists map[string]string `json:"lists,omitempty"`

	// What becomes a row: a `session`, or each element of one of its lists,
	// `customerBreadcrumb`, `log` or `members`. Default: `session`.
	Rows string `json:"rows,omitempty"`

	// The texts of true and false. Booleans in lists and objects stay as the notation of
	// the cell has them. Default: as the dialect.
	Booleans *Booleans `json:"booleans,omitempty"`

	// The character between two cells: one ASCII character that is not a letter, digit,
	// quote, CR or LF, or one of the names `comma`, `semicolon`, `tab` and `pipe`.
	// Default: as the dialect.
	Delimiter string `json:"delimiter,omitempty"`

	// Whether the CSV begins with a byte order mark, by which Excel recognizes UTF-8.
	// Default: as the dialect.
	BOM *bool `json:"bom,omitempty"`

	// Whether a cell that begins with `=`, `+`, `-`, `@`, TAB, CR or LF is written with an
	// apostrophe before it, so that no spreadsheet runs it as a formula. E.164 numbers and
	// plain negative numbers are left alone. Default: as the dialect.
	FormulaGuard *bool `json:"formula_guard,omitempty"`

	// Which cells are written as `="text"`, so that a spreadsheet keeps them as they are.
	// `off` means none. `numbers` are texts that look like a number, a date or a formula,
	// such as +12025550123, 00123, 3-4 and =A1, and numbers of more than 15 digits. `all`
	// is every text and number. Texts of more than 255 characters or with control
	// characters are never written like that, nor texts to which the formula guard adds an
	// apostrophe. Default: `off`.
	TextCells string `json:"text_cells,omitempty"`

	// How dates are written: `iso` as they came, `spreadsheet` as 2006-01-02 15:04:05, or
	// in a layout of Go's package time. With a time zone of the IANA database they are
	// converted to it. Default: as they came.
	Dates *Dates `json:"dates,omitempty"`

	// The text of a cell whose value is null or absent. A text that happens to be the same
	// is put in quotes. Default: empty.
	Null *string `json:"null,omitempty"`

	// What happens to members that the API does not describe: `drop` leaves them out,
	// `append` writes them all, as one object, in one more column at the end, Extra.
	// Default: `drop`.
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
	// The JSON name of the property, such as fromName.
	Name string `json:"name,omitempty"`
	// The column's name in the header row. A column by path needs one. The session's
	// columns in rows of a list begin with Session by default. Default: the name, as the
	// header option writes names.
	Label string `json:"label,omitempty"`
	// The path to one value, in the session or, behind `row:`, in what becomes a row. A
	// value that is not there is null. The column is added after those by name.
	Path string `json:"path,omitempty"`
}

// Dates is how dates are written: those of the properties dateCreated,
// dateLastModified, dateCompleted and date, and of paths that end in such a name.
// ISO 8601 with a time is a date, and so is /Date(1629279600123)/; anything else
// stays as it is.
type Dates struct {
	// How they are written: `iso` (as they came or, with a zone, as
	// 2006-01-02T15:04:05Z07:00), `spreadsheet` (2006-01-02 15:04:05), or a layout of Go's
	// package time, which shows how it writes Monday, January 2nd 2006, 15:04:05.
	Layout string `json:"layout"`
	// The time zone in which they are written, by its name in the IANA database, such as
	// Europe/Berlin. Default: that of the date.
	Zone string `json:"zone,omitempty"`
}

// Booleans are the texts of cells with a boolean.
type Booleans struct {
	// The text of true.
	True string `json:"true"`
	// The text of false.
	False string `json:"false"`
}
