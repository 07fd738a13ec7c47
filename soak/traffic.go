package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/faults"
	"github.com/evovoice-gateway/caddy-conference-members/internal/upstreamtest"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// shares are how many of a thousand requests are of each kind; the rest are calls that
// go well.
var shares = []struct {
	perMille int
	next     func(*traffic, *exchange, *call)
}{
	{40, (*traffic).faulty},    // a fault of the upstream,
	{8, (*traffic).leaving},    // a client that leaves,
	{1, (*traffic).timeout},    // an upstream that is too slow,
	{1, (*traffic).nobody},     // or one that is down: 5 % in all
	{150, (*traffic).refused},  // a refusal
	{20, (*traffic).reported},  // a violation in mode report
	{15, (*traffic).passed},    // OPTIONS, and a predefined route that passes
	{60, (*traffic).keyed},     // a call with a key,
	{60, (*traffic).repeated},  // or the last one again
	{20, (*traffic).checked},   // a check
	{20, (*traffic).uploaded},  // an upload
	{15, (*traffic).elsewhere}, // not on the route
}

// traffic makes the requests of one client. The same seed makes the same requests, except
// for which of those with a key are repeated.
type traffic struct {
	random       *rand.Rand
	client       int
	n            int
	small, large []*shape
	plans        map[string]*transform.Plan
	last         *exchange // the last call with a key
	lastAt       time.Time
}

// newTraffic makes the traffic of a client.
func newTraffic(seed uint64, client int, small, large []*shape) (*traffic, error) {
	t := &traffic{
		random: rand.New(rand.NewPCG(seed, uint64(client))), //nolint:gosec // to be the same again
		client: client,
		small:  small, large: large,
		plans: make(map[string]*transform.Plan),
	}
	for name, o := range views {
		plan, err := transform.Compile(o)
		if err != nil {
			return nil, fmt.Errorf("compiling the view %q: %w", name, err)
		}
		t.plans[name] = plan
	}
	return t, nil
}

// pick returns an element at random.
func pick[T any](t *traffic, some []T) *T { return &some[t.random.IntN(len(some))] }

// next makes the next exchange.
func (t *traffic) next() *exchange {
	t.n++
	x := &exchange{id: fmt.Sprintf("soak-%d-%d", t.client, t.n)}
	c := t.call(x.id)
	x.request = request{
		protocol: *pick(t, protocols[:]),
		site:     "plain",
		method:   http.MethodPost,
		path:     membersPath(x.id),
		header:   http.Header{markHeader: {x.id}},
	}
	t.share()(t, x, c)
	if tls := x.request.site == "plain" || x.request.site == "tailored"; x.request.protocol == http3 && (!tls || x.leave != stay) {
		x.request.protocol = http2 // only these two sites have HTTP/3
	}
	return x
}

// share chooses what the next request is.
func (t *traffic) share() func(*traffic, *exchange, *call) {
	n := t.random.IntN(1000)
	for _, s := range shares {
		if n < s.perMille {
			return s.next
		}
		n -= s.perMille
	}
	return (*traffic).usual
}

// call makes up a call.
func (t *traffic) call(id string) *call {
	c := &call{sessionID: id, destination: *pick(t, destinations)}
	if t.random.IntN(5) > 0 {
		c.callSID = fmt.Sprintf("CA%016x%016x", t.random.Uint64(), t.n)
	}
	if from := *pick(t, callers); from != c.text {
		c.from = from
	}
	return c
}

// usual is a call that goes well.
func (t *traffic) usual(x *exchange, c *call) {
	x.request.site = *pick(t, []string{"plain", "plain", "tailored", "report"})
	if x.request.site == "tailored" && t.random.IntN(5) == 0 {
		c.destination = national
	}
	x.want.shape = *pick(t, t.small)
	if t.random.IntN(40) == 0 {
		x.want.shape = *pick(t, t.large)
	}
	way := pick(t, ways)
	x.kind = "a call by " + way.name
	way.write(&x.request, c)
	t.accept(x, c)
	t.deliver(x, served(x.want.format))
}

// accept makes an exchange one that is forwarded, and asks for a format.
func (t *traffic) accept(x *exchange, c *call) {
	f := pick(t, formats[:12]) // JSON or CSV
	if t.random.IntN(8) == 0 {
		f = pick(t, formats[12:])
	}
	x.request.askFor(f)
	x.want.format = f.format
	x.want.arrives = true
	x.want.bound = bound(x.id, c)
	x.want.kind, x.want.country = c.kind, c.country
	x.want.read = true
}

