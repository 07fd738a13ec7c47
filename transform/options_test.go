package transform

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/transform/transformtest"
)

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

// pick are options for the columns of the given names alone.
func pick(o Options, names ...string) Options {
	for _, name := range names {
		name, label, _ := strings.Cut(name, "=")
		o.Columns = append(o.Columns, Column{name, label})
	}
	return o
}

const small = `{"fromName":"=1+1","ended":true,"wasMissed":false,"log":[{"date":"d:1","message":null}],"members":[],"id":"S1","x":"y"}`

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		rule    string
		options Options
		json    string
		want    string
	}{
		{"columns choose and order", pick(Options{}, "id", "fromName"), small, "Id,FromName\r\nS1,=1+1\r\n"},
		{"a label names a column", pick(Options{}, "id=Call, id", "ended"), small, "\"Call, id\",Ended\r\nS1,True\r\n"},
		{"a label is guarded like any cell", pick(Options{FormulaGuard: yes()}, "id==x"), small, "'=x\r\nS1\r\n"},
		{"header camel", pick(Options{Header: "camel"}, "fromName"), small, "fromName\r\n=1+1\r\n"},
		{"header off", pick(Options{Header: "off"}, "fromName"), small, "=1+1\r\n"},
		{"header off keeps the byte order mark", pick(Options{Header: "off", BOM: yes()}, "fromName"), small, "\ufeff=1+1\r\n"},
		{
			"rfc4180 has camel, json, small booleans", pick(Options{Dialect: "rfc4180"}, "log", "ended", "wasMissed"), small,
			"log,ended,wasMissed\r\n\"[{\"\"date\"\":\"\"d:1\"\",\"\"message\"\":null}]\",true,false\r\n",
		},
		{"rfc4180 has pascal if told", pick(Options{Dialect: "rfc4180", Header: "pascal"}, "id"), small, "Id\r\nS1\r\n"},
		{"rfc4180 does not guard", pick(Options{Dialect: "rfc4180"}, "fromName"), small, "fromName\r\n=1+1\r\n"},
		{"rfc4180 guards if told", pick(Options{Dialect: "rfc4180", FormulaGuard: yes()}, "fromName"), small, "fromName\r\n'=1+1\r\n"},
		{
			"rfc4180 quotes a list only where needed", pick(Options{Dialect: "rfc4180"}, "members", "log"), `{"members":[],"log":[{}]}`,
			"members,log\r\n[],[{}]\r\n",
		},
		{
			"rfc4180 quotes JSV only where needed", pick(Options{Dialect: "rfc4180", Nested: "jsv"}, "members", "log"),
			`{"members":[{"identity":"a"}],"log":[1,2]}`, "members,log\r\n[{identity:a}],\"[1,2]\"\r\n",
		},
		{"rfc4180 does not quote a text for its bracket", pick(Options{Dialect: "rfc4180"}, "fromName"), `{"fromName":"[x"}`, "fromName\r\n[x\r\n"},
		{
			"rfc4180 quotes spaces at the ends", pick(Options{Dialect: "rfc4180"}, "fromName", "outcome", "channel"),
			`{"fromName":" x","outcome":"x\t","channel":"a b"}`, "fromName,outcome,channel\r\n\" x\",\"x\t\",a b\r\n",
		},
		{"rfc4180 quotes the end mark of COPY", pick(Options{Dialect: "rfc4180"}, "id"), `{"id":"\\."}`, "id\r\n\"\\.\"\r\n"},
		{"upstream does not quote spaces at the ends", pick(Options{}, "id"), `{"id":" x "}`, "Id\r\n x \r\n"},
		{
			"excel has mark, guard, large booleans", pick(Options{Dialect: "excel"}, "fromName", "ended", "wasMissed", "members"), small,
			"\ufeffFromName,Ended,WasMissed,Members\r\n'=1+1,TRUE,FALSE,[]\r\n",
		},
		{
			"excel without mark and guard if told", pick(Options{Dialect: "excel", BOM: no(), FormulaGuard: no()}, "fromName"), small,
			"FromName\r\n=1+1\r\n",
		},
		{"nested json", pick(Options{Nested: "json"}, "log"), small, "Log\r\n\"[{\"\"date\"\":\"\"d:1\"\",\"\"message\"\":null}]\"\r\n"},
		{
			"nested json is compact and has no needless escapes", pick(Options{Nested: "json"}, "log"),
			`{"log": [ {"\u0061" : "\u00e9\/\u0041\ud800\u0007\r\n\t\b\f\"\\" } , 1.50 ] }`,
			"Log\r\n\"[{\"\"a\"\":\"\"é/A\ufffd\\u0007\\r\\n\\t\\b\\f\\\"\"\\\\\"\"},1.50]\"\r\n",
		},
		{"nested jsv", pick(Options{Dialect: "rfc4180", Nested: "jsv"}, "log"), small, "log\r\n\"[{date:\"\"d:1\"\"}]\"\r\n"},
		{
			"a list as json, jsv and count", pick(Options{Lists: map[string]string{"log": "json", "members": "count", "customerBreadcrumb": "jsv"}},
				"log", "members", "customerBreadcrumb"), `{"log":[null],"members":[1,[2,3],{"a":[4]}],"customerBreadcrumb":[null]}`,
			"Log,Members,CustomerBreadcrumb\r\n\"[null]\",3,\"[{}]\"\r\n",
		},
		{"the count of a null list is null, of an empty one 0", pick(Options{Null: new("-"), Lists: map[string]string{"log": "count", "members": "count"}},
			"log", "members"), `{"log":null,"members":[ ]}`, "Log,Members\r\n-,0\r\n"},
		{"what is no list is not counted", pick(Options{Lists: map[string]string{"log": "count"}}, "log"), `{"log":{"a":1}}`, "Log\r\n\"{a:1}\"\r\n"},
		{
			"booleans are for cells, not for what is nested", pick(Options{Booleans: &Booleans{"ja", "nein"}}, "ended", "wasMissed", "log"),
			`{"ended":true,"wasMissed":false,"log":[true,false]}`, "Ended,WasMissed,Log\r\nja,nein,\"[True,False]\"\r\n",
		},
		{
			"excel quotes every separator that a spreadsheet may split at", pick(Options{Dialect: "excel"}, "id", "fromName"),
			`{"id":"a;=1+1","fromName":"b\t=1+1"}`, "\ufeffId,FromName\r\n\"a;=1+1\",\"b\t=1+1\"\r\n",
		},
		{
			"rfc4180 quotes the delimiter alone", pick(Options{Dialect: "rfc4180"}, "id", "fromName"),
			`{"id":"a;b","fromName":"c\td"}`, "id,fromName\r\na;b,c\td\r\n",
		},
		{"delimiter", pick(Options{Delimiter: ";"}, "id", "fromName"), `{"id":"a;b","fromName":"a,b"}`, "Id;FromName\r\n\"a;b\";a,b\r\n"},
		{"delimiter by name", pick(Options{Delimiter: "tab"}, "id", "fromName"), `{"id":"a\tb","fromName":"a,b"}`, "Id\tFromName\r\n\"a\tb\"\ta,b\r\n"},
		{"a delimiter in a number", pick(Options{Delimiter: "."}, "id", "fromName"), `{"id":1.5,"fromName":2}`, "Id.FromName\r\n\"1.5\".2\r\n"},
		{"a delimiter in the guard", pick(Options{Delimiter: "'", FormulaGuard: yes()}, "id", "fromName"), `{"id":"=x"}`, "Id'FromName\r\n\"'=x\"'\r\n"},
		{
			"null for null and absent, not for empty", pick(Options{Null: new("NULL")}, "id", "fromName", "outcome"), `{"id":null,"outcome":""}`,
			"Id,FromName,Outcome\r\nNULL,NULL,\r\n",
		},
		{
			"a text like null is quoted", pick(Options{Null: new("NULL")}, "id", "fromName", "outcome"), `{"id":"NULL","fromName":"\u004eULL"}`,
			"Id,FromName,Outcome\r\n\"NULL\",\"NULL\",NULL\r\n",
		},
		{
			"a count like null is quoted", pick(Options{Null: new("0"), Lists: map[string]string{"log": "count"}}, "log", "members"), `{"log":[]}`,
			"Log,Members\r\n\"0\",0\r\n",
		},
		{"null is quoted like any cell", pick(Options{Null: new("a,b")}, "id"), `{}`, "Id\r\n\"a,b\"\r\n"},
		{"a lone empty cell is no empty line", pick(Options{}, "id"), `[{},{"id":""},{"id":"x"}]`, "Id\r\n\"\"\r\n\"\"\r\nx\r\n"},
		{"a first cell is no byte order mark", pick(Options{Header: "off"}, "id"), `{"id":"\ufeffx"}`, "\"\ufeffx\"\r\n"},
		{"extra members are dropped", pick(Options{}, "id"), small, "Id\r\nS1\r\n"},
		{
			"extra members are appended", pick(Options{ExtraColumns: "append"}, "id"), `{"x":"a,b","id":"S1","y":null,"z":[ true ]}`,
			"Id,Extra\r\nS1,\"{x:\"\"a,b\"\",z:[True]}\"\r\n",
		},
		{
			"extra members are appended as JSON", pick(Options{ExtraColumns: "append", Dialect: "rfc4180"}, "id"), `{"x":1,"id":"S1","y":null}`,
			"id,extra\r\nS1,\"{\"\"x\"\":1,\"\"y\"\":null}\"\r\n",
		},
		{"no extra members are null", pick(Options{ExtraColumns: "append", Null: new("-")}, "id"), `{"id":"S1","ended":true}`, "Id,Extra\r\nS1,-\r\n"},
		{
			"numbers are copied digit for digit", pick(Options{}, "id", "fromName", "outcome"), `{"id":1.50,"fromName":-0,"outcome":12345678901234567890123}`,
			"Id,FromName,Outcome\r\n1.50,-0,12345678901234567890123\r\n",
		},
		{"an enum of any name is itself", pick(Options{}, "dialState"), `{"dialState":"-1"}`, "DialState\r\n-1\r\n"},

		{"rows log", Options{Rows: "log"}, small, "SessionId,Date,Message\r\nS1,d:1,\r\n"},
		{
			"rows customerBreadcrumb",
			Options{Rows: "customerBreadcrumb", Header: "camel"},
			`{"id":"S1","customerBreadcrumb":[{"id":"1","name":"a"},{"id":"2","name":"b"}]}`, "sessionId,id,name\r\nS1,1,a\r\nS1,2,b\r\n",
		},
		{
			"rows members has applicationData as one cell",
			Options{Rows: "members"},
			`{"members":[{"identity":"i","applicationData":{"a":"1","b":"2"},"muted":true},{"callSid":"CA"}],"id":"S1"}`,
			"SessionId,Identity,EndpointId,DisplayName,IsOriginalMember,AvatarUrl,ApplicationData,CallState,Role,CallSid,Muted\r\n" +
				"S1,i,,,,,\"{a:1,b:2}\",,,,True\r\nS1,,,,,,,,,CA,\r\n",
		},
		{"rows of an empty list: the header alone", Options{Rows: "log"}, `{"id":"S1","log":[ ]}`, "SessionId,Date,Message\r\n"},
		{"rows of a null list: the header alone", Options{Rows: "log"}, `{"id":"S1","log":null}`, "SessionId,Date,Message\r\n"},
		{"rows of an absent list: the header alone", Options{Rows: "log"}, `{"id":"S1"}`, "SessionId,Date,Message\r\n"},
		{
			"a null element is an empty row",
			Options{Rows: "log"},
			`{"id":"S1","log":[{"date":"d"}, null ,{}]}`,
			"SessionId,Date,Message\r\nS1,d,\r\nS1,,\r\nS1,,\r\n",
		},
		{
			"rows of several sessions",
			Options{Rows: "log"},
			`[{"id":"S1","log":[{"date":"d"}]},{"log":[{}]},{"id":"S3"}]`,
			"SessionId,Date,Message\r\nS1,d,\r\n,,\r\n",
		},
		{
			"rows take session columns and counts", pick(Options{Rows: "log", Lists: map[string]string{"members": "count"}}, "ended", "members=N"), small,
			"SessionId,Date,Message,Ended,N\r\nS1,d:1,,True,0\r\n",
		},
		{
			"a session column of an element's name is called Session", pick(Options{Rows: "members", Header: "off"}, "callSid"),
			`{"id":"S1","callSid":"CA1","members":[{"callSid":"CA2"}]}`, "S1,,,,,,,,,CA2,,CA1\r\n",
		},
		{
			"extra members of rows are the element's",
			Options{Rows: "log", ExtraColumns: "append"},
			`{"x":1,"id":"S1","log":[{"y":2},null,{}]}`,
			"SessionId,Date,Message,Extra\r\nS1,,,\"{y:2}\"\r\nS1,,,\r\nS1,,,\r\n",
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := compile(t, c.options).AppendSessions(nil, []byte(c.json))
			if err != nil || string(got) != c.want {
				t.Errorf("%v\ngot  %q\nwant %q", err, got, c.want)
			}
		})
	}
}

