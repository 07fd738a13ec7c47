package integration

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// packed returns text in gzip.
func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCapturesAreThoseOfTheResponse holds that captures come from the response, in the
// log and for the handlers in front.
func TestCapturesAreThoseOfTheResponse(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, strings.Replace(loggedSite("plain", "capture conference conferenceSid", "capture who members.@reverse.0.identity"),
		"\tconference_members", "\tlog_append captured {http.conference_members.response.conference}\n\tconference_members", 1))
	const session = `{"conferenceSid":"CF7","members":[{"identity":"user:1"},{"identity":"+12025550123"}]}`
	filler := strings.Repeat(" ", 70<<10)
	for name, c := range map[string]struct {
		suffix, encoding string
		reply            upstreamtest.Reply
		conference, who  string
	}{
		"json":                {"", "", upstreamtest.Reply{Body: new(session)}, "CF7", "+12*******23"},
		"csv":                 {".csv", "", upstreamtest.Reply{Body: new(session)}, "CF7", "+12*******23"},
		"bom":                 {"", "", upstreamtest.Reply{Body: new("\ufeff" + session)}, "CF7", "+12*******23"},
		"gzip":                {"", "gzip", upstreamtest.Reply{Body: new(session), Encoding: "gzip"}, "CF7", "+12*******23"},
		"a URI":               {"", "", upstreamtest.Reply{Body: new(strings.Replace(session, "+12025550123", "sip:2025550123@example.com", 1))}, "CF7", "sip:20******23@example.com"},
		"large":               {"", "", upstreamtest.Reply{Body: new(session[:len(session)-1] + filler + "}")}, "CF7", ""},
		"behind what is read": {"", "", upstreamtest.Reply{Body: new(`{"x":"` + filler + `",` + session[1:])}, "", ""},
		"broken":              {"", "", upstreamtest.Reply{Body: new(session + "x")}, "", ""},
		"no such value":       {"", "", upstreamtest.Reply{Body: new(`{}`)}, "", ""},
		"no success":          {"", "", upstreamtest.Reply{Body: new(session), Status: 404}, "", ""},
		"no JSON":             {"", "", upstreamtest.Reply{Body: new(session), Header: http.Header{"Content-Type": {"text/plain"}}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			u.Next(&upstreamtest.Fault{Reply: c.reply})
			mark := strings.ReplaceAll(name, " ", "-")
			header := []string{"Content-Type: application/json", markHeader + ": " + mark}
			if c.encoding != "" {
				header = append(header, "Accept-Encoding: "+c.encoding)
			}
			got := send(t, protocols[0].client, http.MethodPost, g.URL("plain")+membersPath+c.suffix, validBody, header...)
			if c.suffix == "" && c.encoding == "" && got.body != *c.reply.Body {
				t.Errorf("the body was changed: %.100q", got.body)
			}
			entry := g.membersEntry(t, "plain", mark)
			for field, want := range map[string]string{"response.conference": c.conference, "response.who": c.who} {
				if value, _ := entry[field].(string); value != want {
					t.Errorf("%s is %q, want %q", field, value, want)
				}
			}
			if value, _ := g.accessEntry(t, "plain", mark)["captured"].(string); value != c.conference {
				t.Errorf("the placeholder is %q, want %q", value, c.conference)
			}
		})
	}
}

// TestABrokenCodingIsDeliveredAsItCame holds that a response that can't be unpacked is
// delivered as it came: the gateway asks only for codings that it unpacks itself, so no
// transport breaks the response off.
func TestABrokenCodingIsDeliveredAsItCame(t *testing.T) {
	u := startUpstream(t, upstreamtest.Options{AnyID: true})
	g := startFront(t, u, site("plain"))
	malformed := packed(t, `{"id":"S1"`)
	for _, c := range []struct {
		rule, body, accept   string
		want, coding, reason string
	}{
		{"no gzip at all", "xx", "", "xx", "gzip", "encoded"},
		{"cut off", packed(t, `{"id":"S1"}`)[:20], "", packed(t, `{"id":"S1"}`)[:20], "gzip", "encoded"},
		{"what can be unpacked is, for a client that can't", malformed, "identity", `{"id":"S1"`, "", "malformed"},
		{"and is not, for one that can", malformed, "br, gzip;q=0.5", malformed, "gzip", "malformed"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			u.Forget()
			u.Next(&upstreamtest.Fault{Reply: upstreamtest.Reply{Body: &c.body, Header: http.Header{"Content-Encoding": {"gzip"}}}})
			header := []string{"Content-Type: application/json", "Accept-Encoding: " + c.accept}
			got := send(t, protocols[0].client, http.MethodPost, g.URL("plain")+membersPath+".csv", validBody, header...)
			if got.status != http.StatusOK || got.body != c.want || got.header.Get("Content-Encoding") != c.coding || got.header.Get("X-Transcode-Error") != c.reason {
				t.Errorf("%d %q, coding %q, reason %q", got.status, got.body, got.header.Get("Content-Encoding"), got.header.Get("X-Transcode-Error"))
			}
			if asked := u.Received()[0].Header.Get("Accept-Encoding"); asked != "gzip, zstd" {
				t.Errorf("the upstream was asked for %q", asked)
			}
		})
	}
}
