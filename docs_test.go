package conferencemembers_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	caddyfmt "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/caddyfile"
	"github.com/evovoice-gateway/caddy-conference-members/handler"
	"github.com/evovoice-gateway/caddy-conference-members/internal/docgen"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	_ "github.com/evovoice-gateway/caddy-conference-members/stores/redis" // for the documentation of its options
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// exampleFile is the configuration that the README starts.
const exampleFile = "Caddyfile.example"

// page is one page of the documentation.
type page struct {
	name, text string
}

// readPages returns the pages for readers of the repository's front page, and
// everything in docs.
func readPages(t *testing.T) []page {
	t.Helper()
	names, err := filepath.Glob("docs/*.md")
	if err != nil || len(names) == 0 {
		t.Fatalf("pages %v, %v", names, err)
	}
	var pages []page
	for _, name := range append([]string{"README.md", "SECURITY.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "VERSIONING.md", "CHANGELOG.md"}, names...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page{filepath.ToSlash(name), string(text)})
	}
	return pages
}

// block is a fenced block of code.
type block struct {
	language, text string
	line           int
}

var fenced = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// blocks returns the fenced blocks of a page.
func (p page) blocks() []block {
	var all []block
	for _, at := range fenced.FindAllStringSubmatchIndex(p.text, -1) {
		all = append(all, block{
			language: p.text[at[2]:at[3]],
			text:     p.text[at[4]:at[5]],
			line:     strings.Count(p.text[:at[0]], "\n") + 1,
		})
	}
	return all
}

// TestDocsCaddyfiles holds that every Caddyfile in the documentation is formatted
// and adapts.
func TestDocsCaddyfiles(t *testing.T) {
	for _, p := range readPages(t) {
		for _, b := range p.blocks() {
			switch b.language {
			case "caddyfile":
				if got := adapt(site(b.text)); strings.HasPrefix(got, "error: ") {
					t.Errorf("%s:%d: %s", p.name, b.line, got)
				} else if members, err := handlerOf(site(b.text)); err == nil {
					if _, err := decodeConfig(members); err != nil {
						t.Errorf("%s:%d: %v", p.name, b.line, err)
					}
				}
				if want := string(caddyfmt.Format([]byte(b.text))); b.text != want {
					t.Errorf("%s:%d: not formatted; want:\n%s", p.name, b.line, want)
				}
			case "console", "csv", "json", "sh", "sql", "php", "csharp", "text", "html", "mermaid":
			case "js", "python": // see TestTheExamplesOfRetriesPlaceOneCall in e2e
			case "go": // see TestDocsGo
			case "ts": // see TestAClientIsMadeOfTheDescription in e2e
			default:
				t.Errorf("%s:%d: a block of unknown language %q", p.name, b.line, b.language)
			}
		}
	}
}

// wholeCaddyfile tells a Caddyfile that has sites or global options from one
// that is the inside of a site.
var wholeCaddyfile = regexp.MustCompile(`^(\{|\(\w+\) \{|\S*[:.]\S* \{)\n`)

// site puts directives into a site.
func site(config string) string {
	if wholeCaddyfile.MatchString(config) {
		return config
	}
	return ":80 {\n" + config + "}\n"
}

// TestDocsJSON holds that every JSON in the documentation is JSON, and that the
// configurations among it load.
func TestDocsJSON(t *testing.T) {
	configs := 0
	for _, p := range readPages(t) {
		for _, b := range p.blocks() {
			if b.language != "json" {
				continue
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal([]byte(b.text), &members); err != nil {
				t.Errorf("%s:%d: %v", p.name, b.line, err)
				continue
			}
			if _, ok := members["handler"]; !ok {
				continue
			}
			configs++
			if _, err := decodeConfig(members); err != nil {
				t.Errorf("%s:%d: %v", p.name, b.line, err)
			}
		}
	}
	if configs == 0 {
		t.Error("no configuration in JSON is shown")
	}
}

// decodeConfig reads the JSON of the handler, strictly.
func decodeConfig(members map[string]json.RawMessage) (*handler.Config, error) {
	if name := string(members["handler"]); name != `"conference_members"` {
		return nil, fmt.Errorf("the handler is %s", name)
	}
	delete(members, "handler")
	rest, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(rest))
	d.DisallowUnknownFields()
	cfg := new(handler.Config)
	if err := d.Decode(cfg); err != nil {
		return nil, err
	}
	return cfg, cfg.Validate()
}

// handlerOf returns the JSON of the handler that a Caddyfile adapts to.
func handlerOf(config string) (map[string]json.RawMessage, error) {
	adapted := adapt(config)
	if strings.HasPrefix(adapted, "error: ") {
		return nil, fmt.Errorf("%s", adapted)
	}
	var tree any
	if err := json.Unmarshal([]byte(adapted), &tree); err != nil {
		return nil, err
	}
	found := findHandler(tree)
	if found == nil {
		return nil, fmt.Errorf("no handler in %s", adapted)
	}
	raw, err := json.Marshal(found)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	return members, json.Unmarshal(raw, &members)
}

// findHandler looks for the handler in a tree of JSON.
func findHandler(tree any) map[string]any {
	switch node := tree.(type) {
	case map[string]any:
		if node["handler"] == "conference_members" {
			return node
		}
		for _, child := range node {
			if found := findHandler(child); found != nil {
				return found
			}
		}
	case []any:
		for _, child := range node {
			if found := findHandler(child); found != nil {
				return found
			}
		}
	}
	return nil
}

// pagesOfOthers are made by the tests of packages ops and integration.
var pagesOfOthers = []string{"docs/metrics.md", "docs/faults.md"}

// TestDocsGenerated compares the parts of the documentation that are made of the
// code with the code; with -update they are rewritten.
func TestDocsGenerated(t *testing.T) {
	var names []string
	for _, p := range readPages(t) {
		if !slices.Contains(pagesOfOthers, p.name) {
			names = append(names, p.name)
		}
	}
	docgen.Check(t, *update, "go test . -update", sections, names...)
}

// sections make the parts of the pages.
var sections = map[string]docgen.Maker{
	"syntax":       syntaxBlock,
	"options":      optionSections,
	"option":       optionSection,
	"members":      memberTable,
	"fields":       fieldTable,
	"handler":      handlerJSON,
	"formats":      func(string, string) (string, error) { return formatTable(), nil },
	"rules":        func(string, string) (string, error) { return ruleTable(), nil },
	"rule":         ruleFacts,
	"refusals":     func(string, string) (string, error) { return refusalTable(), nil },
	"row":          func(string, string) (string, error) { return rowOutcomeTable(), nil },
	"placeholders": func(string, string) (string, error) { return placeholderTable(), nil },
	"session":      func(string, string) (string, error) { return sessionJSON() },
	"csv":          csvMade,
	"dialects":     func(string, string) (string, error) { return dialectTable(), nil },
	"cells":        cellTable,
	"columns":      columnTable,
	"fuzz":         func(string, string) (string, error) { return fuzzTable() },
	"packages":     func(string, string) (string, error) { return packageTable() },
	"allocations":  func(string, string) (string, error) { return allocationTable(), nil },
}

// rowOutcomeTable lists what may have become of a row of an upload.
func rowOutcomeTable() string {
	var rows [][]string
	for _, o := range metrics.RowOutcomes() {
		rows = append(rows, []string{docgen.Code(o.String()), o.Meaning()})
	}
	return docgen.Table([]string{"Outcome", "Meaning"}, rows...)
}

// syntaxBlock shows every option in its block, as a Caddyfile has them.
func syntaxBlock(string, string) (string, error) {
	var block func(in, indent string) string
	block = func(in, indent string) string {
		var b strings.Builder
		for o := range caddyfile.Options() {
			syntax, opens := strings.CutSuffix(o.Syntax, "{ ... }")
			switch name := o.Name; {
			case o.Block != in:
			case opens && name == "view":
				b.WriteString(indent + name + " " + syntax + "{\n" + indent + "\t<option of csv> ...\n" + indent + "}\n")
			case opens:
				b.WriteString(indent + name + " {\n" + block(name, indent+"\t") + indent + "}\n")
			default:
				b.WriteString(indent + strings.TrimSpace(name+" "+syntax) + "\n")
			}
		}
		return b.String()
	}
	return docgen.Fence("text", caddyfile.Name+" [<matcher>] {\n"+block(caddyfile.Name, "\t")+"}"), nil
}

// optionSections returns a section for each option of a block. Those that open a block
// have a section of their own, which holds those of its options.
func optionSections(_, in string) (string, error) {
	var sections []string
	for o := range caddyfile.Options() {
		if o.Block != in || o.Syntax == "{ ... }" {
			continue
		}
		text, err := optionText(o)
		if err != nil {
			return "", err
		}
		sections = append(sections, "### "+optionHeading(o)+"\n\n"+text)
	}
	if sections == nil {
		return "", fmt.Errorf("there is no block %q", in)
	}
	return strings.Join(sections, "\n"), nil
}

// optionSection returns the text of an option of the directive.
func optionSection(_, name string) (string, error) {
	for o := range caddyfile.Options() {
		if o.Block == caddyfile.Name && o.Name == name {
			return optionText(o)
		}
	}
	return "", fmt.Errorf("there is no option %q", name)
}

// optionText returns the syntax of an option, its default, what the comment of its
// field says, and its example.
func optionText(o caddyfile.Option) (string, error) {
	object, member := o.Block, o.JSON
	if object == caddyfile.Name {
		object = "handler"
	}
	if o.Name == "column" {
		object, member = "column", "path"
	}
	f, err := fieldOf(object, member)
	if err != nil {
		return "", err
	}
	doc, _, _ := strings.Cut(docOf(f), " Default: ") // in the units of JSON
	doc = strings.Replace(doc, " in bytes", "", 1)
	usage := "Syntax: " + docgen.Code(strings.TrimSpace(o.Name+" "+o.Syntax)) + ". Default: " + o.Default + "."
	if o.Repeats {
		usage += " Can be repeated."
	}
	return usage + "\n\n" + doc + "\n\n" + docgen.Fence("caddyfile", exampleOf(o)), nil
}

// optionHeading returns the heading of an option's section.
func optionHeading(o caddyfile.Option) string {
	if o.Block == caddyfile.Name {
		return o.Name
	}
	return o.Block + " " + o.Name
}

// exampleOf returns the example of an option as a directive.
func exampleOf(o caddyfile.Option) string {
	text := o.Example
	if o.Block != caddyfile.Name {
		text = o.Block + " {\n" + text + "\n}"
	}
	return string(caddyfmt.Format([]byte(caddyfile.Name + " {\n" + text + "\n}")))
}

// TestEveryOptionHasAnExample holds that the example of each option sets it, and
// starts.
func TestEveryOptionHasAnExample(t *testing.T) {
	for o := range caddyfile.Options() {
		t.Run(o.Block+" "+o.Name, func(t *testing.T) {
			config, err := handlerOf(site(exampleOf(o)))
			if err != nil {
				t.Fatal(err)
			}
			in := maps.Clone(config)
			delete(in, "handler")
			if o.Block != caddyfile.Name {
				in = nil
				if err := json.Unmarshal(config[o.Block], &in); err != nil {
					t.Fatal(err)
				}
			}
			name := o.JSON
			if name == "column" {
				name = "columns"
			}
			if _, ok := in[name]; !ok || len(in) != 1 {
				t.Errorf("%s sets %v", exampleOf(o), slices.Collect(maps.Keys(in)))
			}
			validate(t, site(exampleOf(o)))
		})
	}
}

// validate holds that a Caddyfile can be provisioned.
func validate(t *testing.T, config string) {
	t.Helper()
	t.Setenv("HASH_KEY", "0123456789abcdef0123456789abcdef")
	cfg := new(caddy.Config)
	if err := json.Unmarshal([]byte(adapt(config)), cfg); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(cfg); err != nil {
		t.Error(err)
	}
}

// memberTable lists what the options are in JSON.
func memberTable(string, string) (string, error) {
	var rows [][]string
	for o := range caddyfile.Options() {
		object := o.Block
		if object == caddyfile.Name {
			object = "handler"
		}
		if o.Name == "column" {
			continue // one of columns
		}
		f, err := fieldOf(object, o.JSON)
		if err != nil {
			return "", err
		}
		path := o.JSON
		if o.Block != caddyfile.Name {
			path = o.Block + "." + path
		}
		anchor := strings.ReplaceAll(optionHeading(o), " ", "-")
		rows = append(rows, []string{"[" + docgen.Code(path) + "](options.md#" + anchor + ")", jsonType(f.Type)})
	}
	return docgen.Table([]string{"Member", "Type"}, rows...), nil
}

// structures are the Go types whose fields are an object of the configuration.
var structures = map[string][]struct{ file, name string }{
	"handler":     {{"handler/config.go", "Config"}, {"rules/options.go", "Options"}},
	"numbers":     {{"rules/options.go", "NumberOptions"}},
	"csv":         {{"transform/options.go", "Options"}, {"handler/config.go", "CSV"}},
	"column":      {{"transform/options.go", "Column"}},
	"idempotency": {{"handler/idempotency.go", "Idempotency"}},
	"duplicates":  {{"handler/idempotency.go", "Duplicates"}},
	"bulk":        {{"handler/bulk.go", "Bulk"}},
	"booleans":    {{"transform/options.go", "Booleans"}},
	"dates":       {{"transform/options.go", "Dates"}},
	"memory":      {{"stores/modules.go", "Memory"}},
	"file":        {{"stores/modules.go", "File"}},
	"redis":       {{"stores/redis/redis.go", "Redis"}},
	"tls":         {{"stores/redis/redis.go", "TLS"}},
}

// fieldTable lists the members of an object of the configuration by the
// comments of its fields.
func fieldTable(_, object string) (string, error) {
	var rows [][]string
	fields, err := fieldsOf(object)
	for _, f := range fields {
		rows = append(rows, []string{docgen.Code(jsonName(f)), jsonType(f.Type), docOf(f)})
	}
	return docgen.Table([]string{"Member", "Type", "Meaning"}, rows...), err
}

// fieldsOf returns the fields of an object of the configuration.
func fieldsOf(object string) ([]*ast.Field, error) {
	var fields []*ast.Field
	for _, s := range structures[object] {
		file, err := parser.ParseFile(token.NewFileSet(), s.file, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		spec, ok := file.Scope.Lookup(s.name).Decl.(*ast.TypeSpec)
		if !ok {
			return nil, fmt.Errorf("%s: %s is no type", s.file, s.name)
		}
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			if f.Tag != nil { // else it is embedded; its own fields are members
				fields = append(fields, f)
			}
		}
	}
	if fields == nil {
		return nil, fmt.Errorf("there is no object %q", object)
	}
	return fields, nil
}

// fieldOf returns the field of a member of an object.
func fieldOf(object, member string) (*ast.Field, error) {
	fields, err := fieldsOf(object)
	for _, f := range fields {
		if jsonName(f) == member {
			return f, nil
		}
	}
	return nil, cmp.Or(err, fmt.Errorf("%s has no member %q", object, member))
}

func jsonName(f *ast.Field) string {
	name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
	return name
}

func docOf(f *ast.Field) string { return strings.Join(strings.Fields(f.Doc.Text()), " ") }

// jsonType names the JSON type of a Go type.
func jsonType(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return jsonType(e.X)
	case *ast.ArrayType:
		return "list of " + jsonType(e.Elt)
	case *ast.MapType:
		return "object of " + jsonType(e.Value)
	case *ast.Ident:
		switch e.Name {
		case "string", "bool":
			return e.Name
		case "int", "int64":
			return "number"
		}
	case *ast.SelectorExpr:
		if e.Sel.Name == "Duration" {
			return "duration"
		}
	}
	return "object"
}