func TestRowsRefuseWhatIsNoListOfObjects(t *testing.T) {
	p := compile(t, Options{Rows: "log"})
	for json, offset := range map[string]int{
		`{"log":"x"}`:                      7,
		`{"log":{}}`:                       7,
		`{"log":[{},1]}`:                   11,
		`[{"log":[]},{"log":true},{}]`:     19,
		`{"log":[[]]}`:                     8,
		`{"id":"S","log":[null,"x",null]}`: 22,
	} {
		_, err := p.AppendSessions(nil, []byte(json))
		if e := new(Error); !errors.As(err, &e) || e.Reason != ReasonUnexpectedShape || e.Offset != offset {
			t.Errorf("%s: %v, want unexpected_shape at byte %d", json, err, offset)
		}
	}
}

func TestErrorsFollowTheDialect(t *testing.T) {
	const answer = `{"x":1,"responseStatus":{"errorCode":"NotFound","message":null,"errors":[]}}`
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{}, "ResponseStatus\r\n\"{errorCode:NotFound,errors:[]}\"\r\n"},
		{Options{Header: "off"}, "\"{errorCode:NotFound,errors:[]}\"\r\n"},
		{Options{Dialect: "rfc4180"}, "responseStatus\r\n\"{\"\"errorCode\"\":\"\"NotFound\"\",\"\"message\"\":null,\"\"errors\"\":[]}\"\r\n"},
		{Options{Dialect: "excel", Nested: "jsv", Delimiter: ";"}, "\ufeffResponseStatus\r\n\"{errorCode:NotFound,errors:[]}\"\r\n"},
		{Options{Dialect: "excel", Header: "off", Nested: "jsv"}, "\ufeff\"{errorCode:NotFound,errors:[]}\"\r\n"},
		{pick(Options{Rows: "log", ExtraColumns: "append"}, "ended"), "ResponseStatus\r\n\"{errorCode:NotFound,errors:[]}\"\r\n"},
	} {
		got, err := compile(t, c.options).AppendError(nil, []byte(answer))
		if err != nil || string(got) != c.want {
			t.Errorf("%+v: %v\ngot  %q\nwant %q", c.options, err, got, c.want)
		}
	}
}

