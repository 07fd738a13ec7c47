package route

import (
	"fmt"
	"strings"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/negotiate"
)

// member returns a match of the route by the upstream's own reading.
func member(id, suffix string) Match { return Match{Kind: Members, SessionID: id, Suffix: suffix} }

// doubtful returns a match of the route by another reading.
func doubtful(id, suffix string) Match {
	return Match{Kind: Members, SessionID: id, Suffix: suffix, Ambiguous: true}
}

// unknown returns a match of the route with a suffix of no format.
func unknown(id string) Match { return Match{Kind: Members, SessionID: id, UnknownSuffix: true} }

// alike is a path that only ends like the route.
var alike = Match{Kind: LookAlike}

func TestMatch(t *testing.T) {
	template := mustParse(t, DefaultTemplate)
	rules := []struct {
		rule  string
		cases map[string]Match
	}{
		{"literals match in any letter case, the id keeps its own", map[string]Match{
			"/sessions/abc/conference/members":           member("abc", ""),
			"/SESSIONS/Abc/Conference/memberS":           member("Abc", ""),
			"/%73essions/abc/conference/%4Dembers":       member("abc", ""),
			"/se%C5%BF%c5%bfions/abc/conference/members": member("abc", ""),
			"/sess%C4%B0ons/abc/conference/members":      member("abc", ""),
			"/session/abc/conference/members":            alike,
			"/sessions/abc/conferences/members":          {},
			"/sessions/abc/conference/member":            {},
			"/sessions/abc/conference/memberss":          {},
			"/sessions/abc/conference/member%C5%BF":      member("abc", ""),
			"/sessions/abc/conference/members%C5%BF":     {},
			"/sessions/abc/conference/membe%72%73":       member("abc", ""),
			"/sessions/abc/conference/members%E2%84":     {},
		}},
		{"all segments must be there and no more", map[string]Match{
			"":                                   {},
			"/":                                  {},
			"*":                                  {},
			"/sessions":                          {},
			"/sessions/abc":                      {},
			"/sessions/abc/conference":           {},
			"/sessions/abc/conference/members/x": {},
			"/x/sessions/abc/conference/members": alike,
			"/sessions/a/b/conference/members":   alike,
			"sessions/abc/conference/members":    member("abc", ""),
			"./sessions/abc/conference/members":  member("abc", ""),
		}},
		{"empty segments count for nothing", map[string]Match{
			"//sessions/abc/conference/members":      member("abc", ""),
			"/sessions//abc///conference//members//": member("abc", ""),
			"/sessions/abc/conference/members/":      member("abc", ""),
			"/sessions//conference/members":          alike,
			"//":                                     {},
		}},
		{"dot segments are removed, however encoded", map[string]Match{
			"/./sessions/abc/conference/members":               member("abc", ""),
			"/../sessions/abc/conference/members":              member("abc", ""),
			"/x/../sessions/abc/conference/members":            member("abc", ""),
			"/x/%2e%2e/sessions/%2E/abc/conference/members":    member("abc", ""),
			"/x/.%2e/sessions/x/%2E./abc/conference/./members": member("abc", ""),
			"/sessions/abc/conference/members/.":               member("abc", ""),
			"/sessions/abc/conference/members/x/..":            member("abc", ""),
			"/sessions/abc/conference/members/x/../.csv":       member("abc", ".csv"),
			"/sessions/../conference/members":                  alike,
			"/sessions/%2e%2e/conference/members":              alike,
			"/sessions/./conference/members":                   alike,
			"/sessions/abc/conference/members/..":              {},
			"/sessions/.../conference/members":                 member("...", ""),
			"/sessions/..a/conference/members":                 member("..a", ""),
			"/sessions/%252e/conference/members":               member("%2e", ""),
			"/..":                                              {},
			"/.":                                               {},
		}},
		{"the id is decoded once", map[string]Match{
			"/sessions/a%20b/conference/members":        member("a b", ""),
			"/sessions/ab%63/conference/members":        member("abc", ""),
			"/sessions/a%2525b/conference/members":      member("a%25b", ""),
			"/sessions/%C3%A9/conference/members":       member("\u00e9", ""),
			"/sessions/%F0%9F%93%9e/conference/members": member("\U0001f4de", ""),
			"/sessions/%EF%BF%BD/conference/members":    member("\ufffd", ""),
			"/sessions/a%3Fb%23/conference/members":     member("a?b#", ""),
			"/sessions/a,b;c=d/conference/members":      member("a,b;c=d", ""),
			"/sessions/%7Bx%7D/conference/members":      member("{x}", ""),
			"/sessions/%20/conference/members":          member(" ", ""),
			"/sessions/a%00b/conference/members":        member("a\x00b", ""),
			"/sessions/a%5Cb/conference/members":        member(`a\b`, ""),
		}},
		{"a plus sign in the id is a space", map[string]Match{
			"/sessions/a+b/conference/members":     member("a b", ""),
			"/sessions/a%2Bb/conference/members":   member("a b", ""),
			"/sessions/a%2bb/conference/members":   member("a b", ""),
			"/sessions/a%252Bb/conference/members": member("a%2Bb", ""),
		}},
		{"what is no escape or no UTF-8 stays as it is", map[string]Match{
			"/sessions/100%/conference/members":      member("100%", ""),
			"/sessions/a%4/conference/members":       member("a%4", ""),
			"/sessions/a%zz/conference/members":      member("a%zz", ""),
			"/sessions/%FF/conference/members":       member("%FF", ""),
			"/sessions/%e2%82/conference/members":    member("%e2%82", ""),
			"/sessions/%e2%82%41/conference/members": member("%e2%82A", ""),
			"/sessions/%C0%AF/conference/members":    member("%C0%AF", ""), // an overlong slash
			"/sessions/%ED%A0%80/conference/members": member("%ED%A0%80", ""),
			"/sessions/%%41/conference/members":      member("%A", ""),
		}},
		{"a slash encoded in lower case separates", map[string]Match{
			"/sessions%2fabc%2fconference%2fmembers":      member("abc", ""),
			"%2fsessions%2fabc%2fconference%2fmembers%2f": member("abc", ""),
			"/sessions%252fabc/conference/members":        member("abc", ""),
			"/sessions%%32fabc/conference/members":        member("abc", ""),
			"/sessions%%32%66abc/conference/members":      member("abc", ""),
			"/sessions/abc%2f/conference/members":         member("abc", ""),
			"/sessions/abc/conference/members%2f.csv":     member("abc", ".csv"),
		}},
		{"a slash encoded in upper case stays in the id", map[string]Match{
			"/sessions/a%2Fb/conference/members":   member("a%2Fb", ""),
			"/sessions/a%252Fb/conference/members": member("a%2Fb", ""),
			"/sessions/..%2Fb/conference/members":  member("..%2Fb", ""),
		}},
		{"other readings of slashes are tried last", map[string]Match{
			"/sessions/abc%2Fconference/members":           doubtful("abc", ""),
			"/sessions%2Fabc%2Fconference%2Fmembers":       doubtful("abc", ""),
			"%2Fsessions%2Fabc%2fconference%2Fmembers.csv": doubtful("abc", ".csv"),
			"/sessions%5Cabc%5cconference/members":         doubtful("abc", ""),
			`\sessions\abc\conference\members`:             doubtful("abc", ""),
			"/sessions/a%2fb/conference/members":           doubtful("a%2fb", ""),
			"/sessions%2F%2Fabc/conference/members":        doubtful("abc", ""),
			"/sessions/a%5Cb%2Fconference/members":         doubtful(`a\b`, ""),
			`/sessions\a%2Fb/conference/members`:           doubtful("a%2Fb", ""),
		}},
		{"other readings of dot segments are tried last", map[string]Match{
			"/x%2f../sessions/abc/conference/members":          doubtful("abc", ""),
			"/x%2f..%2fsessions/abc/conference/members":        doubtful("abc", ""),
			"/x%5C..%5Csessions/abc/conference/members":        doubtful("abc", ""),
			"/%2e%2e%2Fsessions/abc/conference/members":        doubtful("abc", ""),
			"/sessions/abc/conference/x%2F%2e%2e%2Fmembers":    doubtful("abc", ""),
			"/a%2fb/../c%2f../sessions/abc/conference/members": doubtful("abc", ""),
			"/a%2fb/../sessions/abc/conference/members":        member("abc", ""),
			"/a%2fb/../../sessions/abc/conference/members":     member("abc", ""),
			"/sessions/a%2fb/../abc/conference/members":        member("abc", ""),
			"/sessions/abc%2f./conference/members":             doubtful("abc%2f.", ""),
			"/sessions/abc/x//../conference/members":           doubtful("abc", ""),
			"/sessions/x//../abc/conference/members":           doubtful("abc", ""),
			"/sessions/abc%2fx/%2f../conference/members":       doubtful("abc", ""),
		}},
		{"a suffix of another kind is told, for hosts that know more", map[string]Match{
			"/sessions/abc/conference/members.msgpack":     unknown("abc"),
			"/sessions/abc/conference/members.x-msgpack":   unknown("abc"),
			"/sessions/abc/conference/members.wire":        unknown("abc"),
			"/SESSIONS/a%20b//conference/MEMBERS.jsonl":    unknown("a b"),
			"/sessions/abc/conference/members%2Emsgpack":   unknown("abc"),
			"/sessions/abc/conference/members/.msgpack":    unknown("abc"),
			"/sessions/abc/conference/members//.x":         unknown("abc"),
			"/sessions/abc/conference/members/.CSV":        unknown("abc"),
			"/sessions/abc/conference/members.%E2%82%AC":   unknown("abc"),
			"/sessions/abc/conference/members.a%2Fb":       unknown("abc"),
			"/sessions%5Cabc/conference/members.msgpack":   {Kind: Members, SessionID: "abc", UnknownSuffix: true, Ambiguous: true},
			"/sessions/abc/conference/members/.msgpack/":   unknown("abc"),
			"/sessions/abc/conference/members.msgpack/":    unknown("abc"),
			"/sessions/abc/conference/members.msgpack/x":   {},
			"/sessions/abc/conference/members.msgpack/.x":  alike,
			"/sessions/abc/conference/members/.msgpack/.x": alike,
			"/sessions/abc/conference/members/x.msgpack":   {},
			"/sessions/abc/conference/.msgpack":            {},
		}},
		{"a suffix is lower case, the last thing, and one of five", map[string]Match{
			"/sessions/abc/conference/members.csv":         member("abc", ".csv"),
			"/sessions/abc/conference/members.json":        member("abc", ".json"),
			"/sessions/abc/conference/members.xml":         member("abc", ".xml"),
			"/sessions/abc/conference/members.jsv":         member("abc", ".jsv"),
			"/sessions/abc/conference/members.html":        member("abc", ".html"),
			"/SESSIONS/abc/conference/MEMBERS.csv":         member("abc", ".csv"),
			"/sessions/a.csv/conference/members.json":      member("a.csv", ".json"),
			"/sessions/a.csv/conference/members":           member("a.csv", ""),
			"/sessions/.csv/conference/members":            member(".csv", ""),
			"/sessions/abc/conference/members/.csv":        member("abc", ".csv"),
			"/sessions/abc/conference/members//.csv":       member("abc", ".csv"),
			"/sessions/abc/conference/members.c%73v":       member("abc", ".csv"),
			"/sessions/abc/conference/members%2Ecsv":       member("abc", ".csv"),
			"/sessions/abc/conference/members%2e%63%73%76": member("abc", ".csv"),
			"/sessions/a%20b/conference/members.csv":       member("a b", ".csv"),
			"/sessions/abc/conference/members.Csv":         unknown("abc"),
			"/sessions/abc/conference/members.JSON":        unknown("abc"),
			"/sessions/abc/conference/members.c%53v":       unknown("abc"),
			"/sessions/abc/conference/members.bogus":       unknown("abc"),
			"/sessions/abc/conference/members.none":        unknown("abc"),
			"/sessions/abc/conference/members.txt":         unknown("abc"),
			"/sessions/abc/conference/members.csv.json":    unknown("abc"),
			"/sessions/abc/conference/members..csv":        unknown("abc"),
			"/sessions/abc/conference/members.":            unknown("abc"),
			"/sessions/abc/conference/members.csv.":        unknown("abc"),
			"/sessions/abc/conference/members.csv/":        doubtful("abc", ".csv"),
			"/sessions/abc/conference/members.csv/.":       doubtful("abc", ".csv"),
			"/sessions/abc/conference/members.csv%2f":      doubtful("abc", ".csv"),
			"/sessions/abc/conference/members.csv%20":      unknown("abc"),
			"/sessions/abc/conference/members.csv+":        unknown("abc"),
			"/sessions/abc/conference/members%20.csv":      {},
			"/sessions/abc/conference/members;.csv":        {},
			"/sessions/abc/conference/members.csv;x":       unknown("abc"),
			"/sessions/abc/conference/members.csv%23f":     unknown("abc"),
			"/sessions/abc/conference/members.csv%00":      unknown("abc"),
			"/sessions/abc/conference/members%252Ecsv":     {},
			"/sessions/abc/conference/memberscsv":          {},
			"/sessions/abc/conference/.csv":                {},
			"/sessions/abc/conference/members.csv/.csv":    unknown("abc"),
		}},
	}
	for _, r := range rules {
		t.Run(r.rule, func(t *testing.T) {
			for path, want := range r.cases {
				if got := template.Match(path); got != want {
					t.Errorf("Match(%q) = %+v, want %+v", path, got, want)
				}
			}
		})
	}
}

