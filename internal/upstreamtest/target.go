package upstreamtest

import (
	"strings"
	"unicode/utf8"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// splitTarget cuts a raw request target into its path and its query. It
// reports false for bytes with which the recorded server responds with 400 before
// it looks at anything else (recording 356).
func splitTarget(target string) (path, query string, ok bool) {
	for i := range len(target) {
		if target[i] <= ' ' || target[i] >= 0x7f {
			return "", "", false
		}
	}
	path, query, _ = strings.Cut(target, "?")
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(path) < len(scheme) || !strings.EqualFold(path[:len(scheme)], scheme) {
			continue
		}
		// The absolute form, RFC 9112 section 3.2.2.
		authority := path[len(scheme):]
		path = "/"
		if i := strings.IndexByte(authority, '/'); i >= 0 {
			path = authority[i:]
		}
	}
	return path, query, true
}

// decodePath does to a raw path what the recorded server does before it routes:
// percent-decoding once, dot segments, "+" for a space, "%2f" for a slash. The
// last two come after the first two: "%2B" is a space (347), "%2F" stays (350),
// and what a "%2f" splits off is no longer a dot segment. It reports false for
// a path with a NUL, which is a bad request.
func decodePath(raw string) (string, bool) {
	path := unescapePath(raw)
	if strings.IndexByte(path, 0) >= 0 {
		return "", false
	}
	path = removeDotSegments(path)
	return strings.NewReplacer("+", " ", "%2f", "/").Replace(path), true
}

// unescapePath decodes the percent-encoded UTF-8 sequences of s. It leaves an
// encoded slash and what is not UTF-8 or not an escape unchanged.
func unescapePath(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '%' {
			b.WriteByte(s[i])
			i++
			continue
		}
		seq := make([]byte, 0, utf8.UTFMax)
		for j := i; len(seq) < utf8.UTFMax && !utf8.FullRune(seq); j += 3 {
			c, ok := percentByte(s[j:])
			if !ok {
				break
			}
			seq = append(seq, c)
		}
		r, size := utf8.DecodeRune(seq)
		if len(seq) == 0 || r == '/' || r == utf8.RuneError && size <= 1 {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.Write(seq[:size])
		i += 3 * size
	}
	return b.String()
}

// percentByte decodes the percent-encoded byte at the start of s.
func percentByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	return ascii.HexByte(s[1], s[2])
}

// removeDotSegments does what RFC 3986 section 5.2.4 says, for an absolute path.
func removeDotSegments(path string) string {
	if !strings.HasPrefix(path, "/") {
		return path
	}
	segments := strings.Split(path[1:], "/")
	kept := segments[:0]
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".":
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, s)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}