// served returns how a call ends that goes well, in a format.
func served(format string) faults.Fate { return (&faults.Fault{JSON: faults.Served}).Fate(format) }

// class returns the class of the status that the upstream sends.
func class(f faults.Fate) string {
	switch f.Outcome {
	case "unreachable", "no_response", "timeout":
		return none
	}
	return fmt.Sprintf("%dxx", f.Status/100)
}

// deliver sets what must come of an exchange that is forwarded and ends like this.
func (t *traffic) deliver(x *exchange, f faults.Fate) {
	w := &x.want
	w.status, w.outcome, w.class = f.Status, f.Outcome, class(f)
	w.breaks, w.fallback = f.Broken, f.Reason
	w.transcoded = f.Transcoded || slices.Contains(transform.Reasons, transform.Reason(f.Reason))

	sent, contentType, size := t.sent(x)
	w.contentType = contentType
	w.most = 2 * size
	if w.fallback != "" {
		w.header = http.Header{"X-Transcode-Error": {w.fallback}}
	}
	switch {
	case f.Outcome == "unreachable":
		w.explains("The call was not placed", "CallNotDialled")
	case f.Outcome == "no_response", f.Outcome == "timeout":
		w.explains("It is not known whether the call was placed", "CallOutcomeUnknown")
	case f.Broken:
		w.body = beginning(sent)
	case f.Transcoded && f.Status < 400:
		t.deliverCSV(x, sent, size)
	case f.Transcoded:
		plan := t.plans[x.view()]
		w.contentType = contentTypes["csv"]
		w.body = exact(func() []byte {
			csv, err := plan.AppendError(nil, sent())
			if err != nil {
				panic(err) // it is our own JSON
			}
			return csv
		})
	default:
		w.body = exact(sent)
	}
}

// explains expects the gateway's own response to a call that failed.
func (w *want) explains(title, code string) {
	w.contentType, w.body = "application/problem+json", containing(title)
	if w.format == "csv" {
		w.contentType, w.body = contentTypes["csv"], containing(code)
	}
}

// sent returns the body that the upstream sends, its type, and about how large it is.
func (t *traffic) sent(x *exchange) (body func() []byte, contentType string, size int) {
	format := x.want.format
	if format == "csv" || format == none {
		format = "json"
	}
	s, id := x.want.shape, x.sessionID()
	body, contentType, size = func() []byte { return s.in(format, id) }, contentTypes[format], s.size(format)
	if f := x.want.fault; f != nil {
		if f.Body != nil {
			b := []byte(*f.Body)
			body, size = func() []byte { return b }, len(b)
		}
		if values := f.Header["Content-Type"]; len(values) > 0 {
			contentType = values[0]
		}
	}
	return body, contentType, size
}

// deliverCSV sets that the session is delivered as CSV.
func (t *traffic) deliverCSV(x *exchange, sent func() []byte, size int) {
	w := &x.want
	if x.request.site == "tailored" && size > tailoredMaxResponse {
		w.outcome, w.fallback, w.transcoded = "fallback", "too_large", false
		w.header = http.Header{"X-Transcode-Error": {"too_large"}}
		w.body = exact(sent)
		return
	}
	w.contentType = contentTypes["csv"]
	w.header = http.Header{"Content-Disposition": {`attachment;filename="AddConferenceMember.csv"`}, "X-Transcode-Error": nil}
	if x.request.site != "tailored" { // byte for byte the upstream's own
		s, id := w.shape, x.sessionID()
		w.body = exact(func() []byte { return s.in("csv", id) })
		return
	}
	if view := *pick(t, []string{"", "", "people", "short"}); view != "" {
		x.request.ask("view=" + view)
		x.request.view = view
	}
	plan := t.plans[x.view()]
	if !plan.HeaderPresent() {
		w.contentType += "; header=absent"
	}
	w.body = exact(func() []byte {
		csv, err := plan.AppendSessions(nil, sent())
		if err != nil {
			panic(err) // the session is the recorded one
		}
		return csv
	})
}

// view returns which of views makes CSV of an exchange's response.
func (x *exchange) view() string {
	if x.request.site != "tailored" {
		return "plain"
	}
	return x.request.view
}

