package handler

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
	"github.com/evovoice-gateway/caddy-conference-members/internal/buffer"
	"github.com/evovoice-gateway/caddy-conference-members/internal/coding"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// place places the call of a row and fills in its result. If known is not nil, it places
// none, and the result is what is known of the row.
func (r *run) place(row *request.Row, known *idempotency.Found, result *rowResult) {
	buffer.Reserve(r.results.body, 0)
	response := &rowResponse{header: make(http.Header), body: r.results.body, max: r.h.csv.maxResponse}
	if r.wanted.csv != nil {
		response.max = r.wanted.csv.maxResponse
	}
	began := time.Now()
	x, endSpan := r.newRow(row.Number, response)
	defer endSpan()
	err := x.serveRow(row, r.upload, known, r.next)
	if x.response.forwarded {
		r.dialled = began
	}

	result.Status = orDefault(response.status, http.StatusOK)
	switch {
	case err != nil:
		he, _ := errors.AsType[caddyhttp.HandlerError](err)
		result.Status = orDefault(he.StatusCode, http.StatusInternalServerError)
	case x.outcome == metrics.Aborted:
		result.Status = http.StatusBadGateway
	}
	switch {
	case x.outcome == metrics.Replayed:
		result.Outcome = metrics.RowReplayed
	case x.response.call == metrics.Dialled:
		result.Outcome = metrics.RowDialled
	case x.response.call == metrics.Unknown:
		result.Outcome = metrics.RowUnknown
	}
	switch {
	case x.refusal != nil:
		result.Rule = strings.Join(x.refusal.ruleNames(), " ")
		result.Detail = strings.Join(distinct(x.refusal.violations, func(v rules.Violation) string { return v.Detail }), " ")
	case err != nil || x.outcome == metrics.Aborted:
		result.Detail = failureOf(x.response.call, result.Status)
	default:
		r.results.take(response, result)
		if result.Outcome == metrics.RowUnknown {
			result.Detail = orDefault(result.Detail, failures[metrics.Unknown].Detail)
		}
	}
	result.Warnings = problemErrors(tolerated(&x.admission.verdict))
	if known == nil && r.fails(x, result) {
		r.stopped = stopAt(result.Row)
	}
	r.extendDeadline()
}

// failureOf says why there is no response to a call: the API gave none, or a handler behind
// this one, such as a rate limit, refused it.
func failureOf(call metrics.Call, status int) string {
	if call == metrics.NotDialled && !isOfProxy(status) {
		return fmt.Sprintf("A later handler of the gateway refused the call: %d %s. Nothing was dialled.", status, http.StatusText(status))
	}
	return orDefault(failures[call].Detail, http.StatusText(status)+".")
}

// newRow begins the request of a row, as if the client had sent it alone. It has its own
// copy of what Caddy keeps for a request: placeholders, variables, satisfied route groups,
// log fields and a span. What earlier handlers have set is copied too.
func (r *run) newRow(number int, w *rowResponse) (x *exchange, endSpan func()) {
	ctx := r.r.Context()
	endSpan = func() {}
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		ctx, span = span.TracerProvider().Tracer(moduleName).Start(ctx, moduleName+".row")
		endSpan = func() { span.End() }
	}
	own := r.r.WithContext(ctx)
	own.URL = r.rowURL()
	own.RequestURI = own.URL.RequestURI()
	own.Header = r.rowHeader(number)
	own.Body, own.ContentLength, own.TransferEncoding, own.Trailer = http.NoBody, 0, nil, nil
	own.Form, own.PostForm, own.MultipartForm = nil, nil, nil

	server, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	repl := caddy.NewReplacer()
	own = caddyhttp.PrepareRequest(own, repl, w, server)
	if vars, ok := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		for key, value := range vars {
			if key != moduleName && key != "start_time" {
				caddyhttp.SetVar(own.Context(), key, value)
			}
		}
	}
	x = r.h.begin(w, own, r.each)
	repl.Map(replacerOf(r.r).Get)
	x.row, x.uuid, x.wanted = number, r.uuid, wanted{format: negotiate.JSON}
	x.nest()
	return x, endSpan
}

