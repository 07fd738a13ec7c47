package conferencemembers_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/docgen"
)

// fuzzTable lists the fuzz targets by package, with what their comments say that
// they hold.
func fuzzTable() (string, error) {
	var rows [][]string
	err := filepath.WalkDir(".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			doc := strings.Join(strings.Fields(f.Doc.Text()), " ")
			rule, ok := strings.CutPrefix(doc, f.Name.Name+" holds that ")
			if !ok {
				return fmt.Errorf("%s: the comment of %s does not say what it holds", file, f.Name.Name)
			}
			rows = append(rows, []string{docgen.Code(path.Dir(filepath.ToSlash(file))), docgen.Code(f.Name.Name), rule})
		}
		return nil
	})
	return docgen.Table([]string{"Package", "Target", "Holds that"}, rows...), err
}
