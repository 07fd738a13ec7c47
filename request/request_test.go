package request

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

const (
	jsonType = "application/json"
	csvType  = "text/csv"
	formType = "application/x-www-form-urlencoded"
)

// post returns a request for session abc with a body of known length.
func post(contentType, query, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/sessions/abc/conference/members", strings.NewReader(body))
	r.URL.RawQuery = query
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// read reads a request that arrives whole.
func read(t testing.TB, rd *Reader, r *http.Request) (*Request, []rules.Violation) {
	t.Helper()
	q, violations, err := rd.Read(r, "abc")
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if q == nil {
		t.Fatal("Read returned no request and no error")
	}
	return q, violations
}

// failed lists the rules and the fields that were violated, in order.
func failed(violations []rules.Violation) string {
	var s []string
	for _, v := range violations {
		name := v.Rule.Name
		if v.Field != "" {
			name += " " + v.Field
		}
		s = append(s, name)
	}
	return strings.Join(s, ", ")
}

// call returns a call of session abc. An empty text is a field that is not set.
func call(callSID, destination, fromNumber string) rules.Call {
	c := rules.Call{rules.SessionID: {Text: "abc", Set: true}}
	for f, text := range map[rules.Field]string{
		rules.CallSID: callSID, rules.Destination: destination, rules.FromNumber: fromNumber,
	} {
		if text != "" {
			c[f] = rules.Value{Text: text, Set: true}
		}
	}
	return c
}

// bound has the upstream bind what is forwarded for r and q.
func bound(t testing.TB, u *upstreamtest.Upstream, r *http.Request, q *Request) rules.Call {
	t.Helper()
	body := string(q.AppendJSON(nil))
	out := httptest.NewRequest(http.MethodPost, "/sessions/abc/conference/members", strings.NewReader(body))
	out.URL.RawQuery = StripQuery(r.URL.RawQuery, IsField)
	out.RequestURI = out.URL.RequestURI()
	out.Header.Set("Content-Type", jsonType)
	u.ServeHTTP(httptest.NewRecorder(), out)
	last, ok := u.Last()
	if !ok || last.Bound == nil {
		t.Fatalf("the upstream bound nothing of %s", body)
	}
	var c rules.Call
	for f := range c {
		c[f].Text, c[f].Set = last.Bound.Get(rules.Field(f).String())
	}
	return c
}

func newUpstream(t testing.TB) *upstreamtest.Upstream {
	t.Helper()
	u, err := upstreamtest.New(upstreamtest.Options{Keep: 1})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestEveryWayInReadsTheSameCall(t *testing.T) {
	want := call("CA1", "+1555", "+1666")
	tests := []struct{ name, contentType, query, body string }{
		{"JSON", jsonType, "", `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"JSON as text/json", "text/json", "", `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"JSON of a derived type", "application/vnd.api+json", "", `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"JSON in any case", jsonType, "", `{"CALLSID":"CA1","Destination":"+1555","fromnumber":"+1666"}`},
		{"JSON with escaped names", jsonType, "", `{"\u0063allSid":"CA1","destinatio\u006e":"+1555","from\u004eumber":"\u002b1666"}`},
		{"JSON with null for absent", jsonType, "fromNumber=%2B1666", `{"callSid":"CA1","destination":"+1555","fromNumber":null}`},
		{"JSON behind a byte order mark", jsonType, "", "\ufeff" + `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"JSON labelled CSV", csvType, "", `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"JSON labelled CSV behind a mark and space", csvType, "", "\ufeff\r\n " + `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"JSON without a label", "", "", "\n" + `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"CSV", csvType, "", "callSid,destination,fromNumber\r\nCA1,+1555,+1666\r\n"},
		{"CSV as application/csv", "application/csv", "", "callSid,destination,fromNumber\r\nCA1,+1555,+1666\r\n"},
		{"CSV in any case and order, LF, no end", "TEXT/CSV; header=present", "", "FROMNUMBER,Destination,callsid\n+1666,+1555,CA1"},
		{"CSV behind a byte order mark, quoted", csvType, "", "\ufeff\"callSid\",destination,fromNumber\n\"CA1\",\"+1555\",+1666\n"},
		{"CSV between empty lines", csvType, "", "\n\ncallSid,destination,fromNumber\r\n\r\nCA1,+1555,+1666\r\n\r\n"},
		{"CSV with spaces around the names", csvType, "", "callSid, destination,\tfromNumber \nCA1,+1555,+1666\n"},
		{"CSV with empty columns at the end", csvType, "", "callSid,destination,fromNumber,,\nCA1,+1555,+1666,,\n"},
		{"CSV with semicolons", csvType, "", "callSid;destination;fromNumber\r\nCA1;+1555;+1666\r\n"},
		{"CSV with tabs", csvType, "", "callSid\tdestination\tfromNumber\r\nCA1\t+1555\t+1666\r\n"},
		{"CSV that says its delimiter", csvType, "", "\ufeffsep=;\r\ncallSid;destination;fromNumber\r\nCA1;+1555;+1666\r\n"},
		{"CSV with semicolons and a comma in an odd name", csvType, "", "\"a,b\";callSid;destination;fromNumber\n;CA1;+1555;+1666\n"},
		{"CSV with rows without a value", csvType, "", ",,\ncallSid,destination,fromNumber\n,\nCA1,+1555,+1666\n,,\n,,,,\n\n"},
		{"a parameter that can't be parsed", jsonType + "; utf-8", "", `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"parameters of all kinds", "Application/JSON ;;charset; x=\"a;charset=utf-16\" ; =; charset=\"UTF\\-8\"", "", `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"a quote inside of a parameter", jsonType + "; x=\"\\\";charset=utf-16\"", "", `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"a charset of no characters", jsonType + "; charset=\"\"", "", `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"ASCII in another charset", jsonType + "; charset=ISO-8859-1", "", `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"CSV of ASCII by name", "text/csv; charset=us-ascii", "", "callSid,destination,fromNumber\nCA1,+1555,+1666"},
		{"a form in another charset", formType + "; charset=windows-1252", "", "callSid=CA1&destination=%2B1555&fromNumber=%2b1666"},
		{"form", formType, "", "callSid=CA1&destination=%2B1555&fromNumber=%2b1666"},
		{"form in any case", formType + "; charset=UTF-8", "", "CallSid=CA1&&DESTINATION=%2B1555&from%4Eumber=%2b1666&_charset_=utf-8"},
		{
			"multipart form", "multipart/form-data; boundary=XX", "",
			"--XX\r\nContent-Disposition: form-data; name=\"callSid\"\r\n\r\nCA1\r\n" +
				"--XX\r\nContent-Disposition: form-data; name=\"Destination\"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n+1555\r\n" +
				"--XX\r\nContent-Disposition: form-data; name=\"fromNumber\"\r\n\r\n+1666\r\n--XX--\r\n",
		},
		{"query", "", "callSid=CA1&destination=%2B1555&fromNumber=%2B1666", ""},
		{"the last visible character in the query", "", "callSid=CA1&destination=%2B1555&fromNumber=%2B1666&note=~", ""},
		{"query in any case", jsonType, "CALLSID=CA1&%64estination=%2B1555&fromNumber=%2B1666", "{}"},
		{"in two places alike", formType, "callSid=CA1&destination=%2B1555", "callSid=CA1&fromNumber=%2B1666"},
		{"empty in the query", jsonType, "callSid=&destination&fromNumber=", `{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
		{"the session id in all places", jsonType, "sessionId=abc", `{"SESSIONID":"abc","callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`},
	}
	u := newUpstream(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := post(test.contentType, test.query, test.body)
			q, violations := read(t, new(Reader), r)
			if len(violations) > 0 {
				t.Fatalf("violations: %s: %s", failed(violations), violations[0].Detail)
			}
			if q.Call != want || !q.Readable {
				t.Errorf("read %v (readable: %v), want %v", q.Call, q.Readable, want)
			}
			if got := bound(t, u, r, q); got != want {
				t.Errorf("the upstream bound %v, want %v", got, want)
			}
		})
	}
}

func TestABodyThatCanBeReadTwoWaysIsRefused(t *testing.T) {
	multi := "multipart/form-data; boundary=XX"
	part := func(header, text string) string {
		return "--XX\r\nContent-Disposition: form-data; " + header + "\r\n\r\n" + text + "\r\n"
	}
	tests := []struct{ name, contentType, query, body, want string }{
		// names
		{"a name twice", jsonType, "", `{"callSid":"1","callSid":"1"}`, "duplicate_name callSid"},
		{"a name twice in another case", jsonType, "", `{"callSid":"1","CALLSID":"2"}`, "duplicate_name callSid"},
		{"a name twice by an escape", jsonType, "", `{"callSid":"1","\u0063allSid":"2"}`, "duplicate_name callSid"},
		{"a name twice, once null", jsonType, "", `{"callSid":"1","callsid":null}`, "duplicate_name callSid"},
		{"an unknown name twice", jsonType, "", `{"note":1,"NOTE":2}`, "duplicate_name"},
		{"a name twice inside of an object", jsonType, "", `{"note":{"a":1,"b":{},"\u0061":2}}`, "duplicate_name"},
		{"a name twice inside of an object, before another member", jsonType, "", `{"note":{"a":1,"a":2},"other":1}`, "duplicate_name"},
		{"a name twice deep inside of a list", jsonType, "", `{"note":[[{"a":1},{"a":{"b":1,"b":1}}]]}`, "duplicate_name"},
		{"a column twice", csvType, "", "callSid,CallSid\n1,2\n", "duplicate_name callSid"},
		{"an unknown column twice", csvType, "", "note,note \n1,2\n", "duplicate_name"},
		{"two columns without a name", csvType, "", "callSid,,\n1,2,3\n", "duplicate_name"},
		{"a name twice in the query", "", "callSid=1&CALLSID=1", "", "repeated_name callSid"},
		{"a name thrice in the query, empty", "", "callSid=1&callSid=&callSid", "", "repeated_name callSid"},
		{"a name twice in a form", formType, "", "callSid=1&%63allSid=2", "repeated_name callSid"},
		{"a name twice in a multipart form", multi, "", part(`name="callSid"`, "1") + part(`name=callsid`, "2") + "--XX--", "repeated_name callSid"},
		{"a long s for an s", jsonType, "", `{"ſessionId":"x"}`, "unknown_field"},
		{"a full-width letter", jsonType, "", `{"callSiｄ":"x"}`, "unknown_field"},
		{"a soft hyphen by an escape", jsonType, "", `{"call\u00adSid":"x"}`, "unknown_field"},
		{"a NUL in a name", jsonType, "", `{"callSid\u0000":"x"}`, "unknown_field"},
		{"an accent on a column", csvType, "", "déstination\nx\n", "unknown_field"},
		{"a dotless i in a form", formType, "", "callS%C4%B1d=x", "unknown_field"},
		{"a zero-width joiner in the query", "", "callSid%E2%80%8D=x", "", "unknown_field"},
		{"a space beside a name in the query", "", "+destination=x", "", "unknown_field"},

		// values
		{"a value in the query and another in the body", jsonType, "callSid=1", `{"callSid":"2"}`, "conflict callSid"},
		{"a value in the query and an empty text in the body", jsonType, "callSid=1", `{"callSid":""}`, "conflict callSid"},
		{"another session id in the body", jsonType, "", `{"sessionId":"ABC"}`, "conflict sessionId"},
		{"another session id in the query", jsonType, "SessionId=abd", `{}`, "conflict sessionId"},
		{"another session id in a form", formType, "", "sessionId=abd", "conflict sessionId"},
		{"true", jsonType, "", `{"callSid":true}`, "wrong_type callSid"},
		{"an object", jsonType, "", `{"callSid":{"a":1}}`, "wrong_type callSid"},
		{"a list", jsonType, "", `{"callSid":["1"]}`, "wrong_type callSid"},
		{"a text that ends in a backslash", jsonType, "", `{"callSid":"\`, "malformed_json"},
		{"four digits that are none", jsonType, "", `{"callSid":"\u00g0"}`, "malformed_json"},
		{"no colon", jsonType, "", `{"callSid" "1"}`, "malformed_json"},
		{"no comma in a list", jsonType, "", `{"note":[1 2]}`, "malformed_json"},
		{"nothing in a list after a comma", jsonType, "", `{"note":[1,]}`, "malformed_json"},
		{"a header row with a quote inside of a name", csvType, "", "call\"Sid\n1\n", "malformed_csv"},
		{"a no-break space beside a name in the query", "", "%C2%A0callSid=x", "", "unknown_field"},
		{"a file for a field", multi, "", part(`name="callSid"; filename="a"`, "1") + "--XX--", "wrong_type callSid"},
		{"several at once", jsonType, "fromNumber=1", `{"callSid":true,"destination":[],"fromNumber":"2","sessionId":"x"}`, "wrong_type callSid, wrong_type destination, conflict fromNumber, conflict sessionId"},

		// JSON
		{"no object", jsonType, "", `"x"`, "wrong_type"},
		{"a list of objects", jsonType, "", `[{"callSid":"1"}]`, "wrong_type"},
		{"null", jsonType, "", `null`, "wrong_type"},
		{"white space alone", jsonType, "", "  \r\n", "malformed_json"},
		{"a byte order mark alone", jsonType, "", "\ufeff", "malformed_json"},
		{"two byte order marks", jsonType, "", "\ufeff\ufeff{}", "malformed_json"},
		{"text after the object", jsonType, "", `{} x`, "malformed_json"},
		{"two objects", jsonType, "", `{}{}`, "malformed_json"},
		{"text after another value", jsonType, "", `1 2`, "malformed_json"},
		{"a NUL after the object", jsonType, "", "{}\x00", "malformed_json"},
		{"a comma at the end", jsonType, "", `{"callSid":"1",}`, "malformed_json"},
		{"no name", jsonType, "", `{:1}`, "malformed_json"},
		{"a number for a name", jsonType, "", `{1:1}`, "malformed_json"},
		{"a comment", jsonType, "", `{/**/}`, "malformed_json"},
		{"single quotes", jsonType, "", `{'callSid':'1'}`, "malformed_json"},
		{"a line break in a text", jsonType, "", "{\"callSid\":\"1\n\"}", "malformed_json"},
		{"an escape that is none", jsonType, "", `{"callSid":"\x41"}`, "malformed_json"},
		{"half an escape", jsonType, "", `{"callSid":"\u00"}`, "malformed_json"},
		{"half a surrogate pair", jsonType, "", `{"callSid":"\ud83d"}`, "malformed_json"},
		{"the other half", jsonType, "", `{"callSid":"\ude00"}`, "malformed_json"},
		{"two first halves", jsonType, "", `{"callSid":"\ud83d\ud83d"}`, "malformed_json"},
		{"half a surrogate pair in an unknown member", jsonType, "", `{"note":["\ud83d "]}`, "malformed_json"},
		{"a zero before a number", jsonType, "", `{"callSid":01}`, "malformed_json"},
		{"a plus before a number", jsonType, "", `{"callSid":+1}`, "malformed_json"},
		{"no digit after the point", jsonType, "", `{"callSid":1.}`, "malformed_json"},
		{"NaN", jsonType, "", `{"callSid":NaN}`, "malformed_json"},
		{"half a word", jsonType, "", `{"callSid":tru}`, "malformed_json"},
		{"bytes that are not UTF-8", jsonType, "", "{\"callSid\":\"\xff\"}", "malformed_json"},
		{"a surrogate in UTF-8", jsonType, "", "{\"callSid\":\"\xed\xa0\x80\"}", "malformed_json"},
		{"a slash in two bytes", jsonType, "", "{\"callSid\":\"\xc0\xaf\"}", "malformed_json"},
		{"UTF-16", jsonType, "", "\xff\xfe{\x00}\x00", "malformed_json"},
		{"33 levels", jsonType, "", `{"note":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}", "body_too_deep"},

		// CSV
		{"two rows", csvType, "", "callSid\n1\n2\n", "row_count"},
		{"a header row alone", csvType, "", "callSid\n", "row_count"},
		{"a row alone", csvType, "", "abc,CA1,d,f\r\n", "row_count"},
		{"empty lines alone", csvType, "", "\r\n", "row_count"},
		{"a short row", csvType, "", "callSid,destination\n1\n", "row_length"},
		{"a long row", csvType, "", "callSid\n1,2\n", "row_length"},
		{"a quote that is not closed", csvType, "", "callSid\n\"1\n", "malformed_csv"},
		{"a quote inside of a cell", csvType, "", "callSid\n1\"\n", "malformed_csv"},
		{"text after a quote", csvType, "", "callSid\n\"1\"2\n", "malformed_csv"},
		{"a quote that is not closed in a further row", csvType, "", "callSid\n1\n\"\n", "malformed_csv"},
		{"lines that end in CR alone", csvType, "", "callSid\r1\r", "malformed_csv"},
		{"CSV that is not UTF-8", csvType, "", "callSid\n\xe9\n", "malformed_csv"},

		// forms and queries
		{"JSON labelled as a form", formType, "", `{"callSid":"1"}`, "malformed_form"},
		{"a form with half an escape", formType, "", "callSid=%4", "malformed_form"},
		{"a form that ends in a percent sign, in another charset", formType + ";charset=windows-1252", "", "callSid=%", "malformed_form"},
		{"a form with a character that is half escaped", formType, "", "callSid=\xd7%80", "malformed_form"},
		{"a form with a name that is not UTF-8", formType, "", "%ff=1", "malformed_form"},
		{"a form in another charset", formType, "", "_charset_=iso-8859-1", "charset"},
		{"a multipart form without a boundary", "multipart/form-data", "", part(`name="callSid"`, "1"), "malformed_form"},
		{"a multipart form that is cut short", multi, "", part(`name="callSid"`, "1"), "malformed_form"},
		{"a multipart form that is cut short in a part", multi, "", "--XX\r\nContent-Disposition: form-data; name=callSid\r\n\r\n1", "malformed_form"},
		{"a part without a name", multi, "", part(`x=1`, "1") + "--XX--", "malformed_form"},
		{"a part that is an attachment", multi, "", "--XX\r\nContent-Disposition: attachment; name=callSid\r\n\r\n1\r\n--XX--", "malformed_form"},
		{"a part with two dispositions", multi, "", "--XX\r\nContent-Disposition: form-data; name=callSid\r\nContent-Disposition: form-data; name=destination\r\n\r\n1\r\n--XX--", "malformed_form"},
		{"a part that is encoded", multi, "", "--XX\r\nContent-Disposition: form-data; name=callSid\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--XX--", "malformed_form"},
		{"a part that is not UTF-8", multi, "", part(`name="callSid"`, "\xff") + "--XX--", "malformed_form"},
		{"a part in another charset", multi, "", "--XX\r\nContent-Disposition: form-data; name=callSid\r\nContent-Type: text/plain; charset=latin1\r\n\r\n\xe9\r\n--XX--", "charset"},
		{"half an escape in a field of the query", "", "callSid=%4", "", "malformed_query callSid"},
		{"half an escape in a name of the query", "", "callSi%6=1", "", "malformed_query"},
		{"an escape of older hosts in a name of the query", "", "callSi%u0064=1", "", "malformed_query"},
		{"a field of the query that is not UTF-8", "", "callSid=%ff", "", "malformed_query callSid"},
		{"a byte beyond ASCII in the query", "", "note=\xc3\xa9", "", "malformed_query"},
		{"a space in the query", "", "note=a b", "", "malformed_query"},

		// labels
		{"a type that is not read", "text/plain", "", "x", "content_type"},
		{"XML", "application/xml", "", "<x/>", "content_type"},
		{"JSV", "application/jsv", "", "{callSid:1}", "content_type"},
		{"no type and no JSON", "", "", "callSid\nCA1\n", "content_type"},
		{"a type that is none", "json", "", "{}", "content_type"},
		{"two charsets", "application/json; charset=utf-8; charset=utf-16", "", "{}", "charset"},
		{"more than ASCII in a charset of its own", "application/json; charset=iso-8859-1", "", "{\"callSid\":\"\u00e9\"}", "charset"},
		{"the first character beyond ASCII in a charset of its own", "application/json; charset=iso-8859-1", "", "{\"callSid\":\"\u0080\"}", "charset"},
		{"the first byte beyond ASCII by an escape of a form", formType + ";charset=windows-1252", "", "callSid=%80", "charset"},
		{"more than ASCII by an escape of a form", formType + ";charset=windows-1252", "", "callSid=%C3%A9", "charset"},
		{"a charset in which ASCII is not ASCII", "text/csv; charset=ibm037", "", "callSid\n1", "charset"},
		{"a charset that is not known", "text/csv; charset=x", "", "callSid\n1", "charset"},
		{"a charset in quotes", "application/json; charset=\"UTF\\-16\"", "", "{}", "charset"},
		{"a charset in quotes that are not closed", "application/json; charset=\"utf-8\\\"", "", "{}", "charset"},
		{"UTF-16 by name", "application/json; charset=UTF-16", "", "{}", "charset"},
		{"two types joined", "application/json, text/csv", "", "{}", "multiple_content_types"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q, violations := read(t, new(Reader), post(test.contentType, test.query, test.body))
			if got := failed(violations); got != test.want {
				t.Errorf("violated %q, want %q; read %v", got, test.want, q.Call)
			}
			for _, v := range violations {
				if v.Detail == "" || !strings.HasSuffix(v.Detail, ".") && !strings.HasSuffix(v.Detail, "?") {
					t.Errorf("%s: the detail %q is no sentence", v.Rule.Name, v.Detail)
				}
				if f, ok := rules.FieldByName(v.Field); ok && q.Call[f].Set {
					t.Errorf("%s has a violation and is set to be judged", v.Field)
				}
			}
		})
	}
}

func TestTextIsTakenAsItStands(t *testing.T) {
	tests := []struct{ name, contentType, body, want string }{
		{"a number keeps its digits", jsonType, `{"destination":1.50}`, "1.50"},
		{"a number keeps its exponent", jsonType, `{"destination":-1E+05}`, "-1E+05"},
		{"a negative zero stays", jsonType, `{"destination":-0}`, "-0"},
		{"escapes are resolved", jsonType, `{"destination":"a\n\t\"\\\/\b\f\r\u00e9\ud83d\ude00\u0000"}`, "a\n\t\"\\/\b\f\ré😀\x00"},
		{"null in quotes is a text", jsonType, `{"destination":"null"}`, "null"},
		{"characters beyond the basic plane stay", jsonType, `{"destination":"é😀` + "\u2028" + `"}`, "é😀\u2028"},
		{"cells are not trimmed", csvType, "destination\n d \n", " d "},
		{"quotes in a cell are halved", csvType, "destination\n\"CA,\"\"1\"\"\"\n", `CA,"1"`},
		{"plus is a space in a form", formType, "destination=a+b%2b", "a b+"},
		{"an equals sign may stand in a form's value", formType, "destination=a=b", "a=b"},
		{"a semicolon separates nothing", formType, "destination=a;callSid=b", "a;callSid=b"},
		{"a text cannot break out of its string", jsonType, `{"destination":"\",\"callSid\":\"x"}`, `","callSid":"x`},
	}
	u := newUpstream(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := post(test.contentType, "", test.body)
			q, violations := read(t, new(Reader), r)
			if want := call("", test.want, ""); len(violations) > 0 || q.Call != want {
				t.Fatalf("read %v, want %v; violated %s", q.Call, want, failed(violations))
			}
			if got := bound(t, u, r, q); got != q.Call {
				t.Errorf("the upstream bound %v, judged was %v", got, q.Call)
			}
		})
	}
}

