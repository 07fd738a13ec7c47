package negotiate

import (
	"cmp"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The ABNF of RFC 9110 as regular expressions over text in which every byte is
// a separate rune.
const (
	abnfOWS    = `[ \t]*`
	abnfToken  = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
	abnfQuoted = `"(?:[\t !#-\[\]-~\x{80}-\x{ff}]|\\[\t -~\x{80}-\x{ff}])*"`
	abnfParam  = `(` + abnfToken + `)=(` + abnfToken + `|` + abnfQuoted + `)`
	abnfParams = `((?:` + abnfOWS + `;` + abnfOWS + `(?:` + abnfParam + `)?)*)`
)

var (
	refMember = regexp.MustCompile(`(?s)(?:[^",]|"(?:[^"\\]|\\.)*\\?(?:"|$))+`)
	refRange  = regexp.MustCompile(`^(` + abnfToken + `)/(` + abnfToken + `)` + abnfParams + `$`)
	refStar   = regexp.MustCompile(`^\*([ \t]*(?:;|$))`)
	refParam  = regexp.MustCompile(`;` + abnfOWS + abnfParam)
	refQuoted = regexp.MustCompile(`(?s)\\(.)`)
	refWeight = regexp.MustCompile(`^(?:0(?:\.[0-9]{0,3})?|\.[0-9]{1,3}|1(?:\.0{0,3})?)$`)
)

// refCover is a range that covers a representation.
type refCover struct {
	level, params int
	strict        bool
	weight        float64
	position      int
}

// reference does what Offers.Accept does, slowly, one rule after the other.
func reference(lines []string, header string) (Format, bool) {
	have := map[Format]map[string][]string{}
	for _, f := range Formats() {
		have[f] = map[string][]string{"charset": {"utf-8", "utf8"}}
	}
	have[CSV]["header"] = []string{header}
	defined := map[Format][]string{CSV: {"charset", "header"}, XML: {"charset"}, HTML: {"charset"}}

	covers := map[Format][]refCover{}
	position := 0
	for _, line := range lines {
		for _, member := range refMember.FindAllString(latin1(line), -1) {
			if member = strings.Trim(member, " \t"); member == "" {
				continue
			}
			position++
			m := refRange.FindStringSubmatch(refStar.ReplaceAllString(member, "*/*$1"))
			if m == nil || m[1] == "*" && m[2] != "*" {
				continue
			}
			typ, subtype := strings.ToLower(m[1]), strings.ToLower(m[2])
			weight, weights, bad := 1.0, 0, false
			params := [][2]string{}
			for _, p := range refParam.FindAllStringSubmatch(skipQuotedSemicolons(m[3]), -1) {
				name, value := strings.ToLower(p[1]), restoreSemicolons(p[2])
				if name == "q" {
					weights++
					bad = bad || !refWeight.MatchString(value)
					weight, _ = strconv.ParseFloat(strings.TrimSuffix(value, "."), 64)
					continue
				}
				if strings.HasPrefix(value, `"`) {
					value = refQuoted.ReplaceAllString(value[1:len(value)-1], "$1")
				}
				params = append(params, [2]string{name, lowerASCII(value)})
			}
			if bad || weights > 1 {
				continue
			}
			for _, f := range Formats() {
				c := refCover{strict: true, weight: weight, position: position}
				switch ft, fs, _ := strings.Cut(f.MediaType(), "/"); {
				case typ == "*":
					c.level = 1
				case typ == ft && subtype == "*":
					c.level = 2
				case typ == ft && subtype == fs, f == CSV && typ == "application" && subtype == "csv":
					c.level = 3
				default:
					continue
				}
				matched, missed := map[string]bool{}, false
				for _, p := range params {
					switch {
					case slices.Contains(have[f][p[0]], p[1]):
						matched[p[0]] = true
					case slices.Contains(defined[f], p[0]):
						missed = true
					default:
						c.strict = false
					}
				}
				if c.params = len(matched); !missed {
					covers[f] = append(covers[f], c)
				}
			}
		}
	}
	if position == 0 {
		return JSON, true
	}
	for _, lenient := range []bool{false, true} {
		if f := refChoose(covers, lenient); f != None {
			return f, true
		}
	}
	return None, false
}

// refChoose makes one of the two passes.
func refChoose(covers map[Format][]refCover, lenient bool) Format {
	type candidate struct {
		format Format
		cover  refCover
	}
	var candidates []candidate
	for _, f := range Formats() {
		var cs []refCover
		for _, c := range covers[f] {
			if c.strict || lenient {
				cs = append(cs, c)
			}
		}
		if len(cs) == 0 {
			continue
		}
		slices.SortStableFunc(cs, func(a, b refCover) int {
			return cmp.Or(moreSpecific(a, b), cmp.Compare(b.weight, a.weight))
		})
		if cs[0].weight > 0 {
			candidates = append(candidates, candidate{f, cs[0]})
		}
	}
	if len(candidates) == 0 {
		return None
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.cover.weight, a.cover.weight), moreSpecific(a.cover, b.cover), a.cover.position-b.cover.position)
	})
	return candidates[0].format
}

