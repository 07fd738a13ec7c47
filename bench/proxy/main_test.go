package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// TestEveryGatewayIsMeasured runs all there is, briefly.
func TestEveryGatewayIsMeasured(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	o := &options{rounds: 2, clients: 2, length: 150 * time.Millisecond, session: "../../internal/recordings/testdata/sessions/doc.json", repository: "../..", profiles: dir}
	if err := run(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	for _, c := range contenders() {
		if !strings.Contains(out.String(), c.name) {
			t.Errorf("nothing about %s in:\n%s", c.name, out.String())
		}
	}
	for _, c := range columns {
		if !strings.Contains(out.String(), "| "+c.name+" | ") {
			t.Errorf("no row %s in:\n%s", c.name, out.String())
		}
	}
	profiles, err := os.ReadDir(dir)
	if err != nil || len(profiles) != len(contenders()) {
		t.Errorf("profiles %v, error %v", profiles, err)
	}
}

func TestTheBareProxyIsHeldAgainstItself(t *testing.T) {
	var out bytes.Buffer
	var tab table
	bare := figures{rate: 100, p50: time.Millisecond, cpu: 50 * time.Microsecond}
	slow := figures{rate: 50, p50: 3 * time.Millisecond, cpu: 75 * time.Microsecond}
	tab.add([]figures{bare, slow})
	tab.add([]figures{bare, bare})
	tab.add([]figures{bare, slow})
	tab.print(&out, []*contender{{name: "bare"}, {name: "slow"}})
	for _, want := range []string{
		"| Throughput, ratio | 1.000 (1.000 to 1.000) | 0.500 (0.500 to 1.000) |",
		"| Added p50, µs | +0 (+0 to +0) | +2000 (+0 to +2000) |",
		"| CPU a request, µs | 50.0 (50.0 to 50.0) | 75.0 (50.0 to 75.0) |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no row %q in:\n%s", want, out.String())
		}
	}
}

func TestNumbersDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for _, n := range numbers() {
		if seen[n] {
			t.Errorf("%s stands twice", n)
		}
		seen[n] = true
	}
}
