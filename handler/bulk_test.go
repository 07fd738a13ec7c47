package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
)

// bulkPath is where uploads go.
const bulkPath = route1 + "/bulk"

// bulkUpstream responds to each call by its destination, and notes it.
type bulkUpstream struct {
	dialled  []string
	when     []time.Time
	seen     []*http.Request
	response func(destination string, w http.ResponseWriter, r *http.Request) error
}

func (u *bulkUpstream) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var body struct{ Destination string }
	if err := json.Unmarshal(text, &body); err != nil {
		return err
	}
	u.dialled = append(u.dialled, body.Destination)
	u.when = append(u.when, time.Now())
	u.seen = append(u.seen, r)
	if u.response != nil {
		return u.response(body.Destination, w, r)
	}
	return session(body.Destination, w)
}

// session responds with a session.
func session(destination string, w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, err := fmt.Fprintf(w, `{"destination":%q,"id":"abc"}`, destination)
	return err
}

// status responds with an error of the upstream.
func status(w http.ResponseWriter, code int) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, err := fmt.Fprintf(w, `{"responseStatus":{"errorCode":"E","message":"Status %d.","errors":[]}}`, code)
	return err
}

// newBulk makes a handler that takes uploads, without pace unless it is set.
func newBulk(t *testing.T, b Bulk, change ...func(*Config)) *Handler {
	t.Helper()
	if b.Pace == nil {
		b.Pace = new(caddy.Duration)
	}
	cfg := Config{Bulk: &b, CSV: new(CSV)}
	if err := json.Unmarshal([]byte(`{"columns":[{"name":"destination"}]}`), cfg.CSV); err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&cfg)
	}
	return newHandler(t, cfg)
}

// put uploads a body with a key.
func put(t *testing.T, h *Handler, next caddyhttp.Handler, path, contentType, key, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := newRequest(path, "*/*")
	fresh := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Body, r.ContentLength = fresh.Body, fresh.ContentLength
	r.Header.Set("Content-Type", contentType)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	if err := h.ServeHTTP(w, r, next); err != nil {
		t.Fatal(err)
	}
	if n := buffer.Taken(); n != 0 {
		t.Errorf("%d buffers were not given back", n)
	}
	return w
}

const guests = "ref,destination\nAnn,ann\nBob,bob\nCleo,cleo\n"

func TestBulkDialsEachRowOnce(t *testing.T) {
	for _, tt := range []struct{ rule, format, want, again string }{
		{
			"CSV", "csv",
			"row,ref,status,outcome,rule,detail,Destination\r\n1,Ann,200,dialled,,,ann\r\n2,Bob,200,dialled,,,bob\r\n3,Cleo,200,dialled,,,cleo\r\n",
			"row,ref,status,outcome,rule,detail,Destination\r\n1,Ann,200,replayed,,,ann\r\n2,Bob,200,replayed,,,bob\r\n3,Cleo,200,replayed,,,cleo\r\n",
		},
		{
			"JSON", "json",
			`[
{"row":1,"ref":"Ann","status":200,"outcome":"dialled","rule":"","detail":"","session":{"destination":"ann","id":"abc"}},
{"row":2,"ref":"Bob","status":200,"outcome":"dialled","rule":"","detail":"","session":{"destination":"bob","id":"abc"}},
{"row":3,"ref":"Cleo","status":200,"outcome":"dialled","rule":"","detail":"","session":{"destination":"cleo","id":"abc"}}
]
`, "",
		},
		{
			"NDJSON", "ndjson",
			`{"row":1,"ref":"Ann","status":200,"outcome":"dialled","rule":"","detail":"","session":{"destination":"ann","id":"abc"}}
{"row":2,"ref":"Bob","status":200,"outcome":"dialled","rule":"","detail":"","session":{"destination":"bob","id":"abc"}}
{"row":3,"ref":"Cleo","status":200,"outcome":"dialled","rule":"","detail":"","session":{"destination":"cleo","id":"abc"}}
{"summary":{"dialled":3,"not-dialled":0,"not_attempted":0,"replayed":0,"rows":3,"unknown":0}}
`, "",
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			h, up := newBulk(t, Bulk{}), new(bulkUpstream)
			path := bulkPath + "?format=" + tt.format
			w := put(t, h, up, path, "text/csv", "k", guests)
			if w.Code != http.StatusMultiStatus || w.Body.String() != tt.want {
				t.Errorf("%d %s, want\n%s", w.Code, w.Body, tt.want)
			}
			if w.Header().Get("Incremental") != "?1" || w.Header().Get("Vary") != "Accept" || w.Header().Get("X-Call") != "" {
				t.Errorf("header %v", w.Header())
			}
			if strings.Join(up.dialled, " ") != "ann bob cleo" {
				t.Errorf("dialled %v", up.dialled)
			}
			// The same rows again, as JSON.
			w = put(t, h, up, path, "application/json", "k", `[{"destination":"ann","ref":"Ann"},{"destination":"bob","ref":"Bob"},{"destination":"cleo","ref":"Cleo"}]`)
			if want := orDefault(tt.again, strings.ReplaceAll(strings.ReplaceAll(tt.want, `"dialled","r`, `"replayed","r`), `"dialled":3,"not-dialled":0,"not_attempted":0,"replayed":0`, `"dialled":0,"not-dialled":0,"not_attempted":0,"replayed":3`)); w.Body.String() != want {
				t.Errorf("again: %s, want\n%s", w.Body, want)
			}
			if len(up.dialled) != 3 {
				t.Errorf("dialled %v", up.dialled)
			}
		})
	}
}