func TestMatchPredefinedRoutes(t *testing.T) {
	tests := map[string]Kind{
		"/json/reply/AddConferenceMember":           Predefined,
		"/csv/oneway/AddConferenceMember":           Predefined,
		"/csv/syncreply/AddConferenceMember":        Predefined,
		"/xml/asynconeway/AddConferenceMember":      Predefined,
		"/anything/reply/AddConferenceMember":       Predefined,
		"/CSV/Reply/ADDconferencemember":            Predefined,
		"//csv//reply//addconferencemember//":       Predefined,
		"/x/../csv/./reply/addconferencemember":     Predefined,
		"/csv/repl%79/AddConferenceM%65mber":        Predefined,
		"/csv%2freply%2fAddConferenceMember":        Predefined,
		"/csv%2Freply%2FAddConferenceMember":        Predefined,
		"/csv/reply/AddConferenceMember.csv":        Predefined,
		"/csv/reply/AddConferenceMember.bogus":      Predefined,
		"/csv/reply/AddConferenceMember.":           Predefined,
		"/csv/reply/AddConferenceMember[]":          Batch,
		"/csv/reply/AddConferenceMember%5B%5D":      Batch,
		"/csv/reply/AddConferenceMember%5b%5d.json": Batch,
		"/csv/reply/AddConferenceMember/x/y":        Predefined, // the upstream takes the third segment
		"/api/AddConferenceMember":                  Predefined,
		"/API/addConferenceMember.csv":              Predefined,
		"/api/AddConferenceMember[]":                Batch,
		"/api/AddConferenceMember[].csv.json":       Batch,
		"/api/x/y/AddConferenceMember":              Predefined, // and here the last
		"/api/reply/AddConferenceMember":            Predefined,
		"/AddConferenceMember":                      LookAlike,
		"/reply/AddConferenceMember":                LookAlike,
		"/api":                                      None,
		"/api/":                                     None,
		"/api/.csv":                                 None,
		"/api/AddConferenceMember/x":                None,
		"/apis/AddConferenceMember":                 LookAlike,
		"/api/AddConferenceMembers":                 None,
		"/api/AddConferenceMember[":                 None,
		"/api/AddConferenceMember[][]":              None,
		"/api/xAddConferenceMember":                 None,
		"/api/[]":                                   None,
		"/csv/reply":                                None,
		"/soap11":                                   SOAP,
		"/SOAP12":                                   SOAP,
		"//soap12//":                                SOAP,
		"/soap12/x":                                 SOAP,
		"/x/../%73oap11.csv":                        SOAP,
		"/%2Fsoap12":                                SOAP,
		"/soap":                                     None,
		"/soap13":                                   None,
		"/soap112":                                  None,
		"/x/soap12":                                 None,
		"/csv/reply/RemoveConferenceMember":         None,
		"/csv/replies/AddConferenceMember":          LookAlike,
		"/csv/reply/x/AddConferenceMember":          LookAlike,
		"/x/csv/reply/AddConferenceMember":          LookAlike,
	}
	for _, template := range []string{DefaultTemplate, "/calls/{sessionId}/add"} {
		rt := mustParse(t, template)
		for path, want := range tests {
			if got := rt.Match(path); got.Kind != want {
				t.Errorf("%s: Match(%q) = %+v, want kind %d", template, path, got, want)
			}
		}
	}
}

