package handler

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// rulesOf returns the rules of a refusal or of a row's verdict.
func rulesOf(errors []problemError) string {
	names := make([]string, len(errors))
	for i, e := range errors {
		names[i] = e.Rule + " " + e.Field
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// ask serves a request to a path and returns the response, and whether it was
// forwarded.
func ask(t *testing.T, h *Handler, path, contentType, body string) (response *httptest.ResponseRecorder, forwarded bool) {
	t.Helper()
	r := newRequest(path, "application/json")
	fresh := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Body, r.ContentLength = fresh.Body, fresh.ContentLength
	r.Header.Del("Content-Type")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		forwarded = true
		w.WriteHeader(http.StatusOK)
		return nil
	})
	if err := h.ServeHTTP(w, r, next); err != nil {
		t.Fatal(err)
	}
	return w, forwarded
}

// TestCheckAndCallAgree sends random requests to the route and to check: what is
// called good there is placed here, and what is refused here is refused there for
// the same rules.
func TestCheckAndCallAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 1))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	field := func() (name, value string) {
		switch name = pick("destination", "Destination", "fromNumber", "callSid", "CALLSID", "sessionId", "note", "destinaton", "ref"); name {
		case "callSid", "CALLSID":
			return name, pick("CA0123456789abcdef0123456789abcdef", "CA1", "")
		case "sessionId":
			return name, pick("abc", "abd")
		default:
			return name, pick("+12025550123", "+12025550123", "2025550123", "911", "", "sip:a@b.c", "bob", "+1900", "x\x01y", "+4930123456", "client:a", "+12025550124")
		}
	}
	configs := []Config{
		{},
		{Options: rules.Options{Numbers: rules.NumberOptions{Region: "US", AllowCountries: []string{"US"}}}},
		{UnknownFields: "reject", Options: rules.Options{Require: []string{"destination", "callSid"}}},
		{Default: map[string]string{"fromNumber": "+12025550199"}, Options: rules.Options{Mode: rules.Report}, MaxBody: 64},
	}
	placed, refusedHere := 0, 0
	for n, cfg := range configs {
		h := newHandler(t, cfg)
		for range 1500 {
			var names, values, pairs, members []string
			for range 1 + random.IntN(4) {
				name, value := field()
				names, values = append(names, name), append(values, value)
				pairs = append(pairs, name+"="+strings.NewReplacer("+", "%2B", "\x01", "%01").Replace(value))
				text, _ := json.Marshal(value)
				members = append(members, fmt.Sprintf("%q:%s", name, text))
			}
			comma := pick(",", ";", "\t")
			var body, contentType string
			switch random.IntN(6) {
			case 0:
				body, contentType = strings.Join(names, comma)+"\r\n"+strings.Join(values, comma)+pick("", "\r\n", "\r\n\n", comma), "text/csv"
			case 1:
				body, contentType = strings.Join(pairs, "&"), "application/x-www-form-urlencoded"
			case 2:
				body, contentType = pick("", " ", "null", "7", "{", "x", "[]", "destination"), pick("", "text/csv", "application/json", "image/png")
			default:
				body, contentType = "{"+strings.Join(members, ",")+"}"+pick("", "", "\n", "x"), pick("application/json", "", "text/csv")
			}
			query := ""
			if random.IntN(4) == 0 {
				query = "?" + pairs[0]
			}
			call, forwarded := ask(t, h, route1+query, contentType, body)
			check, wrong := ask(t, h, route1+"/check"+query, contentType, body)
			if wrong {
				t.Fatalf("a check was forwarded: %q", body)
			}
			if strings.HasPrefix(body, "[") { // which the route does not take
				continue
			}
			var refused problem
			if !forwarded {
				if err := json.Unmarshal(call.Body.Bytes(), &refused); err != nil {
					t.Fatal(err)
				}
			}
			if check.Code != http.StatusOK {
				var unread problem
				if err := json.Unmarshal(check.Body.Bytes(), &unread); err != nil {
					t.Fatal(err)
				}
				if forwarded || call.Code != check.Code || rulesOf(unread.Errors) != rulesOf(refused.Errors) {
					t.Fatalf("configuration %d, %s %q%s: check %d %s, call %d %s", n, contentType, body, query, check.Code, check.Body, call.Code, call.Body)
				}
				continue
			}
			var got verdicts
			if err := json.Unmarshal(check.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if len(got.Rows) != 1 || got.OK != forwarded || got.OK != got.Rows[0].OK || rulesOf(got.Rows[0].Errors) != rulesOf(refused.Errors) {
				t.Fatalf("configuration %d, %s %q%s: check %s, call %d %s", n, contentType, body, query, check.Body, call.Code, call.Body)
			}
			if forwarded {
				placed++
			} else {
				refusedHere++
			}
		}
	}
	if placed < 500 || refusedHere < 500 {
		t.Errorf("%d calls were placed and %d refused, too few to tell anything", placed, refusedHere)
	}
}

