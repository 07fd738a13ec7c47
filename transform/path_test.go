package transform

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

const conference = `{"id":"S1","a.b":"dot","ended":false,"n":1.50,"nothing":null,"members":[
	{"role":"Caller","displayName":"C","muted":true,"tags":["x","y"]},{"role":"Agent","displayName":"A\u00e9","muted":false,"tags":[]}],
	"empty":{},"html":"{\"id\":\"inner\"}","markup":"[{d}"}`

func TestPathsFindWhatTheyLeadTo(t *testing.T) {
	for path, want := range map[string]string{
		`id`:                                     "S1",
		`a\.b`:                                   "dot",
		`ended`:                                  "false",
		`n`:                                      "1.50",
		`nothing`:                                "",
		`missing`:                                "",
		`missing.@keys`:                          "",
		`members.#`:                              "2",
		`members.1.displayName`:                  "Aé",
		`members|0|role`:                         "Caller",
		`members.#.role`:                         `["Caller","Agent"]`,
		`members.#(role=="Agent").displayName`:   "Aé",
		`members.#(role == "Agent").displayName`: "Aé",
		`members.#(role="Nobody").displayName`:   "",
		`members.#(muted==true)#.role`:           `["Caller"]`,
		`members.#(muted!=true).role`:            "Agent",
		`members.#(role%"A*").role`:              "Agent",
		`members.#(role!%"A*").role`:             "Caller",
		`members.#(tags.#(=="y")).role`:          "Caller",
		`members.#(tags.#>0).role`:               "Caller",
		`members.#(muted==~false).role`:          "Agent",
		`members.0.tags.#(!="x")`:                "y",
		`members.#(displayName=="\"").role`:      "",
		`members.#(tags).role`:                   "Caller",
		`members.@reverse.0.role`:                "Agent",
		`members.#.tags|@flatten`:                `["x","y"]`,
		`members.0.@keys.0`:                      "role",
		`members.0.@values.0`:                    "Caller",
		`empty`:                                  "{}",
		`m?mbers.0.role`:                         "Caller",
		`mem*.0.role`:                            "Caller",
		`@this.id`:                               "S1",
		`markup.@this`:                           "[{d}",
		`markup.@reverse.0`:                      "", // gjson searches the text, and finds {d}
	} {
		p, err := CompilePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if got := p.Lookup([]byte(conference)); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		if p.String() != path {
			t.Errorf("%s is called %s", path, p)
		}
	}
}