func TestErrorNeedsAResponseStatus(t *testing.T) {
	p := compile(t, Options{})
	for json, want := range map[string]Error{
		`{}`:                               {ReasonUnexpectedShape, 0},
		` {"message":"x"}`:                 {ReasonUnexpectedShape, 1},
		`{"responseStatus":null}`:          {ReasonUnexpectedShape, 18},
		`{"responseStatus":"x"}`:           {ReasonUnexpectedShape, 18},
		`{"responseStatus":[]}`:            {ReasonUnexpectedShape, 18},
		`{"ResponseStatus":{}}`:            {ReasonUnexpectedShape, 0},
		`{"a":{"responseStatus":{}}}`:      {ReasonUnexpectedShape, 0},
		`[{"responseStatus":{}}]`:          {ReasonUnexpectedShape, 0},
		`"x"`:                              {ReasonUnexpectedShape, 0},
		`{"responseStatus":{}`:             {ReasonMalformed, 20},
		`{"responseStatus":{}} x`:          {ReasonMalformed, 22},
		``:                                 {ReasonMalformed, 0},
		`{"responseStatus":{"a":1,"a":2}}`: {ReasonDuplicateName, 25},
	} {
		got, err := p.AppendError([]byte("dst"), []byte(json))
		if e := new(Error); !errors.As(err, &e) || *e != want || string(got) != "dst" {
			t.Errorf("%s: %q, %v, want %v", json, got, err, &want)
		}
	}
}