func TestCheckOfManyRows(t *testing.T) {
	h := newHandler(t, Config{})
	w, _ := ask(t, h, route1+"/check.csv", "text/csv", "ref;destination\nann;+12025550123\nbob\n=x;911\n")
	const want = "row,ref,ok,destination,kind,country,type,rules,detail\r\n" +
		"1,ann,true,+12*******23,phone,US,fixed_line_or_mobile,,\r\n" +
		"2,,false,,,,,row_length,Line 3: The row has 1 cells and the header row has 2.\r\n" +
		"3,=x,false,****,name,,,emergency,\"destination is an emergency number, or connects to one.\"\r\n"
	if w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w, _ = ask(t, h, route1+"/check", "application/x-ndjson", `{"destination":"+12025550123"}`+"\n{}\n")
	var got verdicts
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.OK || len(got.Rows) != 2 || !got.Rows[0].OK || got.Rows[1].OK ||
		got.Rows[1].Errors[0].Pointer != "#/2/destination" || got.Rows[1].Errors[0].Row != 2 {
		t.Errorf("%s", w.Body)
	}
}

// TestWarningsAreTold holds that a check and an upload report what only warns and what is
// in report mode, and place the call.
func TestWarningsAreTold(t *testing.T) {
	const lost = "destination (12*******00) may be one of any country without a plus sign, and is one of US with it; a spreadsheet may have dropped the sign."
	const rows = "ref,destination\nAnn,12025550100\nBob,+12025550123\nCleo,+15551234567\nDan,911\n"
	reports := func(c *Config) { c.Rules = map[string]string{"emergency": rules.Report} }
	h := newBulk(t, Bulk{}, reports)
	checked, _ := ask(t, h, route1+"/check.csv", "text/csv", rows)
	const want = "row,ref,ok,destination,kind,country,type,rules,detail\r\n" +
		"1,Ann,true,12*******00,phone,,,lost_plus,\"Warning: " + lost + "\"\r\n" +
		"2,Bob,true,+12*******23,phone,US,fixed_line_or_mobile,,\r\n" +
		"3,Cleo,true,+15*******67,phone,,,validity,Warning: destination (+15*******67) is not a number that any country assigns.\r\n" +
		"4,Dan,true,****,name,,,emergency,\"Warning: destination is an emergency number, or connects to one.\"\r\n"
	if checked.Body.String() != want {
		t.Errorf("check: %s", checked.Body)
	}
	u := new(bulkUpstream)
	if got := put(t, h, u, bulkPath+".csv", "text/csv", "w1", rows).Body.String(); !strings.Contains(got, "1,Ann,200,dialled,lost_plus,\"Warning: "+lost+"\",12025550100\r\n2,Bob,200,dialled,,,+12025550123\r\n") ||
		!strings.Contains(got, "4,Dan,200,dialled,emergency,\"Warning: ") || len(u.dialled) != 4 {
		t.Errorf("bulk: %s", got)
	}
	var results []struct {
		Rule     string
		Warnings []problemError
	}
	if err := json.Unmarshal(put(t, h, u, bulkPath, "text/csv", "w2", rows).Body.Bytes(), &results); err != nil {
		t.Fatal(err)
	}
	if w := results[0].Warnings; len(w) != 1 || w[0].Pointer != "#/1/destination" || w[0].Row != 1 || w[0].Detail != lost || results[0].Rule != "" || results[1].Warnings != nil {
		t.Errorf("bulk: %+v", results[:2])
	}

	var got verdicts
	enforces := newBulk(t, Bulk{}, func(c *Config) {
		c.Rules = map[string]string{"lost_plus": rules.Enforce, "call_sid_format": rules.Report}
	})
	w, _ := ask(t, enforces, route1+"/check", "text/csv", "callSid,destination\nCA1,12025550100\n")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.OK || rulesOf(got.Rows[0].Errors) != "lost_plus destination" || rulesOf(got.Rows[0].Warnings) != "call_sid_format callSid" {
		t.Errorf("%s", w.Body)
	}
	refused := put(t, enforces, u, bulkPath, "text/csv", "w3", "destination\n12025550100\n")
	if refused.Code != http.StatusUnprocessableEntity || len(u.dialled) != 8 {
		t.Errorf("enforced: %d %s", refused.Code, refused.Body)
	}
}