func TestPathsThatCannotBeCompiledSayWhere(t *testing.T) {
	for path, want := range map[string]string{
		``:                         `character 1: a key is missing`,
		`.`:                        `character 1: a key is missing`,
		`..id`:                     `character 1: a key is missing`,
		`a..b`:                     `character 3: a key is missing`,
		`a.`:                       `character 3: a key is missing`,
		`a|`:                       `character 3: a key is missing`,
		`é.`:                       `character 3: a key is missing`,
		`!true`:                    `character 1: literals are not allowed`,
		`a.!"x"`:                   `character 3: literals are not allowed`,
		`a!b`:                      `character 2: ! is not allowed in a key; if it is part of one, write \!`,
		`{a,b}`:                    `character 1: multipaths are not allowed`,
		`a.[b]`:                    `character 3: multipaths are not allowed`,
		`a.{"x":b}`:                `character 3: multipaths are not allowed`,
		`a{`:                       `character 2: { is not allowed in a key`,
		`a]`:                       `character 2: ] is not allowed in a key`,
		`a"b"`:                     `character 2: " is not allowed in a key`,
		`@pretty`:                  `character 1: the modifier @pretty is not allowed: use @this, @keys, @values, @reverse, @flatten`,
		`a.@ugly`:                  `character 3: the modifier @ugly is not allowed`,
		`a|@dig:x`:                 `character 3: the modifier @dig is not allowed`,
		`a.@fromstr`:               `character 3: the modifier @fromstr is not allowed`,
		`a.@`:                      `character 3: the modifier @ is not allowed`,
		`a.@key`:                   `character 3: the modifier @key is not allowed: did you mean @keys?`,
		`a.@flatten:{"deep":true}`: `character 11: modifiers take no arguments`,
		`a.@zAZ`:                   `character 3: the modifier @zAZ is not allowed`,
		`a.@thisone`:               `character 3: the modifier @thisone is not allowed`,
		`a.@this2`:                 `character 8: "2" is out of place`,
		`a.#b`:                     `character 4: "b" is out of place`,
		`a.#[b==1]`:                `character 4: write a query in round brackets`,
		`a.#(`:                     `character 5: a key is missing`,
		`a.#()`:                    `character 5: the query is empty`,
		`a.#(b`:                    `character 6: want an operator or a closing bracket`,
		`a.#(b==1`:                 `character 9: a closing bracket is missing`,
		`a.#(b==)`:                 `character 8: a value to compare with is missing`,
		`a.#(b=="x)`:               `character 8: a closing quote is missing`,
		`a.#(b=="x\")`:             `character 8: a closing quote is missing`,
		`a.#(b==x"y)`:              `character 9: a closing bracket is missing`,
		`a.#(b==x y)`:              `character 10: a closing bracket is missing`,
		`a.#(b!1)`:                 `character 6: want an operator`,
		`a.#(@pretty=="x")`:        `character 5: the modifier @pretty is not allowed`,
		`a.#(b.#({c}==1)==1)`:      `character 9: multipaths are not allowed`,
		`a.#(b==1)c`:               `character 10: "c" is out of place`,
		`a\`:                       `character 2: a character is missing behind the \`,
		"a\nb":                     `character 2: control characters are not allowed`,
		"a\xff":                    `is not UTF-8`,
		strings.Repeat("a", 257):   `the path is 257 bytes long: at most 256`,
	} {
		p, err := CompilePath(path)
		if err == nil || p != nil {
			t.Errorf("%q compiled", path)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", path, err, want)
		}
	}
	if _, err := CompilePath(strings.Repeat("a", 256)); err != nil {
		t.Error(err)
	}
}

// What is behind the beginning of a JSON can't change what is found in it.
func TestAPrefixYieldsOnlyWhatStandsInIt(t *testing.T) {
	for _, c := range []struct{ path, prefix, want string }{
		{`id`, `{"id":"S1","members":[{"role":"Ag`, "S1"},
		{`id`, `{"id":"S1"`, ""}, // it could go on
		{`id`, `{"id":"S`, ""},
		{`n`, `{"n":12`, ""},
		{`n`, `{"n":12,`, "12"},
		{`members.0.role`, `{"members":[{"role":"Agent"},{"ro`, "Agent"},
		{`members.0`, `{"members":[{"role":"Agent"},{"ro`, `{"role":"Agent"}`},
		{`members.#(role=="Agent").id`, `{"members":[{"role":"Agent","id":"1"},{"ro`, "1"},
		{`members`, `{"members":[{"role":"Agent"},{"ro`, ""},
		{`members.#`, `{"members":[{"role":"Agent"},{"ro`, ""},
		{`members.#.role`, `{"members":[{"role":"Agent"},{"ro`, ""},
		{`members.#(role=="Agent")#.role`, `{"members":[{"role":"Agent"},{"ro`, ""},
		{`members.@reverse.0`, `{"members":[{"role":"Agent"},{"ro`, ""},
		{`@this`, `{"members":[{"role":"Agent"},{"ro`, ""},
		{`x`, ``, ""},
	} {
		p, err := CompilePath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.LookupPrefix([]byte(c.prefix)); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.path, c.prefix, got, c.want)
		}
	}
}

// FuzzPath holds that a path that compiles finds JSON in JSON, that no compiled
// path has what is refused, and that nothing panics on JSON that is cut off.
func FuzzPath(f *testing.F) {
	for seed := range uint64(50) {
		r := newRandom(seed)
		f.Add(strings.TrimPrefix(r.path(), "row:"), []byte(r.json(r.object(2, sessionProperties))), uint16(seed))
	}
	f.Add(`members.#(tags.#(=="y"))#|0.role`, []byte(conference), uint16(100))
	f.Fuzz(func(t *testing.T, path string, json []byte, cut uint16) {
		p, err := CompilePath(path)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("an error of several lines: %v", err)
			}
			return
		}
		p.LookupPrefix(json[:min(int(cut), len(json))])
		if v, reason := parse(json); reason == "" {
			if o, ok := v.(object); ok {
				walksAsGjson(t, p, o)
				if found := p.find(json); found.Exists() && !gjson.Valid(found.Raw) {
					t.Errorf("%s finds %q in %s", path, found.Raw, json)
				}
				p.Lookup(json)
			}
		}
	})
}

