package upstreamtest

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

func TestRecordedSessionsAreServedByteForByteInEveryRecordedFormat(t *testing.T) {
	s := StartFor(t, Options{})
	for ext, accept := range map[string]string{".json": "application/json", ".csv": "text/csv", ".jsv": "application/jsv"} {
		for id, want := range recordings.Sessions(ext) {
			t.Run(id+ext, func(t *testing.T) {
				_, h, got := post(t, s.URL, id, accept, "application/json", `{"callSid":"CA1"}`)
				if !bytes.Equal(got, want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				if h.Get("Content-Length") != "" {
					t.Error("the response has a Content-Length, the recorded ones are chunked")
				}
			})
		}
	}
}

func TestRecordedErrorsAreServedByteForByteUnderTheirStatusLine(t *testing.T) {
	s := StartFor(t, Options{})
	tests := map[string]struct{ id, contentType, body string }{
		"bind-csv-bad":        {"abc", "text/csv", "CallSid\r\nCA1,d,f\r\n"},
		"bind-malformed-json": {"abc", "application/json", "  \r\n"},
		"validation-bad-number": {
			"validation", "application/json",
			`{"callSid":"CA1","destination":"x","fromNumber":"\"1,2\"\n3"}`,
		},
		"validation-ok-not-found": {
			"validation", "application/json",
			`{"callSid":"CA1","destination":"xyz","fromNumber":"+1"}`,
		},
		"no-route": {"abc/more", "application/json", "{}"},
		"nosuch":   {"nosuch", "application/json", `{"callSid":"CA1"}`},
	}
	for _, id := range recordedErrors {
		tests[id] = struct{ id, contentType, body string }{id, "application/json", `{"callSid":"CA1"}`}
	}
	for name, test := range tests {
		for ext, accept := range map[string]string{".json": "application/json", ".csv": "text/csv"} {
			t.Run(name+ext, func(t *testing.T) {
				head := recordings.ErrorHead(name, ext)
				status, h, got := post(t, s.URL, test.id, accept, test.contentType, test.body)
				if want := strings.TrimPrefix(head[0], "HTTP/1.1 "); status != want {
					t.Errorf("status %q, want %q", status, want)
				}
				for _, line := range head[1:] {
					name, want, _ := strings.Cut(line, ": ")
					if got := h.Get(name); got != want && name != "Transfer-Encoding" {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				if want := recordings.Errors(ext)[name]; !bytes.Equal(got, want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

func TestAnyIDIsFoundOnlyWhereTheOptionSaysSo(t *testing.T) {
	for _, any := range []bool{false, true} {
		t.Run(strconv.FormatBool(any), func(t *testing.T) {
			s := StartFor(t, Options{AnyID: any})
			status, _, body := post(t, s.URL, "SE123", "application/json", "application/json", "{}")
			if any != strings.HasPrefix(status, "200") || any != bytes.Contains(body, []byte(`"id":"SE123"`)) {
				t.Errorf("%s %s", status, body)
			}
			if status, _, _ := post(t, s.URL, "err409", "application/json", "application/json", "{}"); status != "409 Conflict" {
				t.Errorf("err409: status %s", status)
			}
		})
	}
}

// post adds a member to a session.
func post(t testing.TB, url, id, accept, contentType, body string) (status string, h http.Header, response []byte) {
	t.Helper()
	return exchangeRaw(t, strings.TrimPrefix(url, "http://"), []byte("POST /sessions/"+id+"/conference/members HTTP/1.1\r\n"+
		"Host: upstream\r\nAccept: "+accept+"\r\nContent-Type: "+contentType+"\r\n"+
		"Content-Length: "+strconv.Itoa(len(body))+"\r\nConnection: close\r\n\r\n"+body))
}

func TestASessionOfTheCallersIsServedInEveryFormat(t *testing.T) {
	s := StartFor(t, Options{Session: func(id string) []byte {
		if id != "mine" {
			return nil
		}
		return []byte(`{"ended":true,"log":[{"message":"a, b"}],"id":"mine"}`)
	}})
	for accept, want := range map[string]string{
		"application/json": `{"ended":true,"log":[{"message":"a, b"}],"id":"mine"}`,
		"application/jsv":  `{ended:True,log:[{message:"a, b"}],id:mine}`,
		"text/csv":         `,"[{message:""a, b""}]",`,
	} {
		if _, _, got := post(t, s.URL, "mine", accept, "application/json", "{}"); !strings.Contains(string(got), want) {
			t.Errorf("%s: %s, want %s in it", accept, got, want)
		}
	}
	if status, _, _ := post(t, s.URL, "other", "application/json", "application/json", "{}"); !strings.HasPrefix(status, "404") {
		t.Errorf("status %s of a session that is not there", status)
	}
}

func TestEveryRequestIsToldOfWhenItEnds(t *testing.T) {
	ended := make(chan Received, 1)
	s := StartFor(t, Options{AnyID: true, Keep: -1, Ended: func(r *Received) { ended <- *r }})
	for fault, bound := range map[string]bool{"": true, "reset": true, "reset-early": false, "reset-mid-body": true} {
		req, err := http.NewRequest(http.MethodPost, s.URL+"/sessions/abc/conference/members", strings.NewReader(`{"callSid":"CA1"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if fault != "" {
			req.Header.Set(FaultHeader, fault)
		}
		if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
			_ = res.Body.Close()
		}
		r := <-ended
		if r.Header.Get(FaultHeader) != fault || (r.Bound != nil) != bound {
			t.Errorf("%q: told of %q, bound %v, want %t", fault, r.Header.Get(FaultHeader), r.Bound, bound)
		}
	}
}
