package main

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
)

// settled returns an exchange that has ended well.
func settled() *exchange {
	id := "soak-1-1"
	c := &call{sessionID: id, callSID: "CA1", destination: destinations[0]}
	x := &exchange{
		id: id, kind: "a call",
		request: request{site: "plain", method: http.MethodPost, body: []byte("{}")},
		entered: 1, left: 1, arrived: 1, ended: 1, outcome: "ok",
		bound: bound(id, c),
		want: want{
			status: 200, contentType: "text/csv", body: exact(func() []byte { return []byte("Id\r\n1\r\n") }),
			header:  http.Header{"X-Transcode-Error": nil},
			arrives: true, bound: bound(id, c),
			outcome: "ok", format: "csv", kind: "phone", country: "US", class: "2xx", transcoded: true, read: true,
		},
		response: &response{
			status: 200,
			header: http.Header{"Content-Type": {"text/csv"}, "Vary": {"Accept"}},
			body:   []byte("Id\r\n1\r\n"),
		},
	}
	return x
}

// mistakes are what can be wrong with an exchange, and a part of the message about it.
var mistakes = map[string]struct {
	make func(*exchange)
	want string
}{
	"a wrong byte":                  {func(x *exchange) { x.response.body = []byte("Id\r\n2\r\n") }, "wrong from byte 4"},
	"a byte too few":                {func(x *exchange) { x.response.body = x.response.body[:5] }, "wrong from byte 5"},
	"a byte too many":               {func(x *exchange) { x.response.body = append(x.response.body, 0) }, "wrong from byte 7"},
	"a wrong status":                {func(x *exchange) { x.response.status = 201 }, "the status is 201"},
	"a wrong type":                  {func(x *exchange) { x.response.header.Set("Content-Type", "text/plain") }, "Content-Type"},
	"a field too many":              {func(x *exchange) { x.response.header.Set("X-Transcode-Error", "malformed") }, "X-Transcode-Error"},
	"no Vary":                       {func(x *exchange) { x.response.header.Del("Vary") }, "Vary"},
	"a response that broke off":     {func(x *exchange) { x.response.err = errors.New("EOF") }, "broke off"},
	"no response":                   {func(x *exchange) { x.response = &response{err: errors.New("EOF")} }, "broke off"},
	"a response that should break":  {func(x *exchange) { x.want.breaks = true }, "did not break off"},
	"a request lost on the way":     {func(x *exchange) { x.arrived, x.ended, x.bound = 0, 0, nil }, "0 times at the upstream"},
	"a request forwarded twice":     {func(x *exchange) { x.arrived, x.ended = 2, 2 }, "2 times at the upstream"},
	"a refused one forwarded":       {func(x *exchange) { x.want.arrives = false }, "want once and 0"},
	"a request sent twice":          {func(x *exchange) { x.entered, x.left = 2, 2 }, "2 times at the gateway"},
	"another outcome":               {func(x *exchange) { x.outcome = "fallback" }, `the outcome is "fallback"`},
	"a number that was not judged":  {func(x *exchange) { x.bound.Destination = new("+19005550123") }, "bound"},
	"a field that was not bound":    {func(x *exchange) { x.bound.CallSID = nil }, "bound"},
	"nothing bound":                 {func(x *exchange) { x.bound = nil }, "bound nothing"},
	"something bound":               {func(x *exchange) { x.want.bound = nil }, "want nothing"},
	"a handler that panics":         {func(x *exchange) { x.panicked = true }, "panicked"},
	"a client that should leave":    {func(x *exchange) { x.leave = whileHeld }, "was to leave"},
	"a refusal forwarded when left": {func(x *exchange) { x.response = &response{gone: true}; x.leave = atAnyTime; x.want.arrives = false }, "want once at most and 0"},
	"two calls of one who left":     {func(x *exchange) { x.response = &response{gone: true}; x.leave = atAnyTime; x.arrived, x.ended = 2, 2 }, "2 times at the upstream"},
	"an outcome of one who left":    {func(x *exchange) { x.response = &response{gone: true}; x.leave = atAnyTime; x.outcome = "unreachable" }, "want ok or client_gone"},
	"an upload's row lost":          {asUpload(func(x *exchange) { x.arrived, x.ended, x.rows = 1, 1, x.rows[:1] }), "1 times at the upstream"},
	"an upload's row dialled twice": {asUpload(func(x *exchange) { x.arrived, x.ended = 3, 3 }), "3 times at the upstream"},
	"an upload's rows in disorder":  {asUpload(func(x *exchange) { x.rows[0], x.rows[1] = x.rows[1], x.rows[0] }), "of row 1 the upstream bound"},
	"a row that is not told of":     {asUpload(func(x *exchange) { x.response.body = []byte(rowOf1 + rowsEnd) }), "2 lines"},
	"a row told as not dialled":     {asUpload(func(x *exchange) { x.response.body = []byte(rowOf1 + rowOf2Not + rowsEnd) }), "row 2"},
	"two calls of one closed": {func(x *exchange) {
		x.response = &response{err: errors.New("EOF"), closed: true}
		x.arrived, x.ended = 2, 2
	}, "2 times at the upstream"},
}

