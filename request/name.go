package request

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// isTypeHint reports whether name is that of a type hint to the upstream's
// deserializer.
func isTypeHint(name string) bool { return ascii.EqualFold(name, "__type") }

// looksLikeField reports whether name is not a field's and yet may be taken for
// one: equal to it once marks, control and invisible characters are left out
// and letters count as their plain forms. No more is read of it than a name can
// have of those: one character can expand to eighteen.
func looksLikeField(name string) bool {
	if isPrintableASCII(name) {
		return false
	}
	var plain strings.Builder
	var segments norm.Iter
	for segments.InitString(norm.NFKD, name); !segments.Done() && plain.Len() <= maxName; {
		for _, r := range string(segments.Next()) {
			if unicode.In(r, unicode.M, unicode.C, unicode.Other_Default_Ignorable_Code_Point) || plain.Len() == 0 && unicode.IsSpace(r) {
				continue
			}
			plain.WriteRune(asciiOf(r))
		}
	}
	return IsField(strings.TrimSpace(plain.String()))
}

// asciiOf returns the ASCII letter that is r in another letter case (U+017F is
// an s, U+212A a k), or r. The dotless i is the one letter that is the lower
// case of an ASCII letter in some languages and not in Unicode's folding.
func asciiOf(r rune) rune {
	if r == 'ı' {
		return 'i'
	}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if f < utf8.RuneSelf {
			return f
		}
	}
	return r
}

// dryRunFlags are the flags by which APIs are asked to do nothing, in lower case
// and without separators. The upstream knows none of them, and would dial.
var dryRunFlags = [...]string{"dryrun", "validate", "validateonly"}

// IsDryRunFlag reports whether a name is that of a flag by which APIs are asked to do
// nothing, such as "dryRun" or "validate_only", in whatever spelling. Nothing is
// allocated for a name that begins with another letter.
func IsDryRunFlag(name string) bool {
	const separators = "_-. "
	name = strings.TrimLeft(name, separators)
	if name == "" || !strings.ContainsRune("dDvV", rune(name[0])) {
		return false
	}
	name = strings.Map(func(c rune) rune {
		if strings.ContainsRune(separators, c) {
			return -1
		}
		return c
	}, name)
	return slices.ContainsFunc(dryRunFlags[:], func(flag string) bool { return strings.EqualFold(flag, name) })
}

func isPrintableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// maxName is the length of the longest member name.
const maxName = 64

// IsMemberName reports whether a member beyond the four fields may have that
// name: 1 to 64 of the characters A-Z a-z 0-9 _ . and -. No encoder and no reader
// of JSON makes anything else of such a name than it is.
func IsMemberName[S string | []byte](name S) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case ascii.IsAlpha(c), ascii.IsDigit(c), c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return 0 < len(name) && len(name) <= maxName
}

// fieldNames are the names of the four fields.
var fieldNames = func() (all [rules.NumFields]string) {
	for f := range all {
		all[f] = rules.Field(f).String()
	}
	return all
}()

// fieldKeys are the names of the four fields as AppendJSON appends them.
var fieldKeys = func() (all [rules.NumFields]string) {
	for f, name := range fieldNames {
		all[f] = `,"` + name + `":`
	}
	return all
}()

// misspelt returns the field whose name was misspelt, if it was.
func misspelt(name string) (rules.Field, bool) {
	return rules.FieldByName(nearmiss.Typo(name, fieldNames[:]))
}

// lowered returns s with ASCII letters in lower case.
func lowered[S string | []byte](s S) string {
	b := make([]byte, len(s))
	for i := range len(s) {
		b[i] = ascii.Lower(s[i])
	}
	return string(b)
}

// names is a set of names in any ASCII letter case.
type names map[string]struct{}

// add adds a name and reports whether it was there already.
func (n *names) add(name string) (again bool) {
	if *n == nil {
		*n = make(names)
	}
	key := lowered(name)
	_, again = (*n)[key]
	(*n)[key] = struct{}{}
	return again
}
