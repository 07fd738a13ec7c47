package upstreamtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Named returns the fault of that name, or nil if there is none.
func Named(name string) *Fault {
	build, ok := named[name]
	if !ok {
		return nil
	}
	return build()
}

// Names returns the names that [Named] knows, sorted.
func Names() []string { return slices.Sorted(maps.Keys(named)) }

// named are the usual faults.
var named = map[string]func() *Fault{
	"reset":              func() *Fault { return &Fault{Drop: DropReset} },
	"reset-early":        func() *Fault { return &Fault{Early: true, Drop: DropReset} },
	"reset-after-header": func() *Fault { return &Fault{Drop: DropReset, Cut: -1} },
	"reset-mid-body":     func() *Fault { return &Fault{Drop: DropReset, Cut: 100} },
	"close":              func() *Fault { return &Fault{Drop: DropClose} },
	"close-early":        func() *Fault { return &Fault{Early: true, Drop: DropClose} },
	"close-mid-body":     func() *Fault { return &Fault{Drop: DropClose, Cut: 100} },
	"not-http":           func() *Fault { return &Fault{Raw: "this is no HTTP\r\n\r\n"} },

	"length-long":  func() *Fault { return reply(Reply{Length: new(int64(1 << 20))}) },
	"length-short": func() *Fault { return reply(Reply{Length: new(int64(100))}) },
	"length":       func() *Fault { return reply(Reply{Length: new(int64(-1))}) },

	"truncated-json": func() *Fault { return body("application/json; charset=utf-8", `{"dialState":"Active","id":"ab`) },
	"garbage":        func() *Fault { return body("application/json; charset=utf-8", "\x00\xff}{garbage") },
	"not-utf8":       func() *Fault { return body("application/json; charset=utf-8", "{\"id\":\"\xff\"}") },
	"html":           func() *Fault { return body("application/json; charset=utf-8", "<html><body>Welcome</body></html>") },
	"scalar":         func() *Fault { return body("application/json; charset=utf-8", "42") },
	"empty":          func() *Fault { return body("application/json; charset=utf-8", "") },
	"deep":           func() *Fault { return body("application/json; charset=utf-8", deep(100_000)) },
	"huge":           func() *Fault { return body("application/json; charset=utf-8", huge(16<<20)) },
	"problem": func() *Fault {
		return body("application/problem+json", `{"type":"about:blank","title":"no"}`).with(http.StatusBadRequest)
	},
	"maintenance": func() *Fault {
		return body("text/html", "<html><body>Back soon</body></html>").with(http.StatusServiceUnavailable)
	},
	"bad-gateway":  func() *Fault { return body("text/plain", "bad gateway").with(http.StatusBadGateway) },
	"no-content":   func() *Fault { return reply(Reply{Status: http.StatusNoContent, Body: new("")}) },
	"not-modified": func() *Fault { return reply(Reply{Status: http.StatusNotModified, Body: new("")}) },
	"partial": func() *Fault {
		return reply(Reply{Status: http.StatusPartialContent, Header: http.Header{"Content-Range": {"bytes 0-9/1713"}}})
	},

	"gzip":    func() *Fault { return reply(Reply{Encoding: "gzip"}) },
	"zstd":    func() *Fault { return reply(Reply{Encoding: "zstd"}) },
	"deflate": func() *Fault { return reply(Reply{Encoding: "deflate"}) },
	"br":      func() *Fault { return reply(Reply{Encoding: "br"}) },

	"validators": func() *Fault {
		return reply(Reply{Header: http.Header{
			"Etag":          {`"v1"`},
			"Last-Modified": {"Wed, 18 Aug 2021 09:45:12 GMT"},
			"Accept-Ranges": {"bytes"},
			"Content-Md5":   {"Q2hlY2sgSW50ZWdyaXR5IQ=="},
			"Digest":        {"sha-256=4REjxQ4yrqUVicfSKYNO/cF9zNj5ANbzgDZt3/h3Qxo="},
			"Content-Digest": {
				"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
			},
			"Repr-Digest": {"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"},
		}})
	},
	"no-transform": func() *Fault {
		return reply(Reply{Header: http.Header{"Cache-Control": {"no-transform"}}})
	},
	"trailer": func() *Fault { return reply(Reply{Trailer: http.Header{"X-Checksum": {"42"}}}) },
	"early-hints": func() *Fault {
		return reply(Reply{Informational: []Informational{{
			Status: http.StatusEarlyHints,
			Header: http.Header{"Link": {"</style.css>; rel=preload; as=style"}},
		}}})
	},
	"events": func() *Fault {
		f := reply(Reply{Parts: []string{"data: one\n\n", "data: two\n\n", "data: three\n\n"}})
		f.Header = http.Header{"Content-Type": {"text/event-stream"}}
		return f
	},
	"upgrade": func() *Fault { return reply(Reply{Upgrade: "echo"}) },
}

func reply(r Reply) *Fault { return &Fault{Reply: r} }

// body returns a 200 with another body.
func body(contentType, text string) *Fault {
	return reply(Reply{
		Status: http.StatusOK,
		Header: http.Header{"Content-Type": {contentType}, "Content-Disposition": nil},
		Body:   &text,
	})
}

func (f *Fault) with(status int) *Fault {
	f.Status = status
	return f
}

// deep returns a session whose lists are nested so deep.
func deep(levels int) string {
	return `{"log":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `,"id":"deep"}`
}

// huge returns a session of so many bytes and some.
func huge(size int) string {
	return `{"displayName":"` + strings.Repeat("x", size) + `","id":"huge"}`
}
