package conferencemembers_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/handler"
)

func TestImportingRegistersTheHandler(t *testing.T) {
	info, err := caddy.GetModule("http.handlers.conference_members")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := info.New().(caddy.Provisioner); !ok {
		t.Errorf("%T has no Provision", info.New())
	}
}

// TestCaddyfileSetsEveryOption holds that the Caddyfile is equal in power to
// JSON: the golden file of all options has every field of the configuration.
func TestCaddyfileSetsEveryOption(t *testing.T) {
	golden, err := os.ReadFile("testdata/adapt/all_options.caddyfiletest")
	if err != nil {
		t.Fatal(err)
	}
	_, adapted, _ := strings.Cut(string(golden), separator)
	set := make(map[string]bool)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				set[name] = true
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	var config any
	if err := json.Unmarshal([]byte(adapted), &config); err != nil {
		t.Fatal(err)
	}
	walk(config)
	for _, name := range jsonNames(reflect.TypeFor[handler.Config](), make(map[reflect.Type]bool)) {
		if !set[name] {
			t.Errorf("no subdirective sets %q", name)
		}
	}
}

// jsonNames returns the names of all fields of a configuration type.
func jsonNames(t reflect.Type, seen map[reflect.Type]bool) (names []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
		names = append(names, jsonNames(f.Type, seen)...)
	}
	return names
}

func TestProvisionTellsEveryMistake(t *testing.T) {
	info, err := caddy.GetModule("http.handlers.conference_members")
	if err != nil {
		t.Fatal(err)
	}
	m := info.New()
	config := `{"route":"sessions","max_body":-1,"mode":"strict","unknown_fields":"keep","csv":{"dialect":"exel","views":{"a b":{}}}}`
	if err := json.Unmarshal([]byte(config), m); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	err = m.(caddy.Provisioner).Provision(ctx)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"route:", "max_body:", "mode:", "unknown_fields:", "dialect:", `csv.views: "a b"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %q in: %v", want, err)
		}
	}
	if err := m.(caddy.CleanerUpper).Cleanup(); err != nil {
		t.Errorf("Cleanup after a failed Provision: %v", err)
	}
}