// rowURL is the URL of a row: the upload's, on the route itself and without what the
// query says about the result.
func (r *run) rowURL() *url.URL {
	u := *r.r.URL
	u.RawQuery = request.StripQuery(u.RawQuery, func(parameter string) bool {
		for _, of := range append(strippedForCSV, viewParameter) {
			if strings.EqualFold(of, parameter) {
				return true
			}
		}
		return false
	})
	if path, ok := r.h.route.Path(r.at.SessionID, ""); ok {
		setPath(&u, path)
	}
	return &u
}

// rowHeader is the header of a row: the upload's, less what describes its body and
// its connection, and with its own key.
func (r *run) rowHeader(number int) http.Header {
	h := r.r.Header.Clone()
	deleteAll(h, describesBody)
	deleteAll(h, []string{"Connection", "Upgrade"})
	h.Set("Content-Type", negotiate.JSON.MediaType())
	h.Set("Accept", negotiate.JSON.MediaType())
	key := r.key + "-" + strconv.Itoa(number)
	if len(key) > idempotency.MaxKeyLength {
		sum := sha256.Sum256([]byte(key))
		key = hex.EncodeToString(sum[:])
	}
	h.Set(r.h.keyHeader, key)
	if r.correlationID != "" {
		h.Set(r.h.correlationHeader, r.correlationID)
	}
	return h
}

// serveRow takes a row through the phases from judging on. A handler behind that
// breaks its response off breaks off only this one.
func (x *exchange) serveRow(row *request.Row, u *upload, known *idempotency.Found, next caddyhttp.Handler) error {
	defer x.end()
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // a panic's value, by identity
			panic(v)
		}
	}()
	admitted, refused := x.h.admitRow(x.r, u.each, row)
	x.admission = admitted
	if refused != nil {
		return x.refuse(refused)
	}
	o := &once{claim: *u.claim(x, row)}
	x.admission.once = o
	if known != nil {
		o.exchange = x
		return x.respond(o.repeat(known, x.writer(nil)))
	}
	return x.respond(x.placer(next).place(x.r.Context(), &x.admission, x.writer(nil)))
}

// rowResponse holds the response to one row.
type rowResponse struct {
	header http.Header
	status int     // 0 until it is written
	body   *[]byte // of the results
	max    int64   // the largest body in bytes
	tooBig bool
}

// Header implements [http.ResponseWriter].
func (w *rowResponse) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *rowResponse) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
}

// Write holds p, if there is room for it.
func (w *rowResponse) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.tooBig = w.tooBig || int64(len(*w.body)+len(p)) > w.max; !w.tooBig {
		*w.body = append(*w.body, p...)
	}
	return len(p), nil
}

// FlushError does nothing: the response is only held.
func (*rowResponse) FlushError() error { return nil }

// json returns the body, unpacked to plain if necessary, and empty if there is none; or
// why it can't be read.
func (w *rowResponse) json(plain *[]byte) (body []byte, reason string) {
	packed, ok := coding.Of(w.header["Content-Encoding"])
	switch {
	case w.tooBig:
		return nil, reasonTooLarge
	case !ok:
		return nil, reasonEncoded
	case packed == coding.Identity || len(*w.body) == 0:
		return *w.body, ""
	}
	if err := packed.Unpack(plain, *w.body, w.max); err != nil {
		return nil, reasonEncoded
	}
	return *plain, ""
}

// messageOf is what the upstream, or a handler behind, says about a failure.
func messageOf(body []byte) string {
	var p struct{ ResponseStatus responseStatus }
	if json.Unmarshal(body, &p) != nil {
		return ""
	}
	return p.ResponseStatus.Message
}