func TestPredefinedRoutesStandBelowThePrefixToo(t *testing.T) {
	tests := []struct {
		template, path string
		want           Kind
	}{
		{"/v1/sessions/{sessionId}/conference/members", "/v1/csv/reply/AddConferenceMember", Predefined},
		{"/V1/Sessions/{sessionId}/Conference/Members", "/v1/api/AddConferenceMember", Predefined},
		{"/v1/sessions/{sessionId}/conference/members", "/api/AddConferenceMember", Predefined},
		{"/a/b/sessions/{sessionId}/conference/members", "/a//B/api/AddConferenceMember.csv", Predefined},
		{"/v1/sessions/{sessionId}/conference/members", "/V1/soap12", SOAP},
		{"/v1/sessions/{sessionId}/conference/members", "/soap11", SOAP},
		{"/v1/sessions/{sessionId}/conference/members", "/v1/csv/reply/AddConferenceMember[]", Batch},
		{"/a/b/sessions/{sessionId}/conference/members", "/a/api/AddConferenceMember", LookAlike},
		{"/v1/calls/{sessionId}/add", "/v1/api/AddConferenceMember", LookAlike},
		{DefaultTemplate, "/v1/api/AddConferenceMember", LookAlike},
	}
	for _, tt := range tests {
		if got := mustParse(t, tt.template).Match(tt.path); got.Kind != tt.want {
			t.Errorf("%s: Match(%q) = %+v, want kind %d", tt.template, tt.path, got, tt.want)
		}
	}
}

