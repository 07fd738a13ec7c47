package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/pprof/profile"
)

// site is one column of the table.
type site struct {
	name       string
	directives string // before reverse_proxy
	accept     string
	http2      bool    // loaded over HTTP/2 without TLS, and compared with the bare site of HTTP/2
	keyed      bool    // each request has an Idempotency-Key
	goal       float64 // for the ratio of CPU time, 0 if there is none

	url      string
	program  *exec.Cmd // that loads it
	output   bytes.Buffer
	figures  []figures // by round
	profiles []*profile.Profile
	requests int64 // while profiled
}

const (
	jsonType = "application/json"
	csvType  = "text/csv"
)

// withKeys takes keys. They are kept for a few seconds only, because a large store changes
// the garbage collector's pace for the other sites.
const withKeys = "conference_members {\nidempotency {\nttl 5s\n}\n}"

// keySites returns the sites that show what a key costs. The others are compared with the
// first.
func keySites() []*site {
	return []*site{
		{name: "JSON", accept: jsonType, directives: "conference_members"},
		{name: "JSON again", accept: jsonType, directives: "conference_members"},
		{name: "no key", accept: jsonType, directives: withKeys},
		{name: "header alone", accept: jsonType, keyed: true, directives: "conference_members"},
		{name: "keyed", accept: jsonType, keyed: true, goal: 1.05, directives: withKeys},
	}
}

// sites returns the sites to compare, the bare proxies first.
func sites() []*site {
	return []*site{
		{name: "bare", accept: jsonType},
		{name: "bare again", accept: jsonType},
		{name: "floor", accept: jsonType, directives: "floor"},
		{name: "JSON", accept: jsonType, directives: "conference_members", goal: 1.03},
		{name: "CSV", accept: csvType, directives: "conference_members", goal: 1.08},
		{name: "dial policy", accept: jsonType, goal: 1.04, directives: `conference_members {
			numbers {
				region US
				allow_countries US CA DE
				deny_types premium_rate shared_cost satellite
				validity enforce
			}
		}`},
		{name: "bare, HTTP/2", accept: jsonType, http2: true},
		{name: "JSON, HTTP/2", accept: jsonType, http2: true, directives: "conference_members"},
		{name: "keyed", accept: jsonType, keyed: true, goal: 1.08, directives: withKeys},
	}
}

// body is a call. wrk sends several numbers in turn.
const body = `{"callSid":"CA0123456789abcdef0123456789abcdef","destination":"+12125550123"}`

// header returns what real clients send in addition to Host and Content-Length.
func (s *site) header() map[string]string {
	return map[string]string{
		"User-Agent":      "python-requests/2.32.5",
		"Accept":          s.accept,
		"Accept-Encoding": "gzip, deflate",
		"Authorization":   "Bearer 0123456789abcdef0123456789abcdef",
		"Content-Type":    jsonType,
	}
}

// check sends one request and checks the response, because the load programs do not look
// into theirs.
func (s *site) check(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range s.header() {
		r.Header.Set(name, value)
	}
	if s.keyed {
		r.Header.Set("Idempotency-Key", "check")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || !strings.HasPrefix(got, s.accept) {
		return fmt.Errorf("the response is %s of type %q", res.Status, got)
	}
	return nil
}

// file returns the name of the files of the site.
func (s *site) file() string {
	return strings.NewReplacer(",", "", "/", "", " ", "-").Replace(strings.ToLower(s.name))
}

// writeProfile writes the profile of all rounds, scaled to a million requests.
func (s *site) writeProfile(dir string) error {
	p, err := profile.Merge(s.profiles)
	if err != nil {
		return err
	}
	p.Scale(1e6 / float64(s.requests))
	f, err := os.Create(filepath.Join(dir, s.file()+".pprof")) //nolint:gosec // the folder that the caller names
	if err != nil {
		return err
	}
	defer f.Close()
	return p.Write(f)
}
