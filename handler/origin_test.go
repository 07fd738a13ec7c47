package handler

import (
	"net/http"
	"testing"
)

func TestCrossSite(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		rule   string
		header map[string]string
		want   bool
	}{
		{"no browser", map[string]string{"Content-Type": form}, false},
		{"a form of another site", map[string]string{"Content-Type": form, "Sec-Fetch-Site": "cross-site"}, true},
		{"a form without parameters in order", map[string]string{"Content-Type": "Application/X-WWW-Form-URLencoded ; x", "Sec-Fetch-Site": "cross-site"}, true},
		{"a multipart form", map[string]string{"Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Site": "cross-site"}, true},
		{"text", map[string]string{"Content-Type": "text/plain;charset=UTF-8", "Sec-Fetch-Site": "cross-site"}, true},
		{"no type", map[string]string{"Sec-Fetch-Site": "cross-site"}, true},
		{"JSON, which a browser asks for first", map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, false},
		{"CSV, which it asks for as well", map[string]string{"Content-Type": "text/csv", "Origin": "null"}, false},
		{"the same origin", map[string]string{"Content-Type": form, "Sec-Fetch-Site": "same-origin", "Origin": "https://api.example.com"}, false},
		{"another host of the same site", map[string]string{"Content-Type": form, "Sec-Fetch-Site": "same-site", "Origin": "https://app.example.com"}, true},
		{"another host of the same site that names no page", map[string]string{"Content-Type": form, "Sec-Fetch-Site": "same-site"}, true},
		{"the same site by another scheme", map[string]string{"Content-Type": form, "Sec-Fetch-Site": "same-site", "Origin": "http://api.example.com"}, false},
		{"two words on where it comes from", map[string]string{"Content-Type": form, "Sec-Fetch-Site": "same-origin,cross-site"}, true},
		{"a user's own doing", map[string]string{"Content-Type": form, "Sec-Fetch-Site": "none"}, false},
		{"an older browser, another host", map[string]string{"Content-Type": form, "Origin": "https://evil.example"}, true},
		{"an older browser, a longer host", map[string]string{"Content-Type": form, "Origin": "https://api.example.com.evil.example"}, true},
		{"an older browser, another port", map[string]string{"Content-Type": form, "Origin": "https://api.example.com:8443"}, true},
		{"an opaque origin", map[string]string{"Content-Type": form, "Origin": "null"}, true},
		{"no origin at all", map[string]string{"Content-Type": form, "Origin": "::"}, true},
		{"an older browser, the host", map[string]string{"Content-Type": form, "Origin": "https://API.example.com"}, false},
		{"the host with its default port", map[string]string{"Content-Type": form, "Origin": "https://api.example.com:443"}, false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			r := &http.Request{Host: "api.example.com", Header: http.Header{}}
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			if got := isCrossSite(r); got != tt.want {
				t.Errorf("isCrossSite is %v", got)
			}
		})
	}
}