// TestARowIsARequestOfItsOwn holds what handlers behind see of a row.
func TestARowIsARequestOfItsOwn(t *testing.T) {
	h, up := newBulk(t, Bulk{}, func(c *Config) { c.CorrelationID = "X-Request-ID" }), new(bulkUpstream)
	var headers []string
	up.response = func(destination string, w http.ResponseWriter, r *http.Request) error {
		repl := replacerOf(r)
		headers = append(headers, fmt.Sprint(r.Header.Get("Idempotency-Key"), " ", r.URL, " ", r.RequestURI, " ",
			repl.ReplaceAll("{http.conference_members.destination.kind} {http.request.uri} {http.vars.mine} {theirs}", "-")))
		if _, ok := repl.Get("theirs"); ok {
			t.Errorf("%s finds a placeholder of another row", destination)
		}
		if caddyhttp.GetVar(r.Context(), "mine") != nil {
			t.Errorf("%s finds a variable of another row", destination)
		}
		repl.Set("theirs", destination)
		caddyhttp.SetVar(r.Context(), "mine", destination)
		return session(destination, w)
	}
	r := newRequest(bulkPath+"?a=b&format=csv&view=v", "*/*")
	vars := map[string]any{"earlier": "kept"}
	r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars))
	replacerOf(r).Set("http.auth.user.id", "kept too")
	r.Header.Set("Idempotency-Key", "k")
	r.Header.Set("Content-Type", "text/csv")
	r.Body = io.NopCloser(strings.NewReader(guests))
	w := httptest.NewRecorder()
	if err := h.ServeHTTP(w, r, up); err != nil {
		t.Fatal(err)
	}
	if len(up.seen) != 3 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for i, got := range headers {
		want := fmt.Sprintf("k-%d %[2]s?a=b %[2]s?a=b name %[2]s?a=b - -", i+1, route1)
		if got != want {
			t.Errorf("row %d: %q, want %q", i+1, got, want)
		}
	}
	for i, seen := range up.seen {
		if got := caddyhttp.GetVar(seen.Context(), "earlier"); got != "kept" {
			t.Errorf("row %d: the variable of an earlier handler is %v", i+1, got)
		}
		if got := replacerOf(seen).ReplaceAll("{http.auth.user.id}", ""); got != "kept too" {
			t.Errorf("row %d: the placeholder of an earlier handler is %q", i+1, got)
		}
		if seen.Header.Get("X-Request-ID") == "" || seen.Header.Get("X-Request-ID") != w.Header().Get("X-Request-ID") {
			t.Errorf("row %d: correlation id %q, of the upload %q", i+1, seen.Header.Get("X-Request-ID"), w.Header().Get("X-Request-ID"))
		}
	}
	if vars["mine"] != nil {
		t.Error("the upload has a variable of a row")
	}
	if r.URL.Path != bulkPath {
		t.Errorf("the upload's URL is %s", r.URL)
	}
}

