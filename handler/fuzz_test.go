package handler

import (
	"bufio"
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// dispositionField is the grammar of RFC 6266 and RFC 8187, as far as it is used.
var dispositionField = regexp.MustCompile(`^attachment;filename="([ -!#-\[\]-~]+)"(?:;filename\*=UTF-8''((?:[A-Za-z0-9!#$&+.^_|~` + "`" + `-]|%[0-9A-F]{2})+))?$`)

// FuzzFilename holds that whatever a file name holds, the header is well-formed
// by RFC 6266 and RFC 8187, its two parameters say the same, and the file has a
// name that is safe.
func FuzzFilename(f *testing.F) {
	for _, seed := range []string{
		DefaultFilename, `a"b`, "a\r\nb", "ä.csv", "..", strings.Repeat("x", 300) + ".csv", strings.Repeat("ä", 300) + ".tar.gz", "\xff",
		"gpj\u202evsc.csv", " .a. ", "a\u2028b", "\U000e0041.csv", "\ufffd", "a%41.csv", "x\u3000y\u00a0.csv",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		value := disposition(name)
		parts := dispositionField.FindStringSubmatch(value)
		if parts == nil {
			t.Fatalf("disposition(%q) = %q is not well-formed", name, value)
		}
		saved := parts[1]
		if parts[2] != "" {
			var err error
			if saved, err = url.PathUnescape(parts[2]); err != nil {
				t.Fatal(err)
			}
		}
		fallback := strings.Map(func(r rune) rune {
			if r > '~' {
				return '_'
			}
			return r
		}, saved)
		if parts[1] != fallback {
			t.Errorf("disposition(%q) = %q says two names", name, value)
		}
		if kind, params, err := mime.ParseMediaType(value); err != nil || kind != "attachment" || params["filename"] != saved {
			t.Errorf("disposition(%q) = %q is read as %q, %q, %v", name, value, kind, params, err)
		}
		if !isSafeName(saved) || len(saved) > maxFilename {
			t.Errorf("disposition(%q) saves as %q", name, saved)
		}
		if again := disposition(saved); again != value {
			t.Errorf("disposition(%q) = %q, but of what it saves as %q", name, value, again)
		}
		if isSafeName(name) && len(name) <= maxFilename && strings.Trim(name, "_ ") != "" && saved != name {
			t.Errorf("%q is safe, and is saved as %q", name, saved)
		}
	})
}

// isSafeName reports whether a name means nothing to a shell, a file system or a
// browser but itself, and shows all that it holds.
func isSafeName(name string) bool {
	for _, r := range name {
		switch {
		case r == utf8.RuneError, !unicode.IsPrint(r):
			return false
		case r < utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" !#()+,-.=@[]^_{}~", r):
			return false
		}
	}
	return name != "" && utf8.ValidString(name) && strings.Trim(name, " ") == name &&
		!strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".")
}

var (
	listMember = regexp.MustCompile(`[^ \t\n,](?:[^\n,]*[^ \t\n,])?`)
	entityTag  = regexp.MustCompile(`^((?:W/)?"[!#-~\x80-\xff]*)"$`)

	correlationID = regexp.MustCompile(`^[!-~]{1,128}$`)
)

