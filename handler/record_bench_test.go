package handler

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/metrics"
)

// nowhere returns a log that encodes its entries as Caddy's access log does, and writes
// them nowhere.
func nowhere() *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zapcore.InfoLevel))
}

// BenchmarkRecord measures what it costs to record a request for CSV: with a
// recorded span and an entry of the access log, with neither, and the metrics
// alone.
func BenchmarkRecord(b *testing.B) {
	h := newHandler(b, Config{})
	logger := nowhere()
	h.logger = logger // level info, as operators have it
	tracer := sdktrace.NewTracerProvider().Tracer("")

	served := func(b *testing.B, ctx context.Context) *exchange {
		b.Helper()
		r := newRequest(route1, "text/csv")
		r = r.WithContext(context.WithValue(ctx, caddy.ReplacerCtxKey, r.Context().Value(caddy.ReplacerCtxKey)))
		at, _ := h.match(r)
		x := h.begin(&discard{make(http.Header)}, r, at)
		if err := x.serve(respondWith(readSession(b))); err != nil || x.outcome != metrics.OK {
			b.Fatalf("%v: %v", x.outcome, err)
		}
		return x
	}
	b.Run("all", func(b *testing.B) {
		ctx, span := tracer.Start(b.Context(), "handler")
		defer span.End()
		x := served(b, ctx)
		b.ReportAllocs()
		for b.Loop() {
			h.metrics.RequestStarted()
			x.record(metrics.OK)
			logger.Info("handled request", zap.Object(moduleName, x))
		}
	})
	b.Run("metrics", func(b *testing.B) {
		x := served(b, b.Context())
		b.ReportAllocs()
		for b.Loop() {
			h.metrics.RequestStarted()
			x.record(metrics.OK)
		}
	})
	b.Run("collectors", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.metrics.RequestStarted()
			h.metrics.UpstreamResponded(http.StatusOK, time.Millisecond, "")
			h.metrics.RequestEnded(&metrics.Observation{
				Format: "csv", Outcome: metrics.OK, Took: time.Millisecond, Transcode: time.Millisecond,
				Forwarded: true, Kind: "phone", Country: "US",
			})
		}
	})
}