func TestAPredefinedRouteNamesAFormat(t *testing.T) {
	template := mustParse(t, DefaultTemplate)
	for path, want := range map[string]Match{
		"/json/reply/AddConferenceMember":           {Kind: Predefined, Format: negotiate.JSON},
		"/CSV/oneway/AddConferenceMember":           {Kind: Predefined, Format: negotiate.CSV},
		"/%78ml/syncreply/AddConferenceMember":      {Kind: Predefined, Format: negotiate.XML},
		"/jsv/asynconeway/AddConferenceMember/x":    {Kind: Predefined, Format: negotiate.JSV},
		"/html/reply/AddConferenceMember.csv":       {Kind: Predefined, Format: negotiate.HTML, Suffix: ".csv"},
		"/x-msgpack/reply/AddConferenceMember":      {Kind: Predefined},
		"/none/reply/AddConferenceMember":           {Kind: Predefined},
		"/api/AddConferenceMember":                  {Kind: Predefined},
		"/api/AddConferenceMember.json":             {Kind: Predefined, Suffix: ".json"},
		"/api/AddConferenceMember.JSON":             {Kind: Predefined, UnknownSuffix: true},
		"/api/AddConferenceMember.msgpack":          {Kind: Predefined, UnknownSuffix: true},
		"/api/AddConferenceMember.":                 {Kind: Predefined, UnknownSuffix: true},
		"/api/AddConferenceMember.json.csv":         {Kind: Predefined, UnknownSuffix: true},
		"/json/reply/AddConferenceMember[].csv":     {Kind: Batch, Format: negotiate.JSON, Suffix: ".csv"},
		"/json/reply/AddConferenceMember%5B%5D.wir": {Kind: Batch, Format: negotiate.JSON, UnknownSuffix: true},
	} {
		if got := template.Match(path); got != want {
			t.Errorf("Match(%q) = %+v, want %+v", path, got, want)
		}
	}
}

