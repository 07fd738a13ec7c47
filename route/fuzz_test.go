package route

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

var (
	modelEscapes = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`)
	modelSuffix  = regexp.MustCompile(`\.(?:csv|json|xml|jsv|html)$`)
	// modelAnySuffix is what a host can cut off that has registered more formats.
	modelAnySuffix = regexp.MustCompile(`\.[^./]*$`)

	modelOperation = regexp.MustCompile(`^(?:[^/]+/(?:reply|oneway|syncreply|asynconeway)/addconferencemember(?:\[\])?(?:\.[^/]*)?(?:/.*)?|api/(?:.*/)?addconferencemember(?:\[\])?(?:\.[^/]*)?|soap1[12](?:/.*)?)$`)

	modelLookAlike = regexp.MustCompile(`(?i)/conference/+members(?:/*\.[^/]*)?/*$`)
)

// model returns the upstream as recorded, slow and one step after the other. It returns
// the segments of a path and its suffix, of a kind that the host knows.
func model(escaped string, known *regexp.Regexp) (segments []string, suffix string) {
	path := modelEscapes.ReplaceAllStringFunc(escaped, modelUnescape)

	var kept []string
	parts := strings.Split(path, "/")[1:]
	for i, s := range parts {
		final := i == len(parts)-1
		switch {
		case s == ".." && len(kept) > 0:
			kept = kept[:len(kept)-1]
		case s != "." && s != "..":
			kept = append(kept, s)
			continue
		}
		if final {
			kept = append(kept, "")
		}
	}
	path = "/" + strings.Join(kept, "/")
	path = strings.ReplaceAll(path, "+", " ")
	path = strings.ReplaceAll(path, "%2f", "/")

	suffix = known.FindString(path)
	path = strings.TrimSuffix(path, suffix)
	for s := range strings.SplitSeq(path, "/") {
		if s != "" {
			segments = append(segments, s)
		}
	}
	return segments, suffix
}

// modelUnescape decodes a run of escapes but for slashes and what is not UTF-8.
func modelUnescape(run string) string {
	var b strings.Builder
	for run != "" {
		decoded := ""
		for n := 1; n <= utf8.UTFMax && 3*n <= len(run); n++ {
			s, err := url.PathUnescape(run[:3*n])
			if err == nil && utf8.ValidString(s) && utf8.RuneCountInString(s) == 1 && s != "/" {
				decoded = s
				break
			}
		}
		if decoded == "" {
			b.WriteString(run[:3])
			run = run[3:]
			continue
		}
		b.WriteString(decoded)
		run = run[3*len(decoded):]
	}
	return b.String()
}

// modelMembers returns the session id if the upstream routes the path to the
// operation, at the template.
func modelMembers(template, escaped string, known *regexp.Regexp) (id, suffix string, ok bool) {
	s, suffix := model(escaped, known)
	want := strings.Split(template, "/")[1:]
	if len(s) != len(want) {
		return "", "", false
	}
	for i, literal := range want {
		if literal == placeholder {
			id = s[i]
		} else if !strings.EqualFold(s[i], literal) {
			return "", "", false
		}
	}
	return id, suffix, true
}

// modelPredefined reports whether some version of the upstream routes the path
// to the operation by its name.
func modelPredefined(escaped string) bool {
	s, suffix := model(escaped, modelSuffix)
	path := strings.ToLower(strings.Join(s, "/")) + suffix
	return modelOperation.MatchString(path)
}

func TestModelAgreesWithEveryRecording(t *testing.T) {
	for _, r := range readRecordings(t) {
		path := r.path(t)
		id, _, ok := modelMembers(DefaultTemplate, path, modelSuffix)
		if strings.Contains(strings.ToLower(path), operation) || !strings.EqualFold(r.Method, "POST") || r.Status == 400 {
			continue
		}
		if ok != (r.SessionID != nil) || ok && id != *r.SessionID {
			t.Errorf("recording %d: the model reads %q, %v from %s", r.N, id, ok, path)
		}
	}
}

// proxied returns the paths that a proxy behind this one may make of a path before the
// upstream reads it: cleaned as Go does, encoded or decoded, and with slashes for
// backslashes.
func proxied(escaped string) []string {
	if strings.ContainsAny(escaped, "?#") {
		return nil // which no escaped path holds
	}
	paths := []string{
		path.Clean(escaped),
		strings.NewReplacer(`\`, "/", "%5c", "/", "%5C", "/").Replace(escaped),
	}
	if u, err := url.ParseRequestURI(escaped); err == nil {
		for _, decoded := range []string{u.Path, path.Clean(u.Path)} {
			paths = append(paths, (&url.URL{Path: decoded}).EscapedPath())
		}
	}
	return paths
}

// FuzzRoute holds that what the upstream routes to the operation is matched,
// with the same session id, and that what it would route there behind another
// proxy, or with more formats than are recorded, is not let through either.
func FuzzRoute(f *testing.F) {
	for _, r := range readRecordings(f) {
		f.Add(r.Target)
	}
	for _, s := range []string{
		"/x/%2e%2E/sessions/a+b/%2e/conference//members/.csv", "/sessions%252fabc%2Fconference%5cmembers", "/sessions/%ff%e2%82%ac%/conference/members",
		"/sessions/a%2fb/../c%2f../conference/members.json", "/csv%2freply/AddConferenceMember%5B%5D.csv", "/api/x/addconferencemember",
		"/se%C5%BF%C5%BFions/abc/conference/members", "%2f..%2fsessions/.../conference/members/..%2f..",
		"/V1//sessions/abc/conference/members.csv", "/v1/json/reply/AddConferenceMember", "/calls%2Fx/../abc.json", `/calls\a`,
		"/sessions/abc/conference/members.msgpack", "/sessions/abc/conference/members%2F.x-msgpack", "/V1/soap12", "/x/../soap11//", "/calls/a.b/",
		"/v2/sessions/abc/conference/members.csv", "/conference/members/.x", "/json/reply/AddConferenceMember[].wire",
	} {
		f.Add(s)
	}
	var templates []*Template
	for _, text := range []string{DefaultTemplate, "/v1" + DefaultTemplate, "/calls/{sessionId}"} {
		templates = append(templates, mustParse(f, text))
	}
	f.Fuzz(func(t *testing.T, path string) {
		for _, template := range templates {
			got := template.Match(path)
			if plain := template.matchReadings(path); got != plain {
				t.Errorf("%s: Match(%q) = %+v, but %+v by its readings", template, path, got, plain)
			}
			if !strings.HasPrefix(path, "/") {
				continue
			}
			if id, suffix, ok := modelMembers(template.String(), path, modelSuffix); ok {
				want := member(id, suffix)
				if strings.HasSuffix(template.String(), placeholder) && suffix == "" && strings.Contains(id, ".") {
					want = unknown(id)
				}
				if got != want && (!want.UnknownSuffix || got.rank() < want.rank()) {
					t.Errorf("%s: Match(%q) = %+v, want %+v", template, path, got, want)
				}
			} else if got.Kind == Members && got.rank() == dials && !got.Ambiguous && isASCII(path) && !strings.Contains(path, "%C") && !strings.Contains(path, "%c") {
				t.Errorf("%s: Match(%q) = %+v, but the upstream has no route there", template, path, got)
			}
			if _, _, ok := modelMembers(template.String(), path, modelAnySuffix); ok && got.Kind <= LookAlike {
				t.Errorf("%s: Match(%q) = %+v, but a host with more formats has a route there", template, path, got)
			}
			if modelPredefined(path) && got.Kind <= LookAlike {
				t.Errorf("%s: Match(%q) = %+v, want Predefined", template, path, got)
			}
			if modelLookAlike.MatchString(path) && got.Kind == None {
				t.Errorf("%s: Match(%q) = %+v, want a look-alike", template, path, got)
			}
			for _, arrives := range proxied(path) {
				_, _, ok := modelMembers(template.String(), arrives, modelAnySuffix)
				if (ok || modelPredefined(arrives)) && got.Kind <= LookAlike {
					t.Errorf("%s: Match(%q) = %+v, but behind a proxy that makes it %q the upstream has a route there", template, path, got, arrives)
				}
			}
		}
	})
}

// isASCII reports whether there is nothing that only foldings would match.
func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// FuzzPath holds that a path that is made of a session id conveys it to the
// upstream, and that no id is refused without a reason.
func FuzzPath(f *testing.F) {
	for _, id := range []string{"abc", "a b", ".", "..", "a/b", "a%2fb", "a%2Fb", "a%b", "a+b", "a.csv", "\u00e9", "\xff", "\x00", "%", `a\b`} {
		f.Add(id, byte(0), false)
		f.Add(id, byte(1), true)
	}
	suffixes := []string{"", ".csv", ".json", ".xml", ".jsv", ".html"}
	f.Fuzz(func(t *testing.T, id string, n byte, short bool) {
		suffix := suffixes[int(n)%len(suffixes)]
		template := mustParse(t, DefaultTemplate)
		if short {
			template = mustParse(t, "/calls/{sessionId}")
		}
		path, ok := template.Path(id, suffix)
		if !ok {
			// The obvious path would not have done.
			obvious := strings.Replace(template.String(), placeholder, strings.ReplaceAll(url.PathEscape(id), "+", "%2B"), 1) + suffix
			if m := template.Match(obvious); m == member(id, suffix) && !strings.Contains(id, "\x00") && strings.Trim(id, ".") != "" {
				t.Errorf("Path(%q, %q) refused, but %q conveys it", id, suffix, obvious)
			}
			return
		}
		if plain := strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") == ""; template.IsPath(path, id, suffix) != plain {
			t.Errorf("IsPath(%q, %q, %q) is %v", path, id, suffix, !plain)
		}
		if got := template.Match(path); got != member(id, suffix) {
			t.Errorf("Match(Path(%q, %q)) = Match(%q) = %+v", id, suffix, path, got)
		}
		if !short {
			if gotID, gotSuffix, ok := modelMembers(DefaultTemplate, path, modelSuffix); !ok || gotID != id || gotSuffix != suffix {
				t.Errorf("the upstream reads %q, %q, %v from %q, want %q, %q", gotID, gotSuffix, ok, path, id, suffix)
			}
		}
		if u, err := url.ParseRequestURI(path); err != nil || u.EscapedPath() != path {
			t.Errorf("net/url alters %q: %v, %v", path, u, err)
		}
	})
}