// handlerJSON returns the JSON of the Caddyfile before it.
func handlerJSON(before, _ string) (string, error) {
	members, err := handlerBefore(before)
	if err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(members, "", "\t")
	return docgen.Fence("json", string(text)), err
}

// handlerBefore returns the handler in the last Caddyfile of a text.
func handlerBefore(before string) (map[string]json.RawMessage, error) {
	for _, b := range slices.Backward(page{text: before}.blocks()) {
		if b.language == "caddyfile" {
			return handlerOf(site(b.text))
		}
	}
	return nil, fmt.Errorf("there is no Caddyfile before it")
}

func formatTable() string {
	var rows [][]string
	for _, f := range negotiate.Formats() {
		maker := "the upstream; passed through"
		if f == negotiate.CSV {
			maker = "the gateway, from the upstream's JSON"
		}
		rows = append(rows, []string{f.String(), docgen.Code(f.MediaType()), docgen.Code(f.Suffix()), docgen.Code("?format=" + f.String()), maker})
	}
	return docgen.Table([]string{"Format", "`Accept`", "Suffix", "Query", "Made by"}, rows...)
}

func ruleTable() string {
	var rows [][]string
	for r := range rules.All() {
		rows = append(rows, []string{"[" + docgen.Code(r.Name) + "](#" + r.Name + ")", fmt.Sprint(r.Status), r.Title})
	}
	return docgen.Table([]string{"Rule", "Status", "What is wrong"}, rows...)
}