// The response to an upload of two rows.
const (
	rowOf1    = `{"row":1,"outcome":"dialled","session":{"id":"soak-1-1"}}` + "\n"
	rowOf2    = `{"row":2,"outcome":"dialled","session":{"id":"soak-1-1"}}` + "\n"
	rowOf2Not = `{"row":2,"outcome":"not_attempted"}` + "\n"
	rowsEnd   = `{"rows":2}` + "\n"
)

// asUpload makes the exchange an upload of two rows before it is changed.
func asUpload(change func(*exchange)) func(*exchange) {
	return func(x *exchange) {
		for _, d := range destinations[:2] {
			c := &call{sessionID: x.id, destination: d}
			x.want.rows = append(x.want.rows, c)
			x.rows = append(x.rows, bound(x.id, c))
		}
		x.arrived, x.ended = 2, 2
		x.response.body = []byte(rowOf1 + rowOf2 + rowsEnd)
		x.want.body = x.judgeRows
		change(x)
	}
}

func TestWhatIsWrongWithAnExchangeIsFound(t *testing.T) {
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			x := settled()
			m.make(x)
			if got := strings.Join(x.judge(), "; "); !strings.Contains(got, m.want) {
				t.Errorf("found %q, want %q", got, m.want)
			}
		})
	}
}

func TestWhatMayBeIsNotWrong(t *testing.T) {
	for name, change := range map[string]func(*exchange){
		"an exchange that went well": func(*exchange) {},
		"a response in gzip": func(x *exchange) {
			x.response.body = packers["gzip"](x.response.body)
			x.response.header.Set("Content-Encoding", "gzip")
		},
		"an upload": asUpload(func(*exchange) {}),
		"an upload that a reload stopped": asUpload(func(x *exchange) {
			x.response.body, x.response.reloaded = []byte(rowOf1+rowOf2Not+rowsEnd), true
			x.arrived, x.ended, x.rows = 1, 1, x.rows[:1]
		}),
		"a client that left in time": func(x *exchange) {
			x.leave, x.response, x.outcome = atAnyTime, &response{gone: true}, clientGone
			x.arrived, x.ended, x.bound = 0, 0, nil
		},
		"a client that left too late": func(x *exchange) { x.leave, x.response = atAnyTime, &response{gone: true} },
		"a connection closed by a reload": func(x *exchange) {
			x.response = &response{err: errors.New("EOF"), closed: true}
			x.outcome = clientGone
		},
		"a response that broke off where it was to": func(x *exchange) {
			x.want.breaks, x.want.body = true, beginning(func() []byte { return []byte("Id\r\n1\r\n") })
			x.response.body, x.response.err = x.response.body[:3], errors.New("EOF")
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := settled()
			change(x)
			if got := x.judge(); len(got) > 0 {
				t.Errorf("found %q", got)
			}
		})
	}
}

func TestARefusalIsHeldToItsRules(t *testing.T) {
	body := func(rule string) *response {
		return &response{body: []byte(`{"status":422,"errors":[{"field":"destination","rule":"` + rule + `"}]}`)}
	}
	check := refusal(422, fails("destination emergency"))
	if w := check(body("emergency")); w != "" {
		t.Error(w)
	}
	for _, resp := range []*response{body("required"), {body: []byte("no")}, {body: []byte(`{"status":422,"errors":[]}`)}} {
		if check(resp) == "" {
			t.Errorf("nothing is wrong with %s", resp.body)
		}
	}
	csv := refusalCSV("EmergencyNumberNotAllowed")
	if w := csv(&response{body: []byte("ResponseStatus\r\n{errorCode:EmergencyNumberNotAllowed}\r\n")}); w != "" {
		t.Error(w)
	}
	if csv(&response{body: []byte("ResponseStatus\r\n{errorCode:NotEmpty}\r\n")}) == "" {
		t.Error("nothing is wrong with another code")
	}
}