func TestOperationsBelowTheRoute(t *testing.T) {
	for path, want := range map[string]Match{
		"/sessions/abc/conference/members":                 member("abc", ""),
		"/sessions/abc/conference/members/bulk":            {Kind: Members, Operation: "bulk", SessionID: "abc"},
		"/sessions/abc/conference/members/check":           {Kind: Members, Operation: "check", SessionID: "abc"},
		"//SESSIONS/a.b//conference/members//BULK/":        {Kind: Members, Operation: "bulk", SessionID: "a.b"},
		"/sessions/abc/conference/members/x/../ch%65ck":    {Kind: Members, Operation: "check", SessionID: "abc"},
		"/sessions/abc/conference/members%2fbulk":          {Kind: Members, Operation: "bulk", SessionID: "abc"},
		"/sessions/abc/conference/members%2Fbulk":          {Kind: Members, Operation: "bulk", SessionID: "abc", Ambiguous: true},
		"/sessions/abc/conference/members/bulk.csv":        {Kind: Members, Operation: "bulk", SessionID: "abc", Suffix: ".csv"},
		"/sessions/abc/conference/members/check%2Ejson":    {Kind: Members, Operation: "check", SessionID: "abc", Suffix: ".json"},
		"/sessions/abc/conference/members/bulk/.csv":       {Kind: Members, Operation: "bulk", SessionID: "abc", Suffix: ".csv"},
		"/sessions/abc/conference/members/bulk.xml":        {Kind: Members, Operation: "bulk", SessionID: "abc", UnknownSuffix: true},
		"/sessions/abc/conference/members/bulk.CSV":        {Kind: Members, Operation: "bulk", SessionID: "abc", UnknownSuffix: true},
		"/sessions/abc/conference/members/check.msgpack":   {Kind: Members, Operation: "check", SessionID: "abc", UnknownSuffix: true},
		"/sessions/abc/conference/members/bulk/.x":         {Kind: Members, Operation: "bulk", SessionID: "abc", UnknownSuffix: true},
		"/sessions/abc/conference/members/bulk.csv/.x":     {},
		"/sessions/abc/conference/members/bulks":           {},
		"/sessions/abc/conference/members/bulk/check":      {},
		"/sessions/abc/conference/members/bulk/x":          {},
		"/sessions/abc/conference/members.csv/bulk":        {},
		"/sessions/abc/conference/members/.csv/bulk":       {},
		"/sessions/abc/conference/bulk":                    {},
		"/api/AddConferenceMember/bulk":                    {},
		"/v1/sessions/abc/conference/members/bulk":         {},
		"/sessions/abc/conference/members/bulk/../members": {},
	} {
		got := mustParse(t, DefaultTemplate, "bulk", "check").Match(path)
		if got != want {
			t.Errorf("Match(%q) = %+v, want %+v", path, got, want)
		}
		if none := mustParse(t, DefaultTemplate).Match(path); want.Operation != "" && none.Kind != None {
			t.Errorf("without operations, Match(%q) = %+v", path, none)
		}
	}
}