// ruleFacts returns what the table of rules says about one rule.
func ruleFacts(_, name string) (string, error) {
	r := rules.ByName(name)
	if r == nil {
		return "", fmt.Errorf("there is no rule %q", name)
	}
	mode := "Always enforced."
	if r.Switchable {
		mode = "Can be switched: `rule " + r.Name + " enforce|report|off`."
	}
	return fmt.Sprintf("**%s.** Status %d %s, error code `%s`. %s\n\nWhat to do: %s\n",
		r.Title, r.Status, http.StatusText(r.Status), r.ErrorCode, mode, r.Fix), nil
}

// refusalTable lists the statuses of refusals with their rules.
func refusalTable() string {
	byStatus := make(map[int][]string)
	for r := range rules.All() {
		byStatus[r.Status] = append(byStatus[r.Status], docgen.Code(r.Name))
	}
	var rows [][]string
	for status := 400; status < 600; status++ {
		if names := byStatus[status]; names != nil {
			rows = append(rows, []string{fmt.Sprintf("%d %s", status, http.StatusText(status)), strings.Join(names, ", ")})
		}
	}
	return docgen.Table([]string{"Status", "Rules"}, rows...)
}

func placeholderTable() string {
	var rows [][]string
	for name, meaning := range handler.Placeholders() {
		rows = append(rows, []string{docgen.Code("{" + name + "}"), meaning})
	}
	return docgen.Table([]string{"Placeholder", "Meaning"}, rows...)
}