// tellAll reports an exchange to the books from all sides.
func tellAll(b *books, x *exchange) {
	resp := x.response
	x.entered, x.left, x.arrived, x.ended, x.response = 0, 0, 0, 0, nil
	b.begin(x)
	received := &upstreamtest.Received{Header: http.Header{markHeader: {x.id}}, Bound: x.want.bound}
	b.entered(x.id)
	b.arrived(received)
	b.done(x, resp)
	b.ended(received)
	b.left(x.id, x.outcome, false)
}

func TestTheBooksForgetWhatIsOver(t *testing.T) {
	b := newBooks()
	tellAll(b, settled())
	if got := b.mismatches(); len(got) > 0 || len(b.open) > 0 || b.requests() != 1 {
		t.Errorf("%q is wrong, %d are open, %d were settled", got, len(b.open), b.requests())
	}
	if _, ok := b.atRest(); !ok {
		t.Error("they are not at rest")
	}
}

func TestWhatComesAgainIsFound(t *testing.T) {
	received := &upstreamtest.Received{Header: http.Header{markHeader: {"soak-1-1"}}}
	for name, again := range map[string]func(*books){
		"at the gateway":  func(b *books) { b.entered("soak-1-1") },
		"at the upstream": func(b *books) { b.arrived(received) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBooks()
			tellAll(b, settled())
			again(b)
			if got := strings.Join(b.mismatches(), ""); !strings.Contains(got, name+": soak-1-1") {
				t.Errorf("found %q", got)
			}
		})
	}
}

func TestWhatNeverEndsIsFound(t *testing.T) {
	b := newBooks()
	x := settled()
	resp := x.response
	x.entered, x.left, x.arrived, x.ended, x.response = 0, 0, 0, 0, nil
	b.begin(x)
	b.entered(x.id)
	b.done(x, resp)
	if _, ok := b.atRest(); ok || len(b.stuck()) != 1 {
		t.Errorf("at rest %t, stuck %q", ok, b.stuck())
	}
}

// TestALateArrivalOfOneWhoLeftIsWaitedFor holds also that a second arrival is found.
func TestALateArrivalOfOneWhoLeftIsWaitedFor(t *testing.T) {
	b := newBooks()
	x := settled()
	x.leave, x.outcome = atAnyTime, clientGone
	x.entered, x.left, x.arrived, x.ended, x.bound, x.response = 0, 0, 0, 0, nil, nil
	b.begin(x)
	b.entered(x.id)
	b.left(x.id, clientGone, false)
	b.done(x, &response{gone: true})
	if _, ok := b.atRest(); !ok {
		t.Error("it is not over")
	}
	received := &upstreamtest.Received{Header: http.Header{markHeader: {x.id}}, Bound: x.want.bound}
	b.arrived(received)
	b.ended(received)
	if got := b.mismatches(); len(got) > 0 || b.requests() != 1 {
		t.Errorf("%q is wrong, %d were settled", got, b.requests())
	}
	b.arrived(received)
	if len(b.mismatches()) == 0 {
		t.Error("the second arrival was not found")
	}
}

func TestWhoIsWaitedForIsGivenUpInTheEnd(t *testing.T) {
	b := newBooks()
	x := settled()
	x.leave = atAnyTime
	x.entered, x.left, x.arrived, x.ended, x.response = 0, 0, 0, 0, nil
	b.begin(x)
	b.done(x, &response{gone: true})
	for range patience + 1 {
		b.rest()
	}
	if len(b.open) > 0 || len(b.ledger) > 0 {
		t.Errorf("%d are open, and the ledger says %v", len(b.open), b.ledger)
	}
}

func TestMismatchesOfAKindAreBounded(t *testing.T) {
	b := newBooks()
	for range 1000 {
		b.found("a kind", "a mismatch")
	}
	if got := b.mismatches(); len(got) != mostOfAKind+1 || !strings.Contains(got[mostOfAKind], "995 more") {
		t.Errorf("%q", got)
	}
}

