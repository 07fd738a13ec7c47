package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile" // the adapter of Caddyfiles

	"github.com/evovoice-gateway/caddy-conference-members/handler"
)

// handlerName is the name of the handler in a configuration in JSON.
const handlerName = "conference_members"

// found is a handler that is in a configuration.
type found struct {
	place string
	json  []byte // without the member handler
}

// readConfig reads the handler's part of a configuration: the only one, or the
// which-th. Without a file it is the default.
func readConfig(file, adapter string, which int) (handler.Config, error) {
	var cfg handler.Config
	if file == "" {
		if adapter != "" || which != 0 {
			return cfg, errors.New("--adapter and --handler need --config")
		}
		return cfg, nil
	}
	text, err := adapt(file, adapter)
	if err != nil {
		return cfg, err
	}
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		return cfg, fmt.Errorf("%s is not JSON: %w; should --adapter name another format?", file, err)
	}
	one, err := choose(find(whole, "", nil), file, which)
	if err != nil {
		return cfg, err
	}
	strict := json.NewDecoder(bytes.NewReader(one.json))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&cfg); err != nil {
		return cfg, fmt.Errorf("%s: %s: %w", file, one.place, err)
	}
	return cfg, nil
}

// adapt reads a configuration as JSON. It chooses the adapter by the
// name, as Caddy does.
func adapt(file, adapter string) ([]byte, error) {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(os.Stdin)
	} else {
		text, err = os.ReadFile(file) //nolint:gosec // the user names it
	}
	if err != nil {
		return nil, err
	}
	base := strings.ToLower(filepath.Base(file))
	if adapter == "" && !strings.HasSuffix(base, ".json") && (strings.HasPrefix(base, "caddyfile") || strings.HasSuffix(base, ".caddyfile")) {
		adapter = "caddyfile"
	}
	if adapter == "" {
		return text, nil
	}
	a := caddyconfig.GetAdapter(adapter)
	if a == nil {
		return nil, fmt.Errorf("there is no adapter %s", adapter)
	}
	adapted, _, err := a.Adapt(text, map[string]any{"filename": file})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return adapted, nil
}

// find appends the handlers in a value, in the order of their places.
func find(value any, place string, all []found) []found {
	switch v := value.(type) {
	case map[string]any:
		if v["handler"] == handlerName {
			own := maps.Clone(v)
			delete(own, "handler")
			text, _ := json.Marshal(own) // it was JSON
			return append(all, found{place, text})
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = find(v[name], place+"/"+name, all)
		}
	case []any:
		for i, element := range v {
			all = find(element, place+"/"+strconv.Itoa(i), all)
		}
	}
	return all
}

// choose returns the handler that is meant. Identical handlers count as one.
func choose(all []found, file string, which int) (found, error) {
	differ := slices.ContainsFunc(all, func(f found) bool { return !bytes.Equal(f.json, all[0].json) })
	switch {
	case len(all) == 0:
		return found{}, fmt.Errorf("%s holds no handler %s", file, handlerName)
	case which < 0 || which > len(all):
		return found{}, fmt.Errorf("%s holds %d handlers %s, and none has the number %d", file, len(all), handlerName, which)
	case which > 0:
		return all[which-1], nil
	case differ:
		var list strings.Builder
		for i, f := range all {
			fmt.Fprintf(&list, "\n  --handler %d  %s", i+1, f.place)
		}
		return found{}, fmt.Errorf("%s holds %d handlers %s that differ; say which:%s", file, len(all), handlerName, list.String())
	}
	return all[0], nil
}
