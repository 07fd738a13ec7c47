package request

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// recordings are the recorded exchanges with the upstream.
const recordings = "../internal/upstreamtest/testdata/exchanges.jsonl"

// exchange is what of a recorded exchange is about binding.
type exchange struct {
	N       int
	Group   string
	Name    string
	Request struct {
		Line              string
		Headers           [][2]string
		Body              string
		ContentLengthSent bool
	}
	Response struct {
		Headers [][2]string
	}
}

// request is the request as a server sees it.
func (e *exchange) request(t *testing.T) *http.Request {
	t.Helper()
	method, rest, _ := strings.Cut(e.Request.Line, " ")
	target := strings.TrimSuffix(rest, " HTTP/1.1")
	r := httptest.NewRequest(method, target, strings.NewReader(e.Request.Body))
	for _, h := range e.Request.Headers {
		r.Header.Add(h[0], h[1])
	}
	if r.Header.Get("Transfer-Encoding") == "chunked" {
		r.Header.Del("Transfer-Encoding")
		r.Body = io.NopCloser(httputil.NewChunkedReader(strings.NewReader(e.Request.Body)))
		r.ContentLength = -1
	}
	return r
}

// bound is what the recorded upstream bound.
func (e *exchange) bound(t *testing.T) (c rules.Call, ok bool) {
	t.Helper()
	for _, h := range e.Response.Headers {
		if h[0] != "X-Bound" {
			continue
		}
		var fields map[string]string
		if err := json.Unmarshal([]byte(h[1]), &fields); err != nil {
			t.Fatal(err)
		}
		for name, text := range fields {
			f, ok := rules.FieldByName(name)
			if !ok {
				t.Fatalf("X-Bound has %s", name)
			}
			c[f] = rules.Value{Text: text, Set: true}
		}
		return c, true
	}
	return c, false
}

// refused are the recorded bodies that are refused, and why. The upstream took
// most of them.
var refused = map[int]string{
	// Of these types the upstream binds nothing, or what it binds is not read.
	483: "content_type", 533: "content_type", 535: "content_type", 536: "content_type", 538: "content_type",
	539: "content_type", 540: "content_type", 545: "content_type",

	503: "row_count", 512: "row_count",
	504: "row_length", 505: "row_length",
	516: "duplicate_name callSid", 613: "duplicate_name callSid",

	523: "conflict sessionId", 631: "conflict sessionId", 633: "conflict sessionId",
	486: "conflict sessionId", 487: "conflict sessionId", // the sample's placeholders are no session id

	526: "malformed_form", 530: "malformed_form",

	552: "malformed_json", 560: "malformed_json", 564: "malformed_json", 565: "malformed_json", 566: "malformed_json",
	568: "malformed_json", 570: "malformed_json", 572: "malformed_json", 573: "malformed_json", 574: "malformed_json",
	575: "malformed_json", 577: "malformed_json", 578: "malformed_json", 579: "malformed_json", 580: "malformed_json",
	582: "malformed_json", 583: "malformed_json", 587: "malformed_json", 593: "malformed_json",
	595: "malformed_json", 597: "malformed_json", 598: "malformed_json", 602: "malformed_json", 743: "malformed_json",
	557: "wrong_type", 559: "wrong_type",
	621: "wrong_type callSid", 623: "wrong_type callSid", 624: "wrong_type callSid",
}

// readBetter are the recorded bodies of which the upstream bound nothing and
// that are read here: JSON of a derived type, JSON without a label and chunked
// bodies.
var readBetter = map[int]bool{481: true, 485: true, 541: true, 542: true, 547: true, 738: true, 740: true}

// readExchanges reads the recordings.
func readExchanges(tb testing.TB) []exchange {
	tb.Helper()
	file, err := os.Open(recordings)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	var all []exchange
	for lines.Scan() {
		var e exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			tb.Fatal(err)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestEveryRecordedBodyIsReadAsItWasBoundOrRefused(t *testing.T) {
	u := newUpstream(t)
	n := 0
	for _, e := range readExchanges(t) {
		if e.Group != "body" {
			continue
		}
		n++
		t.Run(e.Name, func(t *testing.T) {
			r := e.request(t)
			q, violations := read(t, new(Reader), r)
			if got := failed(violations); got != refused[e.N] {
				t.Fatalf("recording %d violated %q, want %q", e.N, got, refused[e.N])
			}
			if refused[e.N] != "" {
				return
			}
			if got := bound(t, u, r, q); got != q.Call {
				t.Errorf("recording %d: the upstream bound %v, judged was %v", e.N, got, q.Call)
			}
			then, ok := e.bound(t)
			if !ok {
				t.Errorf("recording %d: the upstream refused what is accepted", e.N)
			}
			if better := q.Call != then; better != readBetter[e.N] {
				t.Errorf("recording %d: the upstream bound %v then, read is %v", e.N, then, q.Call)
			}
		})
	}
	if n < len(refused)+len(readBetter) {
		t.Errorf("%d recordings were read", n)
	}
}
