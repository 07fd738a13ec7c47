package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTableHoldsEveryRuleOnce(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "table.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.CompositeLit); ok {
			if id, ok := lit.Type.(*ast.Ident); ok && id.Name == "Rule" {
				declared++
			}
		}
		return true
	})
	seen := make(map[*Rule]bool)
	for r := range All() {
		if seen[r] {
			t.Errorf("%s is in the table twice", r.Name)
		}
		seen[r] = true
	}
	if len(seen) != declared || declared == 0 {
		t.Errorf("the table holds %d of the %d rules declared", len(seen), declared)
	}
}

func TestRulesAreWellFormed(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	code := regexp.MustCompile(`^([A-Z][a-z]+)+$`)
	names := make(map[string]bool)
	for r := range All() {
		switch {
		case !name.MatchString(r.Name) || names[r.Name]:
			t.Errorf("name %q is taken or not snake_case", r.Name)
		case ByName(r.Name) != r:
			t.Errorf("ByName(%q) is another rule", r.Name)
		case !code.MatchString(r.ErrorCode):
			t.Errorf("%s: error code %q is not PascalCase", r.Name, r.ErrorCode)
		case !slices.Contains([]int{400, 403, 404, 405, 406, 409, 413, 415, 422, 503}, r.Status):
			t.Errorf("%s: status %d", r.Name, r.Status)
		case r.Title == "" || strings.HasSuffix(r.Title, "."):
			t.Errorf("%s: title %q", r.Name, r.Title)
		case !strings.HasSuffix(r.Fix, "."):
			t.Errorf("%s: fix %q is not a sentence", r.Name, r.Fix)
		case r.check != nil && len(r.Fields) == 0:
			t.Errorf("%s: a rule of judging is about a field at least", r.Name)
		case r.comparesDestination && (len(r.Fields) != 1 || r.Fields[0] == Destination):
			t.Errorf("%s: what compares a field with the destination is about that field alone", r.Name)
		case r.check != nil && r.Status != 422:
			t.Errorf("%s: a rule that can be switched judges what was read, and is a 422", r.Name)
		}
		names[r.Name] = true
	}
}

func TestAllCanBeLeftEarly(t *testing.T) {
	for r := range All() {
		if r != MalformedJSON {
			t.Errorf("the first rule is %s", r.Name)
		}
		break
	}
}

func TestByNameOfNoRule(t *testing.T) {
	if r := ByName("destinations"); r != nil {
		t.Errorf("got %s", r.Name)
	}
}
