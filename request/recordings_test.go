package request

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// recorded returns a recorded request as a server sees it.
func recorded(e *recordings.Exchange) *http.Request {
	method, target, _ := strings.Cut(e.Line(), " ")
	r := httptest.NewRequest(method, target, bytes.NewReader(e.Body()))
	for _, h := range e.Request.Headers {
		r.Header.Add(h[0], h[1])
	}
	if r.Header.Get("Transfer-Encoding") == "chunked" {
		r.Header.Del("Transfer-Encoding")
		r.Body = io.NopCloser(httputil.NewChunkedReader(bytes.NewReader(e.Body())))
		r.ContentLength = -1
	}
	return r
}

// thenBound returns what the recorded upstream bound.
func thenBound(t *testing.T, e *recordings.Exchange) (c rules.Call, ok bool) {
	t.Helper()
	fields, ok := e.Bound()
	for name, text := range fields {
		f, known := rules.FieldByName(name)
		if !known {
			t.Fatalf("X-Bound has %s", name)
		}
		c[f] = rules.Value{Text: text, Set: true}
	}
	return c, ok
}

// refused are the recorded bodies that are refused, and why. The upstream took
// most of them.
var refused = map[int]string{
	// Of these types the upstream binds nothing, or what it binds is not read.
	483: "content_type", 533: "content_type", 535: "content_type", 536: "content_type", 538: "content_type",
	539: "content_type", 540: "content_type", 545: "content_type",

	503: "row_count", 512: "row_count",
	608: "unknown_field callSid", 609: "unknown_field callSid", 610: "unknown_field callSid",
	504: "row_length", 505: "row_length",
	516: "duplicate_name callSid", 613: "duplicate_name callSid",

	523: "conflict sessionId", 631: "conflict sessionId", 633: "conflict sessionId",
	486: "conflict sessionId", 487: "conflict sessionId", // the sample's placeholder is not a session id

	526: "malformed_form", 530: "malformed_form",

	552: "malformed_json", 560: "malformed_json", 564: "malformed_json", 565: "malformed_json", 566: "malformed_json",
	568: "malformed_json", 570: "malformed_json", 572: "malformed_json", 573: "malformed_json", 574: "malformed_json",
	575: "malformed_json", 577: "malformed_json", 578: "malformed_json", 579: "malformed_json", 580: "malformed_json",
	582: "malformed_json", 583: "malformed_json", 587: "malformed_json", 593: "malformed_json",
	595: "malformed_json", 597: "malformed_json", 598: "malformed_json", 602: "malformed_json", 743: "malformed_json",
	557: "wrong_type", 559: "wrong_type",
	621: "wrong_type callSid", 623: "wrong_type callSid", 624: "wrong_type callSid",
}

// readBetter are the recorded bodies from which the upstream bound nothing and
// that are read here: JSON of a derived type, JSON without a label and chunked
// bodies.
var readBetter = map[int]bool{481: true, 485: true, 541: true, 542: true, 547: true, 738: true, 740: true}

func TestEveryRecordedBodyIsReadAsItWasBoundOrRefused(t *testing.T) {
	u := newUpstream(t)
	n := 0
	for _, e := range recordings.Exchanges("body") {
		n++
		t.Run(e.Name, func(t *testing.T) {
			r := recorded(e)
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
			then, ok := thenBound(t, e)
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