// exampleSession returns the session of the example's upstream.
func exampleSession() ([]byte, error) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		return nil, err
	}
	_, body, ok := strings.Cut(string(text), "respond @members <<JSON\n")
	body, _, ok2 := strings.Cut(body, "\n\t\tJSON 200")
	if !ok || !ok2 {
		return nil, fmt.Errorf("%s sends no session", exampleFile)
	}
	body = strings.ReplaceAll(body, "{path.1}", "S1")
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(body)); err != nil {
		return nil, fmt.Errorf("the session of %s: %w", exampleFile, err)
	}
	return compact.Bytes(), nil
}

func sessionJSON() (string, error) {
	session, err := exampleSession()
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, session, "", "  "); err != nil {
		return "", err
	}
	return docgen.Fence("json", b.String()), nil
}

// csvMade returns the CSV that the Caddyfile before it makes of the session.
func csvMade(before, _ string) (string, error) {
	members, err := handlerBefore(before)
	if err != nil {
		return "", err
	}
	cfg, err := decodeConfig(members)
	if err != nil {
		return "", err
	}
	var o transform.Options
	if cfg.CSV != nil {
		o = cfg.CSV.Options
	}
	made, err := transcode(o)
	made = strings.TrimPrefix(made, "\ufeff") // which nobody would see
	return docgen.Fence("csv", strings.ReplaceAll(made, "\r\n", "\n")), err
}