// moreSpecific compares two ranges by how specific they are, the more specific
// first.
func moreSpecific(a, b refCover) int {
	strict := map[bool]int{true: 1}
	return cmp.Or(b.level-a.level, strict[b.strict]-strict[a.strict], b.params-a.params)
}

// latin1 makes a rune of every byte.
func latin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// lowerASCII folds ASCII letters only.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// refString is a quoted string anywhere.
var refString = regexp.MustCompile(abnfQuoted)

// skipQuotedSemicolons hides the semicolons of quoted strings from refParam.
func skipQuotedSemicolons(s string) string {
	return refString.ReplaceAllStringFunc(s, func(q string) string { return strings.ReplaceAll(q, ";", "\u00ff\u00ff") })
}

func restoreSemicolons(s string) string { return strings.ReplaceAll(s, "\u00ff\u00ff", ";") }

// FuzzAccept holds that the format that is chosen is the choice of a second
// implementation, with the grammar of RFC 9110 as regular expressions.
func FuzzAccept(f *testing.F) {
	for _, s := range []string{
		"", "text/csv", "*/*, text/csv;q=0", "text/*;q=0.3, text/html;level=1;q=0.4, */*;q=0.5",
		`text/csv;charset="utf-8";x="a,\"b;q=0";q=0.5, application/json`, "application/json;odata=verbose",
		"text/csv;header=absent", "text/csv;;q=1.", "a/b;q=.5,\t,foo", "text/csv\x00application/json;Q=0.9",
		"application/json;v=1, application/json;q=0", `text/csv;x="`, `text/csv;charset="\u\tf8"`, "*/csv,*",
		"*;q=.5, application/csv;q=.50", "*/*, application/*, text/csv", "application/csv;header=absent,* ;v=1",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	for _, r := range recordedAccepts {
		f.Add(strings.Join(r.lines, "\x00"), true)
	}
	f.Fuzz(func(t *testing.T, joined string, csvHeader bool) {
		lines := strings.Split(joined, "\x00") // which no line can hold
		header := "absent"
		if csvHeader {
			header = "present"
		}
		got, ok := NewOffers(csvHeader).Accept(lines)
		want, wantOK := reference(lines, header)
		if got != want || ok != wantOK {
			t.Errorf("Accept(%q) = %v, %v, want %v, %v", lines, got, ok, want, wantOK)
		}
	})
}

// TestAcceptAgreesWithTheReference makes lists out of pieces that matter, which
// mutation of bytes alone seldom does.
func TestAcceptAgreesWithTheReference(t *testing.T) {
	ranges := []string{
		"*/*", "text/*", "application/*", "text/csv", "Text/CSV", "application/json", "application/xml", "text/html",
		"application/jsv", "image/png", "*", "*/csv", "text", "", "application/csv",
	}
	params := []string{
		";q=0", ";q=0.5", ";Q=0.50", ";q=1", ";q=0.001", ";q=.5", ";q", ";charset=utf-8", `; charset="UTF\-8"`, ";charset=utf-16",
		";header=present", ";header=absent", ";v=1", `;x=";q=0"`, `;x=","`, `;x="`, ";", " ;\t",
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	const rounds = 20000
	for range rounds {
		lines := make([]string, 1+rnd.IntN(2))
		for i := range lines {
			members := make([]string, rnd.IntN(5))
			for j := range members {
				members[j] = ranges[rnd.IntN(len(ranges))]
				for range rnd.IntN(4) {
					members[j] += params[rnd.IntN(len(params))]
				}
			}
			lines[i] = strings.Join(members, ", ")
		}
		got, ok := NewOffers(true).Accept(lines)
		if want, wantOK := reference(lines, "present"); got != want || ok != wantOK {
			t.Fatalf("Accept(%q) = %v, %v, want %v, %v", lines, got, ok, want, wantOK)
		}
		if ok {
			accepted++
		}
	}
	if accepted < rounds/10 || accepted > rounds*9/10 {
		t.Errorf("%d of %d lists are acceptable, want a mix", accepted, rounds)
	}
}