// TestColumnsThatAreLeftOutAreTold holds that the first row of a check and of a result
// says which columns are not fields, and shows no name.
func TestColumnsThatAreLeftOutAreTold(t *testing.T) {
	const told = "The first row has names that are not fields. What is in these columns is left out: "
	wide := strings.Repeat("x,", 27)
	for i := range 27 {
		wide = strings.Replace(wide, "x,", fmt.Sprintf("n%d,", i), 1)
	}
	for _, tt := range []struct {
		name, contentType, body string
		strip                   string
		want                    string
	}{
		{"fields and ref", "text/csv", "ref,Destination,FROMNUMBER\na,+12025550123,\n", "", ""},
		{"one row", "text/csv", "Name,destination\nAnn,+12025550123\n", "", told + "A."},
		{"many rows", "text/csv", "destination;Firma;ref;Name\n+12025550123;x;1;Ann\n+12025550124;;;\n", "", told + "B, D."},
		{"many columns", "text/csv", wide + "destination\n" + strings.Repeat(",", 27) + "+12025550123\n", "", told + "A, B, C, D, E, F, G, H, I, J, K, L and 15 more."},
		{"a column without a name", "text/csv", "destination,\n+12025550123,\n", "", ""},
		{"forwarded", "text/csv", "Name,destination\nAnn,+12025550123\n", "pass", ""},
		{"JSON", "application/json", `[{"Name":"Ann","destination":"+12025550123"}]`, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newBulk(t, Bulk{}, func(c *Config) { c.UnknownFields = tt.strip })
			w, _ := ask(t, h, route1+"/check", tt.contentType, tt.body)
			var got verdicts
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			detail := ""
			for i, row := range got.Rows {
				for _, warning := range row.Warnings {
					if i > 0 || warning.Rule != "unknown_field" {
						t.Errorf("row %d: %+v", i+1, warning)
					}
					detail += warning.Detail
				}
			}
			if detail != tt.want || !got.OK {
				t.Errorf("check: %q, want %q: %s", detail, tt.want, w.Body)
			}
			u := new(bulkUpstream)
			result := put(t, h, u, bulkPath+".csv", tt.contentType, "k", tt.body).Body.String()
			if strings.Contains(result, told) != (tt.want != "") || strings.Count(result, told) > 1 || !strings.Contains(result, tt.want) || len(u.dialled) != len(got.Rows) {
				t.Errorf("bulk: %s", result)
			}
		})
	}
	for n, want := range map[int]string{1: "A", 26: "Z", 27: "AA", 52: "AZ", 703: "AAA", 16384: "XFD"} {
		if got := columnName(n); got != want {
			t.Errorf("column %d is %s, want %s", n, got, want)
		}
	}
}

