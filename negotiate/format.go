package negotiate

import (
	"slices"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// Format is a format that a response can have.
type Format uint8

// The formats in the server's own order of preference. None is no format.
const (
	None Format = iota
	JSON
	CSV
	XML
	JSV
	HTML
	// NDJSON is a JSON object a line. The upstream does not have it, and it is not
	// among [Formats]: only results of many calls have it.
	NDJSON

	numFormats
)

// formats is the one table of formats. The suffix of a path without its dot is
// also the name of the format and the value of the query parameter "format".
var formats = [numFormats]struct {
	suffix, typ, subtype string
	// defined are the parameters that the media type's registration defines.
	defined []string
	// aliases are other subtypes of application by which clients ask for it.
	aliases []string
}{
	None:   {suffix: ".none"},
	JSON:   {".json", "application", "json", nil, nil},                               // RFC 8259 section 11
	CSV:    {".csv", "text", "csv", []string{charset, header}, []string{"csv"}},      // RFC 4180 section 3
	XML:    {".xml", "application", "xml", []string{charset}, nil},                   // RFC 7303 section 9.1
	JSV:    {".jsv", "application", "jsv", nil, nil},                                 // not registered
	HTML:   {".html", "text", "html", []string{charset}, nil},                        // RFC 2854 section 2
	NDJSON: {".ndjson", "application", "x-ndjson", nil, []string{"jsonl", "ndjson"}}, // not registered
}

// mediaTypes are the media types of the table, put together once.
var mediaTypes = func() (all [numFormats]string) {
	for f := JSON; f < numFormats; f++ {
		all[f] = formats[f].typ + "/" + formats[f].subtype
	}
	return all
}()

// The names of the parameters that the representations have.
const (
	charset = "charset"
	header  = "header"
)

// Formats returns the formats of the upstream, in the server's order of preference.
func Formats() []Format { return []Format{JSON, CSV, XML, JSV, HTML} }

// String returns the name of the format, such as "csv"; of None, "none".
func (f Format) String() string {
	if f >= numFormats {
		f = None
	}
	return formats[f].suffix[1:]
}

// MediaType returns the media type without parameters, such as "text/csv"; of
// None, the empty string.
func (f Format) MediaType() string {
	if f == None || f >= numFormats {
		return ""
	}
	return mediaTypes[f]
}

// Suffix returns the path suffix with its dot, such as ".csv"; of None, the
// empty string.
func (f Format) Suffix() string {
	if f == None || f >= numFormats {
		return ""
	}
	return formats[f].suffix
}

// ByName returns the format of that name, in any ASCII letter case (recordings
// 173 and 176). It returns false for every other text, a surrounding space or
// a dot included.
func ByName(name string) (Format, bool) {
	for _, f := range Formats() {
		if ascii.EqualFold(f.String(), name) {
			return f, true
		}
	}
	return None, false
}

// BySuffix returns the format of a path suffix with its dot. Suffixes are
// lower case only (recordings 247 and 250).
func BySuffix(suffix string) (Format, bool) {
	if suffix == "" { // as most are
		return None, false
	}
	return bySuffix(suffix)
}

func bySuffix(suffix string) (Format, bool) {
	for _, f := range Formats() {
		if f.Suffix() == suffix {
			return f, true
		}
	}
	return None, false
}

// defines reports whether the registration of the format's media type defines
// the parameter.
func (f Format) defines(param string) bool {
	return slices.ContainsFunc(formats[f].defined, func(d string) bool { return ascii.EqualFold(d, param) })
}
