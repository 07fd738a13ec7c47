//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

const (
	callSID     = "CA0123456789abcdef0123456789abcdef"
	destination = "+12025550123"

	callJSON = `{"callSid":"` + callSID + `","destination":"` + destination + `"}`
	callCSV  = "callSid,destination\r\n" + callSID + "," + destination + "\r\n"

	membersPath = "/sessions/full/conference/members"
)

// TestCurlAddsAMemberInEveryWay holds that every way in reaches the upstream as the same
// call.
func TestCurlAddsAMemberInEveryWay(t *testing.T) {
	curl := program(t, "curl", "curl")
	upstream := startUpstream(t)
	site := startGateway(t, upstream.URL, "")[0]
	url := site + membersPath

	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(callJSON))
	_ = z.Close()
	zw, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"call.json": []byte(callJSON), "call.csv": []byte(callCSV),
		"call.json.gz": packed.Bytes(), "call.json.zst": zw.EncodeAll([]byte(callJSON), nil),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := func(name string) string { return "@" + filepath.Join(dir, name) }

	const want = `{"sessionId":"full","callSid":"` + callSID + `","destination":"` + destination + `"}`
	tests := []struct {
		name string
		args []string
	}{
		{"JSON", []string{"--json", callJSON, url}},
		{"JSON labelled by hand", []string{"-H", "Content-Type: application/json", "-d", callJSON, url}},
		{"JSON without a label", []string{"-H", "Content-Type:", "-d", callJSON, url}},
		{"JSON labelled as CSV, like the published sample", []string{"-H", "Content-Type: text/csv", "-H", "Accept: text/csv", "-d", callJSON, url}},
		{"CSV", []string{"-H", "Content-Type: text/csv", "--data-binary", file("call.csv"), url}},
		{"a form", []string{"--data-urlencode", "callSid=" + callSID, "--data-urlencode", "destination=" + destination, url}},
		{"a multipart form", []string{"-F", "callSid=" + callSID, "-F", "destination=" + destination, url}},
		{"the query", []string{"-X", "POST", "-G", "--data-urlencode", "callSid=" + callSID, "--data-urlencode", "destination=" + destination, url}},
		{"the query and the body", []string{"--json", `{"destination":"` + destination + `"}`, url + "?callSid=" + callSID}},
		{"a gzip body", []string{"-H", "Content-Type: application/json", "-H", "Content-Encoding: gzip", "--data-binary", file("call.json.gz"), url}},
		{"a zstd body", []string{"-H", "Content-Type: application/json", "-H", "Content-Encoding: zstd", "--data-binary", file("call.json.zst"), url}},
		{"a chunked body", []string{"-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked", "--data-binary", file("call.json"), url}},
		{"an upload", []string{"-X", "POST", "-H", "Content-Type: application/json", "-T", filepath.Join(dir, "call.json"), url}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			upstream.Forget()
			status := output(t, curl, append([]string{"-sS", "-m", "20", "-o", filepath.Join(dir, "response"), "-w", "%{http_code}"}, test.args...)...)
			got, _ := upstream.Last()
			if status != "200" || got.Bound == nil || got.Bound.String() != want || upstream.Stats().Dialled != 1 {
				response, _ := os.ReadFile(filepath.Join(dir, "response"))
				t.Errorf("status %s, dialled %d, bound %s, want %s\n%s", status, upstream.Stats().Dialled, got.Bound, want, response)
			}
		})
	}
}

// TestCurlGetsTheFormatItAsksFor holds that every way to ask for a format returns the
// bytes that the API itself sends.
func TestCurlGetsTheFormatItAsksFor(t *testing.T) {
	curl := program(t, "curl", "curl")
	upstream := startUpstream(t)
	url := startGateway(t, upstream.URL, recordedColumns("full"))[0] + membersPath
	tests := []struct {
		name, contentType, ext string
		args                   []string
	}{
		{"no wish", "application/json; charset=utf-8", "json", []string{url}},
		{"Accept", "text/csv; charset=utf-8", "csv", []string{"-H", "Accept: text/csv", url}},
		{"Accept with q values", "text/csv; charset=utf-8", "csv", []string{"-H", "Accept: application/json;q=0.5, text/csv", url}},
		{"suffix", "text/csv; charset=utf-8", "csv", []string{url + ".csv"}},
		{"suffix over Accept", "text/csv; charset=utf-8", "csv", []string{"-H", "Accept: application/json", url + ".csv"}},
		{"query", "text/csv; charset=utf-8", "csv", []string{url + "?format=csv"}},
		{"query over Accept", "application/json; charset=utf-8", "json", []string{"-H", "Accept: text/csv", url + "?format=json"}},
		{"JSV, the API's own", "application/jsv", "jsv", []string{url + ".jsv"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			recorded := recordings.Session("full", "."+test.ext)
			args := append([]string{"-sS", "-m", "20", "-w", "\n%{content_type}", "-H", "Content-Type: application/json", "-d", callJSON}, test.args...)
			out := output(t, curl, args...)
			i := strings.LastIndexByte(out, '\n')
			body, contentType := out[:i], out[i+1:]
			if contentType != test.contentType {
				t.Errorf("Content-Type %q, want %q", contentType, test.contentType)
			}
			if body != string(recorded) {
				t.Errorf("got\n%s\nwant\n%s", body, recorded)
			}
		})
	}
}

// TestCurlSavesTheCSVUnderItsName holds that curl -OJ uses the ASCII name of the file.
func TestCurlSavesTheCSVUnderItsName(t *testing.T) {
	curl := program(t, "curl", "curl")
	upstream := startUpstream(t)
	sites := startGateway(t, upstream.URL, "", "csv {\nfilename \"Müller 名簿.csv\"\n}")
	for i, want := range []string{"AddConferenceMember.csv", "M_ller __.csv"} {
		folder := t.TempDir()
		output(t, curl, "-sS", "-m", "20", "--json", callJSON, "--output-dir", folder, "-OJ", sites[i]+membersPath+".csv")
		if _, err := os.Stat(filepath.Join(folder, want)); err != nil {
			t.Error(err)
		}
	}
}