// FuzzHeaders holds that ETag, Vary, Cookie, Connection and Upgrade are changed
// where they must be, by their grammars and as net/http reads them, and nowhere
// else.
func FuzzHeaders(f *testing.F) {
	f.Add(`W/"a"`, "Origin,accept\n*", "a=1; X-Http-Method-Override=PUT; b", "close, Upgrade", "websocket")
	f.Add(`"a", "b"`, "Accept-Encoding", "x%2dhttp-method-override=a;b=\"c;d\"", "content-type,upgrade", "h2c")
	f.Add(`"`, "", "", "", "TLS/1.0, foo")
	f.Fuzz(func(t *testing.T, tag, vary, cookie, connection, upgrade string) {
		got := suffixETag(tag)
		if parts := entityTag.FindStringSubmatch(latin1(tag)); parts != nil && latin1(got) != parts[1]+`-csv"` || got != "" && got == tag {
			t.Errorf("suffixETag(%q) = %q", tag, got)
		}
		if fit := correlationID.MatchString(latin1(tag)); fitCorrelationID(tag) != fit {
			t.Errorf("fitCorrelationID(%q) = %v", tag, !fit)
		}

		h := http.Header{
			"Vary": strings.Split(vary, "\n"), "Cookie": strings.Split(cookie, "\n"),
			"Connection": strings.Split(connection, "\n"), "Upgrade": strings.Split(upgrade, "\n"),
		}
		members := listMember.FindAllString(vary, -1)
		named := slices.ContainsFunc(members, func(m string) bool { return strings.EqualFold(m, "accept") || m == "*" })
		mergeVary(h)
		mergeVary(h)
		if want := map[bool]int{true: 0, false: 1}[named]; len(h["Vary"]) != len(strings.Split(vary, "\n"))+want && isVisible(vary) {
			t.Errorf("Vary %q became %q", vary, h["Vary"])
		}

		before := (&http.Request{Header: h.Clone()}).Cookies()
		dropOverrideCookies(h)
		after := (&http.Request{Header: h}).Cookies()
		before = slices.DeleteFunc(before, isOverride)
		if !slices.EqualFunc(before, after, func(a, b *http.Cookie) bool { return a.String() == b.String() }) && isVisible(cookie) {
			t.Errorf("Cookie %q became %q", cookie, h["Cookie"])
		}

		keepUpgradeOnly(h)
		asks := slices.ContainsFunc(listMember.FindAllString(connection, -1), func(m string) bool { return strings.EqualFold(m, "upgrade") })
		kept, expected := strings.Join(h["Connection"], "|"), ""
		if asks && len(h["Upgrade"]) > 0 {
			expected = "Upgrade"
		}
		for _, protocol := range listMember.FindAllString(strings.Join(h["Upgrade"], ","), -1) {
			if name, _, _ := strings.Cut(strings.ToLower(protocol), "/"); name == "h2c" || name == "http" || name == "tls" {
				t.Errorf("Upgrade %q is forwarded", h["Upgrade"])
			}
		}
		if kept != expected && isVisible(connection) {
			t.Errorf("Connection %q became %q", connection, kept)
		}
	})
}

// isOverride reports whether a host may take a cookie for the method override.
func isOverride(c *http.Cookie) bool {
	name := c.Name
	if decoded, err := url.QueryUnescape(name); err == nil {
		name = decoded
	}
	return strings.EqualFold(strings.TrimSpace(name), methodOverride)
}

// isVisible reports whether text can be the lines of a field.
func isVisible(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r > '~' }) < 0
}