func TestFormulaGuard(t *testing.T) {
	p := compile(t, pick(Options{FormulaGuard: yes(), Header: "off"}, "id"))
	for text, guarded := range map[string]bool{
		"=1": true, "@x": true, "+x": true, "-x": true, "\tx": true, "\rx": true, "\nx": true, "=": true, "+": true, "-": true,
		"+15551234567": false, "+12": false, "+123456789012345": false,
		"+1": true, "+1234567890123456": true, "+01234567": true, "+1555 123": true, "+1+1": true, "+12a": true,
		"-1": false, "-1.5": false, "-0": false, "-1e5": false, "-1.5E-3": false,
		"-1.": true, "-.5": true, "-1e": true, "-1e+": true, "-1-1": true, "--1": true, "-1,5": true, "-1 ": true,
		"x=1": false, " =1": false, "'=1": false, "": false, "1": false,
	} {
		quoted, err := json.Marshal(map[string]string{"id": text})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.AppendSessions(nil, quoted)
		if err != nil {
			t.Fatal(err)
		}
		want := text
		if guarded {
			want = "'" + text
		}
		if read := readBack(t, p, got)[0][0]; read != want {
			t.Errorf("%q became %q", text, read)
		}
	}
}

func TestCompileNamesEveryMistakeAndTheNearMiss(t *testing.T) {
	for _, c := range []struct {
		rule    string
		options Options
		want    []string
	}{
		{"dialect", Options{Dialect: "exel"}, []string{`dialect: unknown value "exel": did you mean excel?`}},
		{"dialect far off", Options{Dialect: "#"}, []string{`dialect: unknown value "#": use one of upstream, rfc4180, excel`}},
		{"header", Options{Header: "none"}, []string{`header: unknown value "none": use one of pascal, camel, off`}},
		{"nested", Options{Nested: "jvs"}, []string{`nested: unknown value "jvs": did you mean jsv?`}},
		{"count is no notation for all", Options{Nested: "count"}, []string{`nested: unknown value "count": use one of jsv, json`}},
		{"rows", Options{Rows: "member"}, []string{`rows: unknown value "member": did you mean members?`}},
		{"extra_columns", Options{ExtraColumns: "apend"}, []string{`extra_columns: unknown value "apend": did you mean append?`}},
		{"list name", Options{Lists: map[string]string{"logs": "drop"}}, []string{`lists: unknown list "logs": did you mean log?`}},
		{"list policy", Options{Lists: map[string]string{"log": "cuont"}}, []string{`lists: log: unknown value "cuont": did you mean count?`}},
		{"column", pick(Options{}, "fromNumbr"), []string{`columns: unknown column "fromNumbr": did you mean fromPhoneNumber?`}},
		{"column in another case", pick(Options{}, "FromName"), []string{`columns: unknown column "FromName": did you mean fromName?`}},
		{"column misspelt", pick(Options{}, "custmerNaem"), []string{`columns: unknown column "custmerNaem": did you mean customerName?`}},
		{"column twice", pick(Options{}, "id", "ended", "id=x"), []string{"columns: column id is named twice"}},
		{"label twice", pick(Options{}, "id=x", "ended=x"), []string{`columns: two columns are called "x": give one another label`}},
		{"label of another column", pick(Options{ExtraColumns: "append"}, "id=Extra"), []string{`columns: two columns are called "Extra"`}},
		{"label not UTF-8", pick(Options{}, "id=\xff"), []string{`columns: label "\xff" is not UTF-8`}},
		{"label with a byte order mark", pick(Options{}, "id=\ufeff"), []string{`begins with a byte order mark`}},
		{"column dropped", pick(Options{Lists: map[string]string{"log": "drop"}}, "log"), []string{"columns: column log is named, but lists drops it"}},
		{"id with rows", pick(Options{Rows: "log"}, "id"), []string{"columns: rows log cannot have column id: it is there as SessionId"}},
		{"list with rows", pick(Options{Rows: "log"}, "members"), []string{"columns: rows log cannot have the list members in every row, only its count"}},
		{
			"element's column with rows", pick(Options{Rows: "members"}, "identity"),
			[]string{"columns: identity is a column of rows members anyway: name only columns of the session"},
		},
		{"element's column without rows", pick(Options{}, "identity"), []string{`columns: unknown column "identity"`}},
		{"quote as delimiter", Options{Delimiter: `"`}, []string{"delimiter: a quote cannot be the delimiter: cells are quoted with it"}},
		{"line feed as delimiter", Options{Delimiter: "\n"}, []string{`delimiter: "\n" cannot be the delimiter`}},
		{"carriage return as delimiter", Options{Delimiter: "\r"}, []string{`delimiter: "\r" cannot be the delimiter`}},
		{"NUL as delimiter", Options{Delimiter: "\x00"}, []string{`delimiter: "\x00" cannot be the delimiter`}},
		{"letter as delimiter", Options{Delimiter: "Z"}, []string{`delimiter: "Z" cannot be the delimiter: it is a letter or digit`}},
		{"digit as delimiter", Options{Delimiter: "0"}, []string{`delimiter: "0" cannot be the delimiter: it is a letter or digit`}},
		{"delimiter beyond ASCII", Options{Delimiter: "§"}, []string{`delimiter: "§" is not one ASCII character`}},
		{"two delimiters", Options{Delimiter: ",;"}, []string{`delimiter: ",;" is not one ASCII character`}},
		{"delimiter's name", Options{Delimiter: "semikolon"}, []string{`delimiter: unknown delimiter "semikolon": did you mean semicolon?`}},
		{"equal booleans", Options{Booleans: &Booleans{"x", "x"}}, []string{`booleans: true and false are both "x"`}},
		{"empty boolean", Options{Booleans: &Booleans{True: "x"}}, []string{"booleans: the texts for true and false must not be empty"}},
		{"boolean not UTF-8", Options{Booleans: &Booleans{"x", "\xff"}}, []string{"booleans: the texts must be UTF-8"}},
		{"null like a boolean", Options{Null: new("False")}, []string{`null: "False" is also the text of a boolean`}},
		{"null not UTF-8", Options{Null: new("\xff")}, []string{"null: the text must be UTF-8"}},
		{
			"all at once", pick(Options{Dialect: "x", Header: "x", Delimiter: `"`, Rows: "y"}, "bogus", "fromname"),
			[]string{"dialect:", "header:", "delimiter:", "rows:", `column "bogus"`, "did you mean fromName?"},
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p, err := Compile(c.options)
			if err == nil || p != nil {
				t.Fatalf("compiled, want %q", c.want)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got  %v\nwant %s", err, want)
				}
			}
		})
	}
}

