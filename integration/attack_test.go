package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// TestWhatIsBoundIsWhatWasForwarded sends every recorded request, and variants of it in
// which bytes are changed, doubled, cut and swapped. Whatever gets through, the
// upstream binds the four texts of the canonical body.
func TestWhatIsBoundIsWhatWasForwarded(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true, API: true})
	g := startFront(t, u, site("strict")+site("open", "mode off", "rule emergency enforce"))
	random := rand.New(rand.NewPCG(1, 2))
	all := recordings.Exchanges("body", "path", "method", "suffix", "format")
	requests := make([]string, 0, 8*len(all))
	for _, r := range all {
		requests = append(requests, wire(r.Line(), r.Header(), string(r.Body())))
	}
	for _, w := range waysIn {
		requests = append(requests, wire("POST "+or(w.target, membersPath), w.header, w.body))
	}
	for _, r := range requests {
		for range 4 {
			requests = append(requests, mutate(random, r))
		}
	}
	dialled := 0
	for _, request := range requests {
		for _, name := range []string{"strict", "open"} {
			u.Forget()
			g.sendRaw(t, name, request)
			for _, r := range u.Received() {
				if r.Bound == nil {
					continue
				}
				dialled++
				var fields map[string]any
				if err := json.Unmarshal(r.Body, &fields); err != nil || r.Header.Get("Content-Type") != "application/json" || r.Method != "POST" {
					t.Errorf("%q was forwarded as %s %s %q", request, r.Method, r.Header["Content-Type"], r.Body)
					continue
				}
				for _, field := range []string{"sessionId", "callSid", "destination", "fromNumber"} {
					want, sent := fields[field].(string)
					if got, ok := r.Bound.Get(field); got != want || ok != sent {
						t.Errorf("%q: %s was judged as %q and bound as %q by %s", request, field, want, got, r.Target)
					}
				}
			}
			if n := u.Stats().Requests; n > 1 {
				t.Errorf("%q was forwarded %d times", request, n)
			}
		}
	}
	if dialled < 300 {
		t.Errorf("only %d calls were placed", dialled)
	}
	checkNoPanic(t, g)
}

// mutate changes a request here and there, but leaves its framing right.
func mutate(random *rand.Rand, request string) string {
	head, body, _ := strings.Cut(request, "\r\n\r\n")
	line, fields, _ := strings.Cut(head, "\r\n")
	pieces := []string{
		"%", "%00", "%2f", "%5c", "%c5%bf", "/", "//", "..", ".", "+", "&", "=", "?", ";", "#", "\\", "\"", "\"\"", "{", "}", "[", ":", ",", "\n", "\r\n", "\t", " ", "\u0130", "\u212a", "\u00ad",
		"\ufeff", "\x00", "\xff", "\\u0000", "\\ud800", "null", "true", "1e5", `"destination":"+19005550123",`, "destination=%2B19005550123&", "DESTINATION", "callSid", ".csv", ".json",
	}
	change := func(s string) string {
		for range 1 + random.IntN(3) {
			at := random.IntN(len(s) + 1)
			switch random.IntN(4) {
			case 0: // cut
				end := min(len(s), at+random.IntN(5))
				s = s[:at] + s[end:]
			case 1: // double
				end := min(len(s), at+random.IntN(20))
				s = s[:end] + s[at:]
			case 2: // swap case
				if at < len(s) && (s[at]|0x20 >= 'a' && s[at]|0x20 <= 'z') {
					s = s[:at] + string(s[at]^0x20) + s[at+1:]
				}
			default:
				s = s[:at] + pieces[random.IntN(len(pieces))] + s[at:]
			}
		}
		return s
	}
	method, target, _ := strings.Cut(strings.TrimSuffix(line, " HTTP/1.1"), " ")
	if random.IntN(2) == 0 || body == "" {
		target = strings.NewReplacer(" ", "", "\r", "", "\n", "", "\t", "", "\x00", "").Replace(change(target))
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
	} else if !strings.Contains(fields, "chunked") {
		body = change(body)
	}
	var kept []string
	for field := range strings.SplitSeq(fields, "\r\n") {
		if !strings.HasPrefix(field, "Host:") && !strings.HasPrefix(field, "Content-Length:") {
			kept = append(kept, field)
		}
	}
	return wire(method+" "+target, kept, body)
}

// checkNoPanic fails the test if a panic was logged, except expected ones.
func checkNoPanic(t *testing.T, g *gateway, expected ...string) {
	t.Helper()
	for _, e := range g.log("process") {
		text := fmt.Sprint(e["msg"], e["error"])
		if slices.ContainsFunc(expected, func(s string) bool { return strings.Contains(text, s) }) {
			continue
		}
		if strings.Contains(text, "panic") {
			t.Errorf("logged %.800v", e)
		}
	}
}