// growth returns the metrics that agree with a ledger.
func growth(l ledger) metrics {
	m := make(metrics)
	for name, s := range l {
		m[name] = s.hi
	}
	return m
}

func TestAMetricOffByOneIsFound(t *testing.T) {
	l := make(ledger)
	settled().post(l)
	if got := l.compare(metrics{}, growth(l)); len(got) > 0 {
		t.Fatalf("%q", got)
	}
	for _, name := range slices.Sorted(maps.Keys(l)) {
		for _, by := range []float64{-1, 1} {
			m := growth(l)
			m[name] += by
			if got := l.compare(metrics{}, m); len(got) != 1 || !strings.HasPrefix(got[0], name+" ") {
				t.Errorf("%s is off by %v, found %q", name, by, got)
			}
		}
	}
	m := growth(l)
	m[`requests_total{format="csv",outcome="failed"}`] = 1
	if len(l.compare(metrics{}, m)) != 1 {
		t.Error("a series that nobody accounts for was not found")
	}
}

func TestEverythingThatIsCountedIsPosted(t *testing.T) {
	l := make(ledger)
	x := settled()
	x.want.fallback = "malformed"
	x.want.failures = []failure{{"destination", "validity", report}}
	x.post(l)
	for _, name := range []string{
		`requests_total{format="csv",outcome="ok"}`,
		`request_duration_seconds_count{outcome="ok"}`,
		`upstream_duration_seconds_count{code_class="2xx"}`,
		`transcode_duration_seconds_count`,
		`transcode_fallbacks_total{reason="malformed"}`,
		`validation_failures_total{field="destination",mode="report",rule="validity"}`,
		`would_refuse_total`,
		`destinations_total{country="US",kind="phone"}`,
		`request_body_bytes_count`,
		`response_body_bytes_count{format="csv"}`,
	} {
		if l[name] != exactly(1) {
			t.Errorf("%s is %v, want 1", name, l[name])
		}
	}
	if l["request_body_bytes_sum"] != exactly(2) || l[`response_body_bytes_sum{format="csv"}`] != exactly(7) {
		t.Errorf("sizes %v and %v", l["request_body_bytes_sum"], l[`response_body_bytes_sum{format="csv"}`])
	}
}

// TestADoubtIsBounded holds that a client that left counts for one request, and for one
// call at most.
func TestADoubtIsBounded(t *testing.T) {
	l := make(ledger)
	x := settled()
	x.leave, x.response, x.outcome, x.arrived = atAnyTime, &response{gone: true}, clientGone, 0
	x.post(l)
	for name, want := range map[string]span{
		"requests_total": exactly(1),
		`requests_total{format="csv",outcome="client_gone"}`: exactly(1),
		"destinations_total":                                 {0, 1},
		"upstream_duration_seconds_count":                    {0, 1},
		`upstream_duration_seconds_count{code_class="none"}`: {0, 1},
	} {
		if l[name] != want {
			t.Errorf("%s is %v, want %v", name, l[name], want)
		}
	}
}

func TestMetricsAreReadOffAPage(t *testing.T) {
	const page = `# TYPE caddy_conference_members_requests_total counter
caddy_conference_members_requests_total{outcome="ok",format="csv"} 2
caddy_conference_members_requests_total{format="json",outcome="ok"} 3
# TYPE caddy_conference_members_request_body_bytes histogram
caddy_conference_members_request_body_bytes_bucket{le="256"} 1
caddy_conference_members_request_body_bytes_bucket{le="+Inf"} 2
caddy_conference_members_request_body_bytes_sum 400
caddy_conference_members_request_body_bytes_count 2
# TYPE caddy_conference_members_requests_in_flight gauge
caddy_conference_members_requests_in_flight 1
# TYPE go_goroutines gauge
go_goroutines 7
`
	got, err := readMetrics(strings.NewReader(page))
	want := metrics{
		"requests_total": 5,
		`requests_total{format="csv",outcome="ok"}`:  2,
		`requests_total{format="json",outcome="ok"}`: 3,
		"request_body_bytes_count":                   2,
		"request_body_bytes_sum":                     400,
		inFlight:                                     1,
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, error %v, want %v", got, err, want)
	}
	if _, err := readMetrics(strings.NewReader("go_goroutines 7\n")); err == nil {
		t.Error("a page without our metrics is no error")
	}
}