func TestAnEmptyTextInJSONIsSentAndAnEmptyCellIsNot(t *testing.T) {
	q, _ := read(t, new(Reader), post(jsonType, "", `{"callSid":""}`))
	if v := q.Call[rules.CallSID]; !v.Set || v.Text != "" {
		t.Errorf("JSON: %v", v)
	}
	for contentType, body := range map[string]string{csvType: "callSid,x\n\"\",1\n", formType: "callSid=&x=1"} {
		q, violations := read(t, new(Reader), post(contentType, "", body))
		if len(violations) > 0 || q.Call[rules.CallSID].Set {
			t.Errorf("%s: %v, violated %s", contentType, q.Call, failed(violations))
		}
	}
}

func TestAnEmptyBodyHasNoFieldsWhateverItsType(t *testing.T) {
	for _, contentType := range []string{"", jsonType, csvType, formType, "multipart/form-data", "text/plain", "application/json; charset=utf-16", ";"} {
		q, violations := read(t, new(Reader), post(contentType, "", ""))
		if want := call("", "", ""); len(violations) > 0 || q.Call != want || !q.Readable {
			t.Errorf("%q: read %v, violated %s", contentType, q.Call, failed(violations))
		}
	}
	r := post("text/plain", "", "")
	r.ContentLength, r.Body = -1, io.NopCloser(strings.NewReader(""))
	if _, violations := read(t, new(Reader), r); len(violations) > 0 {
		t.Errorf("chunked: violated %s", failed(violations))
	}
	r = post("", "", "")
	r.Body = nil
	if _, violations := read(t, new(Reader), r); len(violations) > 0 {
		t.Errorf("nil: violated %s", failed(violations))
	}
}

