package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// openAPIFile describes what the gateway serves. What an example of a response
// has as x-request is an [apiRequest].
const openAPIFile = "../docs/openapi.yaml"

// openAPI is the description, as far as the tests read it.
type openAPI struct {
	Paths map[string]struct {
		Post struct {
			Responses map[string]struct {
				Ref string `yaml:"$ref"`
			}
		}
	}
	Components struct {
		RequestBodies map[string]struct {
			Content map[string]struct{ Examples map[string]apiExample }
		} `yaml:"requestBodies"`
		Headers   map[string]any
		Responses map[string]apiResponse
	}

	root  *yaml.Node
	sites []string // what each site of the test is
}

type apiResponse struct {
	Headers map[string]any
	Content map[string]struct{ Examples map[string]apiExample }
}

type apiExample struct {
	Request yaml.Node `yaml:"x-request"`
	Value   any
}

// apiRequest is a request: what differs from a POST of the example json that asks
// for the media type of the response.
type apiRequest struct {
	Options  string // lines of the directive's block
	Upstream string // one of apiUpstreams
	Method   string
	Path     string
	Query    string
	Headers  map[string]string
	Request  string      // the name of the request's example
	Body     *string     // instead of it
	First    []yaml.Node // requests before this one, by what differs from it
}

// apiUpstreams are what the API can do: the proxy for it, and its fault.
var apiUpstreams = map[string]struct{ proxy, fault string }{
	"":                      {"reverse_proxy UPSTREAM", ""},
	"is slow":               {"reverse_proxy UPSTREAM", `{"gate":"openapi"}`},
	"resets the connection": {"reverse_proxy UPSTREAM", "reset"},
	"refuses connections":   {"reverse_proxy 127.0.0.1:1", ""},
	"can't be found":        {"reverse_proxy {\n\t\tdynamic a nosuch.invalid 1 {\n\t\t\tresolvers 127.0.0.1:1\n\t\t}\n\t}", ""},
	"does not respond":      {"reverse_proxy UPSTREAM {\n\t\ttransport http {\n\t\t\tresponse_header_timeout 50ms\n\t\t}\n\t}", `{"gate":"never"}`},
}

// apiSession is the session of the examples.
const apiSession = `{"callState":"Connected","destination":"+12025550123","fromName":"O'Brien, \"Pat\"","ended":false,"callSid":"CA0123456789abcdef0123456789abcdef",` +
	`"members":[{"identity":"user:42","displayName":"Ann Other","muted":false},{"identity":"+12025550123","callState":"Ringing","muted":false}],"id":"S1"}`

// readOpenAPI reads the description.
func readOpenAPI(t *testing.T) *openAPI {
	t.Helper()
	d := &openAPI{root: new(yaml.Node)}
	if err := yaml.Unmarshal([]byte(mustRead(openAPIFile)), d.root); err != nil {
		t.Fatal(err)
	}
	if err := d.root.Decode(d); err != nil {
		t.Fatal(err)
	}
	return d
}

// check compares a node of the description with what it has to be. With -update it
// writes it.
func (d *openAPI) check(t *testing.T, want any, path ...string) {
	t.Helper()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	d.checkJSON(t, text, path...)
}

// checkJSON is check of a JSON text, whose members keep their order.
func (d *openAPI) checkJSON(t *testing.T, text []byte, path ...string) {
	t.Helper()
	node := d.root.Content[0]
	for _, name := range path {
		node = childOf(node, name)
	}
	var was any
	if err := node.Decode(&was); err != nil {
		t.Fatal(err)
	}
	if got := decoded(t, text); reflect.DeepEqual(jsonOf(t, was), got) {
		return
	}
	if !*updateDocs {
		t.Errorf("docs/openapi.yaml: %s is not\n%s\n(go test ./integration -run OpenAPI -update writes it)", strings.Join(path, " "), text)
		return
	}
	var made yaml.Node
	if err := yaml.Unmarshal(text, &made); err != nil {
		t.Fatal(err)
	}
	plain(made.Content[0])
	*node = *made.Content[0]
}

// childOf returns the value of a name in a mapping, an empty one if there is none.
func childOf(node *yaml.Node, name string) *yaml.Node {
	for i := 0; i < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i+1]
		}
	}
	node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"})
	return node.Content[len(node.Content)-1]
}