// TestARequestIsNotTwo holds that, however a request is framed, the connection to the
// upstream carries as many requests as got a response, and all of them were judged.
func TestARequestIsNotTwo(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	hidden := wire("POST "+membersPath, []string{"Content-Type: application/json", "X-Hidden: yes"}, `{"destination":"+19005550123"}`)
	j := "Content-Type: application/json"
	for _, tt := range []struct {
		rule, request string
	}{
		{"a length before chunks", wire("POST "+membersPath, []string{j, "Content-Length: 4", "Transfer-Encoding: chunked"}, chunked(twoFields)+hidden)},
		{"a length behind chunks", wire("POST "+membersPath, []string{j, "Transfer-Encoding: chunked", fmt.Sprintf("Content-Length: %d", len(hidden))}, "0\r\n\r\n"+hidden)},
		{"a coding that is not known", wire("POST "+membersPath, []string{j, "Transfer-Encoding: xchunked"}, chunked(twoFields)+hidden)},
		{"two codings", wire("POST "+membersPath, []string{j, "Transfer-Encoding: chunked, identity"}, chunked(twoFields)+hidden)},
		{"a coding in two lines", wire("POST "+membersPath, []string{j, "Transfer-Encoding: identity", "Transfer-Encoding: chunked"}, chunked(twoFields)+hidden)},
		{"a coding behind a tab", wire("POST "+membersPath, []string{j, "Transfer-Encoding:\tchunked"}, chunked(twoFields)+hidden)},
		{"a coding with a space before the colon", wire("POST "+membersPath, []string{j, "Transfer-Encoding : chunked", "Content-Length: 4"}, chunked(twoFields)+hidden)},
		{"a folded coding", wire("POST "+membersPath, []string{j, "Transfer-Encoding:\r\n chunked", "Content-Length: 4"}, chunked(twoFields)+hidden)},
		{"chunks with extensions", wire("POST "+membersPath, []string{j, "Transfer-Encoding: chunked"}, "2;a=\"\r\n\"\r\n{}\r\n0\r\n\r\n"+hidden)},
		{"chunks that end in LF", wire("POST "+membersPath, []string{j, "Transfer-Encoding: chunked"}, "2\n{}\n0\n\n"+hidden)},
		{"lengths that differ", wire("POST "+membersPath, []string{j, "Content-Length: 4", "Content-Length: 8"}, twoFields+hidden)},
		{"a length in a list", wire("POST "+membersPath, []string{j, "Content-Length: 4, 4"}, twoFields+hidden)},
		{"a length with a sign", wire("POST "+membersPath, []string{j, "Content-Length: +4"}, twoFields+hidden)},
		{"a negative length", wire("POST "+membersPath, []string{j, "Content-Length: -4"}, twoFields+hidden)},
		{"a refused body that is not read", wire("POST "+membersPath, []string{"Content-Type: image/png"}, hidden)},
		{"a refused method with a body", wire("GET "+membersPath, []string{j}, hidden)},
		{"a body that is too large", wire("POST "+membersPath, []string{j}, strings.Repeat(hidden, 400))},
		{"a header line in the path", "POST /sessions/abc%0d%0aX-Hidden:%20yes/conference/members HTTP/1.1\r\nHost: 127.0.0.1\r\n" + j + "\r\nContent-Length: 2\r\n\r\n{}"},
		{"a header line in the query", post(membersPath+"?x=%0d%0aX-Hidden:%20yes%0d%0a%0d%0a", twoFields)},
		{"a header line in a value", post(membersPath, `{"callSid":"x\r\nX-Hidden: yes\r\n\r\n","destination":"+12025550123"}`)},
		{"a header line in an id", post(membersPath, twoFields, "X-Request-ID: a\rX-Hidden: yes")},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Forget()
			conn := g.dial(t, "plain")
			_ = conn.SetDeadline(time.Now().Add(patience))
			go func() { _, _ = io.WriteString(conn, tt.request+wire("GET /end", []string{"Connection: close"}, "")) }()
			responses := 0
			for r := bufio.NewReader(conn); ; responses++ {
				if got := readReply(r, "POST"); got.err != nil {
					break
				}
			}
			for _, r := range u.Received() {
				if r.Header.Get("X-Hidden") != "" && (r.Bound == nil || string(r.Body) != `{"sessionId":"abc","destination":"+19005550123"}`) {
					t.Errorf("forwarded unjudged: %s %s %q %s", r.Method, r.Target, r.Header, r.Body)
				}
			}
			if n := u.Stats().Requests; n > responses {
				t.Errorf("%d requests forwarded, %d responses", n, responses)
			}
		})
	}
}