// walksAsGjson holds that the keys of a path lead to the value that gjson finds.
func walksAsGjson(t *testing.T, p *Path, o object) {
	t.Helper()
	// To gjson | is another search, in a text as well, and a large index overflows.
	if p.rest != "" || strings.Contains(p.text, "|") || slices.ContainsFunc(p.keys, func(k key) bool { return len(k.name) > 18 }) {
		return
	}
	json := jsonOf(o)
	s := newScanner([]byte(json))
	defer s.release()
	got := ""
	if i := s.walk(0, p.keys); i >= 0 {
		got = json[i:s.skip(i)]
	}
	if want := gjson.Get(json, p.text); got != want.Raw {
		t.Errorf("%s finds %q, want %q, in %s", p, got, want.Raw, json)
	}
}

func TestKeysLeadWhereGjsonFindsThem(t *testing.T) {
	found := 0
	for seed := range uint64(2000) {
		r := newRandom(seed)
		o := r.object(3, nil)
		v, text := tree(o), ""
		for v != nil && r.chance(90) {
			key := r.text()
			switch from := v.(type) {
			case object:
				if len(from) > 0 && r.chance(90) {
					key = from[r.IntN(len(from))].name
				}
				v = from.get(key)
			case []tree:
				n := r.IntN(len(from) + 1)
				if key, v = strconv.Itoa(n), nil; n < len(from) {
					v = from[n]
				}
			default:
				v = nil
			}
			var escaped strings.Builder
			for _, c := range key {
				if strings.ContainsRune(`\.|*?@!{}[]()"=<>%`, c) || r.chance(2) && c != '#' && c > '9' {
					escaped.WriteByte('\\')
				}
				escaped.WriteRune(c)
			}
			text += "." + escaped.String()
		}
		p, err := CompilePath(strings.TrimPrefix(text, "."))
		if err != nil || p.rest != "" { // empty, or with a control character or #
			continue
		}
		walksAsGjson(t, p, o)
		s := newScanner([]byte(r.json(o))) // with escapes and white space
		i := s.walk(s.begin(), p.keys)
		if want := lookup(o, p.text); i < 0 && want != nil {
			t.Errorf("%s finds nothing, want %v, in %s", p, want, s.json)
		} else if i >= 0 {
			found++
			if got, reason := parse(s.json[i:s.skip(i)]); reason != "" || jsonOf(got) != jsonOf(want) {
				t.Errorf("%s finds %v, want %v, in %s", p, got, want, s.json)
			}
		}
		s.release()
	}
	if found < 100 {
		t.Errorf("only %d were found", found)
	}
}

func TestKeysInJSONAsUpstreamsWriteIt(t *testing.T) {
	const session = `{"x" : {"a.b":1,"a*b?":2,"@this":3,"\u0069d":"i","t\u00e9":4,"":5,"0":6,"\"":7,"s\/":8,"\ud83d\ude00":9},
		"y":[ [ ] , {"z" :"}]\"\\"} , "]" , -1.5e3 , {"z":true}, null ] ,"id":"\u0053","z":"{\"a\":1}","w":"[{d}"}`
	for path, want := range map[string]string{
		`x.a\.b`:                 "1",
		`x.a\*b\?`:               "2",
		`x.\@this`:               "3",
		`x.id`:                   "i",
		`x.\i\d`:                 "i",
		`x.té`:                   "4",
		`x.0`:                    "6",
		`x|\0`:                   "6",
		`x.\"`:                   `7`,
		`x.s/`:                   "8",
		`x.😀`:                    "9",
		`x.a`:                    "",
		`y.1.z`:                  `}]"\`,
		`y|1|z`:                  `}]"\`,
		`y.01.z`:                 `}]"\`,
		`y.\1.z`:                 "",
		`y.2`:                    "]",
		`y.3`:                    "-1.5e3",
		`y.3.0`:                  "",
		`y.4.z`:                  "True",
		`y.5`:                    "",
		`y.6`:                    "",
		`y.-1`:                   "",
		`y.99999999999999999999`: "",
		`y.z`:                    "",
		`id`:                     "S",
		`z.a`:                    "",
		`z|a`:                    "",
		`w.@reverse`:             "[{d}",
		`w.@reverse.0`:           "", // gjson searches the text, and finds {d}
	} {
		for _, rows := range []string{"", "row:"} {
			p := compile(t, Options{Columns: []Column{{Label: "X", Path: rows + path}}, Nested: "json"})
			text, err := p.AppendSessions(nil, []byte(session))
			if err != nil {
				t.Fatal(err)
			}
			records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
			if err != nil || len(records) != 2 || records[1][0] != want {
				t.Errorf("%s: %v in %q, want %q", path, err, text, want)
			}
		}
	}
}
