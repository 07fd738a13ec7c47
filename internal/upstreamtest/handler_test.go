package upstreamtest

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/internal/recordings"
)

// FuzzHandlerNeverPanics holds that the upstream for tests responds to any request,
// and counts a call for each that it binds.
func FuzzHandlerNeverPanics(f *testing.F) {
	for i, e := range recordings.Exchanges() {
		if i%8 == 0 {
			f.Add(raw(e, "upstream"))
		}
	}
	f.Add([]byte("POST /sessions/%252f%2f%/conference/members.csv?callback=%&jsconfig=inv,edv,tc:sc HTTP/1.1\r\nHost: h\r\n\r\n"))
	u, err := New(Options{Keep: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			t.Skip(err)
		}
		r.Header.Del(FaultHeader)
		w := httptest.NewRecorder()
		before := u.Stats()
		u.ServeHTTP(w, r)
		after := u.Stats()
		bound := w.Header().Get("X-Bound") != ""
		if after.Requests != before.Requests+1 || (after.Dialled > before.Dialled) != bound {
			t.Errorf("%+v after %+v, bound %v", after, before, bound)
		}
	})
}

func BenchmarkServe(b *testing.B) {
	u, err := New(Options{Keep: -1})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"callSid":"CA1","destination":"+1555","fromNumber":"+1666"}`)
	for _, accept := range []string{"application/json", "text/csv"} {
		b.Run(accept, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/sessions/abc/conference/members", bytes.NewReader(body))
				r.Header.Set("Accept", accept)
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				u.ServeHTTP(w, r)
				b.SetBytes(int64(w.Body.Len()))
			}
		})
	}
}