func TestLookAlikes(t *testing.T) {
	tests := []struct {
		template string
		paths    map[string]Kind
	}{
		{"/v1" + DefaultTemplate, map[string]Kind{
			"/sessions/abc/conference/members":           LookAlike, // handle_path took /v1 off
			"/v2/SESSIONS/abc//Conference/members.csv":   LookAlike,
			"/conference/members":                        LookAlike,
			"/conference/members/":                       LookAlike,
			"/conference%2fmembers":                      LookAlike,
			"/conference%2Fmembers":                      LookAlike,
			"/x/conference/members.msgpack":              LookAlike,
			"/x/conference/members/.msgpack":             LookAlike,
			"/x/conference/members/x/..":                 LookAlike,
			"/json/x/AddConferenceMember%5b%5d.x":        LookAlike,
			"/members":                                   None,
			"/conference/members/x":                      None,
			"/conference/x/members":                      None,
			"/conferences/members":                       None,
			"/conference/membership":                     None,
			"/x/AddConferenceMembers":                    None,
			"/v1/sessions/abc/conference/members.":       Members,
			"/x/..%5cv1/sessions/abc/conference/members": Members,
		}},
		{"/calls/{sessionId}/add", map[string]Kind{
			"/x/conference/members": LookAlike,
			"/contacts/add":         None,
		}},
		{"/calls/{sessionId}/people/add", map[string]Kind{
			"/x/people/ADD.csv":     LookAlike,
			"/x/conference/members": None,
		}},
	}
	for _, tt := range tests {
		template := mustParse(t, tt.template)
		for path, want := range tt.paths {
			if got := template.Match(path); got.Kind != want || want == LookAlike && got != alike {
				t.Errorf("%s: Match(%q) = %+v, want kind %d", tt.template, path, got, want)
			}
		}
	}
}