// TestNoValueForgesAHeaderOrALogLine holds that a client's text that a placeholder puts
// into a header or a log stays one value.
func TestNoValueForgesAHeaderOrALogLine(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, `
{site plain} {
	log {
		output file {dir}/access.log
		format json
	}
	route {
		log_append call {http.conference_members.call_sid}
		conference_members {
			mode report
			correlation_id
			csv {
				filename {http.conference_members.call_sid}.csv
			}
		}
		header X-Call "{http.conference_members.call_sid}"
		header X-Session "{http.conference_members.session_id}"
		reverse_proxy UPSTREAM {
			header_up X-Call "{http.conference_members.call_sid}"
		}
	}
}
`)
	for _, value := range []string{
		"x\r\nX-Forged: yes", "x\nX-Forged: yes", "x\r\n\r\n<html>", "x\u2028y", "\x1b[2J", `"},{"forged":true`, "x\"; filename=\"forged.exe", "../../forged.exe", "\u202eexe.forged",
		"=cmd|'/c calc'!A1",
	} {
		t.Run(fmt.Sprintf("%q", value), func(t *testing.T) {
			u.Forget()
			body, err := json.Marshal(map[string]string{"callSid": value, "destination": destination})
			if err != nil {
				t.Fatal(err)
			}
			got := g.sendRaw(t, "plain", post("/sessions/"+percent(value)+"/conference/members.csv", string(body)))
			if got.header.Get("X-Forged") != "" || strings.ContainsAny(strings.Join(got.header.Values("X-Call"), ""), "\r\n") {
				t.Errorf("got %v", got.header)
			}
			if d := got.header.Get("Content-Disposition"); strings.Count(d, `"`) > 2 || strings.ContainsAny(d, `/\`) {
				t.Errorf("Content-Disposition: %s", d)
			}
			for _, r := range u.Received() {
				if r.Header.Get("X-Forged") != "" {
					t.Errorf("forwarded %v", r.Header)
				}
			}
		})
	}
	for _, name := range []string{"process.log", "access.log"} {
		raw, err := os.ReadFile(filepath.Join(g.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			var e map[string]any
			if err := json.Unmarshal([]byte(line), &e); err != nil || e["forged"] != nil {
				t.Errorf("%s: %v in %s", name, err, line)
			}
		}
	}
}

// TestNoSpellingOfAnEmergencyNumberIsDialled sends spellings through the whole gateway,
// by every way in.
func TestNoSpellingOfAnEmergencyNumberIsDialled(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain")+site("us", "numbers {", "region US", "}"))
	for _, number := range []string{
		"911", "+1911", "+1 911", "112", "+44999", "+911", "9 1 1", "9-1-1", "(911)", " 911", "911 ", "9\u200b11", "９１１", "٩١١", "911#", "911,,1", "911;ext=1", "911x1", "tel:911", "tel:+1911",
		"sip:911@pbx.example", "SIP:911@pbx.example", "sips:+1911@pbx.example;user=phone", "sip:%39%31%31@pbx.example", "sip:911;phone-context=+1@pbx.example", "sip:911:pw@pbx.example",
		"sip:9-1-1@pbx.example", "<sip:911@pbx.example>", "sip:911", "911@", "+1-911", "+1(911)", "\t911", "911\u0000", "911\n", "\ufeff911",
	} {
		for _, name := range []string{"plain", "us"} {
			t.Run(fmt.Sprintf("%q %s", number, name), func(t *testing.T) {
				u.Forget()
				b, err := json.Marshal(map[string]string{"destination": number})
				if err != nil {
					t.Fatal(err)
				}
				csv := "destination\n\"" + number + "\"\n"
				for _, request := range []string{
					post(membersPath, string(b)),
					wire("POST "+membersPath, []string{"Content-Type: text/csv"}, csv),
					wire("POST "+membersPath, []string{"Content-Type: application/x-www-form-urlencoded"}, "destination="+percent(number)),
					wire("POST "+membersPath+"?destination="+percent(number), nil, ""),
				} {
					if got := g.sendRaw(t, name, request); !isRefusal(got) {
						t.Errorf("status %d for %q", got.status, request)
					}
				}
				nothingDialled(t, u)
			})
		}
	}
}

// TestAResponseInOneFormatIsNotAnothers holds that a cache that keeps both formats
// under one URL can tell them apart.
func TestAResponseInOneFormatIsNotAnothers(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	for _, accept := range []string{"application/json", "text/csv", "application/xml", "text/html"} {
		got := g.sendRaw(t, "plain", post(membersPath, validBody, "Accept: "+accept, upstreamtest.FaultHeader+": validators"))
		wants(status(200), field("Vary", "Accept"))(t, got)
		if accept != "text/csv" {
			continue // the upstream's own responses, with its own tags
		}
		for _, name := range []string{"Last-Modified", "Content-Digest", "Repr-Digest", "Digest", "Content-Md5", "Accept-Ranges"} {
			field(name, "")(t, got)
		}
		field("Etag", `"v1-csv"`)(t, got)
	}
	t.Run("a refusal is not stored", func(t *testing.T) {
		field("Cache-Control", "no-store")(t, g.sendRaw(t, "plain", post(membersPath, invalidBody)))
	})
}