// TestACheckOfNothingSaysSo holds that an empty body is distinguished from one without a
// destination.
func TestACheckOfNothingSaysSo(t *testing.T) {
	const empty = "destination is missing or empty. The body is empty."
	for body, want := range map[string]string{"": empty, "destination,callSid\n,CA0123456789abcdef0123456789abcdef\n": "destination is missing or empty."} {
		w, _ := ask(t, newHandler(t, Config{}), route1+"/check", "text/csv", body)
		var got verdicts
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Rows) != 1 || len(got.Rows[0].Errors) != 1 || got.Rows[0].Errors[0].Detail != want {
			t.Errorf("%q: %s, want %q", body, w.Body, want)
		}
	}
	for body, contentType := range map[string]string{"[]": "application/json", " [\n]": "", "\n\n": "application/x-ndjson"} {
		w, _ := ask(t, newHandler(t, Config{}), route1+"/check", contentType, body)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "There are no rows.") {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	}
	if w, _ := ask(t, newHandler(t, Config{}), route1+"/check?destination=bob", "text/csv", ""); !strings.Contains(w.Body.String(), `"ok":true`) {
		t.Errorf("a call in the query: %s", w.Body)
	}
}

// TestACheckTakesManyRows holds that a sheet whose header row can't be read is not said to
// have too many rows, as it is on the route for one call.
func TestACheckTakesManyRows(t *testing.T) {
	for _, tt := range []struct{ query, body, want string }{
		{"", "destination,Destination\nann,\nbob,\n", "duplicate_name"},
		{"?sessionId=other", "destination\nann\nbob\n", "conflict"},
	} {
		for path, says := range map[string]bool{route1: true, route1 + "/check": false} {
			w, _ := ask(t, newHandler(t, Config{}), path+tt.query, "text/csv", tt.body)
			got := w.Header().Get("X-Refused-By")
			if !strings.Contains(got, tt.want) || strings.Contains(got, "row_count") != says {
				t.Errorf("%s%s: %d %s", path, tt.query, w.Code, got)
			}
		}
	}
	w, _ := ask(t, newHandler(t, Config{}), route1+"/check", "text/csv", "destination\n")
	if got := w.Header().Get("X-Refused-By"); w.Code != http.StatusUnprocessableEntity || got != "row_count" {
		t.Errorf("no row: %d %s", w.Code, got)
	}
}

