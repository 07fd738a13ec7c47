package integration

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var updateDocs = flag.Bool("update", false, "write the responses that the documentation shows")

// The files of the repository that this is about.
const (
	exampleFile = "../Caddyfile.example"
	readmeFile  = "../README.md"
	docsFiles   = "../docs/*.md"
	headersFile = "../docs/headers.md"
)

var (
	// console finds a block of commands, each after a dollar sign, with their responses.
	console = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	// command finds one of them, over several lines if they end in a backslash.
	command = regexp.MustCompile(`(?m)^\$ (?:.*\\\n)*.*\n`)
)

// shapes are what differs from one response to the next, and what the
// documentation shows in its place.
var shapes = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`(?m)^Date: .*$`), "Date: Tue, 04 Mar 2025 09:41:00 GMT"},
	{regexp.MustCompile(`urn:uuid:[0-9a-f-]{36}`), "urn:uuid:2f1a8c9e-5b7d-4e3a-9c60-8d2b4f6e1a35"},
	{regexp.MustCompile(`(known to the operator as )[0-9a-f]{16}`), "${1}3f9d0c5a71b24e68"},
}

// TestDocsResponses holds that the commands in the documentation have the responses
// that it shows, with the shipped example on other ports.
func TestDocsResponses(t *testing.T) {
	pages, err := filepath.Glob(docsFiles)
	if err != nil {
		t.Fatal(err)
	}
	run := 0
	for _, name := range append(pages, readmeFile) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			page := mustRead(name)
			if !console.MatchString(page) {
				return
			}
			g := startExample(t)
			got := console.ReplaceAllStringFunc(page, func(block string) string {
				inside := console.FindStringSubmatch(block)[1]
				var b strings.Builder
				for _, cmd := range command.FindAllString(inside, -1) {
					b.WriteString(cmd + shaped(g.shell(cmd)))
					run++
				}
				return "```console\n" + b.String() + "```"
			})
			if got == page {
				return
			}
			if *updateDocs {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("the responses differ (go test ./integration -run Docs -update writes them): %s", firstDifference(page, got))
		})
	}
	if run == 0 {
		t.Error("the documentation shows no commands")
	}
}

// startExample starts the example on free ports.
func startExample(t *testing.T) *gateway {
	t.Helper()
	t.Setenv("EVO_UPSTREAM", "") // not that of the developer
	if err := os.Unsetenv("EVO_UPSTREAM"); err != nil {
		t.Fatal(err)
	}
	config := mustRead(exampleFile)
	g := newGateway(t)
	for _, port := range []string{"8080", "8081"} {
		config = strings.ReplaceAll(config, ":"+port, ":"+g.port(port))
	}
	g.start(config)
	return g
}

// port returns the port of a site.
func (g *gateway) port(site string) string {
	_, port, _ := net.SplitHostPort(g.Address(site))
	return port
}

// shaped replaces what differs from one response to the next by what the documentation
// shows.
func shaped(response string) string {
	for _, s := range shapes {
		response = s.pattern.ReplaceAllString(response, s.shown)
	}
	response = strings.ReplaceAll(response, "\r\n", "\n")
	if response != "" && !strings.HasSuffix(response, "\n") {
		response += "\n"
	}
	return response
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			return fmt.Sprintf("line %d:\n%s\nbut the response is:\n%s", i+1, w[i], strings.Join(g[min(i, len(g)):min(i+5, len(g))], "\n"))
		}
	}
	return "there is more"
}

// shell runs a command: curl and the filters that the documentation pipes its
// response through.
func (g *gateway) shell(cmd string) string {
	g.t.Helper()
	words := shellWords(strings.TrimPrefix(cmd, "$ "))
	var out string
	for i := 0; len(words) > 0; i++ {
		end := slices.Index(words, "|")
		if end < 0 {
			end = len(words)
		}
		stage := words[:end]
		words = words[min(end+1, len(words)):]
		switch {
		case i == 0 && stage[0] == "curl":
			out = g.curl(stage[1:])
		case stage[0] == "jq" && len(stage) <= 2:
			out = indented(g.t, member(g.t, out, strings.Join(stage[1:], "")))
		case len(stage) == 4 && stage[0] == "cut" && stage[1] == "-d," && stage[2] == "-f":
			out = cutFields(g.t, out, stage[3])
		case len(stage) == 2 && stage[0] == "grep":
			out = grep(out, regexp.MustCompile(stage[1]))
		default:
			g.t.Fatalf("can't run %q of %s", stage, cmd)
		}
	}
	return out
}

