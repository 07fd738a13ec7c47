package ops

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/evovoice-gateway/caddy-conference-members"
)

// The files that deploy the gateway.
const (
	deployedFile   = "Caddyfile"
	dockerFile     = "../Dockerfile"
	serviceFile    = "systemd/caddy-conference-members.service"
	deploymentFile = "../docs/deployment.md"
)

// read returns a file.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// one returns what a pattern finds in a file.
func one(t *testing.T, name, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)`+pattern).FindAllStringSubmatch(read(t, name), -1)
	if len(found) != 1 {
		t.Fatalf("%s has %d of %s, want one", name, len(found), pattern)
	}
	return found[0][1]
}

// app is the part of a configuration's HTTP app that these tests read.
type app struct {
	ShutdownDelay time.Duration `json:"shutdown_delay"`
	GracePeriod   time.Duration `json:"grace_period"`
	Servers       map[string]struct {
		Listen       []string
		WriteTimeout time.Duration `json:"write_timeout"`
	}
}

// deployed adapts the Caddyfile.
func deployed(t *testing.T) (app, error) {
	t.Helper()
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(read(t, deployedFile)), map[string]any{"filename": deployedFile})
	if err != nil {
		return app{}, err
	}
	var config struct{ Apps struct{ HTTP app } }
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	return config.Apps.HTTP, nil
}

// deployedApp adapts the Caddyfile for an operator who sets only what must be set.
func deployedApp(t *testing.T) app {
	t.Helper()
	t.Setenv("EVO_UPSTREAM", "https://upstream.example.com")
	config, err := deployed(t)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestTheDeployedCaddyfileIsFormatted(t *testing.T) {
	text := read(t, deployedFile)
	if want := string(caddyfile.Format([]byte(text))); text != want {
		t.Errorf("want:\n%s", want)
	}
}

func TestAGatewayWithoutAnUpstreamDoesNotStart(t *testing.T) {
	t.Setenv("EVO_UPSTREAM", "")
	_, err := deployed(t)
	if err == nil || !strings.Contains(err.Error(), "after 'to'") {
		t.Errorf("got %v", err)
	}
}

// TestAStopOutlastsTheLongestCall holds that each limit is longer than the one before: the
// call, the response, the grace period, the stop.
func TestAStopOutlastsTheLongestCall(t *testing.T) {
	duration := func(name, pattern string) time.Duration {
		d, err := time.ParseDuration(one(t, name, pattern))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	config := deployedApp(t)
	call := duration(deployedFile, `^\s*dial_timeout (\S+)`) + duration(deployedFile, `^\s*response_header_timeout (\S+)`)
	stop := config.ShutdownDelay + config.GracePeriod
	if config.ShutdownDelay == 0 || config.GracePeriod < call {
		t.Errorf("delay %v, grace period %v, and a call may take %v", config.ShutdownDelay, config.GracePeriod, call)
	}
	for name, s := range config.Servers {
		if s.WriteTimeout <= call {
			t.Errorf("%s: a response may take %v, and a call %v", name, s.WriteTimeout, call)
		}
	}
	for name, pattern := range map[string]string{
		serviceFile:    `^TimeoutStopSec=(\d+)$`,
		deploymentFile: `--stop-timeout (\d+)`,
	} {
		if limit, err := time.ParseDuration(one(t, name, pattern) + "s"); err != nil || limit <= stop {
			t.Errorf("%s: killed after %v, and a stop may take %v", name, limit, stop)
		}
	}
}

func TestTheImageExposesWhatTheCaddyfileListensOn(t *testing.T) {
	var listens []string
	for _, s := range deployedApp(t).Servers {
		for _, address := range s.Listen {
			listens = append(listens, strings.TrimPrefix(address, ":"))
		}
	}
	slices.Sort(listens)
	exposed := strings.Fields(one(t, dockerFile, `^EXPOSE (.*)$`))
	if !slices.Equal(exposed, listens) {
		t.Errorf("exposed %q, listens on %q", exposed, listens)
	}
}

// TestTheImageIsBuiltWithTheGoOfTheModule holds that the image has a release of the Go
// version that the module asks for.
func TestTheImageIsBuiltWithTheGoOfTheModule(t *testing.T) {
	language := regexp.MustCompile(`^\d+\.\d+`).FindString(one(t, "../go.mod", `^go (\S+)$`))
	if release := one(t, dockerFile, `^ARG GO_VERSION=(\S+)$`); !strings.HasPrefix(release, language+".") {
		t.Errorf("built with Go %s, and the module asks for %s", release, language)
	}
}

// TestTheServiceStartsWhatTheImageStarts holds that both run the same command.
func TestTheServiceStartsWhatTheImageStarts(t *testing.T) {
	var image []string
	if err := json.Unmarshal([]byte(one(t, dockerFile, `^CMD (\[.*\])$`)), &image); err != nil {
		t.Fatal(err)
	}
	paths := strings.NewReplacer("/usr/local/bin/", "/usr/bin/", "/etc/caddy-conference-members/", "/etc/caddy/")
	for _, verb := range []struct{ key, command string }{{"ExecStart", "run"}, {"ExecReload", "reload"}} {
		service := strings.Fields(paths.Replace(one(t, serviceFile, `^`+verb.key+`=(.*?)(?: --force)?$`)))
		want := slices.Clone(image)
		want[1] = verb.command
		if !slices.Equal(service, want) {
			t.Errorf("%s: %q, want %q", verb.key, service, want)
		}
	}
}

// TestTheBuilderMakesWhatIsTested holds that the image that is built with Caddy's builder
// has the Caddy of go.mod, and modules that exist.
func TestTheBuilderMakesWhatIsTested(t *testing.T) {
	const builderFile = "builder/Dockerfile"
	if got, want := "v"+one(t, builderFile, `^ARG CADDY_VERSION=(\S+)$`), one(t, "../go.mod", `^\tgithub.com/caddyserver/caddy/v2 (\S+)$`); got != want {
		t.Errorf("the image has Caddy %s, go.mod has %s", got, want)
	}
	module := one(t, "../go.mod", `^module (\S+)$`)
	with := regexp.MustCompile(`--with (\S+)@`).FindAllStringSubmatch(read(t, builderFile), -1)
	if len(with) == 0 {
		t.Error("the image has no modules")
	}
	for _, m := range with {
		dir, ours := strings.CutPrefix(m[1], module)
		if sources, _ := filepath.Glob(".." + dir + "/*.go"); !ours || len(sources) == 0 {
			t.Errorf("there is no package %s", m[1])
		}
	}
}
