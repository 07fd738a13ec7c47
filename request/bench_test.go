package request

import (
	"bytes"
	"io"
	"testing"
)

// body is a request body that can be read again.
type body struct{ bytes.Reader }

func (*body) Close() error { return nil }

func BenchmarkRead(b *testing.B) {
	tests := []struct{ name, contentType, coding, body string }{
		{"json", jsonType, "", sample},
		{"json_unknown", jsonType, "", `{"callSid":"CA1","destination":"+1555","note":{"a":[1,2,3]},"tag":"x"}`},
		{"csv", csvType, "", "callSid,destination,fromNumber\r\nCA1,+1555,+1666\r\n"},
		{"form", formType, "", "callSid=CA1&destination=%2B1555&fromNumber=%2B1666"},
		{"multipart", "multipart/form-data; boundary=XX", "", "--XX\r\nContent-Disposition: form-data; name=\"callSid\"\r\n\r\nCA1\r\n--XX--\r\n"},
		{"gzip", jsonType, "gzip", string(gzipOf(b, sample))},
		{"zstd", jsonType, "zstd", string(zstdOf(b, sample, false))},
	}
	for _, test := range tests {
		b.Run(test.name, func(b *testing.B) {
			rd := new(Reader)
			r := post(test.contentType, "", test.body)
			if test.coding != "" {
				r.Header.Set("Content-Encoding", test.coding)
			}
			again := new(body)
			r.Body = again
			b.SetBytes(int64(len(test.body)))
			b.ReportAllocs()
			for b.Loop() {
				again.Reset([]byte(test.body))
				if _, violations, err := rd.Read(r, "abc"); err != nil || len(violations) > 0 {
					b.Fatal(failed(violations), err)
				}
			}
		})
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	q, _ := read(b, new(Reader), post(jsonType, "", sample))
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = q.AppendJSON(dst[:0])
	}
	b.SetBytes(int64(len(dst)))
}

// BenchmarkCopy is the limit that reading can reach: the body is only copied.
func BenchmarkCopy(b *testing.B) {
	var again bytes.Reader
	dst := make([]byte, 0, 1<<10)
	b.SetBytes(int64(len(sample)))
	b.ReportAllocs()
	for b.Loop() {
		again.Reset([]byte(sample))
		var err error
		if dst, err = appendAll(dst[:0], io.Reader(&again), DefaultMaxBody); err != nil {
			b.Fatal(err)
		}
	}
}