func TestBulkGoesOnWhereItStopped(t *testing.T) {
	type response = func(w http.ResponseWriter, r *http.Request) error
	fails := func(code int) response {
		return func(w http.ResponseWriter, _ *http.Request) error { return status(w, code) }
	}
	aborts := func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }
	noUpstream := func(http.ResponseWriter, *http.Request) error {
		return caddyhttp.Error(http.StatusServiceUnavailable, fmt.Errorf("no upstreams available"))
	}
	unread := func(http.ResponseWriter, *http.Request) error { return caddyhttp.Error(http.StatusBadGateway, io.EOF) }
	for _, tt := range []struct {
		rule      string
		second    response // to the second row
		onFailure string
		want      string // outcomes
		again     string // of the same upload, once the upstream is well
		dialled   string
	}{
		{"a refusal of the upstream is the row's own", fails(404), "", "200 dialled, 404 not-dialled, 200 dialled", "200 replayed, 200 dialled, 200 replayed", "ann bob cleo bob"},
		{"too many calls are the row's own", fails(429), "", "200 dialled, 429 not-dialled, 200 dialled", "200 replayed, 200 dialled, 200 replayed", "ann bob cleo bob"},
		{"401 stops", fails(401), "", "200 dialled, 401 not-dialled, 0 not_attempted", "200 replayed, 200 dialled, 200 dialled", "ann bob bob cleo"},
		{"403 stops", fails(403), "", "200 dialled, 403 not-dialled, 0 not_attempted", "200 replayed, 200 dialled, 200 dialled", "ann bob bob cleo"},
		{"5xx stops, and is unknown", fails(500), "", "200 dialled, 500 unknown, 0 not_attempted", "200 replayed, 409 unknown, 200 dialled", "ann bob cleo"},
		{"a response that breaks off stops, and is unknown", aborts, "", "200 dialled, 502 unknown, 0 not_attempted", "200 replayed, 409 unknown, 200 dialled", "ann bob cleo"},
		{"no upstream stops", noUpstream, "", "200 dialled, 503 not-dialled, 0 not_attempted", "200 replayed, 200 dialled, 200 dialled", "ann bob bob cleo"},
		{"no response stops, and is unknown", unread, "", "200 dialled, 502 unknown, 0 not_attempted", "200 replayed, 409 unknown, 200 dialled", "ann bob cleo"},
		{"continue goes on", fails(500), BulkContinue, "200 dialled, 500 unknown, 200 dialled", "200 replayed, 409 unknown, 200 replayed", "ann bob cleo"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			h, up := newBulk(t, Bulk{OnFailure: tt.onFailure}), new(bulkUpstream)
			up.response = func(destination string, w http.ResponseWriter, r *http.Request) error {
				if destination == "bob" {
					return tt.second(w, r)
				}
				return session(destination, w)
			}
			if got := outcomes(t, put(t, h, up, bulkPath, "text/csv", "k", guests)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			up.response = nil
			if got := outcomes(t, put(t, h, up, bulkPath, "text/csv", "k", guests)); got != tt.again {
				t.Errorf("again: %s, want %s", got, tt.again)
			}
			if got := strings.Join(up.dialled, " "); got != tt.dialled {
				t.Errorf("dialled %s, want %s", got, tt.dialled)
			}
		})
	}
}

// TestARowTellsWhoRefusedItsCall holds that the API is not blamed for a limit of the gateway.
func TestARowTellsWhoRefusedItsCall(t *testing.T) {
	for status, says := range map[int]string{
		http.StatusTooManyRequests:    "A later handler of the gateway refused the call: 429 Too Many Requests. Nothing was dialled.",
		http.StatusServiceUnavailable: "The API could not be reached.",
	} {
		h, up := newBulk(t, Bulk{}), new(bulkUpstream)
		up.response = func(string, http.ResponseWriter, *http.Request) error {
			return caddyhttp.Error(status, errors.New("no upstreams available"))
		}
		if got := put(t, h, up, bulkPath, "text/csv", "k", guests).Body.String(); !strings.Contains(got, says) {
			t.Errorf("%d: %s, want it to say %q", status, got, says)
		}
	}
}

