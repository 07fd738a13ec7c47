package request

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

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
	{"application/x+json;charset=\"UTF-8\"", "", `{" callSid ":"v"}`},
}

// FuzzBinding holds what the package is for: of whatever is accepted, the
// upstream binds exactly the values that were judged.
func FuzzBinding(f *testing.F) {
	for _, s := range seeds {
		f.Add(s.contentType, s.query, s.body)
	}
	u := newUpstream(f)
	readers := []*Reader{{}, {UnknownFields: Strip}, {UnknownFields: Reject}}
	f.Fuzz(func(t *testing.T, contentType, query, body string) {
		for _, rd := range readers {
			r := post(contentType, query, body)
			q, violations := read(t, rd, r)
			if len(violations) > 0 {
				continue
			}
			out := q.AppendJSON(nil, q.Call)
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

// FuzzReadJSON holds that what is accepted is JSON for the standard library
// too, and means the same.
func FuzzReadJSON(f *testing.F) {
	for _, s := range seeds {
		f.Add(s.body)
	}
	f.Add(`{"destination":"\u00e9` + "\u2028" + `","a":[[[]]],"b":-1.5E-7,"c":true,"d":false}`)
	f.Fuzz(func(t *testing.T, body string) {
		q, violations := read(t, new(Reader), post(jsonType, "", body))
		if len(violations) > 0 || body == "" {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(strings.TrimPrefix(body, "\ufeff")), &members); err != nil {
			t.Fatalf("accepted was %q: %v", body, err)
		}
		want := call("", "", "")
		for name, raw := range members {
			fld, ok := rules.FieldByName(name)
			if !ok || string(raw) == "null" {
				continue
			}
			text := string(raw)
			if raw[0] == '"' {
				if err := json.Unmarshal(raw, &text); err != nil {
					t.Fatal(err)
				}
			}
			want[fld] = rules.Value{Text: text, Set: true}
		}
		if q.Call != want {
			t.Errorf("%q is read as %v, want %v", body, q.Call, want)
		}
		if q.HasExtra("__type") {
			t.Errorf("a type hint is forwarded of %q", body)
		}
	})
}

// fuzzFormat fuzzes a body of one type: it is read or refused, and places are
// within it.
func fuzzFormat(f *testing.F, contentType string) {
	for _, s := range seeds {
		f.Add(s.body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		q, violations := read(t, new(Reader), post(contentType, "", body))
		for _, v := range violations {
			if v.Line > strings.Count(body, "\n")+1 || v.Column > len(body)+1 || v.Line < 0 || v.Column < 0 {
				t.Errorf("%q: %s at %d, %d", body, v.Rule.Name, v.Line, v.Column)
			}
		}
		if out := q.AppendJSON(nil, q.Call); !json.Valid(out) {
			t.Errorf("%q is forwarded as %q", body, out)
		}
	})
}

func FuzzReadCSV(f *testing.F)       { fuzzFormat(f, csvType) }
func FuzzReadForm(f *testing.F)      { fuzzFormat(f, formType) }
func FuzzReadMultipart(f *testing.F) { fuzzFormat(f, "multipart/form-data; boundary=XX") }

// FuzzStripQuery holds that no field is left and nothing else is touched.
func FuzzStripQuery(f *testing.F) {
	for _, s := range seeds {
		f.Add(s.query)
	}
	f.Add("&callSid=1&&a=%2b&CALLSID&%64estination=+")
	f.Fuzz(func(t *testing.T, raw string) {
		var want []string
		for pair := range strings.SplitSeq(raw, "&") {
			if !IsField(nameOf(pair)) {
				want = append(want, pair)
			}
		}
		if got := StripQuery(raw, IsField); got != strings.Join(want, "&") {
			t.Errorf("%q is %q, want %q", raw, got, want)
		}
	})
}