// shellWords splits a command, with quotes of both kinds, as a shell does.
func shellWords(cmd string) []string {
	var words []string
	var word []byte
	started, quote := false, byte(0)
	end := func() {
		if started {
			words = append(words, string(word))
		}
		word, started = nil, false
	}
	for i := 0; i < len(cmd); i++ {
		c := cmd[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word = append(word, c)
		case c == '$' && i+1 < len(cmd) && cmd[i+1] == '\'': // quotes in which \n is a newline
			inside, rest, _ := strings.Cut(cmd[i+2:], "'")
			word, started = append(word, strings.ReplaceAll(inside, `\n`, "\n")...), true
			i = len(cmd) - len(rest) - 1
		case c == '\'' || c == '"':
			quote, started = c, true
		case c == '\\' && i+1 < len(cmd) && cmd[i+1] == '\n', c == ' ', c == '\n':
			end()
		default:
			word, started = append(word, c), true
		}
	}
	end()
	return words
}

// curl sends what curl would send for its arguments.
func (g *gateway) curl(args []string) string {
	g.t.Helper()
	method, target, withHead, body, form := "", "", false, "", false
	header := http.Header{"Accept": {"*/*"}, "User-Agent": {"curl"}}
	for i := 0; i < len(args); i++ {
		option := args[i]
		if !strings.HasPrefix(option, "-") {
			target = option
			continue
		}
		switch option {
		case "-s":
			continue
		case "-i":
			withHead = true
			continue
		}
		i++
		switch value := args[i]; option {
		case "-X":
			method = value
		case "-H":
			name, value, _ := strings.Cut(value, ": ")
			header.Set(name, value)
		case "-d":
			body, form = value, true
		case "--data-urlencode":
			name, value, _ := strings.Cut(value, "=")
			if body != "" {
				body += "&"
			}
			body, form = body+name+"="+url.QueryEscape(value), true
		default:
			g.t.Fatalf("can't run curl %s", option)
		}
	}
	if form && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if method == "" {
		method = http.MethodGet
		if form {
			method = http.MethodPost
		}
	}
	target = strings.Replace(target, "localhost:8080", "localhost:"+g.port("8080"), 1)
	head, response := g.exchange(method, target, header, body)
	if withHead {
		return head + "\r\n\r\n" + response
	}
	return response
}

// exchange sends a request and returns the head of the response as it came, and
// the body.
func (g *gateway) exchange(method, target string, header http.Header, body string) (head, response string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header = header
	conn, err := net.Dial("tcp", "127.0.0.1:"+req.URL.Port())
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close()
	if err := req.Write(conn); err != nil {
		g.t.Fatal(err)
	}
	var raw bytes.Buffer
	res, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &raw)), req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	head, _, _ = strings.Cut(raw.String(), "\r\n\r\n")
	return head, string(b)
}

// indented returns what jq makes of JSON.
func indented(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(b.String())
}

// member returns what jq takes out of an object: all of it, or .NAME.
func member(t *testing.T, text, path string) string {
	t.Helper()
	if path == "" {
		return text
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return string(members[strings.TrimPrefix(path, ".")])
}

// cutFields returns what cut makes of lines: the fields first-last.
func cutFields(t *testing.T, text, which string) string {
	t.Helper()
	var first, last int
	if _, err := fmt.Sscanf(which, "%d-%d", &first, &last); err != nil {
		t.Fatalf("cut -f %s: %v", which, err)
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), ",")
		b.WriteString(strings.Join(fields[first-1:min(last, len(fields))], ",") + "\n")
	}
	return b.String()
}