func TestHeaderNamesTheColumns(t *testing.T) {
	p := compile(t, Options{})
	if n := len(p.Header()); n != len(sessionProperties) || !p.HeaderPresent() {
		t.Errorf("%d columns, header present: %v", n, p.HeaderPresent())
	}
	off := compile(t, pick(Options{Header: "off", Rows: "log", ExtraColumns: "append"}, "ended=E"))
	if got, want := strings.Join(off.Header(), " "), "SessionId Date Message E Extra"; got != want || off.HeaderPresent() {
		t.Errorf("got %s, want %s; header present: %v", got, want, off.HeaderPresent())
	}
	p.Header()[0] = "changed"
	if p.Header()[0] != "DialState" {
		t.Error("the plan can be changed through Header")
	}
}

func TestDropLeavesOutAColumn(t *testing.T) {
	p := compile(t, Options{Lists: map[string]string{"log": "drop", "members": "drop", "customerBreadcrumb": "drop"}})
	header := strings.Join(p.Header(), ",")
	if len(p.Header()) != len(sessionProperties)-3 || strings.Contains(header, "Log") || strings.Contains(header, "Members") || strings.Contains(header, "Breadcrumb") {
		t.Error(header)
	}
}

func TestPropertiesAreThoseOfTheRecordedDocument(t *testing.T) {
	v, reason := parse(doc)
	if reason != "" {
		t.Fatal(reason)
	}
	session := v.(object)
	for rows, o := range map[string]object{
		"":                     session,
		RowsSession:            session,
		RowsCustomerBreadcrumb: session.get("customerBreadcrumb").([]tree)[0].(object),
		RowsLog:                session.get("log").([]tree)[0].(object),
		RowsMembers:            session.get("members").([]tree)[0].(object),
	} {
		properties := Properties(rows)
		if len(properties) != len(o) {
			t.Errorf("%s: %d properties, the document has %d", rows, len(properties), len(o))
			continue
		}
		for i, p := range properties {
			if p.Name != o[i].name || p.Pascal() != strings.ToUpper(p.Name[:1])+p.Name[1:] {
				t.Errorf("%s: %v, the document has %s", rows, p, o[i].name)
			}
			kind := KindText
			switch o[i].value.(type) {
			case bool:
				kind = KindBool
			case []tree:
				kind = KindList
			case object:
				kind = KindMap
			}
			if p.Kind != kind && (p.Kind != KindEnum || kind != KindText) {
				t.Errorf("%s: %s is no %s", rows, p.Name, p.Kind)
			}
		}
		properties[0].Name = "changed"
		if Properties(rows)[0].Name == "changed" {
			t.Error("the table can be changed through Properties")
		}
	}
	if Properties("bogus") != nil {
		t.Error("there are properties of nothing")
	}
}