// TestAStoppedRunTellsWhatEarlierOnesLeft holds that a row that a run does not come to is
// not said to be not attempted if an earlier upload dialled it, or may have. Nothing is
// dialled to find out.
func TestAStoppedRunTellsWhatEarlierOnesLeft(t *testing.T) {
	h, up := newBulk(t, Bulk{}), new(bulkUpstream)
	const rows = "destination\nann\nbob\ncleo\ndan\n"
	codes := map[string]int{"ann": http.StatusNotFound, "cleo": http.StatusInternalServerError}
	up.response = func(destination string, w http.ResponseWriter, _ *http.Request) error {
		if code := codes[destination]; code != 0 {
			return status(w, code)
		}
		return session(destination, w)
	}
	if got, want := outcomes(t, put(t, h, up, bulkPath, "text/csv", "k", rows)), "404 not-dialled, 200 dialled, 500 unknown, 0 not_attempted"; got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	codes = map[string]int{"ann": http.StatusForbidden}
	w := put(t, h, up, bulkPath, "text/csv", "k", rows)
	if got, want := outcomes(t, w), "403 not-dialled, 200 replayed, 409 unknown, 0 not_attempted"; got != want {
		t.Errorf("again: %s, want %s", got, want)
	}
	if !strings.Contains(w.Body.String(), stopAt(1)) {
		t.Errorf("the run did not stop at row 1: %s", w.Body)
	}
	if got := strings.Join(up.dialled, " "); got != "ann bob cleo ann" {
		t.Errorf("dialled %s", got)
	}
}

