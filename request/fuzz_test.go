package request

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http/httputil"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// seeds are bodies by Content-Type, good and bad.
var seeds = []struct{ contentType, query, body string }{
	{jsonType, "", sample},
	{jsonType, "callSid=CA1&a=%zz", `{"callSid":"CA1","destination":1.50,"fromNumber":null,"x":{"a":[1,"}\"",{}]}}`},
	{jsonType, "destination=%2B1+5", `{"\u0063allSid":"\ud83d\ude00\n\"\\","note":"\\\""}`},
	{jsonType, "", `{"callSid":"a","CALLSID":"b"}`},
	{jsonType, "", `{"callSid":"a","__type":"x","a\"b":{"":-0.1e+5}}`},
	{csvType, "", "callSid,destination\r\n\"a,\"\"b\"\"\",\" x\ny\"\r\n"},
	{csvType, "", sample},
	{csvType, "sessionId=abc", "CallSid, note,\nx,y,\n"},
	{formType, "", "callSid=CA1&destination=%2B1555&a+b=c&_charset_=utf-8"},
	{formType, "&&%63allSid=&fromNumber=1;2", "=&a=&%41="},
	{"multipart/form-data; boundary=XX", "", "--XX\r\nContent-Disposition: form-data; name=\"callSid\"\r\n\r\nCA1\r\n--XX\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\n\r\n--XX--\r\n"},
	{"", "", "\ufeff {}"},
	{"text/plain", "destination=x", ""},
	{jsonType, "", `{"destination":"+12025550123","X,\"x":"destination","+19005550123":"y"}`},
	{jsonType, "", `{"note":{"X,\"x":"destination","+19005550123":"y"},"tag":["\\","}",{"a":"\u0022,\"destination\":\"x"}],"n":1}`},
	{csvType, "", "destination,\"X,\"\"x\",+19005550123\n+12025550123,destination,y\n"},
	{formType, "", "destination=%2B12025550123&X%2C%22x=destination&%2B19005550123=y"},
	{"multipart/form-data; boundary=XX", "", "--XX\r\nContent-Disposition: form-data; name=\"X,\\\"x\"\r\n\r\ndestination\r\n--XX\r\nContent-Disposition: form-data; name=\"+1900\"\r\n\r\ny\r\n--XX--\r\n"},
	{"application/x+json;charset=\"UTF-8\"", "", `{" callSid ":"v"}`},
}

// FuzzBinding holds that of whatever is accepted, by every way of sending it,
// the upstream binds exactly the values that were judged.
func FuzzBinding(f *testing.F) {
	for _, s := range seeds {
		f.Add(s.contentType, s.query, s.body)
	}
	u := newUpstream(f)
	readers := []*Reader{{}, {UnknownFields: Pass}, {UnknownFields: Reject}}
	f.Fuzz(func(t *testing.T, contentType, query, body string) {
		for _, rd := range readers {
			r := post(contentType, query, body)
			q, violations := read(t, rd, r)
			if len(violations) > 0 {
				continue
			}
			out := q.AppendJSON(nil)
			if !json.Valid(out) {
				t.Fatalf("forwarded is %s", out)
			}
			if got := bound(t, u, r, q); got != q.Call {
				t.Errorf("the upstream bound %v of %s, judged was %v", got, out, q.Call)
			}
			again, violations := read(t, rd, post(jsonType, StripQuery(query, IsField), string(out)))
			if len(violations) > 0 || again.Call != q.Call {
				t.Errorf("%s is read as %v, violated %s", out, again.Call, failed(violations))
			}
			if rd.UnknownFields == Pass && !slices.EqualFunc(again.extras, q.extras, func(a, b extra) bool {
				return a.name == b.name && bytes.Equal(a.json, b.json)
			}) {
				t.Errorf("%s has other members than were sent", out)
			}
		}
	})
}

// fuzzBody holds bodies of one type against the reference.
func fuzzBody(f *testing.F, contentType string) {
	for _, s := range seeds {
		f.Add(s.body)
	}
	for _, e := range recordings.Exchanges("body") {
		f.Add(string(e.Body()))
	}
	f.Fuzz(func(t *testing.T, body string) { checkReading(t, contentType, body) })
}

// FuzzJSON holds that a JSON body is accepted if and only if a slow reading on
// top of encoding/json accepts it, with the same values.
func FuzzJSON(f *testing.F) {
	for _, body := range []string{
		`{"destination":"\u00e9` + "\u2028" + `","a":[[[]]],"b":-1.5E-7,"c":true,"d":false}`,
		`{"a":"\ud83d\ude00\\ud800","b":"\ud800\u0041","c":{"__type":0}}`,
		`{"a":` + strings.Repeat("[", DefaultMaxDepth-1) + strings.Repeat("]", DefaultMaxDepth-1) + "}",
	} {
		f.Add(body)
	}
	fuzzBody(f, jsonType)
}

// FuzzCSV holds that a CSV body is accepted if and only if it is one row under a
// header row by the grammar of RFC 4180, with the same values.
func FuzzCSV(f *testing.F) {
	for _, body := range []string{"\"call\"\"Sid\",\r\n\r\n\"a\r\nb\",\r", " callSid\t,x,X\n1,2,3", "a\rb\n\n1\n2", "\ra\n,", "a,A\n,\n", "sep=;\na;b\n;"} {
		f.Add(body)
	}
	fuzzBody(f, csvType)
}

// FuzzForm holds that a form is accepted if and only if net/url can decode it,
// with the same values.
func FuzzForm(f *testing.F) { fuzzBody(f, formType) }