// transcode makes CSV of the session.
func transcode(o transform.Options) (string, error) {
	session, err := exampleSession()
	if err != nil {
		return "", err
	}
	plan, err := transform.Compile(o)
	if err != nil {
		return "", err
	}
	made, err := plan.AppendSessions(nil, session)
	return string(made), err
}

// dialectTable says what each dialect presets.
func dialectTable() string {
	onOff := map[bool]string{true: "on", false: "off"}
	yesNo := map[bool]string{true: "yes", false: "no"}
	style := map[string]string{"pascal": "PascalCase", "camel": "camelCase"}
	aspects := []struct {
		name string
		of   func(transform.Dialect) string
	}{
		{"for", func(d transform.Dialect) string { return d.Audience }},
		{"header names", func(d transform.Dialect) string { return style[d.Header] }},
		{"lists and objects", func(d transform.Dialect) string { return strings.ToUpper(d.Nested) }},
		{"booleans", func(d transform.Dialect) string {
			return docgen.Code(d.Booleans.True) + " " + docgen.Code(d.Booleans.False)
		}},
		{"delimiter", func(d transform.Dialect) string { return docgen.Code(string(d.Delimiter)) }},
		{"formula guard", func(d transform.Dialect) string { return onOff[d.FormulaGuard] }},
		{"byte order mark", func(d transform.Dialect) string { return yesNo[d.BOM] }},
		{"quotes", func(d transform.Dialect) string {
			if d.QuoteBrackets {
				return "where needed, and round what begins with `[` or `{`"
			}
			return "where needed"
		}},
	}
	head := []string{""}
	rows := make([][]string, len(aspects))
	for i, a := range aspects {
		rows[i] = []string{a.name}
	}
	for i, d := range transform.Dialects() {
		title := docgen.Code(d.Name)
		if i == 0 {
			title += " (default)"
		}
		head = append(head, title)
		for i, a := range aspects {
			rows[i] = append(rows[i], a.of(d))
		}
	}
	return docgen.Table(head, rows...)
}

