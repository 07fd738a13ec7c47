package handler

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestSuffixETag(t *testing.T) {
	for _, tt := range []struct{ rule, tag, want string }{
		{"a strong tag", `"a"`, `"a-csv"`},
		{"a weak tag", `W/"a"`, `W/"a-csv"`},
		{"an empty tag", `""`, `"-csv"`},
		{"no quotes", `a`, ``},
		{"a quote too few", `"a`, ``},
		{"a quote alone", `"`, ``},
		{"a list is no tag", `"a", "b"`, ``},
		{"another prefix", `w/"a"`, ``},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := suffixETag(tt.tag); got != tt.want {
				t.Errorf("suffixETag(%s) = %s, want %s", tt.tag, got, tt.want)
			}
		})
	}
}

func TestMergeVary(t *testing.T) {
	for _, tt := range []struct {
		rule       string
		vary, want []string
	}{
		{"none yet", nil, []string{"Accept"}},
		{"another field", []string{"Origin"}, []string{"Origin", "Accept"}},
		{"named already, in another case", []string{"Origin, ACCEPT"}, []string{"Origin, ACCEPT"}},
		{"a field that begins alike", []string{"Accept-Encoding"}, []string{"Accept-Encoding", "Accept"}},
		{"everything", []string{"Origin", "*"}, []string{"Origin", "*"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			h := http.Header{"Vary": tt.vary}
			mergeVary(h)
			if got := strings.Join(h["Vary"], "|"); got != strings.Join(tt.want, "|") {
				t.Errorf("Vary: %s, want %s", got, strings.Join(tt.want, "|"))
			}
		})
	}
}

// pack codes what a response holds.
func pack(t testing.TB, name string, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch name {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	default:
		return plain
	}
	_, err := w.Write(plain)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFitCorrelationID(t *testing.T) {
	for _, tt := range []struct {
		rule, id string
		want     bool
	}{
		{"visible ASCII", "7f3c!~", true},
		{"the longest", strings.Repeat("x", 128), true},
		{"longer", strings.Repeat("x", 129), false},
		{"empty", "", false},
		{"a space", "a b", false},
		{"a line break", "a\nb", false},
		{"a delete", "a\x7f", false},
		{"a letter beyond ASCII", "ä", false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := fitCorrelationID(tt.id); got != tt.want {
				t.Errorf("fitCorrelationID(%q) = %v, want %v", tt.id, got, tt.want)
			}
		})
	}
}

// TestFieldsThatAreDeletedAreCanonical holds that the names in the table are canonical,
// because fields are deleted by them.
func TestFieldsThatAreDeletedAreCanonical(t *testing.T) {
	for _, name := range slices.Concat(notForwarded, notForwardedForCSV, ofConnection, representationHeaders, []string{transcodeError, callHeader}) {
		if canonical := http.CanonicalHeaderKey(name); name != canonical {
			t.Errorf("%s is not canonical: that is %s", name, canonical)
		}
	}
}
