package handler

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/quic-go/quic-go/http3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// processes holds the one thing that all handlers of the process share, those of
// the old and of the new configuration during a reload too.
var processes = caddy.NewUsagePool()

// processKey is the one key in processes.
const processKey = "conference_members"

// process is what outlives configurations: whatever a request of an old one still has to
// count is counted, no counter starts again, and a number keeps its hash.
type process struct {
	*metrics.Collectors
	hashKey []byte
}

// Destruct does nothing: a process holds only memory.
func (*process) Destruct() error { return nil }

// newProcess makes the collectors with the label sets of this module, and a
// key for this process alone.
func newProcess() (caddy.Destructor, error) {
	labels := metrics.Labels{FallbackReasons: fallbackReasons}
	for _, f := range negotiate.Formats() {
		labels.Formats = append(labels.Formats, f.String())
	}
	for _, op := range operations {
		for _, f := range op.fields {
			if !slices.Contains(labels.Fields, f.String()) {
				labels.Fields = append(labels.Fields, f.String())
			}
		}
	}
	labels.Rules = make(map[string][]string)
	for r := range rules.All() {
		if len(r.Fields) == 0 || !r.Switchable {
			labels.Rules[r.Name] = []string{""}
		}
		for _, f := range r.Fields {
			labels.Rules[r.Name] = append(labels.Rules[r.Name], f.String())
		}
	}
	for _, k := range destination.Kinds() {
		labels.Kinds = append(labels.Kinds, string(k))
	}
	key := make([]byte, sha256.Size)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return &process{metrics.New(labels), key}, nil
}

// New compiles cfg. The handler must be closed when it is no longer used. The
// error names every mistake in cfg.
func New(ctx caddy.Context, cfg Config) (*Handler, error) {
	c, err := compile(cfg)
	if err != nil {
		return nil, err
	}
	if err := cfg.checkEnvironment(c.policy); err != nil {
		return nil, err
	}
	loaded, _, err := processes.LoadOrNew(processKey, newProcess)
	if err != nil {
		return nil, fmt.Errorf("making metrics: %w", err)
	}
	p := loaded.(*process) //nolint:forcetypeassert // newProcess made it
	h := &Handler{compiled: c, metrics: p.Collectors, hashKey: p.hashKey, logger: ctx.Logger()}
	h.stopping = stoppingOf(ctx)
	h.sampled = sync.OnceValue(func() *zap.Logger { return h.logger.WithOptions(zap.WrapCore(sample)) })
	if cfg.HashKey != "" {
		h.hashKey = []byte(caddy.NewReplacer().ReplaceAll(cfg.HashKey, ""))
	}
	h.warnOfMounting(ctx, &cfg)
	if err := h.provision(ctx, h, &cfg, cfg.HashKey != ""); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if err := h.metrics.Register(ctx.GetMetricsRegistry()); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// stoppingOf returns a context that is done when the server of a configuration begins
// to shut down, for a reload or at the end. The configuration's own may be done
// only after the last request.
func stoppingOf(ctx caddy.Context) context.Context {
	stopping, stop := context.WithCancel(ctx)
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		server.RegisterOnShutdown(stop)
	}
	context.AfterFunc(ctx, stop)
	return stopping
}

// sample lets ten entries of a kind a minute through, and every hundredth after
// that, so that a client that fails in a loop does not fill the log.
func sample(core zapcore.Core) zapcore.Core {
	return zapcore.NewSamplerWithOptions(core, time.Minute, 10, 100)
}

// Close releases what New took.
func (h *Handler) Close() error {
	err := h.close()
	_, deleteErr := processes.Delete(processKey)
	return errors.Join(err, deleteErr)
}

// isStreamReset reports whether an error of a body says that an HTTP/3 stream was
// reset.
func isStreamReset(err error) bool {
	_, ok := errors.AsType[*http3.Error](err)
	return ok
}