// faulty is a call at which the upstream has a fault.
func (t *traffic) faulty(x *exchange, c *call) {
	f := pick(t, faults.All)
	x.kind = "a fault: " + f.What
	x.request.site = *pick(t, []string{"plain", "tailored"})
	pick(t, ways).write(&x.request, c)
	t.acceptEither(x, c)
	x.want.fault = f.Fault()
	x.want.shape = t.small[0] // long enough to break off
	t.deliver(x, f.Fate(x.want.format))
	if !f.Dialled() {
		x.want.bound = nil
	}
}

// acceptEither is accept for JSON or CSV alone.
func (t *traffic) acceptEither(x *exchange, c *call) {
	t.accept(x, c)
	if slices.Contains([]string{"json", "csv"}, x.want.format) {
		return
	}
	x.request.path, x.request.header["Accept"] = membersPath(x.sessionID()), nil
	x.request.query = ""
	x.want.format = "json"
	if x.request.site == "keyed" {
		return
	}
	x.request.send("application/json", c.json(asIs))
	x.request.chunked = false
	x.request.header.Del("Content-Encoding")
}

// leaving is a call whose client leaves.
func (t *traffic) leaving(x *exchange, c *call) {
	x.leave = *pick(t, []departure{whileHeld, inTheResponse, atAnyTime, inTheRequest})
	x.request.send("application/json", c.json(asIs))
	t.acceptEither(x, c)
	x.want.shape = t.small[0]
	t.deliver(x, served(x.want.format))
	switch x.leave {
	case whileHeld:
		x.kind = "a client that leaves while its response is held back"
		x.want.fault = &upstreamtest.Fault{Gate: "never"}
		x.want.outcome, x.want.class = clientGone, none
		x.want.transcoded, x.want.fallback = false, ""
	case inTheResponse:
		x.kind = "a client that leaves in its response"
		x.request.path, x.request.header["Accept"], x.request.query = membersPath(x.id), nil, ""
		x.want.format = "json"
		t.deliver(x, served(x.want.format))
		json := x.want.shape.in("json", x.id)
		x.want.fault = &upstreamtest.Fault{Reply: upstreamtest.Reply{
			Parts: []string{string(json[:100]), string(json[100:])}, PartGate: "never",
		}}
		x.want.outcome = clientGone
	case inTheRequest:
		x.kind = "a client that leaves in its request"
		x.want.outcome, x.want.arrives, x.want.bound = "refused", false, nil
		x.want.kind, x.want.class, x.want.transcoded = "", "", false
		x.want.failures = fails("none incomplete_body")
		x.want.most = 4 << 10
	case atAnyTime, stay:
		x.kind = "a client that leaves at any time"
	}
}

// timeout is a call that the upstream does not respond to in time.
func (t *traffic) timeout(x *exchange, c *call) {
	x.kind = "an upstream that is too slow"
	x.request.site = "hasty"
	pick(t, ways).write(&x.request, c)
	t.accept(x, c)
	x.want.shape = t.small[0]
	x.want.fault = &upstreamtest.Fault{Gate: "never"}
	t.deliver(x, faults.Fate{Status: http.StatusGatewayTimeout, Outcome: "timeout"})
}

// nobody is a call to an upstream that is down.
func (t *traffic) nobody(x *exchange, c *call) {
	x.kind = "an upstream that is down"
	x.request.site = "down"
	pick(t, ways).write(&x.request, c)
	t.accept(x, c)
	x.want.shape = t.small[0]
	x.want.arrives, x.want.bound = false, nil
	t.deliver(x, faults.Unreachable(http.StatusBadGateway))
}

// refused is a request that is refused.
func (t *traffic) refused(x *exchange, c *call) {
	f := pick(t, refusals)
	x.kind = "refused: " + f.name
	w := &x.want
	w.status, w.outcome, w.failures, w.header = f.status, "refused", f.failures, f.header
	if f.outcome != "" {
		w.outcome = f.outcome
	}
	if f.site != "" {
		x.request.site = f.site
	}
	as := pick(t, formats[:12])
	x.request.askFor(as)
	f.write(&x.request, c)

	w.format, w.negotiated = as.format, as.format
	if w.outcome == "not_acceptable" {
		// Nothing was chosen, so the response is JSON; an unknown view leaves the format.
		if f.site == "" {
			w.negotiated = none
		}
	}
	// The path of a predefined route chooses the format before Accept does.
	inCSV := w.negotiated == "csv" && !strings.HasPrefix(x.request.path, "/json/reply/")
	w.contentType, w.body = "application/problem+json", refusal(f.status, f.failures)
	if inCSV {
		w.contentType, w.body = contentTypes["csv"], refusalCSV(rules.ByName(f.failures[0].rule).ErrorCode)
	}
	if withoutFormat[w.outcome] {
		w.format = none
	}
	w.read = w.outcome == "refused" && f.status != http.StatusNotFound || w.outcome == "too_large"
	if x.request.method == http.MethodHead {
		w.body = nothing
	}
	if x.request.site == "plain" && !inCSV && t.random.IntN(10) == 0 && w.outcome == "refused" {
		t.byErrorRoute(x)
	}
}

