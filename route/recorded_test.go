package route

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
)

// recording is what testdata/README.md describes.
type recording struct {
	N           int
	Method      string
	Target      string
	Status      int
	ContentType string
	SessionID   *string
}

// path returns the escaped path as a server in Go sees it.
func (r *recording) path(t *testing.T) string {
	t.Helper()
	raw := make([]byte, 0, len(r.Target))
	for _, c := range r.Target {
		raw = append(raw, byte(c))
	}
	u, err := url.ParseRequestURI(string(raw))
	if err != nil {
		t.Fatalf("recording %d: %v", r.N, err)
	}
	return u.EscapedPath()
}

// readRecordings reads testdata/recorded.jsonl.
func readRecordings(tb testing.TB) []recording {
	tb.Helper()
	f, err := os.Open("testdata/recorded.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var rs []recording
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			tb.Fatal(err)
		}
		rs = append(rs, r)
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	if len(rs) < 100 {
		tb.Fatalf("%d recordings only", len(rs))
	}
	return rs
}

func TestMatchAgreesWithEveryRecording(t *testing.T) {
	template := mustParse(t, DefaultTemplate)
	for _, r := range readRecordings(t) {
		path := r.path(t)
		got := template.Match(path)
		switch {
		case strings.Contains(strings.ToLower(path), operation):
			// Refused as a whole, in versions of the upstream that lack some too.
			if got.Kind != Predefined && got.Kind != Batch {
				t.Errorf("recording %d: %s = %+v, want Predefined", r.N, path, got)
			}
		case r.SessionID != nil:
			if got.Kind != Members || got.SessionID != *r.SessionID || got.Ambiguous {
				t.Errorf("recording %d: %s = %+v, want Members with session id %q", r.N, path, got, *r.SessionID)
			}
			if f, ok := negotiate.BySuffix(got.Suffix); ok && !strings.HasPrefix(r.ContentType, f.MediaType()) {
				t.Errorf("recording %d: %s has suffix %q, but the response was %s", r.N, path, got.Suffix, r.ContentType)
			}
		case !strings.EqualFold(r.Method, http.MethodPost):
			// The upstream has no such method there, but the path is the route's.
			if got.Kind != Members {
				t.Errorf("recording %d: %s = %+v, want Members", r.N, path, got)
			}
		case r.Status == http.StatusBadRequest:
			// Bytes beyond ASCII (recording 356); a proxy in Go escapes them.
			if got.Kind != Members || got.SessionID != "\u00e9" {
				t.Errorf("recording %d: %s = %+v, want Members with session id é", r.N, path, got)
			}
		case got.rank() == dials && !got.Ambiguous:
			t.Errorf("recording %d: %s = %+v, but the upstream has no route there", r.N, path, got)
		}
	}
}

// mustParse compiles a template that is known to be good.
func mustParse(tb testing.TB, template string, operations ...string) *Template {
	tb.Helper()
	t, err := Parse(template, operations...)
	if err != nil {
		tb.Fatalf("Parse(%q): %v", template, err)
	}
	return t
}
