package handler

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
)

// serveUnobserved is what ServeHTTP does with a POST that is forwarded, but for
// end and for what begin counts: the request is not counted, logged or traced.
// What is counted on the way, the country and the times of the upstream and of
// the transcoding, still is.
func serveUnobserved(h *Handler, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) (*exchange, error) {
	x := &exchange{h: h, w: w, r: r, match: h.route.Match(r.URL.EscapedPath()), csv: h.csv, started: time.Now(), requestBytes: -1, refusalBytes: -1}
	return x, serveMembers(x, next)
}

// serveObserved is all that ServeHTTP does with such a POST.
func serveObserved(h *Handler, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) (*exchange, error) {
	x := h.begin(w, r, h.route.Match(r.URL.EscapedPath()))
	defer x.end()
	return x, serveMembers(x, next)
}

// serveMembers is what lies between begin and end.
func serveMembers(x *exchange, next caddyhttp.Handler) error {
	x.providePlaceholders()
	x.correlate()
	if refused := x.negotiate(); refused != nil {
		return x.refuse(refused)
	}
	asked, refused, err := x.read()
	if err != nil {
		return x.abandon(err)
	}
	x.enrich(asked)
	if refused = x.judge(asked, refused); refused != nil {
		return x.refuse(refused)
	}
	return x.forward(x.outgoing(asked), next)
}

// nowhere is a log that encodes its entries as Caddy's access log does, and
// writes them nowhere.
func nowhere() *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zapcore.InfoLevel))
}

// BenchmarkObserve measures what it costs to observe a request for CSV. "with"
// has all there is, an access log entry and a recorded span; "without" has the
// same entry and the same span, for those are Caddy's, and nothing of the
// module's in them, nor in the metrics. Between them, "metrics" observes a
// request that is neither logged nor traced, to be held against "bare", which
// does not observe it; "collectors" are all the metrics of one request.
func BenchmarkObserve(b *testing.B) {
	session := readSession(b)
	h := newHandler(b, Config{})
	next := answerWith(session)
	tracer := sdktrace.NewTracerProvider().Tracer("")
	logger := nowhere()
	h.logger = logger // level info, as operators have it

	for _, bm := range []struct {
		name     string
		observed bool
		shown    bool // logged and traced
	}{
		{"with", true, true},
		{"without", false, true},
		{"metrics", true, false},
		{"bare", false, false},
	} {
		b.Run(bm.name, func(b *testing.B) {
			serve := serveUnobserved
			if bm.observed {
				serve = serveObserved
			}
			base := newRequest(route1, "text/csv")
			repl := base.Context().Value(caddy.ReplacerCtxKey)
			body := strings.NewReader(body1)
			base.Body = io.NopCloser(body)
			b.SetBytes(int64(len(session)))
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(body1)
				*repl.(*caddy.Replacer) = *caddy.NewEmptyReplacer()
				ctx, r := base.Context(), base
				var span trace.Span
				if bm.shown {
					ctx = context.WithValue(ctx, caddyhttp.ExtraLogFieldsCtxKey, new(caddyhttp.ExtraLogFields))
					ctx, span = tracer.Start(ctx, "handler")
					r = base.WithContext(ctx)
				}
				w := &discard{make(http.Header)}
				x, err := serve(h, w, r, next)
				if err != nil || w.header.Get("Content-Disposition") == "" {
					b.Fatalf("no CSV: %v", err)
				}
				if !bm.shown {
					continue
				}
				if !span.IsRecording() {
					b.Fatal("the span is not recorded")
				}
				span.End()
				if bm.observed {
					logger.Info("handled request", zap.Object(name, x))
				} else {
					logger.Info("handled request")
				}
			}
		})
	}
	b.Run("collectors", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.shared.RequestStarted()
			h.shared.Dialled("phone", "US")
			h.shared.UpstreamAnswered(http.StatusOK, time.Millisecond, "")
			h.shared.Transcoded(time.Millisecond)
			h.shared.RequestEnded(metrics.Ended{Format: "csv", Outcome: metrics.OK, Took: time.Millisecond})
		}
	})
}