// grep keeps the lines that match.
func grep(text string, pattern *regexp.Regexp) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if pattern.MatchString(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestDocsFallbackReasons holds that the documentation has every reason for
// which a response is delivered as it came, as the metric has them from the
// start.
func TestDocsFallbackReasons(t *testing.T) {
	g := startExample(t)
	label := regexp.MustCompile(`(?m)^caddy_conference_members_transcode_fallbacks_total\{reason="(\w+)"\}`)
	got := firstColumn(t, "../docs/csv.md", "## When a response stays as it came")
	var want []string
	for _, m := range label.FindAllStringSubmatch(g.curl([]string{g.URL("8080") + "/metrics"}), -1) {
		want = append(want, m[1])
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("documented: %q\nthe reasons:  %q", got, want)
	}
}

// TestDocsLogFields holds that the documentation has the fields that the log
// has.
func TestDocsLogFields(t *testing.T) {
	g := startExample(t)
	for _, body := range []string{validBody, `{"callSid":"CA42","destination":"911","fromNumber":"+12025550100"}`} {
		g.curl([]string{g.URL("8080") + membersPath + ".csv", "-H", "Content-Type: application/json", "-d", body})
	}
	documented := firstColumn(t, "../docs/metrics.md", "## Access log")
	logged := 0
	for _, entry := range g.log("process") {
		fields, _ := entry["conference_members"].(map[string]any)
		for name := range fields {
			logged++
			if !slices.Contains(documented, name) {
				t.Errorf("the field %s of the log is not documented", name)
			}
		}
	}
	if logged == 0 {
		t.Error("nothing is logged")
	}
}

// headerName finds the names of headers in a cell of a table.
var headerName = regexp.MustCompile("`([A-Z][A-Za-z0-9-]+)`")

// headerValues are values of headers for which their name is none.
var headerValues = map[string]string{"Content-Encoding": "identity", "Expect": "100-continue"}

// TestDocsForwardedRequest holds that the documentation is right about the headers
// of the forwarded request and about its body.
func TestDocsForwardedRequest(t *testing.T) {
	type request struct {
		header http.Header
		body   string
	}
	arrived := make(chan request, 1)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- request{r.Header, string(body)}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(upstream.Close)
	g := startGateway(t, `{site plain} {
	conference_members {
		idempotency
	}
	reverse_proxy `+upstream.URL+` {
		transport http {
			compression off
		}
	}
}
`)
	_, section, _ := strings.Cut(mustRead("../docs/requests.md"), "## What is forwarded\n")
	wantBody := regexp.MustCompile("(?s)```json\n(.*?)\n```").FindStringSubmatch(section)

	for _, tt := range []struct{ accept, key, encoding string }{
		{"application/json", "", "br"}, // as the client sent it
		{"application/json", "k1", "identity"},
		{"text/csv", "", "gzip, zstd"},
		{"text/csv", "k2", "gzip, zstd"},
	} {
		sent := []string{"Content-Type: application/json", "Accept: " + tt.accept, "Accept-Encoding: br", "X-Else: else"}
		if tt.key != "" {
			sent = append(sent, "Idempotency-Key: "+tt.key)
		}
		gone := make(map[string]bool) // for the names that are removed at times
		for _, row := range tableRows(t, headersFile, "## The forwarded request") {
			if !strings.HasPrefix(row[1], "removed") {
				continue
			}
			always := !strings.HasPrefix(row[1], "removed for CSV")
			for _, m := range headerName.FindAllStringSubmatch(row[0], -1) {
				gone[m[1]] = always || tt.accept == "text/csv" || tt.key != ""
				sent = append(sent, m[1]+": "+cmp.Or(headerValues[m[1]], "x"))
			}
		}
		send(t, protocols[0].client, http.MethodPost, g.URL("plain")+"/sessions/S1/conference/members", validBody, sent...)
		got := <-arrived
		for name, gone := range gone {
			if gone != (got.header.Get(name) == "") {
				t.Errorf("%+v: %s arrives as %q; removed by the documentation: %t", tt, name, got.header.Get(name), gone)
			}
		}
		if got.header.Get("X-Else") != "else" || got.header.Get("Content-Type") != "application/json" || got.header.Get("Accept") != "application/json" {
			t.Errorf("%+v: the header arrives as %v", tt, got.header)
		}
		if encoding := got.header.Get("Accept-Encoding"); encoding != tt.encoding {
			t.Errorf("%+v: Accept-Encoding arrives as %q", tt, encoding)
		}
		if wantBody == nil || got.body != wantBody[1] {
			t.Errorf("%+v: the body arrives as %s", tt, got.body)
		}
	}
}

// tableRows returns the cells of the first table under a heading.
func tableRows(t *testing.T, file, heading string) [][]string {
	t.Helper()
	_, section, ok := strings.Cut(mustRead(file), heading+"\n")
	_, body, ok2 := strings.Cut(section, "|\n|---")
	if !ok || !ok2 {
		t.Fatalf("%s has no table under %q", file, heading)
	}
	var rows [][]string
	for line := range strings.Lines(body[strings.Index(body, "\n")+1:]) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// firstColumn returns what is marked as code in the first column of a table.
func firstColumn(t *testing.T, file, heading string) []string {
	t.Helper()
	var names []string
	for _, row := range tableRows(t, file, heading) {
		for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[0], -1) {
			names = append(names, m[1])
		}
	}
	return names
}