func TestTwoContentTypeLinesAreRefused(t *testing.T) {
	r := post(jsonType, "", "{}")
	r.Header.Add("Content-Type", jsonType)
	if _, violations := read(t, new(Reader), r); failed(violations) != "multiple_content_types" {
		t.Errorf("violated %q", failed(violations))
	}
}

func TestThePathAloneGivesTheSessionID(t *testing.T) {
	q, violations, err := new(Reader).Read(post(jsonType, "", `{"sessionId":"x"}`), "")
	if err != nil || len(violations) > 0 || q.Call[rules.SessionID].Text != "x" {
		t.Errorf("without a path: read %v, violated %s, %v", q.Call, failed(violations), err)
	}
}

func TestViolationsTellWhere(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		line, column            int
	}{
		{"the first byte", jsonType, "x", 1, 1},
		{"behind a mark", jsonType, "\ufeffx", 1, 1},
		{"characters and not bytes", jsonType, "{\"é😀\": x}", 1, 8},
		{"a later line", jsonType, "{\r\n  \"callSid\": 1\r\n  \"destination\": 2}", 3, 3},
		{"the end", jsonType, "{\n", 2, 1},
		{"inside of a text", jsonType, "{\"callSid\":\"a\\q\"}", 1, 14},
		{"half a surrogate pair behind other text", jsonType, "{\"callSid\":\"ab\\ud83d\"}", 1, 15},
		{"bytes that are not UTF-8", jsonType, "{\n\"\xff\":1}", 2, 2},
		{"the second of two names", jsonType, "{\"a\":1,\n \"a\":2}", 2, 2},
		{"the second of two inner names", jsonType, "{\"x\":{\"a\":1,\n  \"a\":2}}", 2, 3},
		{"the bracket too many", jsonType, strings.Repeat("{\"a\":", 32) + "\n[", 2, 1},
		{"a quote in a cell", csvType, "callSid,destination\r\né,a\"b\r\n", 2, 4},
		{"a quote left open", csvType, "callSid\n\"a\n", 2, 3},
		{"a quote in a cell, behind the line of the delimiter", csvType, "sep=,\r\ncallSid\r\na\"b\r\n", 3, 2},
		{"a short row", csvType, "\n\ncallSid,destination\r\n\"a\"\r\n", 4, 0},
		{"a column twice", csvType, "\ufeffé,callSid,callSid\r\n1,2,3\r\n", 1, 11},
		{"the middle of a text", jsonType, "{} {}", 1, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, violations := read(t, new(Reader), post(test.contentType, "", test.body))
			if len(violations) != 1 {
				t.Fatalf("violated %s", failed(violations))
			}
			if v := violations[0]; v.Line != test.line || v.Column != test.column {
				t.Errorf("at %d, %d, want %d, %d: %s", v.Line, v.Column, test.line, test.column, v.Detail)
			}
		})
	}
}