// TestDocsDialects holds that every dialect has a section that shows its CSV, in
// the order of the table.
func TestDocsDialects(t *testing.T) {
	text, err := os.ReadFile("docs/csv.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Dialects\n")
	section, _, ok2 := strings.Cut(section, "\n## ")
	if !ok || !ok2 {
		t.Fatal("there is no section Dialects")
	}
	var got []string
	for _, part := range strings.Split(section, "\n### ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		got = append(got, name)
		members, err := handlerBefore(body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cfg, err := decodeConfig(members)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		shown := transform.Dialects()[0].Name
		if cfg.CSV != nil {
			shown = cfg.CSV.Dialect
		}
		if shown != name || !strings.Contains(body, "<!-- BEGIN csv -->") {
			t.Errorf("%s: the section shows no CSV, or that of %s", name, shown)
		}
	}
	if want := transform.Choices("dialect"); !slices.Equal(got, want) {
		t.Errorf("sections %q, dialects %q", got, want)
	}
}

var (
	// goCode is a block of Go, in a list or not.
	goCode = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	// filePath is where a page names a file of the repository.
	filePath = regexp.MustCompile("`([\\w.-]+(?:/[\\w.-]+)*\\.(?:go|md|json|csv|jsv|ts|example))`")
)

// TestDocsGo holds that all Go that the documentation shows is in the file
// that it names last before it.
func TestDocsGo(t *testing.T) {
	squeeze := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	found := 0
	for _, p := range readPages(t) {
		for _, at := range goCode.FindAllStringSubmatchIndex(p.text, -1) {
			found++
			named := filePath.FindAllStringSubmatch(p.text[:at[0]], -1)
			if named == nil {
				t.Errorf("%s: no file is named before its Go", p.name)
				continue
			}
			file := named[len(named)-1][1]
			source, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s: %v", p.name, err)
				continue
			}
			if shown := squeeze(p.text[at[2]:at[3]]); !strings.Contains(squeeze(string(source)), shown) {
				t.Errorf("%s: %s does not hold %s", p.name, file, shown)
			}
		}
	}
	if found == 0 {
		t.Error("no Go is shown")
	}
}

// TestContributorsAreToldOfFilesThatExist holds that the files that the pages for
// contributors name are there.
func TestContributorsAreToldOfFilesThatExist(t *testing.T) {
	for _, p := range readPages(t) {
		if p.name != "CONTRIBUTING.md" && p.name != "ARCHITECTURE.md" {
			continue
		}
		for _, m := range filePath.FindAllStringSubmatch(p.text, -1) {
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
		}
	}
}

// benchmarkCommand is a command that runs benchmarks.
var benchmarkCommand = regexp.MustCompile("go test ([^`\n]*-bench [^`\n]*)")