// latin1 makes a rune of every byte, for regular expressions.
func latin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// FuzzServeHTTP holds that whatever is sent, at most one call is placed, it was
// judged, and what the upstream binds breaks no rule.
func FuzzServeHTTP(f *testing.F) {
	const multi = "--X\r\nContent-Disposition: form-data; name=\"destination\"\r\n\r\nsip:alice@example.com\r\n--X--\r\n"
	for _, seed := range []struct{ method, target, header, body string }{
		{"POST", route1, "Content-Type: application/json\r\nAccept: text/csv", body1},
		{"POST", "/Sessions//a%62c/./conference/members.csv?destination=%2B12025550123&callSid=CA0123456789abcdef0123456789abcdef", "X-A: b", ""},
		{"POST", route1 + "?format=csv", "Content-Type: text/csv", "Destination,note\r\n+12025550123,x\r\n"},
		{"POST", route1 + "?jsconfig=edv&callback=f&view=x", "Content-Type: application/x-www-form-urlencoded", "destination=alice&fromNumber=%2B12025550124"},
		{"POST", route1, "Content-Type: multipart/form-data; boundary=X", multi},
		{"POST", route1, "Content-Encoding: gzip", string(pack(f, "gzip", []byte(body1)))},
		{"POST", route1, "Accept: */*", `{"destination":"+1 911"}`},
		{"OPTIONS", route1 + "?destination=911&X-HTTP-Method-Override=POST", "X-HTTP-Method-Override: POST\r\nCookie: a=b; x-http-method-override=POST", ""},
		{"PUT", route1 + "/", "Connection: upgrade, content-type\r\nUpgrade: h2c\r\nHTTP2-Settings: x", body1},
		{"POST", "/json/reply/AddConferenceMember?destination=alice&sessionId=abc", "X-A: b", ""},
		{"POST", "/api/AddConferenceMember.csv?destination=alice&sessionId=abc", "X-A: b", ""},
		{"GET", route1 + "?destination=911", "Accept: text/csv, */*;q=0", ""},
		{"POST", "http://h/sessions%2Fabc/conference%5cmembers", "X-A: b", body1},
	} {
		f.Add(fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: h\r\n%s\r\nContent-Length: %d\r\n\r\n%s", seed.method, seed.target, seed.header, len(seed.body), seed.body))
	}
	f.Add([]byte("POST " + route1 + " HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n17\r\n{\"destination\":\"alice\"}\r\n0\r\n\r\n"))
	u, err := upstreamtest.New(upstreamtest.Options{AnyID: true, API: true, Keep: 1})
	if err != nil {
		f.Fatal(err)
	}
	strict := rules.Options{Require: []string{"callSid", "destination"}, Numbers: rules.NumberOptions{Region: "US", AllowCountries: []string{"US"}}}
	var gateways []gateway
	for _, cfg := range []Config{
		{CorrelationID: DefaultCorrelationHeader},
		{
			Options: strict, UnknownFields: "pass", Default: map[string]string{"fromNumber": "{http.request.header.X-A}"}, Set: map[string]string{"note": "{query.view}"},
			CSV: &CSV{Options: transform.Options{Dialect: "excel"}, Filename: "{path.1}.csv", Views: map[string]*CSV{"x": {Errors: ErrorsJSON}}},
		},
	} {
		policy, err := rules.Compile(cfg.Options)
		if err != nil {
			f.Fatal(err)
		}
		gateways = append(gateways, gateway{newHandler(f, cfg), policy, u})
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, g := range gateways {
			g.check(t, raw)
		}
	})
}

// gateway is a handler before an upstream, and the policy by which it judges.
type gateway struct {
	*Handler
	policy *rules.Policy
	u      *upstreamtest.Upstream
}

// check sends a request and holds what becomes of it.
func (g *gateway) check(t *testing.T, raw []byte) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return
	}
	r.Header.Del(upstreamtest.FaultHeader)
	before, calls := g.u.Stats().Dialled, 0
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		calls++
		forwarded, err := onTheWire(r)
		if err != nil {
			return caddyhttp.Error(http.StatusBadGateway, err)
		}
		dialled := g.u.Stats().Dialled
		g.u.ServeHTTP(w, forwarded)
		if g.u.Stats().Dialled == dialled {
			return nil
		}
		if _, judged := w.(*responseWriter); !judged {
			t.Errorf("a call is placed past the gateway: %q", forwarded.RequestURI)
		}
		last, _ := g.u.Last()
		var call rules.Call
		for field := range call {
			call[field].Text, call[field].Set = last.Bound.Get(rules.Field(field).String())
		}
		for _, v := range g.policy.Judge(call).Violations {
			t.Errorf("a call is placed that breaks %s: %v", v.Rule.Name, last.Bound)
		}
		return nil
	})
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, new(caddyhttp.Server))
	_ = g.ServeHTTP(w, r, next) // Caddy responds to an error
	if calls > 1 || g.u.Stats().Dialled-before > 1 {
		t.Errorf("the next handler was called %d times", calls)
	}
	if calls == 0 && w.Code != http.StatusOK && w.Header().Get("Content-Type") == "" {
		t.Errorf("a refusal of status %d has no type", w.Code)
	}
	for _, value := range w.Header()["Content-Disposition"] {
		if kind, _, err := mime.ParseMediaType(value); err != nil || kind != "attachment" {
			t.Errorf("Content-Disposition: %s: %v", value, err)
		}
	}
}

// onTheWire writes a request as a proxy sends it and reads it as a server does.
func onTheWire(r *http.Request) (*http.Request, error) {
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		return nil, err
	}
	return http.ReadRequest(bufio.NewReader(&b))
}