// TestACheckBehindAPredefinedRouteDialsNobody holds that a client of a predefined route who
// looks for a check behind it is told where it is. The upstream would ignore the segment.
func TestACheckBehindAPredefinedRouteDialsNobody(t *testing.T) {
	h := newHandler(t, Config{})
	const body = `{"sessionId":"S1","destination":"bob"}`
	for path, want := range map[string]string{
		"/json/reply/AddConferenceMember/check":        "/check",
		"/csv/oneway/addconferencemember//Check.csv/":  "/check",
		"/json/reply/AddConferenceMember%2fcheck":      "/check",
		"/json/reply/AddConferenceMember/bulk":         "/bulk",
		"/json/reply/AddConferenceMember/x/bulk?a=b/c": "/bulk",
	} {
		w, forwarded := ask(t, h, path, "application/json", body)
		if forwarded || w.Code != http.StatusNotFound || w.Header().Get("X-Refused-By") != "predefined_route" ||
			!strings.Contains(w.Body.String(), "POST to /sessions/{sessionId}/conference/members"+want+" instead.") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/json/reply/AddConferenceMember", "/json/reply/AddConferenceMember/x", "/api/check/AddConferenceMember"} {
		if w, forwarded := ask(t, h, path, "application/json", body); !forwarded {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestNoFlagForADryRunDials(t *testing.T) {
	h, off := newHandler(t, Config{}), newHandler(t, Config{Check: CheckOff})
	for _, query := range []string{"dry_run", "dryRun=1", "DRYRUN=false", "dry-run=true", "a=b&validate", "Validate=x", "dry%5Frun", "validate_only=1", "validateOnly", "_dryRun=1"} {
		w, forwarded := ask(t, h, route1+"?"+query, "application/json", body1)
		if forwarded || w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "dry_run_path") ||
			!strings.Contains(w.Body.String(), "POST to /sessions/{sessionId}/conference/members/check instead.") {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
		if w, forwarded := ask(t, off, route1+"?"+query, "application/json", body1); forwarded || w.Code != http.StatusBadRequest ||
			!strings.Contains(w.Body.String(), "Checking calls is off on this gateway.") {
			t.Errorf("%s, check off: %d %s", query, w.Code, w.Body)
		}
	}
	for _, name := range []string{"X-Dry-Run", "x-dryrun", "X-Validate-Only", "Dry-Run"} {
		r := newRequest(route1, "application/json")
		r.Header.Set(name, "true")
		w := httptest.NewRecorder()
		if err := h.ServeHTTP(w, r, nobody(t)); err != nil || w.Code != http.StatusBadRequest {
			t.Errorf("%s: %v %d", name, err, w.Code)
		}
	}
	for _, tt := range []struct{ contentType, body string }{
		{"application/json", `{"destination":"bob","dryRun":true}`},
		{"application/json", `{"Validate_Only":null,"destination":"bob"}`},
		{"application/x-www-form-urlencoded", "destination=bob&dry_run"},
		{"text/csv", "destination,Dry Run\nbob,\n"},
	} {
		for _, unknown := range []string{"", "pass", "reject"} {
			h := newHandler(t, Config{UnknownFields: unknown})
			w, forwarded := ask(t, h, route1, tt.contentType, tt.body)
			if got := w.Header().Get("X-Refused-By"); forwarded || w.Code < 400 || !strings.Contains(got, "dry_run_path") {
				t.Errorf("%q, unknown fields %q: %d %s", tt.body, unknown, w.Code, got)
			}
			if w, _ := ask(t, h, route1+"/check", tt.contentType, tt.body); unknown == "" && !strings.Contains(w.Body.String(), `"ok":true`) {
				t.Errorf("a check of %q: %d %s", tt.body, w.Code, w.Body)
			}
		}
	}
	for _, query := range []string{"dry=1", "validated=1", "run", "x_dry_run_x"} {
		if _, forwarded := ask(t, h, route1+"?"+query, "application/json", body1); !forwarded {
			t.Errorf("%s is refused", query)
		}
	}
	if w, _ := ask(t, h, route1+"/check?dry_run", "application/json", body1); w.Code != http.StatusOK {
		t.Errorf("a check with a flag: %d %s", w.Code, w.Body)
	}
	if w, forwarded := ask(t, off, route1+"/check", "application/json", body1); forwarded || w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "operation_off") {
		t.Errorf("check off: %d %s", w.Code, w.Body)
	}
}

// TestACheckOfTooMuchTellsTheLimitOfManyCalls holds that what is larger than the
// largest upload is not told the limit of one call.
func TestACheckOfTooMuchTellsTheLimitOfManyCalls(t *testing.T) {
	rows := "destination\r\n" + strings.Repeat("+12025550123\r\n", DefaultMaxRowsBody/14)
	got, _ := ask(t, newHandler(t, Config{}), route1+"/check", "text/csv", rows)
	if got.Code != http.StatusRequestEntityTooLarge || !strings.Contains(got.Body.String(), "larger than 262144 bytes") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}