// outcomes returns the statuses and outcomes of a result in JSON.
func outcomes(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var rows []struct {
		Status          int
		Outcome, Detail string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil || w.Code != http.StatusMultiStatus {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = fmt.Sprintf("%d %s", r.Status, r.Outcome)
		if (r.Outcome == "dialled" || r.Outcome == "replayed") != (r.Detail == "") {
			t.Errorf("row %d is %s: %q", i+1, r.Outcome, r.Detail)
		}
	}
	return strings.Join(all, ", ")
}

func TestBulkRefusesBeforeItDials(t *testing.T) {
	views := func(c *Config) {
		c.CSV.Views = map[string]*CSV{"members": {}}
		c.CSV.Views["members"].Rows = "members"
	}
	many := "destination\n" + strings.Repeat("911\n", 101)
	for _, tt := range []struct {
		rule, query, contentType, key, body string
		bulk                                Bulk
		status                              int
		want                                string // in the response
	}{
		{"a row that breaks a rule", "", "text/csv", "k", "destination\nann\n911\n", Bulk{}, 422, `"pointer":"#/2/destination","field":"destination","rule":"emergency"`},
		{"with its row", "", "text/csv", "k", "destination\nann\n911\n", Bulk{}, 422, `"row":2`},
		{"no key", "", "text/csv", "", guests, Bulk{}, 400, `"rule":"idempotency_key_missing"`},
		{"no key, and what else is wrong", "", "text/csv", "", "destination\n911\n", Bulk{}, 400, `"rule":"emergency"`},
		{"a key that is none", "", "text/csv", "a b", guests, Bulk{}, 400, `"rule":"idempotency_key_malformed"`},
		{"too many rows", "", "text/csv", "k", guests, Bulk{MaxRows: 2}, 422, `"rule":"row_count","detail":"There are more than 2 rows`},
		{"no rows", "", "text/csv", "k", "destination\n", Bulk{}, 422, `"rule":"row_count"`},
		{"no body", "", "text/csv", "k", "", Bulk{}, 422, `"rule":"row_count"`},
		{"too large a body", "", "text/csv", "k", guests, Bulk{MaxBody: 5}, 413, `"rule":"body_too_large"`},
		{"a row that can't be read", "", "text/csv", "k", "destination\nann\n\"bob\n", Bulk{}, 400, `"rule":"malformed_csv","detail":"Line 3`},
		{"a row of another length", "", "text/csv", "k", "ref,destination\nA,ann\nbob\n", Bulk{}, 400, `"rule":"row_length"`},
		{"a doubled header", "", "text/csv", "k", "destination,Destination\nann,bob\n", Bulk{}, 400, `"pointer":"#/destination","field":"destination","rule":"duplicate_name","detail":"Line 1, column 13`},
		{"the row in CSV", "?format=csv", "text/csv", "k", "destination\nann\n911\n", Bulk{}, 422, `message:""Row 2: destination is`},
		{"a column that is not there", "", "text/csv", "k", "Telefon\n+12025550123\n", Bulk{}, 422, `"rule":"required","detail":"destination is missing or empty. The first row, which names the columns, has no destination."`},
		{"a column that is there", "", "text/csv", "k", "ref,Destination\nAnn,\n", Bulk{}, 422, `"rule":"required","detail":"destination is missing or empty."`},
		{"a sheet that is not CSV", "", "text/csv", "k", "PK\x03\x04\x14\x00\xff", Bulk{}, 400, `"rule":"malformed_csv","detail":"This is the file of a spreadsheet program`},
		{"an old sheet that is not CSV", "", "text/csv", "k", "\xd0\xcf\x11\xe0", Bulk{}, 400, `such as .xls, and not CSV.`},
		{"UTF-16", "", "text/csv", "k", "\xff\xfed\x00", Bulk{}, 400, `The text is UTF-16 and not UTF-8. Save the sheet`},
		{"UTF-16 in the other order", "", "text/csv", "k", "\xfe\xff\x00d", Bulk{}, 400, `The text is UTF-16 and not UTF-8. Save the sheet`},
		{"Windows-1252", "", "text/csv", "k", "ref,destination\nJ\xfcrgen,ann\n", Bulk{}, 400, `"detail":"Line 2, column 2: The text is not UTF-8 here. Save the sheet as CSV in UTF-8`},
		{"a list that breaks off", "", "application/json", "k", `[{"destination":"ann"},{"desti`, Bulk{}, 400, `"rule":"malformed_json"`},
		{"a line that is no object", "", "application/x-ndjson", "k", `{"destination":"ann"}` + "\n7\n", Bulk{}, 422, `"row":2`},
		{"a type that is not read", "", "application/xml", "k", "<a/>", Bulk{}, 415, `"rule":"content_type"`},
		{"an unknown view", "?view=nosuch", "text/csv", "k", guests, Bulk{}, 406, `"rule":"unknown_view"`},
		{"a view of members", "?view=members&format=csv", "text/csv", "k", guests, Bulk{}, 406, `BulkView`},
		{"a format that results have not", "?format=xml", "text/csv", "k", guests, Bulk{}, 406, `the formats are json, csv, ndjson`},
		{"a flag for a dry run", "?dry_run", "text/csv", "k", guests, Bulk{}, 400, `"rule":"dry_run_path"`},
		{"a flag for a dry run in a row", "", "application/json", "k", `[{"destination":"ann"},{"destination":"bob","dryRun":true}]`, Bulk{}, 400, `"rule":"dry_run_path"`},
		{"more violations than are told", "", "text/csv", "k", many, Bulk{MaxRows: 200}, 422, `There are 1 more violations, which are not listed.`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			h := newBulk(t, tt.bulk, views)
			w := put(t, h, nobody(t), bulkPath+tt.query, tt.contentType, tt.key, tt.body)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("%d %s, want %d and %s", w.Code, w.Body, tt.status, tt.want)
			}
		})
	}
	t.Run("a key of another upload", func(t *testing.T) {
		h, up := newBulk(t, Bulk{}), new(bulkUpstream)
		put(t, h, up, bulkPath, "text/csv", "k", guests)
		for _, body := range []string{"destination\nann\n", guests + "Dan,dan\n", "destination\nbob\nann\ncleo\n"} {
			w := put(t, h, nobody(t), bulkPath, "text/csv", "k", body)
			if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "idempotency_key_reused") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
	})
	t.Run("unless bulk is on", func(t *testing.T) {
		w := put(t, newHandler(t, Config{}), nobody(t), bulkPath, "text/csv", "k", guests)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "operation_off") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestSeveralRowsOnTheRouteAreSentToBulk(t *testing.T) {
	const want = "Send a header row and one row of values. POST several rows to /sessions/{sessionId}/conference/members/bulk."
	if w := put(t, newBulk(t, Bulk{}), nobody(t), route1, "text/csv", "", guests); !strings.Contains(w.Body.String(), want) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := put(t, newHandler(t, Config{}), nobody(t), route1, "text/csv", "", guests); strings.Contains(w.Body.String(), want) {
		t.Errorf("although bulk is off: %d %s", w.Code, w.Body)
	}
}

// TestKeysOfSingleCallsNeedTheirBlock holds that bulk alone gives keys to rows only. A
// key of a single call needs the block idempotency.
func TestKeysOfSingleCallsNeedTheirBlock(t *testing.T) {
	h, up := newBulk(t, Bulk{}), new(bulkUpstream)
	for range 2 {
		put(t, h, up, route1, "application/json", "k", `{"destination":"ann"}`)
	}
	if len(up.dialled) != 2 {
		t.Errorf("dialled %v", up.dialled)
	}
}

func TestPaceIsFromOneDialToTheNext(t *testing.T) {
	running()
	synctest.Test(t, func(t *testing.T) {
		pace := caddy.Duration(2 * time.Second)
		h, up := newBulk(t, Bulk{Pace: &pace}), new(bulkUpstream)
		up.response = func(destination string, w http.ResponseWriter, _ *http.Request) error {
			if destination == "bob" {
				time.Sleep(5 * time.Second) // longer than the pace
			} else {
				time.Sleep(time.Second)
			}
			return session(destination, w)
		}
		put(t, h, up, bulkPath, "text/csv", "k", guests+"Dan,dan\n")
		var gaps []string
		for i := 1; i < len(up.when); i++ {
			gaps = append(gaps, up.when[i].Sub(up.when[i-1]).String())
		}
		if got := strings.Join(gaps, " "); got != "2s 5s 2s" {
			t.Errorf("gaps %s", got)
		}
		// Replayed rows don't wait for the pace.
		began := time.Now()
		put(t, h, up, bulkPath, "text/csv", "k", guests+"Dan,dan\n")
		if took := time.Since(began); took != 0 {
			t.Errorf("the same upload again took %s", took)
		}
	})
}

// TestABulkRunStops holds that an upload stops when its client leaves or the configuration
// is replaced, and that the call under way is finished and recorded.
func TestABulkRunStops(t *testing.T) {
	for _, tt := range []struct {
		rule string
		stop func(client, gateway context.CancelFunc)
		want string
	}{
		{"the client leaves", func(client, _ context.CancelFunc) { client() }, stoppedClient},
		{"the gateway stops", func(_, gateway context.CancelFunc) { gateway() }, stoppedGateway},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			h, up := newBulk(t, Bulk{}), new(bulkUpstream)
			ctx, client := context.WithCancel(t.Context())
			stopping, gateway := context.WithCancel(t.Context())
			before := h.stopping
			h.stopping = stopping
			up.response = func(destination string, w http.ResponseWriter, r *http.Request) error {
				if destination == "bob" {
					tt.stop(client, gateway)
				}
				if err := r.Context().Err(); err != nil {
					t.Errorf("the call of %s is given up: %v", destination, err)
				}
				return session(destination, w)
			}
			r := newRequest(bulkPath, "application/json")
			r.Body = io.NopCloser(strings.NewReader(guests))
			r.Header.Set("Content-Type", "text/csv")
			r.Header.Set("Idempotency-Key", "k")
			w := httptest.NewRecorder()
			if err := h.ServeHTTP(w, r.WithContext(context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer())), up); err != nil {
				t.Fatal(err)
			}
			if got := outcomes(t, w); got != "200 dialled, 200 dialled, 0 not_attempted" || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("%s", w.Body)
			}
			h.stopping = before
			if got := outcomes(t, put(t, h, up, bulkPath, "text/csv", "k", guests)); got != "200 replayed, 200 replayed, 200 dialled" {
				t.Errorf("again: %s", got)
			}
		})
	}
}

