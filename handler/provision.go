package handler

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/destination"
	"github.com/evovoice-gateway/caddy-conference-members/metrics"
	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
	"github.com/evovoice-gateway/caddy-conference-members/request"
	"github.com/evovoice-gateway/caddy-conference-members/route"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// processes holds the one thing that all handlers of the process share, those of
// the old and of the new configuration during a reload too.
var processes = caddy.NewUsagePool()

// processKey is the one key in processes.
const processKey = "conference_members"

// shared outlives configurations: whatever a request of an old one still has to
// count is counted, no counter starts again, and a number keeps its hash.
type shared struct {
	*metrics.Collectors
	hashKey []byte
}

// Destruct does nothing: there is nothing but memory to let go of.
func (*shared) Destruct() error { return nil }

// newShared makes the collectors with the label sets of this module, and a key
// of its own for every process.
func newShared() (caddy.Destructor, error) {
	labels := metrics.Labels{FallbackReasons: fallbackReasons}
	for _, f := range negotiate.Formats() {
		labels.Formats = append(labels.Formats, f.String())
	}
	for f := range rules.NumFields {
		labels.Fields = append(labels.Fields, f.String())
	}
	labels.Rules = make(map[string][]string)
	for r := range rules.All() {
		if !r.Switchable {
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
	return &shared{metrics.New(labels), key}, nil
}

// New compiles cfg. The handler must be closed when it is no longer used. The
// error names every mistake in cfg.
func New(ctx caddy.Context, cfg Config) (*Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	h := &Handler{
		passPredefined:    cfg.PredefinedRoutes == PredefinedPass,
		assignments:       compileAssignments(cfg.Default, cfg.Set),
		correlationHeader: cfg.CorrelationID,
		errorRoutes:       cfg.ErrorsVia == ViaHandleErrors,
		logger:            ctx.Logger(),
	}
	h.attention = sync.OnceValue(func() *zap.Logger { return h.logger.WithOptions(zap.WrapCore(sample)) })

	unknown, _ := request.ParseUnknownFields(cfg.UnknownFields)
	h.reader = &request.Reader{MaxBody: orDefault(cfg.MaxBody, DefaultMaxBody), UnknownFields: unknown}

	var err error
	if h.route, err = route.Parse(orDefault(cfg.Route, DefaultRoute)); err != nil {
		return nil, fmt.Errorf("route: %w", err)
	}
	if h.policy, err = rules.Compile(cfg.Options); err != nil {
		return nil, err
	}
	if err := h.compileCSV(orDefault(cfg.CSV, new(CSV))); err != nil {
		return nil, fmt.Errorf("csv: %w", err)
	}

	loaded, _, err := processes.LoadOrNew(processKey, newShared)
	if err != nil {
		return nil, fmt.Errorf("making metrics: %w", err)
	}
	h.shared = loaded.(*shared) //nolint:forcetypeassert // newShared made it
	h.hashKey = h.shared.hashKey
	if key := caddy.NewReplacer().ReplaceAll(cfg.HashKey, ""); key != "" {
		h.hashKey = []byte(key)
	} else if cfg.HashKey != "" {
		return nil, errors.Join(errors.New("hash_key: comes out empty"), h.Close())
	}
	if err := h.shared.Register(ctx.GetMetricsRegistry()); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// sample lets ten entries of a kind a minute through, and every hundredth after
// that, so that a client that fails in a loop does not fill the log.
func sample(core zapcore.Core) zapcore.Core {
	return zapcore.NewSamplerWithOptions(core, time.Minute, 10, 100)
}

// compileCSV compiles the csv block and its views.
func (h *Handler) compileCSV(csv *CSV) (err error) {
	if h.csv, err = csv.compile(); err != nil {
		return err
	}
	h.views = make(map[string]*representation, len(csv.Views))
	for name, view := range csv.Views {
		if h.views[name], err = view.over(csv).compile(); err != nil {
			return fmt.Errorf("view %s: %w", name, err)
		}
	}
	h.viewNames = strings.Join(slices.Sorted(maps.Keys(h.views)), ", ")
	return nil
}

// Close lets go of what New took.
func (h *Handler) Close() error {
	_, err := processes.Delete(processKey)
	return err
}

// compile makes a representation of the options.
func (c *CSV) compile() (*representation, error) {
	plan, err := transform.Compile(c.Options)
	if err != nil {
		return nil, err
	}
	contentType := "text/csv; charset=utf-8"
	if !plan.HeaderPresent() {
		contentType += "; header=absent" // RFC 4180 section 3
	}
	r := &representation{
		plan:        plan,
		offers:      negotiate.NewOffers(plan.HeaderPresent()),
		maxResponse: orDefault(c.MaxResponse, DefaultMaxResponse),
		contentType: contentType,
		disposition: disposition(orDefault(c.Filename, DefaultFilename)),
		errorsJSON:  c.Errors == ErrorsJSON,
	}
	if strings.ContainsRune(c.Filename, '{') {
		r.filename = c.Filename
	}
	return r, nil
}