// FuzzMultipart holds that a multipart form that is accepted means the same to
// the standard library, and that what its writer makes is accepted.
func FuzzMultipart(f *testing.F) {
	const boundary = "XX"
	const contentType = "multipart/form-data; boundary=" + boundary
	for _, s := range seeds {
		f.Add(s.body, "callSid", "CA1")
	}
	f.Add("", `no"te`, "\r\n")
	f.Fuzz(func(t *testing.T, body, name, text string) {
		rd := &Reader{UnknownFields: Pass}
		q, violations := read(t, rd, post(contentType, "", body))
		checkPlaces(t, body, violations)
		if len(violations) == 0 && body != "" {
			form, err := multipart.NewReader(strings.NewReader(body), boundary).ReadForm(1 << 20)
			if err != nil {
				t.Fatalf("accepted was %q: %v", body, err)
			}
			want, extras := call("", "", ""), make(map[string]any)
			for name, texts := range form.Value {
				f, isField := fieldsByName[asciiLower(name)]
				switch {
				case len(texts) != 1:
					t.Errorf("%q: %q appears more than once", body, name)
				case isField && texts[0] != "":
					want[f] = rules.Value{Text: texts[0], Set: true}
				case !isField && name != "_charset_" && asciiLower(name) != "__type":
					extras[name] = texts[0]
				}
			}
			if len(form.File) > 0 || q.Call != want || !reflect.DeepEqual(extrasOf(t, q), extras) {
				t.Errorf("%q is read as %v and %v, want %v and %v", body, q.Call, extrasOf(t, q), want, extras)
			}
		}

		if strings.Contains(text, boundary) || strings.ContainsAny(name, "\r\n") || len(name)+len(text) > DefaultMaxBody/2 {
			return
		}
		var b strings.Builder
		w := multipart.NewWriter(&b)
		if err := errors.Join(w.SetBoundary(boundary), w.WriteField(name, text), w.Close()); err != nil {
			t.Fatal(err)
		}
		q, violations = read(t, rd, post(contentType, "", b.String()))
		field, isField := fieldsByName[asciiLower(name)]
		switch {
		case len(violations) > 0:
			_, near := misspelt(name)
			if IsMemberName(name) && (!near || isField) && utf8.ValidString(text) && (!isField || field != rules.SessionID) {
				t.Errorf("%q violates %s", b.String(), failed(violations))
			}
		case isField && text != "" && q.Call[field].Text != text, !isField && q.HasExtra(name) && extrasOf(t, q)[name] != text:
			t.Errorf("%q is read as %v and %v", b.String(), q.Call, extrasOf(t, q))
		}
	})
}

// FuzzDelivery holds that it makes no difference how a body is packed, chunked
// and cut into packets.
func FuzzDelivery(f *testing.F) {
	for i, s := range seeds {
		f.Add(s.contentType, s.body, byte(i), uint16(7*i))
	}
	rd := new(Reader)
	f.Fuzz(func(t *testing.T, contentType, body string, coding byte, size uint16) {
		q, violations := read(t, rd, post(contentType, "", body))
		if body == "" || len(body) > DefaultMaxBody/2 {
			return
		}
		names := []string{"identity", "gzip", "zstd", "zstd, identity"}
		name := names[int(coding)%len(names)]
		packed := body
		switch {
		case name == "gzip":
			packed = string(gzipOf(t, body[:len(body)/2])) + string(gzipOf(t, body[len(body)/2:]))
		case strings.HasPrefix(name, "zstd"):
			packed = string(zstdOf(t, body, coding&0x80 != 0))
		}
		var chunked strings.Builder
		for chunk := range slices.Chunk([]byte(packed), int(size)+1) {
			fmt.Fprintf(&chunked, "%x;ext\r\n%s\r\n", len(chunk), chunk)
		}
		chunked.WriteString("0\r\n\r\n")
		r := post(contentType, "", packed)
		r.ContentLength = -1
		r.Body = io.NopCloser(httputil.NewChunkedReader(iotest.HalfReader(strings.NewReader(chunked.String()))))
		r.Header.Set("Content-Encoding", name)
		q2, violations2 := read(t, rd, r)
		if failed(violations2) != failed(violations) || q2.Call != q.Call || q2.Readable != q.Readable {
			t.Errorf("%q is read as %v, violating %q, but as %v, violating %q, if sent as %q in chunks of %d",
				body, q.Call, failed(violations), q2.Call, failed(violations2), name, int(size)+1)
		}
		if q2.BodyBytes != int64(len(packed)) && len(violations2) == 0 {
			t.Errorf("%d bytes were sent, %d read", len(packed), q2.BodyBytes)
		}
	})
}

// FuzzStripQuery holds that no field is left in a query string, nothing else in
// it is touched, and net/url finds none either.
func FuzzStripQuery(f *testing.F) {
	for _, s := range seeds {
		f.Add(s.query)
	}
	f.Add("&callSid=1&&a=%2b&CALLSID&%64estination=+")
	f.Fuzz(func(t *testing.T, raw string) {
		var want []string
		for pair := range strings.SplitSeq(raw, "&") {
			name, _, _ := strings.Cut(pair, "=")
			name = percentByte.ReplaceAllStringFunc(strings.ReplaceAll(name, "+", " "), func(escape string) string {
				b, _ := hex.DecodeString(escape[1:])
				return string(b)
			})
			if _, isField := fieldsByName[asciiLower(name)]; !isField {
				want = append(want, pair)
			}
		}
		got := StripQuery(raw, IsField)
		if got != strings.Join(want, "&") {
			t.Errorf("%q is %q, want %q", raw, got, want)
		}
		values, _ := url.ParseQuery(got)
		for name := range values {
			if IsField(name) {
				t.Errorf("%q is %q, in which net/url finds %q", raw, got, name)
			}
		}
	})
}

var percentByte = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