// TestDocsBenchmarksExist holds that the commands of the documentation that run benchmarks
// of a package find all that they name.
func TestDocsBenchmarksExist(t *testing.T) {
	commands := 0
	for _, p := range readPages(t) {
		for _, m := range benchmarkCommand.FindAllStringSubmatch(p.text, -1) {
			words := strings.Fields(m[1])
			names := strings.Trim(words[slices.Index(words, "-bench")+1], "'")
			i := slices.IndexFunc(words, func(word string) bool { return strings.HasPrefix(word, "./") })
			if names == "." { // all there are
				continue
			}
			commands++
			source, err := readTests(words[i])
			if err != nil {
				t.Fatal(err)
			}
			for name := range strings.SplitSeq(names, "|") {
				if !strings.Contains(source, "\nfunc Benchmark"+name) {
					t.Errorf("%s: go test %s: there is no benchmark %s", p.name, m[1], name)
				}
			}
		}
	}
	if commands == 0 {
		t.Error("no benchmark is named")
	}
}

// readTests returns the tests of a package.
func readTests(dir string) (string, error) {
	names, err := filepath.Glob(dir + "/*_test.go")
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		all.Write(text)
	}
	return all.String(), nil
}

// columnCount is where the documentation must say how many columns there are.
var columnCount = regexp.MustCompile(`(for |seq -f %g/2 -s / )(\d+)( columns|\))`)

// TestDocsCountTheColumns holds that where the documentation counts the columns
// of a session, it is right; with -update it is made to.
func TestDocsCountTheColumns(t *testing.T) {
	want := fmt.Sprint(len(transform.Properties(transform.RowsSession)))
	found := 0
	for _, p := range readPages(t) {
		found += len(columnCount.FindAllString(p.text, -1))
		got := columnCount.ReplaceAllString(p.text, "${1}"+want+"${3}")
		switch {
		case got == p.text:
		case !*update:
			t.Errorf("%s does not say that there are %s columns (go test . -run DocsCount -update)", p.name, want)
		default:
			if err := os.WriteFile(p.name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found == 0 {
		t.Error("nothing counts the columns")
	}
}

// cellTable shows cells of the session in every dialect: the argument lists the
// columns.
func cellTable(_, columns string) (string, error) {
	dialects := transform.Choices("dialect")
	var rows [][]string
	for name := range strings.FieldsSeq(columns) {
		row := []string{docgen.Code(name)}
		for _, d := range dialects {
			off := false
			made, err := transcode(transform.Options{
				Dialect: d, Header: "off", BOM: &off,
				Columns: []transform.Column{{Name: "accountId"}, {Name: name}},
			})
			if err != nil {
				return "", err
			}
			_, cell, _ := strings.Cut(strings.TrimSuffix(made, "\r\n"), ",")
			row = append(row, docgen.Code(cell))
		}
		rows = append(rows, row)
	}
	return docgen.Table(append([]string{"Column"}, dialects...), rows...), nil
}

// columnTable lists the columns of what becomes a row.
func columnTable(_, of string) (string, error) {
	properties := transform.Properties(of)
	if properties == nil {
		return "", fmt.Errorf("there are no rows %q", of)
	}
	var rows [][]string
	for _, p := range properties {
		rows = append(rows, []string{docgen.Code(p.Name), docgen.Code(p.Pascal()), string(p.Type)})
	}
	return docgen.Table([]string{"Name", "In the header, `pascal`", "Type"}, rows...), nil
}

// TestDocsRules holds that every rule has a section whose heading is its name,
// in the order of the table, with prose beside what is generated.
func TestDocsRules(t *testing.T) {
	text, err := os.ReadFile("docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for r := range rules.All() {
		want = append(want, r.Name)
	}
	var got []string
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		got = append(got, name)
		begin := "<!-- BEGIN rule " + name + " -->"
		_, body, ok := strings.Cut(body, begin)
		_, own, ok2 := strings.Cut(body, "<!-- END -->")
		if !ok || !ok2 {
			t.Errorf("%s: the section has no %s", name, begin)
		}
		if strings.TrimSpace(own) == "" {
			t.Errorf("%s: the section does not say why", name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("sections:\n%q\nrules:\n%q", got, want)
	}
}

var (
	link    = regexp.MustCompile(`\[[^\]\n]*\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	anchor  = regexp.MustCompile(`<a id="([^"]+)"></a>`)
)

// TestDocsLinks holds that every link within the repository leads somewhere.
func TestDocsLinks(t *testing.T) {
	for _, p := range readPages(t) {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(p.text, ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") {
				continue
			}
			file, fragment, _ := strings.Cut(target, "#")
			if file == "" {
				file = p.name
			} else {
				file = path.Join(path.Dir(p.name), file)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				if info, statErr := os.Stat(file); statErr != nil || !info.IsDir() {
					t.Errorf("%s: link to %s: %v", p.name, target, err)
				}
				continue
			}
			if fragment != "" && !slices.Contains(anchors(string(text)), fragment) {
				t.Errorf("%s: link to %s: no such heading", p.name, target)
			}
		}
	}
}

// notInAnchor is what GitHub leaves out when it makes an anchor of a heading.
var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchors returns the anchors of a page: those of its headings, and those that
// are there as such.
func anchors(text string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		words := notInAnchor.ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(words, " ", "-"))
	}
	for _, m := range anchor.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// TestExampleShowsEveryOption holds that the example has every option in a
// comment, with its default: as its value or, where that is not a value, in a
// comment behind an example.
func TestExampleShowsEveryOption(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]string) // by block and name
	blocks := []string{caddyfile.Name}
	for line := range strings.Lines(directiveOf(t, string(text))) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !ok || len(blocks) == 0 {
			continue
		}
		option, def, _ := strings.Cut(strings.TrimSpace(line), " # default: ")
		name, args, _ := strings.Cut(option, " ")
		switch opens := strings.HasSuffix(option, "{"); {
		case name == "}":
			blocks = blocks[:len(blocks)-1]
			continue
		case opens && def == "":
			def = "see below"
		case def == "":
			def = args
		}
		shown[blocks[len(blocks)-1]+" "+name] = def
		if strings.HasSuffix(option, "{") {
			blocks = append(blocks, name)
		}
	}
	for o := range caddyfile.Options() {
		want := strings.ReplaceAll(o.Default, "`", "")
		if got, ok := shown[o.Block+" "+o.Name]; !ok {
			t.Errorf("%s %s is not shown", o.Block, o.Name)
		} else if got != want {
			t.Errorf("%s %s: the default shown is %q, want %q", o.Block, o.Name, got, want)
		}
	}
}