// brokenConnection fails from the second result on.
type brokenConnection struct {
	httptest.ResponseRecorder

	writes int
}

func (b *brokenConnection) Write(p []byte) (int, error) {
	if b.writes++; b.writes > 2 {
		return 0, io.ErrClosedPipe
	}
	return b.ResponseRecorder.Write(p)
}

func (b *brokenConnection) WriteString(s string) (int, error) { return b.Write([]byte(s)) }

func TestAResultThatCantBeSentStopsTheRun(t *testing.T) {
	h, up := newBulk(t, Bulk{}), new(bulkUpstream)
	r := newRequest(bulkPath, "application/json")
	r.Body = io.NopCloser(strings.NewReader(guests))
	r.Header.Set("Content-Type", "text/csv")
	r.Header.Set("Idempotency-Key", "k")
	if err := h.ServeHTTP(&brokenConnection{ResponseRecorder: *httptest.NewRecorder()}, r, up); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(up.dialled, " "); got != "ann bob" {
		t.Errorf("dialled %s", got)
	}
}

func TestDuplicateRowsAreDuplicates(t *testing.T) {
	h, up := newBulk(t, Bulk{}, func(c *Config) { c.Duplicates = new(Duplicates) }), new(bulkUpstream)
	w := put(t, h, up, bulkPath, "text/csv", "k", "destination\nann\nann\n")
	if got := outcomes(t, w); got != "200 dialled, 409 not-dialled" || !strings.Contains(w.Body.String(), `"rule":"duplicate_call"`) {
		t.Errorf("%s %s", got, w.Body)
	}
}

