package negotiate

// Offers are the representations that can be sent, each a format and the
// parameters of its media type. The zero value offers nothing.
type Offers struct {
	list  []offer
	usual []preference
}

// preference is the meaning of one line of Accept.
type preference struct {
	line   string
	format Format
	ok     bool
}

// offer is one representation.
type offer struct {
	format Format
	params []param
}

// param is a media type parameter of a representation.
type param struct {
	name, value string
	// alias is another spelling of the value, or empty.
	alias string
}

// utf8Param is the charset of every representation. Many clients leave out the
// hyphen, and the Encoding Standard knows that label too.
var utf8Param = param{charset, "utf-8", "utf8"}

// NewOffers returns offers of formats, or of all in the server's order of preference,
// all in UTF-8. It is told whether CSV is sent with a header row, which
// is the parameter "header" of text/csv.
func NewOffers(csvHeader bool, formats ...Format) Offers {
	if len(formats) == 0 {
		formats = Formats()
	}
	present := "absent"
	if csvHeader {
		present = "present"
	}
	var o Offers
	for _, f := range formats {
		params := []param{utf8Param}
		if f == CSV {
			params = append(params, param{name: header, value: present})
		}
		o.list = append(o.list, offer{f, params})
	}
	// Most clients send one of these, which are then read once and for all.
	o.usual = append(o.usual, o.prefer("*/*"))
	for _, f := range formats {
		o.usual = append(o.usual, o.prefer(f.MediaType()))
	}
	return o
}

// prefer reads a line of Accept.
func (o Offers) prefer(line string) preference {
	f, ok := o.Accept([]string{line})
	return preference{line, f, ok}
}