func TestThePointerIsToThePlaceInTheBody(t *testing.T) {
	tests := []struct{ name, query, body, want string }{
		{"in the body", "", `{"CALLSID":[]}`, "#/callSid"},
		{"of a duplicate", "", `{"callSid":"1","callsid":""}`, "#/callSid"},
		{"of a conflict with the body", "callSid=1", `{"callSid":"2"}`, "#/callSid"},
		{"in the query string", "callSid=1&callSid=1", `{}`, ""},
		{"between the query string and the path", "sessionId=1", `{}`, ""},
		{"of an unknown member", "", `{"note_2":{"a":1,"a":2}}`, ""},
		{"of a misspelt field", "", `{"destinaton":"x"}`, ""},
		{"of no one member", "", `{"callSid"}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, violations := read(t, new(Reader), post(jsonType, test.query, test.body))
			if len(violations) != 1 || violations[0].Pointer != test.want {
				t.Errorf("violations %v, want one at %q", violations, test.want)
			}
		})
	}
}

func TestAMisspeltFieldGetsDidYouMean(t *testing.T) {
	multi := "multipart/form-data; boundary=XX"
	tests := []struct {
		name, contentType, query, body string
		unknown                        UnknownFields
		want, detail                   string
	}{
		{"JSON", jsonType, "", `{"callSid":"CA1","destinaton":"+1555"}`, Strip, "unknown_field destination", "Line 1, column 18: A name in the body is nearly that of a field. Did you mean destination?"},
		{"where members pass", jsonType, "", `{"from_number":"+1555"}`, Pass, "unknown_field fromNumber", "Did you mean fromNumber?"},
		{"where members are rejected", jsonType, "", `{"from_number":"+1555"}`, Reject, "unknown_field, unknown_field fromNumber", "Did you mean fromNumber?"},
		{"CSV", csvType, "", "call-sid,destination\nCA1,x\n", Strip, "unknown_field callSid", "Did you mean callSid?"},
		{"a form", formType, "", "destinations=x", Strip, "unknown_field destination", "Did you mean destination?"},
		{"a multipart form", multi, "", "--XX\r\nContent-Disposition: form-data; name=desination\r\n\r\nx\r\n--XX--", Strip, "unknown_field destination", "Did you mean destination?"},
		{"the query", "", "destinaton=x", "", Strip, "unknown_field destination", "A name in the query string is nearly that of a field. Did you mean destination?"},
		{"a field that is there too", jsonType, "", `{"destination":"x","destinations":["y"]}`, Strip, "", ""},
		{"a field that is elsewhere", jsonType, "callSid=CA1", `{"call_sid":"CA2","session_id":"s"}`, Strip, "", ""},
		{"a word of its own", jsonType, "", `{"from":"x","call":"y","number":"z","dest":1}`, Strip, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, violations := read(t, &Reader{UnknownFields: test.unknown}, post(test.contentType, test.query, test.body))
			if got := failed(violations); got != test.want {
				t.Fatalf("violated %q, want %q", got, test.want)
			}
			if test.want != "" && !strings.HasSuffix(violations[len(violations)-1].Detail, test.detail) {
				t.Errorf("told %q, want %q", violations[len(violations)-1].Detail, test.detail)
			}
		})
	}
}

func TestNoNameOfAnUnknownMemberIsRepeated(t *testing.T) {
	for contentType, body := range map[string]string{
		csvType:  "Smith,Smith\n",
		jsonType: `{"Smith":{"Smith":1,"Smith":2},"smith":1}`,
		formType: "Smith=1&Smith=2",
		"multipart/form-data; boundary=XX": "--XX\r\nContent-Disposition: form-data; name=Smith; filename=a\r\n\r\n1\r\n--XX\r\nContent-Disposition: form-data; name=Smith\r\n\r\n1\r\n" +
			"--XX\r\nContent-Disposition: form-data; name=Smith\r\n\r\n1\r\n--XX--",
	} {
		for _, unknown := range []UnknownFields{Strip, Pass, Reject} {
			_, violations := read(t, &Reader{UnknownFields: unknown}, post(contentType, "", body))
			if len(violations) == 0 {
				t.Errorf("%s: accepted", body)
			}
			for _, v := range violations {
				if s := v.Detail + v.Field + v.Pointer; strings.Contains(strings.ToLower(s), "smith") {
					t.Errorf("%s: repeated in %q", body, s)
				}
			}
		}
	}
}

func TestABodyThatEndsTooEarlyIsSaidToEnd(t *testing.T) {
	const ends = "The text ends before the object does."
	for body, want := range map[string]bool{`{"callSid"`: true, `{"callSid" `: true, `{"callSid" 1}`: false, `{"callSid":-`: true, `{"callSid":-}`: false} {
		_, violations := read(t, new(Reader), post(jsonType, "", body))
		if len(violations) != 1 || strings.HasSuffix(violations[0].Detail, ends) != want {
			t.Errorf("%s: violations %v", body, violations)
		}
	}
}

func TestABodyThatIsNoObjectIsNamed(t *testing.T) {
	for body, want := range map[string]string{`[{"callSid":"1"}]`: "a JSON list;", `"x"`: "a JSON value other than an object."} {
		_, violations := read(t, new(Reader), post(jsonType, "", body))
		if len(violations) != 1 || !strings.Contains(violations[0].Detail, want) {
			t.Errorf("%s: violations %v", body, violations)
		}
	}
}

func TestViolationsBeyondTheLimitAreCounted(t *testing.T) {
	for n, want := range map[int]string{maxViolations: "", maxViolations + 3: " There are 3 more violations, which are not listed."} {
		pairs := make([]string, n)
		for i := range pairs {
			pairs[i] = fmt.Sprintf(`"note%d":1`, i)
		}
		_, violations := read(t, &Reader{UnknownFields: Reject}, post(jsonType, "", "{"+strings.Join(pairs, ",")+"}"))
		if len(violations) != maxViolations {
			t.Fatalf("%d violations are told of %d", len(violations), n)
		}
		for i, v := range violations {
			_, more, _ := strings.Cut(v.Detail, "There are")
			if last := i == maxViolations-1; last && !strings.HasSuffix(v.Detail, want) || (!last || want == "") && more != "" {
				t.Errorf("of %d, violation %d: %s", n, i, v.Detail)
			}
		}
	}
}

func TestFormatsHaveNames(t *testing.T) {
	for f, want := range map[Format]string{None: "none", NDJSON: "ndjson", NDJSON + 1: ""} {
		if got := f.String(); got != want {
			t.Errorf("format %d is %q, want %q", f, got, want)
		}
	}
}

func TestRowsAreCounted(t *testing.T) {
	_, violations := read(t, new(Reader), post(csvType, "", "callSid\n1\n2\n\n3\n"))
	if len(violations) != 1 || !strings.Contains(violations[0].Detail, " 3 rows") {
		t.Errorf("violations: %v", violations)
	}
}

func TestNoValueIsRepeated(t *testing.T) {
	const secret = "+14155550123"
	bodies := map[string][]string{
		jsonType: {
			`{"callSid":"` + secret + `","callSid":"` + secret + `"}`, `{"destination":["` + secret + `"]}`,
			`{"` + secret + `":1}`, `{"` + secret + `":1,"` + secret + `":1}`, `{"a":"` + secret, secret,
			`{"sessionId":"` + secret + `"}`, `{"a":{"` + secret + `":1,"` + secret + `":1}}`,
		},
		csvType: {"abc," + secret + "\n1,2\n", secret + "," + secret + "\na,b\n", "a\n" + secret + "\n" + secret + "\n", "a\n\"" + secret},
		formType: {
			"destination=" + secret + "&destination=" + secret, secret + "=" + secret + "&" + secret + "=1", "destination=%zz" + secret,
		},
	}
	n := 0
	for contentType, list := range bodies {
		for _, body := range list {
			_, violations := read(t, &Reader{UnknownFields: Reject}, post(contentType, "", body))
			if len(violations) == 0 {
				t.Errorf("%s: accepted", body)
			}
			for _, v := range violations {
				n++
				if s := v.Detail + v.Field + v.Pointer; strings.Contains(s, "4155550123") {
					t.Errorf("%s: repeated in %q", body, s)
				}
			}
		}
	}
	if n == 0 {
		t.Error("nothing was told")
	}
}

func TestUnknownMembers(t *testing.T) {
	const body = `{"callSid":"CA1", "note" : [ 1.50, "a \"b\" \u00e9" , {"x" : null} ], "__type":"T", "n":null}`
	const kept = `{"sessionId":"abc","callSid":"CA1","note":[1.50,"a \"b\" é",{"x":null}],"n":null}`
	tests := []struct {
		name, contentType, body string
		unknown                 UnknownFields
		want, violated          string
	}{
		{"JSON passes, without white space and type hint", jsonType, body, Pass, kept, ""},
		{"JSON is stripped", jsonType, body, Strip, `{"sessionId":"abc","callSid":"CA1"}`, ""},
		{"JSON is rejected", jsonType, body, Reject, "", "unknown_field, unknown_field, unknown_field"},
		{"an inner type hint is refused", jsonType, `{"note":[{"__TYPE":"T"}]}`, Pass, "", "unknown_field"},
		{"an inner type hint is stripped", jsonType, `{"note":[{"__type":"T"}]}`, Strip, `{"sessionId":"abc"}`, ""},
		{"an escaped type hint is one", jsonType, `{"\u005f_type":"T"}`, Pass, `{"sessionId":"abc"}`, ""},
		{"CSV passes as text", csvType, "callSid,note\nCA1,\"a\"\"b\"\n", Pass, `{"sessionId":"abc","callSid":"CA1","note":"a\"b"}`, ""},
		{"CSV is stripped", csvType, "callSid,note\nCA1,1\n", Strip, `{"sessionId":"abc","callSid":"CA1"}`, ""},
		{"CSV is rejected", csvType, "callSid,note\nCA1,1\n", Reject, "", "unknown_field"},
		{"a form passes as text", formType, "note=a%00%22&callSid=CA1&__type=T", Pass, `{"sessionId":"abc","callSid":"CA1","note":"a\u0000\""}`, ""},
		{"a form is rejected", formType, "note=1", Reject, "", "unknown_field"},
		{"the default is to strip", jsonType, `{"note":{"größe":1}}`, UnknownFields(0), `{"sessionId":"abc"}`, ""},
		{"all characters of a member name", jsonType, `{"aZ_09.-":1}`, Pass, `{"sessionId":"abc","aZ_09.-":1}`, ""},
		{"a name of 64 characters", jsonType, `{"` + strings.Repeat("x", 64) + `":1}`, Pass, `{"sessionId":"abc","` + strings.Repeat("x", 64) + `":1}`, ""},
		{"a name of 65 characters", jsonType, `{"` + strings.Repeat("x", 65) + `":1}`, Pass, "", "member_name"},
		{"no name", jsonType, `{"":1}`, Pass, "", "member_name"},
		{"a name in another script", jsonType, `{"größe":1}`, Pass, "", "member_name"},
		{"a name with a space", csvType, "a b,callSid\n1,2\n", Pass, "", "member_name"},
		{"a name with a quote", jsonType, `{"\"},{\"note":1}`, Pass, "", "member_name"},
		{"a name with a quote in a form", formType, "X%2C%22x=destination", Pass, "", "member_name"},
		{"a name with a quote in a column", csvType, "\"X,\"\"x\",callSid\n1,2\n", Pass, "", "member_name"},
		{"an inner name with a quote", jsonType, `{"note":[{"X,\"x":1}]}`, Pass, "", "member_name"},
		{"a name with a quote is stripped", jsonType, `{"X,\"x":"destination","+19005550123":"y","callSid":"CA1"}`, Strip, `{"sessionId":"abc","callSid":"CA1"}`, ""},
		{"a text with odd escapes is written in one way", jsonType, `{"note":["\/\u0022\b\ud83d\ude00\u2028"]}`, Pass, `{"sessionId":"abc","note":["/\"\u0008😀` + "\u2028" + `"]}`, ""},
	}
	u := newUpstream(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := post(test.contentType, "", test.body)
			q, violations := read(t, &Reader{UnknownFields: test.unknown}, r)
			if got := failed(violations); got != test.violated {
				t.Fatalf("violated %q, want %q", got, test.violated)
			}
			if test.violated != "" {
				return
			}
			if got := string(q.AppendJSON(nil)); got != test.want {
				t.Errorf("forwarded\n%s, want\n%s", got, test.want)
			}
			if got := bound(t, u, r, q); got != q.Call {
				t.Errorf("the upstream bound %v, judged was %v", got, q.Call)
			}
		})
	}
}

func TestManyNamesAreComparedToo(t *testing.T) {
	var b strings.Builder
	for i := range 2000 {
		b.WriteString(`"a` + strings.Repeat("x", i%40) + string(rune('a'+i/40%26)) + string(rune('a'+i/1040)) + `":0,`)
	}
	for _, last := range []string{`"CALLSID":1,"callSid":2`, `"Aaa":0`} {
		_, violations := read(t, &Reader{MaxBody: 1 << 20}, post(jsonType, "", "{"+b.String()+last+"}"))
		if !strings.HasPrefix(failed(violations), "duplicate_name") || len(violations) != 1 {
			t.Errorf("%s: violated %q", last, failed(violations))
		}
	}
	inner := `{"x":{` + b.String() + `"aaa":0}}`
	if _, violations := read(t, &Reader{MaxBody: 1 << 20}, post(jsonType, "", inner)); failed(violations) != "duplicate_name" {
		t.Errorf("inner: violated %q", failed(violations))
	}
	inner = `{"x":{` + b.String() + `"AAA":{"aaa":0}}}`
	if _, violations := read(t, &Reader{MaxBody: 1 << 20}, post(jsonType, "", inner)); len(violations) != 0 {
		t.Errorf("inner names in another case: violated %q", failed(violations))
	}
}

func TestExtraMembersCanBeSet(t *testing.T) {
	q, _ := read(t, &Reader{UnknownFields: Pass}, post(jsonType, "", `{"z":0,"a":null,"b":"","c":"x","d":{}}`))
	for name, want := range map[string]bool{"z": true, "a": false, "b": false, "C": true, "d": true, "e": false} {
		if got := q.HasExtra(name); got != want {
			t.Errorf("HasExtra(%q) is %v", name, got)
		}
	}
	q.SetExtra("A", "\"}\xff\u2028\x7f")
	q.SetExtra("Z", "\x80")
	q.SetExtra("e", "1")
	q.SetExtra("CALLSID", "x")
	q.SetExtra(`X,"x`, "x")
	q.Call[rules.Destination] = rules.Value{Text: "+1555", Set: true}
	const want = `{"sessionId":"abc","destination":"+1555","Z":"` + "\ufffd" + `","A":"\"}` + "\ufffd\u2028" + `\u007f","b":"","c":"x","d":{},"e":"1"}`
	if got := string(q.AppendJSON([]byte("x"))); got != "x"+want {
		t.Errorf("forwarded\n%s, want\n%s", got, want)
	}
	if got := string(new(Request).AppendJSON(nil)); got != "{}" {
		t.Errorf("nothing is forwarded as %s", got)
	}
}

func TestStripQueryLeavesTheRestAsItIs(t *testing.T) {
	tests := []struct{ raw, want string }{
		{"", ""},
		{"a=1&b=%zz&&c", "a=1&b=%zz&&c"},
		{"callSid=1", ""},
		{"a=1&CALLSID=1&b=2", "a=1&b=2"},
		{"%63allSid=1&a", "a"},
		{"a&callSid", "a"},
		{"a&callSid&", "a&"},
		{"&callSid=1&&a=%2b+", "&&a=%2b+"},
		{"x=callSid=1&sessionId=2&fromNumber&destination=", "x=callSid=1"},
		{"callSid%00=1", "callSid%00=1"},
	}
	for _, test := range tests {
		if got := StripQuery(test.raw, IsField); got != test.want {
			t.Errorf("%q is %q, want %q", test.raw, got, test.want)
		}
	}
}

func TestUnknownFieldsHasThreeWords(t *testing.T) {
	for _, u := range []UnknownFields{Pass, Strip, Reject} {
		if got, ok := ParseUnknownFields(u.String()); !ok || got != u {
			t.Errorf("%v is %v, %v", u, got, ok)
		}
	}
	if u, ok := ParseUnknownFields(""); !ok || u != Strip {
		t.Error("the empty word is not strip")
	}
	if _, ok := ParseUnknownFields("Pass"); ok {
		t.Error("Pass was taken")
	}
	if UnknownFields(len(UnknownFieldsWords())).String() != "" || strings.Join(UnknownFieldsWords(), ", ") != "strip, pass, reject" {
		t.Error("the words are wrong")
	}
}

func TestEveryMediaTypeIsOfferedAndRead(t *testing.T) {
	for offered, many := range map[string]bool{AcceptPost(): false, AcceptPostRows(): true} {
		names := strings.Split(offered, ", ")
		for _, name := range names {
			if f := formatOf(name); f == None || !(&binding{many: many}).takes(f) {
				t.Errorf("%s is offered and not read (many rows: %v)", name, many)
			}
		}
		if !slices.Contains(names, jsonType) || slices.Contains(names, "multipart/form-data") == many {
			t.Errorf("offered: %s (many rows: %v)", offered, many)
		}
	}
}

// errBroken is what a connection may fail with.
var errBroken = errors.New("broken")

// errReset is what a stream of HTTP/3 may fail with.
var errReset = errors.New("reset")

// TestSizeHintIsEnough holds that what has nothing to be escaped takes no more than the
// hint, and hardly less.
func TestSizeHintIsEnough(t *testing.T) {
	for _, body := range []string{
		`{}`,
		`{"destination":"+12025550123"}`,
		`{"callSid":"CA0123456789abcdef0123456789abcdef","destination":"+12025550123","fromNumber":"+12025550100"}`,
		`{"tenant":"a","destination":"bob","note":{"a":[1]}}`,
	} {
		q, _ := read(t, &Reader{UnknownFields: Pass}, post(jsonType, "", body))
		hint, size := q.SizeHint(), len(q.AppendJSON(nil))
		if hint < size || hint > size+2 {
			t.Errorf("%s: the hint is %d, the size %d", body, hint, size)
		}
	}
}