func TestWhatIsNoSessionIsSaidToBeNone(t *testing.T) {
	for _, tt := range []struct {
		rule     string
		response func(http.ResponseWriter) error
		csv      string
		json     string
	}{
		{"no body", func(w http.ResponseWriter) error { w.WriteHeader(http.StatusNoContent); return nil }, "1,,204,dialled,,,", `"detail":""}`},
		{"nothing written", func(http.ResponseWriter) error { return nil }, "1,,200,unknown,,\"The call was sent to the API, and no response came. The phone may be ringing: look at the session before the request is sent again.\",", `sent again."}`},
		{"a list", func(w http.ResponseWriter) error { _, err := io.WriteString(w, "[1,\n2]"); return err }, "1,,200,dialled,,The response to the call is not shown: it is not a session.,", `"session":[1,2]}`},
		{"no JSON", func(w http.ResponseWriter) error { _, err := io.WriteString(w, "<p>"); return err }, "1,,200,dialled,,The response to the call is not shown: malformed.,", `"detail":"The response to the call is not shown: malformed."}`},
		{"too large", func(w http.ResponseWriter) error {
			_, err := io.WriteString(w, `"`+strings.Repeat("x", 100)+`"`)
			return err
		}, "1,,200,dialled,,The response to the call is not shown: too_large.,", `too_large."}`},
		{"an unknown coding", func(w http.ResponseWriter) error {
			w.Header().Set("Content-Encoding", "br")
			_, err := io.WriteString(w, "x")
			return err
		}, "1,,200,dialled,,The response to the call is not shown: encoded.,", `encoded."}`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			h, up := newBulk(t, Bulk{}, func(c *Config) { c.CSV.MaxResponse = 100 }), new(bulkUpstream)
			up.response = func(_ string, w http.ResponseWriter, _ *http.Request) error { return tt.response(w) }
			for format, want := range map[string]string{"csv": "Destination\r\n" + tt.csv + "\r\n", "json": tt.json + "\n]\n"} {
				if w := put(t, h, up, bulkPath+"?format="+format, "text/csv", format, "destination\nann\n"); !strings.HasSuffix(w.Body.String(), want) {
					t.Errorf("%s, want %s at its end", w.Body, want)
				}
			}
		})
	}
}

func TestALongKeyStaysAKey(t *testing.T) {
	h, up := newBulk(t, Bulk{}), new(bulkUpstream)
	put(t, h, up, bulkPath, "text/csv", strings.Repeat("k", 255), guests)
	seen := make(map[string]bool)
	for _, r := range up.seen {
		key := r.Header.Get("Idempotency-Key")
		if len(key) > 255 || seen[key] {
			t.Errorf("key %q", key)
		}
		seen[key] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d keys", len(seen))
	}
}

// TestMemoryDoesNotGrowWithTheRows holds that an upload takes the memory of its body
// and of one row, whatever the number of rows. What is kept of the calls is in the
// store, which has a limit of its own.
func TestMemoryDoesNotGrowWithTheRows(t *testing.T) {
	h := newBulk(t, Bulk{MaxRows: 1000}, func(c *Config) { c.Idempotency = &Idempotency{MaxStored: 1} })
	uploads := 0
	held := func(rows int) uint64 {
		uploads++
		var most uint64
		calls := 0
		next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			if calls++; calls == rows {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = m.HeapAlloc
			}
			_, err := io.Copy(io.Discard, r.Body)
			if err != nil {
				return err
			}
			return session("ann", w)
		})
		r := newRequest(bulkPath, "text/csv")
		r.Body = io.NopCloser(strings.NewReader("destination\n" + strings.Repeat("ann\n", rows)))
		r.ContentLength = -1
		r.Header.Set("Content-Type", "text/csv")
		r.Header.Set("Idempotency-Key", fmt.Sprint("k", uploads))
		if err := h.ServeHTTP(&discard{make(http.Header)}, r, next); err != nil {
			t.Fatal(err)
		}
		if calls != rows {
			t.Fatalf("%d calls for %d rows", calls, rows)
		}
		return most
	}
	held(1) // allocates what is made on first use
	one, many := held(1), held(1000)
	if many > one+2<<20 {
		t.Errorf("1 row holds %d bytes, 1,000 rows hold %d", one, many)
	}
	t.Logf("1,000 rows hold %d bytes more than one", int64(many)-int64(one))
}
