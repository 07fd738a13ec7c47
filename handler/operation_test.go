package handler

import (
	"os"
	"strings"
	"testing"
)

// TestEveryOperationIsDescribed holds that the OpenAPI description has the path of
// each operation.
func TestEveryOperationIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range operations {
		path := DefaultRoute
		if op.under != "" {
			path += "/" + op.under
		}
		if !strings.Contains(string(text), "\n  "+path+":\n") {
			t.Errorf("%s: docs/openapi.yaml has no path %s", op.name, path)
		}
	}
}