// TestCommentsNameEveryChoice holds that the comments, of which the reference is
// made, name every word that an option takes, and the package's documentation
// every dialect.
func TestCommentsNameEveryChoice(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "options.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]string) // by JSON name
	for _, f := range file.Scope.Lookup("Options").Decl.(*ast.TypeSpec).Type.(*ast.StructType).Fields.List {
		name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
		documented[name] = f.Doc.Text()
	}
	for option := range choices {
		for _, word := range Choices(option) {
			if !strings.Contains(documented[option], strconv.Quote(word)) {
				t.Errorf("the comment on %s does not name %q", option, word)
			}
		}
	}
	if file, err = parser.ParseFile(fset, "doc.go", nil, parser.ParseComments); err != nil {
		t.Fatal(err)
	}
	for _, d := range Dialects() {
		if !regexp.MustCompile(`(?m)^  - ` + d.Name + `\b`).MatchString(file.Doc.Text()) {
			t.Errorf("the package's documentation does not explain the dialect %s", d.Name)
		}
	}
}

func TestNoObjectHasMorePropertiesThanAreNoted(t *testing.T) {
	for rows, s := range map[string]*shape{
		RowsSession: sessionShape, RowsCustomerBreadcrumb: elementShapes[RowsCustomerBreadcrumb],
		RowsLog: elementShapes[RowsLog], RowsMembers: elementShapes[RowsMembers],
	} {
		if n := len(s.properties); n == 0 || n > maxProperties {
			t.Errorf("%s: %d properties, at most %d can be noted", rows, n, maxProperties)
		}
	}
}