// TestExampleOptionsCanBeUncommented holds that the options of the example are
// right all together.
func TestExampleOptionsCanBeUncommented(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	commented := directiveOf(t, string(text))
	var options strings.Builder
	for line := range strings.Lines(commented) {
		if option, ok := strings.CutPrefix(strings.TrimSpace(line), "#"); ok && isOption(strings.TrimSpace(option)) {
			options.WriteString(option + "\n")
		}
	}
	config := strings.Replace(string(text), commented, options.String(), 1)
	members, err := handlerOf(config)
	if err != nil {
		t.Fatalf("%v\nin:\n%s", err, config)
	}
	if _, err := decodeConfig(members); err != nil {
		t.Error(err)
	}
}

// directiveOf returns what is in the block of the directive.
func directiveOf(t *testing.T, config string) string {
	t.Helper()
	_, inside, ok := strings.Cut(config, "\t"+caddyfile.Name+" {\n")
	inside, _, ok2 := strings.Cut(inside, "\n\t}\n")
	if !ok || !ok2 {
		t.Fatalf("%s has no block %s", exampleFile, caddyfile.Name)
	}
	return inside + "\n"
}

// isOption tells a commented option from a remark.
func isOption(line string) bool {
	if line == "}" {
		return true
	}
	name, _, _ := strings.Cut(line, " ")
	for o := range caddyfile.Options() {
		if o.Name == name {
			return true
		}
	}
	return false
}

// TestExampleIsFormatted holds that the example is as caddy fmt writes it.
func TestExampleIsFormatted(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if want := caddyfmt.Format(text); !bytes.Equal(text, want) {
		t.Errorf("want:\n%s", want)
	}
}
