//go:build e2e

package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestALibreOfficeListIsDialledAndItsResultOpened follows docs/bulk.md: a list that
// LibreOffice saved, with each of its separators, is checked and dialled with curl, and
// the result is opened in LibreOffice.
func TestALibreOfficeListIsDialledAndItsResultOpened(t *testing.T) {
	curl, soffice := program(t, "curl", "curl"), program(t, "soffice", "libreoffice-calc")
	dir := t.TempDir()
	profile := "-env:UserInstallation=" + (&url.URL{Scheme: "file", Path: filepath.Join(dir, "profile")}).String()
	const list = "Ref,Destination,Note\n\"Ann; the \"\"first\"\"\",+12025550123,\"a, b\"\nBjörn,client:user42,\n=1+1,+442079460123,x\n"
	typed := filepath.Join(dir, "typed.csv")
	if err := os.WriteFile(typed, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, soffice, profile, "--headless", "--infilter=Text - txt - csv (StarCalc):"+allText(3), "--convert-to", "ods", "--outdir", dir, typed)

	upstream := startUpstream(t)
	site := startGateway(t, upstream.URL, "csv {\ncolumns destination\nformula_guard\n}\nbulk {\npace 0\n}")[0]
	for name, separator := range map[string]string{"comma": "44", "semicolon": "59", "tab": "9"} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(dir, name)
			output(t, soffice, profile, "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):"+separator+",34,76,1", "--outdir", out, filepath.Join(dir, "typed.ods"))
			saved, result := filepath.Join(out, "typed.csv"), filepath.Join(out, "result.csv")
			if text, err := os.ReadFile(saved); err != nil || !strings.Contains(string(text), "+12025550123") {
				t.Fatalf("LibreOffice saved %q, %v", text, err)
			}
			upload := []string{"-sS", "-N", "--fail-with-body", "--data-binary", "@" + saved, "-H", "Content-Type: text/csv", "-H", "Accept: text/csv"}
			if checked := output(t, curl, append(upload, site+membersPath+"/check")...); strings.Count(checked, ",true,") != 3 {
				t.Errorf("checked: %s", checked)
			}
			before := upstream.Stats().Dialled
			for _, outcome := range []string{"dialled", "replayed"} { // the second upload dials nothing
				output(t, curl, append(upload, "-H", "Idempotency-Key: "+name, "-o", result, site+membersPath+"/bulk")...)
				text, err := os.ReadFile(result)
				if err != nil {
					t.Fatal(err)
				}
				if outcome == "dialled" {
					told := strings.Contains(string(text), "Warning: The first row has names that are not fields. What is in these columns is left out: C.")
					if strings.Count(string(text), ",200,dialled,") != 3 || !told {
						t.Errorf("result: %s", text)
					}
					continue
				}
				sheet := openSheet(t, string(text), allText(7), "en-US")
				var refs, outcomes []string
				for _, row := range sheet {
					refs, outcomes = append(refs, row[1].text), append(outcomes, row[3].text)
				}
				if want := []string{"ref", `Ann; the "first"`, "Björn", "'=1+1"}; !slices.Equal(refs, want) {
					t.Errorf("refs %q, want %q", refs, want)
				}
				if want := []string{"outcome", outcome, outcome, outcome}; !slices.Equal(outcomes, want) {
					t.Errorf("outcomes %q, want %q", outcomes, want)
				}
			}
			if n := upstream.Stats().Dialled - before; n != 3 {
				t.Errorf("%d calls for 3 rows", n)
			}
		})
	}
}