func TestMatchOfOtherTemplates(t *testing.T) {
	tests := []struct {
		template, path string
		want           Match
	}{
		{"/{sessionId}", "/abc", member("abc", "")},
		{"/{sessionId}", "/abc.csv", member("abc", ".csv")},
		{"/{sessionId}", "/abc.x", unknown("abc.x")},
		{"/{sessionId}", "/a.b.csv", member("a.b", ".csv")},
		{"/{sessionId}", "/abc/.x", unknown("abc")},
		{"/{sessionId}", "/.x", unknown(".x")},
		{"/calls/{sessionId}/add", "/calls/abc/add.x", unknown("abc")},
		{"/{sessionId}/members.CSV", "/abc/members.csv", Match{}},
		{"/v1.2/{sessionId}/a.b", "/v1.2/x.y/a.b", member("x.y", "")},
		{"/v1.2/{sessionId}/a.b", "/v1.2/x.y/a.b.c", unknown("x.y")},
		{"/v1.2/{sessionId}/a.b", "/v1.2/x.y/a.csv", Match{}},
		{"/{sessionId}", "/.csv", Match{}},
		{"/{sessionId}", "/a/b", Match{}},
		{"/Calls/{sessionId}", "/calls/a+b.json/", doubtful("a b", ".json")},
		{"/v1/sessions/{sessionId}/conference/members", "/V1/sessions/x/conference/members.xml", member("x", ".xml")},
		{"/v1/sessions/{sessionId}/conference/members", "/sessions/x/conference/members", alike},
		{"/v1.2/{sessionId}/kelvin", "/v1.2/x/%E2%84%AAelv%C4%B1n", member("x", "")},
		{"/a@b/{sessionId}/c:d", "/A%40b/x/c%3Ad", member("x", "")},
		{"/zones/{sessionId}", "/ZONES/x", member("x", "")},
	}
	for _, tt := range tests {
		if got := mustParse(t, tt.template).Match(tt.path); got != tt.want {
			t.Errorf("%s: Match(%q) = %+v, want %+v", tt.template, tt.path, got, tt.want)
		}
	}
}

// longPath needs all readings, and matches in none.
var longPath = "/x%2F..%2f" + strings.Repeat("/a/..%5C", 1<<16)

func TestMatchDoesNotAllocate(t *testing.T) {
	template := mustParse(t, DefaultTemplate)
	for path, want := range map[string]float64{
		"/":                                    0,
		"/static/app.js":                       0,
		"/static/a%20file+name.png":            0,
		"/static/./../%2e%2e%2F%2fx%5c":        0,
		"/static/" + strings.Repeat("x", 5000): 0,
		"/sessions/abc/conference/members":     0,
		"/sessions/abc/conference/members.csv": 0,
		"/api/AddConferenceMember%5B%5D":       0,
		"/json/reply/AddConferenceMember":      0,
		"/v9/sessions/abc/conference/members":  0,
		"/sessions/abc/conference/members.x":   0,
		"/sessions/%61bc/conference/members":   1, // the id
	} {
		if n := testing.AllocsPerRun(100, func() { template.Match(path) }); n != want {
			t.Errorf("Match(%.40q): %v allocations, want %v", path, n, want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { template.Match(longPath) }); n != 2 {
		t.Errorf("a long path: %v allocations, want two buffers", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	template := mustParse(b, DefaultTemplate)
	for _, bm := range []struct{ name, path string }{
		{"other", "/static/js/app.min.js"},
		{"other_encoded", "/static/js/a%20file.js"},
		{"near", "/sessions/3fa85f64-5717-4562-b3fc-2c963f66afa6/conference"},
		{"members", "/sessions/3fa85f64-5717-4562-b3fc-2c963f66afa6/conference/members"},
		{"suffix", "/sessions/3fa85f64-5717-4562-b3fc-2c963f66afa6/conference/members.csv"},
		{"encoded", "/sessions/3fa85f64%2D5717-4562-b3fc-2c963f66afa6/conference/members"},
		{"predefined", "/csv/reply/AddConferenceMember"},
		{"hostile", longPath},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bm.path)))
			for b.Loop() {
				template.Match(bm.path)
			}
		})
	}
}

func ExampleTemplate_Match() {
	template, err := Parse(DefaultTemplate)
	if err != nil {
		fmt.Println(err)
		return
	}
	m := template.Match("/Sessions//a%20b/conference/members.c%73v")
	fmt.Printf("%q %q %t\n", m.SessionID, m.Suffix, m.Kind == Members)
	// Output: "a b" ".csv" true
}