// plain writes lists and objects of JSON as YAML does, empty ones aside.
func plain(node *yaml.Node) {
	if len(node.Content) > 0 {
		node.Style = 0
	} else if node.Tag == "!!str" && !strings.ContainsAny(node.Value, "\r\n\ufeff") {
		node.Style = 0
	}
	for _, n := range node.Content {
		plain(n)
	}
}

// jsonOf returns a value of YAML as JSON has it.
func jsonOf(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, text)
}

func decoded(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// write writes the description if -update changed it.
func (d *openAPI) write(t *testing.T) {
	t.Helper()
	if !*updateDocs {
		return
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(d.root); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(openAPIFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// status returns the status of a response, 0 for any other.
func (d *openAPI) status(t *testing.T, name string) int {
	t.Helper()
	found := -1
	for _, p := range d.Paths {
		for status, r := range p.Post.Responses {
			if r.Ref != "#/components/responses/"+name {
				continue
			}
			n, _ := strconv.Atoi(status)
			if found >= 0 && found != n {
				t.Errorf("%s is a response of status %d and of %d", name, found, n)
			}
			found = n
		}
	}
	if found < 0 {
		t.Errorf("%s is the response of no operation", name)
	}
	return found
}

// site returns the site that serves a request.
func (d *openAPI) site(r *apiRequest) string {
	return "api" + strconv.Itoa(slices.Index(d.sites, r.Options+apiUpstreams[r.Upstream].proxy))
}

// TestOpenAPI holds the description against the gateway: every example of a
// response is what its request gets, and every example of a request is accepted.
func TestOpenAPI(t *testing.T) {
	d := readOpenAPI(t)
	u := startUpstream(t, upstreamtest.Options{Session: func(id string) []byte {
		if id == "S1" {
			return []byte(apiSession)
		}
		return nil
	}})
	var all []*apiExchange
	for name, r := range d.Components.Responses {
		status := d.status(t, name)
		for mediaType, c := range r.Content {
			if len(c.Examples) == 0 {
				t.Errorf("%s has no example of %s", name, mediaType)
			}
			for example, e := range c.Examples {
				x := &apiExchange{d: d, response: name, status: status, mediaType: mediaType, example: example}
				if err := e.Request.Decode(&x.apiRequest); err != nil {
					t.Fatal(err)
				}
				all = append(all, x)
			}
		}
	}
	var config strings.Builder
	for _, x := range all {
		for _, r := range append(x.before(t), x.apiRequest) {
			up, ok := apiUpstreams[r.Upstream]
			if !ok {
				t.Errorf("there is no upstream that %s", r.Upstream)
			}
			if key := r.Options + up.proxy; !slices.Contains(d.sites, key) {
				fmt.Fprintf(&config, "{site api%d} {\n\tconference_members {\n%s\n\t}\n\t%s\n}\n", len(d.sites), r.Options, up.proxy)
				d.sites = append(d.sites, key)
			}
		}
	}
	g := startFront(t, u, config.String())
	for _, x := range all {
		t.Run(x.response+" "+x.mediaType+" "+x.example, func(t *testing.T) { x.run(t, g, u) })
	}
	for name, r := range d.Components.Responses {
		for header := range r.Headers {
			if !slices.ContainsFunc(all, func(x *apiExchange) bool { return x.response == name && x.got.header.Get(header) != "" }) &&
				header != "X-Transcode-Error" {
				t.Errorf("no example of %s has the header %s", name, header)
			}
		}
	}
	for body, path := range map[string]string{"Call": "", "Calls": "/sessions/S1/conference/members/check"} {
		for _, c := range d.Components.RequestBodies[body].Content {
			for name := range c.Examples {
				t.Run("request "+name, func(t *testing.T) {
					got := d.send(t, g, apiRequest{Request: name, Path: path}, "application/json")
					if got.status != http.StatusOK || body == "Call" && got.body != apiSession {
						t.Errorf("%d %s", got.status, got.body)
					}
				})
			}
		}
	}
	d.write(t)
}

// apiExchange is an example of a response with its request.
type apiExchange struct {
	apiRequest
	d         *openAPI
	response  string
	status    int
	mediaType string
	example   string
	got       reply
}

// before returns the requests that are sent before.
func (x *apiExchange) before(t *testing.T) []apiRequest {
	t.Helper()
	var all []apiRequest
	for _, n := range x.First {
		r := x.apiRequest
		r.First, r.Headers = nil, maps.Clone(r.Headers)
		if err := n.Decode(&r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// run sends the request and compares the response with the example.
func (x *apiExchange) run(t *testing.T, g *gateway, u *upstreamtest.Server) {
	for _, r := range x.before(t) {
		if r.Upstream != "is slow" {
			x.d.send(t, g, r, "application/json")
			continue
		}
		await(t, u, "no other request to be held", func(s upstreamtest.Stats) bool { return s.Held == 0 })
		got := make(chan reply, 1)
		go func() { got <- x.d.send(t, g, r, "application/json") }()
		await(t, u, "the first request to be held", func(s upstreamtest.Stats) bool { return s.Held == 1 })
		defer func() {
			u.Release("openapi", 1)
			<-got
		}()
	}
	// A response is recorded while it is delivered, so that the next request can be a
	// moment early.
	const inFlight = "idempotency_in_flight"
	eventually(t, "the first request to be recorded", func() bool {
		x.got = x.d.send(t, g, x.apiRequest, x.mediaType)
		return x.example == inFlight || x.got.header.Get("X-Refused-By") != inFlight
	})
	if x.status != 0 && x.got.status != x.status {
		t.Errorf("status %d, want %d: %s", x.got.status, x.status, x.got.body)
	}
	mediaType, _, _ := strings.Cut(x.got.header.Get("Content-Type"), ";")
	if mediaType != x.mediaType {
		t.Fatalf("%s, want %s: %s", mediaType, x.mediaType, x.got.body)
	}
	for header := range x.d.Components.Headers {
		if _, ok := x.d.Components.Responses[x.response].Headers[header]; !ok && x.got.header.Get(header) != "" {
			t.Errorf("%s is not said to have the header %s", x.response, header)
		}
	}
	leadsSomewhere(t, x.got.body)
	body := x.got.body
	for _, s := range shapes {
		body = s.pattern.ReplaceAllString(body, s.shown)
	}
	path := []string{"components", "responses", x.response, "content", x.mediaType, "examples", x.example, "value"}
	switch {
	case strings.HasSuffix(mediaType, "/json"), strings.HasSuffix(mediaType, "+json"):
		x.d.checkJSON(t, []byte(body), path...)
	case mediaType != "application/xml" && mediaType != "text/html": // which the upstream of the tests does not really write
		x.d.check(t, body, path...)
	}
	if by := x.got.header.Get("X-Refused-By"); by != x.example && rules.ByName(x.example) != nil {
		t.Errorf("refused by %s", by)
	}
}

// leadsSomewhere holds that the type of a problem is the address of a section of the
// documentation.
func leadsSomewhere(t *testing.T, body string) {
	t.Helper()
	var p struct{ Type string }
	if json.Unmarshal([]byte(body), &p) != nil || p.Type == "" {
		return
	}
	page, anchor, _ := strings.Cut(strings.TrimPrefix(p.Type, "https://github.com/evovoice-gateway/caddy-conference-members/blob/HEAD/"), "#")
	text, err := os.ReadFile(filepath.Join("..", page))
	if err != nil || !regexp.MustCompile("(?m)^#+ "+regexp.QuoteMeta(anchor)+"$").Match(text) {
		t.Errorf("%s leads nowhere (%v)", p.Type, err)
	}
}

// send sends a request.
func (d *openAPI) send(t *testing.T, g *gateway, r apiRequest, mediaType string) reply {
	t.Helper()
	header := map[string]string{"Accept": strings.Replace(mediaType, "problem+json", "json", 1)}
	contentType, body := d.body(t, or(r.Request, "json"))
	if r.Body != nil {
		body = *r.Body
	}
	if body != "" {
		header["Content-Type"] = contentType
	}
	maps.Copy(header, r.Headers)
	if fault := apiUpstreams[r.Upstream].fault; fault != "" {
		header[upstreamtest.FaultHeader] = fault
	}
	target := g.URL(d.site(&r)) + or(r.Path, "/sessions/S1/conference/members")
	if r.Query != "" {
		target += "?" + r.Query
	}
	var lines []string
	for name, value := range header {
		lines = append(lines, name+": "+value)
	}
	return send(t, protocols[0].client, or(r.Method, http.MethodPost), target, body, lines...)
}

// body returns the example of a request as it is sent.
func (d *openAPI) body(t *testing.T, name string) (contentType, body string) {
	t.Helper()
	for _, b := range d.Components.RequestBodies {
		for mediaType, c := range b.Content {
			e, ok := c.Examples[name]
			if !ok {
				continue
			}
			fields, _ := e.Value.(map[string]any)
			var text bytes.Buffer
			switch mediaType {
			case "application/json":
				if err := json.NewEncoder(&text).Encode(e.Value); err != nil {
					t.Fatal(err)
				}
			case "application/x-www-form-urlencoded":
				form := make(url.Values)
				for field, value := range fields {
					form.Set(field, fmt.Sprint(value))
				}
				text.WriteString(form.Encode())
			case "multipart/form-data":
				form := multipart.NewWriter(&text)
				for field, value := range fields {
					_ = form.WriteField(field, fmt.Sprint(value))
				}
				_ = form.Close()
				mediaType = form.FormDataContentType()
			default:
				fmt.Fprint(&text, e.Value)
			}
			return mediaType, text.String()
		}
	}
	t.Fatalf("no request has the example %s", name)
	return "", ""
}

// TestOpenAPIKnowsEveryRule holds that each status has the rules by which it is
// sent, in x-rules, and each rule an example.
func TestOpenAPIKnowsEveryRule(t *testing.T) {
	d := readOpenAPI(t)
	byStatus := make(map[int][]string)
	for r := range rules.All() {
		byStatus[r.Status] = append(byStatus[r.Status], r.Name)
	}
	for name := range d.Components.Responses {
		status := d.status(t, name)
		if names := byStatus[status]; len(names) > 0 {
			d.check(t, names, "components", "responses", name, "x-rules")
		}
		delete(byStatus, status)
	}
	if len(byStatus) > 0 {
		t.Errorf("no response has the status of %v", byStatus)
	}
	for r := range rules.All() {
		if r.Name != "incomplete_body" && !d.shows(r) { // no HTTP client sends such a request
			t.Errorf("%s has no example", r.Name)
		}
	}
	d.write(t)
}

// shows says whether an example of a refusal has a rule.
func (d *openAPI) shows(r *rules.Rule) bool {
	for _, response := range d.Components.Responses {
		for _, e := range response.Content["application/problem+json"].Examples {
			var problem struct{ Errors []struct{ Rule string } }
			text, err := json.Marshal(e.Value)
			if err == nil && json.Unmarshal(text, &problem) == nil &&
				slices.ContainsFunc(problem.Errors, func(v struct{ Rule string }) bool { return v.Rule == r.Name }) {
				return true
			}
		}
	}
	return false
}

// TestOpenAPIKnowsTheTables compares the description with the tables of formats, of
// outcomes, and of the media types of requests.
func TestOpenAPIKnowsTheTables(t *testing.T) {
	d := readOpenAPI(t)
	var names []string
	for _, f := range negotiate.Formats() {
		names = append(names, f.String())
		if _, ok := d.Components.Responses["Placed"].Content[f.MediaType()]; !ok {
			t.Errorf("the session can't be had as %s", f.MediaType())
		}
	}
	d.check(t, names, "components", "schemas", "Format", "enum")
	names = nil
	for _, o := range metrics.RowOutcomes() {
		names = append(names, o.String())
	}
	d.check(t, names, "components", "schemas", "Result", "properties", "outcome", "enum")
	for mediaType := range d.Components.RequestBodies["Call"].Content {
		if !strings.Contains(request.AcceptPost(), mediaType) {
			t.Errorf("%s is not read", mediaType)
		}
	}
	d.write(t)
}

// TestOpenAPIKnowsTheSession holds that its schema has the columns of the CSV.
func TestOpenAPIKnowsTheSession(t *testing.T) {
	d := readOpenAPI(t)
	schemas := map[string]string{
		transform.RowsSession: "Session", transform.RowsCustomerBreadcrumb: "EntityReference",
		transform.RowsLog: "SessionLogEntry", transform.RowsMembers: "SessionMember",
	}
	for rows, schema := range schemas {
		var properties []string
		for _, p := range transform.Properties(rows) {
			made := `{"type":"string"}`
			switch p.Type {
			case transform.TypeBool:
				made = `{"type":"boolean"}`
			case transform.TypeList:
				made = fmt.Sprintf(`{"type":"array","items":{"$ref":"#/components/schemas/%s"}}`, schemas[p.Name])
			case transform.TypeMap:
				made = `{"type":"object","additionalProperties":{"type":"string"}}`
			}
			properties = append(properties, fmt.Sprintf("%q:%s", p.Name, made))
		}
		d.checkJSON(t, []byte("{"+strings.Join(properties, ",")+"}"), "components", "schemas", schema, "properties")
	}
	d.write(t)
}
