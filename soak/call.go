package main

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/url"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// call is a call that a client asks for.
type call struct {
	sessionID, callSID, from string
	destination
}

// destination is who is dialled, as the client writes it and as the gateway reads it.
type destination struct {
	text          string
	bound         string // what is forwarded
	kind, country string
}

// destinations are of every kind and, of phone numbers, of several countries.
var destinations = []destination{
	{"+12025550123", "+12025550123", "phone", "US"},
	{"+442079460018", "+442079460018", "phone", "GB"},
	{"+4930901820", "+4930901820", "phone", "DE"},
	{"+33142685300", "+33142685300", "phone", "FR"},
	{"+81312345678", "+81312345678", "phone", "JP"},
	{"sip:100@example.com", "sip:100@example.com", "sip", none},
	{"client:ann", "client:ann", "client", none},
	{"ann@example.com", "ann@example.com", "email", none},
	{"Ann O'Brien", "Ann O'Brien", "name", none},
	{"Zoë 東京", "Zoë 東京", "name", none},
	{"4711", "4711", "name", none},
}

// national is a number that a site with a region rewrites.
var national = destination{"(202) 555-0123", "+12025550123", "phone", "US"}

// callers are caller IDs; an empty one is not sent.
var callers = []string{"", "", "+12025550100", "+442079460000"}

// fields returns the names and values that a call sends, without the session's id.
func (c *call) fields() [][2]string {
	fields := [][2]string{{"destination", c.text}}
	if c.callSID != "" {
		fields = append(fields, [2]string{"callSid", c.callSID})
	}
	if c.from != "" {
		fields = append(fields, [2]string{"fromNumber", c.from})
	}
	return fields
}

// json returns the call as a JSON object, with a member that the gateway does not know.
func (c *call) json(name func(string) string) []byte {
	members := map[string]any{"note": []any{"unknown to the gateway", 1.5, nil}}
	for _, f := range c.fields() {
		members[name(f[0])] = f[1]
	}
	b, err := json.Marshal(members)
	if err != nil {
		panic(err) // texts and one list always marshal
	}
	return b
}

// csv returns the call as a header row and a row of values.
func (c *call) csv(newline string) []byte {
	fields := c.fields()
	names, values := make([]string, 0, len(fields)), make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f[0])
		values = append(values, `"`+strings.ReplaceAll(f[1], `"`, `""`)+`"`)
	}
	return []byte(strings.Join(names, ",") + newline + strings.Join(values, ",") + newline)
}

// form returns the call as a URL-encoded form, which is a query too.
func (c *call) form() string {
	values := make(url.Values)
	for _, f := range c.fields() {
		values.Set(f[0], f[1])
	}
	return values.Encode()
}

// asIs spells a name as it is documented.
func asIs(name string) string { return name }

// ways are the ways to send a call. All of them mean the same.
var ways = []struct {
	name  string
	write func(*request, *call)
}{
	{"JSON", func(r *request, c *call) { r.send("application/json", c.json(asIs)) }},
	{"JSON in upper case", func(r *request, c *call) { r.send("text/json; charset=UTF-8", c.json(strings.ToUpper)) }},
	{"a +json type", func(r *request, c *call) { r.send("application/vnd.example+json", c.json(asIs)) }},
	{"JSON without a type", func(r *request, c *call) { r.send("", c.json(asIs)) }},
	{"JSON labelled CSV", func(r *request, c *call) { r.send("text/csv", c.json(asIs)) }},
	{"chunked JSON", func(r *request, c *call) { r.send("application/json", c.json(asIs)); r.chunked = true }},
	{"JSON in gzip", func(r *request, c *call) { r.send("application/json", c.json(asIs)); r.pack("gzip") }},
	{"JSON in zstd", func(r *request, c *call) { r.send("application/json", c.json(asIs)); r.pack("zstd") }},
	{"CSV", func(r *request, c *call) { r.send("text/csv", c.csv("\n")) }},
	{"CSV with a byte order mark", func(r *request, c *call) {
		r.send("application/csv", append([]byte("\ufeff"), c.csv("\r\n")...))
	}},
	{"chunked CSV in gzip", func(r *request, c *call) { r.send("text/csv", c.csv("\n")); r.pack("gzip"); r.chunked = true }},
	{"a form", func(r *request, c *call) { r.send("application/x-www-form-urlencoded", []byte(c.form())) }},
	{"a multipart form", (*request).sendMultipart},
	{"the query", func(r *request, c *call) { r.ask(c.form()) }},
	{"the query and JSON", func(r *request, c *call) { r.ask(c.form()); r.send("application/json", c.json(asIs)) }},
}

