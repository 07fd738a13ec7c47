package handler

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFilename is the length in bytes to which a file name is cut: what common
// file systems take, less room for " (1)" and the like.
const maxFilename = 240

// unsafeInFilename are characters that mean something in a path, a shell or a
// file system (RFC 6266 section 4.3), a percent sign, which some browsers
// decode (RFC 6266 appendix D), and the quote and backslash of the header
// itself.
const unsafeInFilename = `/\:*?"<>|%` + "`$&;'"

// disposition is the Content-Disposition under which a client saves a CSV
// (RFC 6266). The spelling is the upstream's own, with a second parameter where
// the name is not all ASCII (RFC 8187). Whatever name holds, the value is safe
// as a header and the name as a file's.
func disposition(name string) string {
	name = safeFilename(name)
	ascii, all := asciiOnly(name)
	value := `attachment;filename="` + ascii + `"`
	if !all {
		value += `;filename*=UTF-8''` + extValue(name)
	}
	return value
}

// safeFilename makes a single file name of any text.
func safeFilename(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) || strings.ContainsRune(unsafeInFilename, r) ||
			unicode.Is(unicode.Cf, r) { // marks of writing direction hide an extension
			return '_'
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if len(name) > maxFilename {
		stem, ext := name, ""
		if i := strings.LastIndexByte(name, '.'); i >= 0 && len(name)-i <= 8 {
			stem, ext = name[:i], name[i:]
		}
		stem = stem[:maxFilename-len(ext)]
		for !utf8.ValidString(stem) {
			stem = stem[:len(stem)-1]
		}
		name = stem + ext
	}
	name = strings.TrimRight(strings.TrimLeft(name, " ."), " .")
	if strings.Trim(name, "_ ") == "" {
		return DefaultFilename
	}
	return name
}

// asciiOnly is name for clients that read only the filename parameter.
func asciiOnly(name string) (ascii string, all bool) {
	all = true
	ascii = strings.Map(func(r rune) rune {
		if r >= 0x80 {
			all = false
			return '_'
		}
		return r
	}, name)
	return ascii, all
}

// extValue encodes text as RFC 8187 section 3.2 does in value-chars.
func extValue(text string) string {
	const hex, attrChars = "0123456789ABCDEF", "!#$&+-.^_`|~"
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(attrChars, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString(string([]byte{'%', hex[c>>4], hex[c&15]}))
		}
	}
	return b.String()
}