// byErrorRoute lets the error route of a site handle a refusal.
func (t *traffic) byErrorRoute(x *exchange) {
	x.kind = "refused by an error route"
	x.request.site = "routes"
	x.want.contentType = "text/plain; charset=utf-8"
	x.want.body = exact(func() []byte { return []byte("refused") })
	x.want.notOurs = true
}

// reported is a call that fails a rule and is still forwarded.
func (t *traffic) reported(x *exchange, c *call) {
	r := pick(t, reported)
	x.kind = "in report mode: " + r.name
	x.request.site = "report"
	r.change(c)
	pick(t, ways).write(&x.request, c)
	x.want.shape = *pick(t, t.small)
	t.accept(x, c)
	x.want.failures = r.failures
	t.deliver(x, served(x.want.format))
}

// passed is a request that is forwarded unjudged.
func (t *traffic) passed(x *exchange, c *call) {
	w := &x.want
	w.outcome, w.format, w.negotiated, w.arrives = "passed", none, none, true
	if t.random.IntN(2) == 0 {
		x.kind = "OPTIONS"
		x.request.method = http.MethodOptions
		w.status, w.class, w.body = http.StatusNotFound, "4xx", nothing
		return
	}
	x.kind = "a predefined route that passes"
	x.request.site = "passing"
	x.request.path, x.request.query = "/json/reply/AddConferenceMember", "sessionId="+x.id
	x.request.send("application/json", c.json(asIs))
	w.bound = bound(x.id, c)
	w.shape = *pick(t, t.small)
	t.deliver(x, served(x.want.format))
	w.outcome = "passed"
}

// keyed is a call with an idempotency key.
func (t *traffic) keyed(x *exchange, c *call) {
	x.kind = "a call with a key"
	x.request.site = "keyed"
	x.request.header.Set(keyHeader, x.id)
	x.request.send("application/json", c.json(asIs))
	x.want.shape = *pick(t, t.small)
	t.acceptEither(x, c)
	x.want.key = "new"
	t.deliver(x, served(x.want.format))
	t.last, t.lastAt = x, time.Now()
}

// repeated is the last call with a key once more, if its client knows that it was placed.
func (t *traffic) repeated(x *exchange, c *call) {
	first := t.last
	if first == nil || first.response == nil || !first.response.complete() || time.Since(t.lastAt) > keyTTL/2 {
		t.keyed(x, c)
		return
	}
	x.kind = "a call with a key, repeated"
	x.request.site, x.session = "keyed", first.id
	x.request.path = membersPath(first.id)
	x.request.header.Set(keyHeader, first.id)
	x.request.send("application/json", first.request.body)
	x.want.shape = first.want.shape
	t.acceptEither(x, c)
	x.want.key = "replayed"
	t.deliver(x, served(x.want.format))
	w := &x.want
	w.outcome, w.class, w.kind, w.country, w.arrives, w.bound = "replayed", "", "", "", false, nil
	if w.header == nil {
		w.header = make(http.Header)
	}
	w.header.Set("Idempotent-Replayed", "true")
}

// checked is a call that is judged only.
func (t *traffic) checked(x *exchange, c *call) {
	x.kind = "a check"
	x.request.path += "/check"
	ok := t.random.IntN(2) == 0
	if !ok {
		c.text = "911"
	}
	x.request.send("application/json", c.json(asIs))
	w := &x.want
	w.status, w.outcome, w.format, w.negotiated, w.read = http.StatusOK, "checked", none, none, true
	w.contentType, w.body = "application/json", containing(fmt.Sprintf(`"ok":%t`, ok))
}

// elsewhere is a request that the gateway leaves alone.
func (t *traffic) elsewhere(x *exchange, _ *call) {
	x.kind = "another route"
	x.request.method = *pick(t, []string{http.MethodGet, http.MethodPost, http.MethodDelete})
	x.request.path = *pick(t, []string{"/sessions/" + x.id + "/conference", "/health", "/sessions/" + x.id})
	x.want.arrives = true
	x.want.status, x.want.body = http.StatusNotFound, nothing
}