func TestOptionsAreReadFromJSON(t *testing.T) {
	var o Options
	const text = `{"dialect":"excel","columns":[{"name":"ended","label":"Over"}],"header":"camel","nested":"jsv","lists":{"log":"count"},
		"rows":"members","booleans":{"true":"y","false":"n"},"delimiter":";","bom":false,"formula_guard":false,"null":"-","extra_columns":"append"}`
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	got, err := compile(t, o).AppendSessions(nil, []byte(`{"id":"S","ended":true,"members":[{"identity":"=x","muted":false,"q":1}]}`))
	want := "sessionId;identity;endpointId;displayName;isOriginalMember;avatarUrl;applicationData;callState;role;callSid;muted;Over;extra\r\n" +
		"S;=x;-;-;-;-;-;-;-;-;n;y;{q:1}\r\n"
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %q\nwant %q", err, got, want)
	}
	if b, err := json.Marshal(Options{}); err != nil || string(b) != "{}" {
		t.Errorf("the zero value is %s, %v", b, err)
	}
}

func TestAPlanServesManyGoroutines(t *testing.T) {
	p := compile(t, Options{Rows: "members", ExtraColumns: "append"})
	text := transformtest.Large()
	want, err := p.AppendSessions(nil, text)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 4 {
				if got, err := p.AppendSessions(nil, text); err != nil || string(got) != string(want) {
					t.Errorf("another CSV, %v", err)
				}
			}
		})
	}
	wg.Wait()
}