// send sets the body and its type; an empty one is not sent.
func (r *request) send(contentType string, body []byte) {
	r.body = body
	r.header.Del("Content-Type")
	if contentType != "" {
		r.header.Set("Content-Type", contentType)
	}
}

// ask adds to the query.
func (r *request) ask(query string) {
	if r.query != "" && query != "" {
		r.query += "&"
	}
	r.query += query
}

// sendMultipart sends a call as a multipart form.
func (r *request) sendMultipart(c *call) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range c.fields() {
		if err := w.WriteField(f[0], f[1]); err != nil {
			panic(err) // a buffer takes everything
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	r.send(w.FormDataContentType(), b.Bytes())
}

// packers pack a body, by content coding.
var packers = map[string]func([]byte) []byte{
	"gzip": func(plain []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(plain); err != nil {
			panic(err)
		}
		if err := z.Close(); err != nil {
			panic(err)
		}
		return b.Bytes()
	},
	"zstd": func(plain []byte) []byte { return zstdEncoder().EncodeAll(plain, nil) },
}

// zstdEncoder is shared, because an encoder is large.
var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err) // the options are valid
	}
	return z
})

// pack packs the body.
func (r *request) pack(coding string) {
	r.body = packers[coding](r.body)
	r.header.Set("Content-Encoding", coding)
}

// asked is a way to ask for a format.
type asked struct {
	format        string
	suffix, query string
	accept        []string // lines of Accept
}

// formats are the ways to ask for each format. The suffix beats the query, and
// the query beats Accept.
var formats = []asked{
	{"json", "", "", nil},
	{"json", ".json", "", nil},
	{"json", "", "format=json", []string{"text/csv"}},
	{"json", "", "", []string{"application/json"}},
	{"json", "", "", []string{"*/*"}},
	{"json", "", "", []string{"text/csv;q=0.5", "application/json"}},
	{"csv", ".csv", "", nil},
	{"csv", ".csv", "format=xml", []string{"application/json"}},
	{"csv", "", "format=CSV", nil},
	{"csv", "", "", []string{"text/csv"}},
	{"csv", "", "", []string{"application/json;q=0.1, text/csv"}},
	{"csv", "", "", []string{"text/csv; charset=utf-8", "application/json;q=0.9"}},
	{"xml", ".xml", "", nil},
	{"xml", "", "", []string{"application/xml"}},
	{"jsv", "", "format=jsv", nil},
	{"jsv", "", "", []string{"application/jsv"}},
	{"html", ".html", "", nil},
	{"html", "", "", []string{"text/html"}},
}

// contentTypes are those of the upstream's responses and of the gateway's CSV.
var contentTypes = map[string]string{
	"json": "application/json; charset=utf-8",
	"csv":  "text/csv; charset=utf-8",
	"xml":  "application/xml",
	"jsv":  "application/jsv",
	"html": "text/html",
}

// membersPath returns the path of the route for a session.
func membersPath(id string) string { return "/sessions/" + id + "/conference/members" }

// askFor asks for a format.
func (r *request) askFor(a *asked) {
	r.path += a.suffix
	r.ask(a.query)
	r.header["Accept"] = a.accept
}
