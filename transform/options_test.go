package transform

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/evovoice-gateway/caddy-conference-members/transform/transformtest"
)

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

// pick returns options for the columns of the given names alone.
func pick(o Options, names ...string) Options {
	for _, name := range names {
		name, label, _ := strings.Cut(name, "=")
		o.Columns = append(o.Columns, Column{Name: name, Label: label})
	}
	return o
}

// byPath returns options with one more column by path.
func byPath(o Options, label, path string) Options {
	o.Columns = append(slices.Clip(o.Columns), Column{Label: label, Path: path})
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
		{"rfc4180 quotes a space at the end", pick(Options{Dialect: "rfc4180"}, "id"), `{"id":"S1 "}`, "id\r\n\"S1 \"\r\n"},
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
		{"an escaped space in nested json", pick(Options{Nested: "json"}, "log"), `{"log":[{"message":"a\u0020b"}]}`, "Log\r\n\"[{\"\"message\"\":\"\"a b\"\"}]\"\r\n"},
		{"white space behind a null in jsv", pick(Options{}, "log"), `{"log":[{"date":null ,"message":"x"}]}`, "Log\r\n\"[{message:x}]\"\r\n"},
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
			"rows take the session's columns and counts", pick(Options{Rows: "log", Lists: map[string]string{"members": "count"}}, "date", "session.ended", "session.members=N"), small,
			"Date,SessionEnded,N\r\nd:1,True,0\r\n",
		},
		{
			"in rows a plain name is the element's, one behind session. the session's", pick(Options{Rows: "members"}, "session.callSid", "callSid"),
			`{"id":"S1","callSid":"CA1","members":[{"callSid":"CA2"}]}`, "SessionCallSid,CallSid\r\nCA1,CA2\r\n",
		},
		{
			"in rows columns are chosen, ordered and renamed, and none is forced", pick(Options{Rows: "members"}, "displayName=Agent"),
			`{"displayName":"S","members":[{"displayName":"M"}]}`, "Agent\r\nM\r\n",
		},
		{"in rows the session's id is SessionId", pick(Options{Rows: "log", Header: "camel"}, "message", "session.id"), small, "message,sessionId\r\n,S1\r\n"},
		{
			"* is all columns that are not named", pick(Options{Rows: "log"}, "message=Text", "*"), small,
			"Text,SessionId,Date\r\n,S1,d:1\r\n",
		},
		{
			"a nested value of a member can be dropped",
			Options{Rows: "members", Lists: map[string]string{"applicationData": "drop"}},
			`{"members":[{"role":"R","applicationData":{"a":"b"}}]}`,
			"SessionId,Identity,EndpointId,DisplayName,IsOriginalMember,AvatarUrl,CallState,Role,CallSid,Muted\r\n,,,,,,,R,,\r\n",
		},
		{
			"a file that would begin with ID is quoted", pick(Options{Dialect: "excel", BOM: no()}, "id=ID", "ended"), small,
			"\"ID\",Ended\r\nS1,TRUE\r\n",
		},
		{"ID alone counts, in these letters", pick(Options{Dialect: "excel", BOM: no()}, "id=Id", "ended=ID"), small, "Id,ID\r\nS1,TRUE\r\n"},
		{"a byte order mark comes before ID", pick(Options{Dialect: "excel"}, "id=ID"), small, "\ufeffID\r\nS1\r\n"},
		{
			"without a header the first cell is quoted if it begins with ID", pick(Options{Dialect: "rfc4180", Header: "off"}, "id", "ended"),
			`[{"id":"ID;PX","ended":true},{"id":"ID2"}]`, "\"ID;PX\",true\r\nID2,\r\n",
		},
		{
			"without a header null is quoted too if it begins with ID", pick(Options{Header: "off", FormulaGuard: yes(), Null: new("ID")}, "id", "ended"),
			`[{},{}]`, "\"ID\",ID\r\nID,ID\r\n",
		},
		{
			"without a header the first row's cell is quoted, not those that repeat it", pick(Options{Dialect: "rfc4180", Header: "off", Rows: "log"}, "session.id", "message"),
			`{"id":"ID","log":[{"message":"a"},{"message":"b"}]}`, "\"ID\",a\r\nID,b\r\n",
		},
		{"as the API writes it ID is not quoted", pick(Options{}, "id=ID"), small, "ID\r\nS1\r\n"},

		{
			"a column by path", byPath(Options{}, "Agent", `members.#(role=="Agent").displayName`),
			`{"members":[{"role":"Caller","displayName":"C"},{"role":"Agent","displayName":"a,b"}]}`, "Agent\r\n\"a,b\"\r\n",
		},
		{
			"columns by path stand among the others",
			Options{Columns: []Column{{Name: "id"}, {Label: "N", Path: "members.#"}, {Name: "ended"}}},
			`{"id":"S1","members":[{},{}]}`, "Id,N,Ended\r\nS1,2,\r\n",
		},
		{
			"a value that a path does not find is null",
			byPath(byPath(byPath(byPath(byPath(Options{Null: new("-")}, "a", "members.5"), "b", "nothing.at.all"), "c", "id.x"), "d", "fromName"), "e", `log.#(date=="x").message`),
			`{"id":"{\"x\":1}","fromName":null,"log":[],"members":[{}]}`, "a,b,c,d,e\r\n-,-,-,-,-\r\n",
		},
		{
			"a list by path follows nested", byPath(byPath(Options{}, "a", "members.#.role"), "b", "members.0"),
			`{"members":[{"role":"A"},{"role":"B,C"}]}`, "a,b\r\n\"[A,\"\"B,C\"\"]\",\"{role:A}\"\r\n",
		},
		{
			"a list by path as JSON", byPath(Options{Dialect: "rfc4180"}, "a", "members.#.role"),
			`{"members":[{"role":"A"},{"role":null},{}]}`, "a\r\n\"[\"\"A\"\",null]\"\r\n",
		},
		{"a text by path is guarded", byPath(Options{FormulaGuard: yes()}, "a", "fromName"), small, "a\r\n'=1+1\r\n"},
		{"a boolean by path is one", byPath(Options{Dialect: "excel", BOM: no()}, "a", "members.0.muted"), `{"members":[{"muted":true}]}`, "a\r\nTRUE\r\n"},
		{"an unknown member by path", byPath(Options{}, "a", "x.y"), `{"x":{"y":1.50}}`, "a\r\n1.50\r\n"},
		{"a modifier", byPath(byPath(Options{}, "a", "members.@reverse.0.role"), "b", "@keys.0"), `{"id":"S","members":[{"role":"A"},{"role":"B"}]}`, "a,b\r\nB,id\r\n"},
		{
			"in rows a path is the session's, and behind row: the element's",
			byPath(byPath(Options{Rows: "members"}, "S", "displayName"), "M", "row:displayName"),
			`{"displayName":"s","members":[{"displayName":"m"},null,{"displayName":"n"}]}`, "S,M\r\ns,m\r\ns,\r\ns,n\r\n",
		},
		{
			"in rows a path goes into an element", byPath(Options{Rows: "members"}, "Lang", "row:applicationData.lang"),
			`{"members":[{"applicationData":{"lang":"de"}},{"applicationData":null}]}`, "Lang\r\nde\r\n\"\"\r\n",
		},

		{
			"dates in a spreadsheet's layout", pick(Options{Dates: &Dates{Layout: "spreadsheet"}}, "dateCreated", "dateCompleted", "dateLastModified"),
			`{"dateCreated":"2021-08-18T09:39:58.1234567Z","dateCompleted":"\/Date(1629279598123)\/","dateLastModified":"2021-08-18T11:39:58.1234567+02:00"}`,
			"DateCreated,DateCompleted,DateLastModified\r\n2021-08-18 09:39:58,2021-08-18 09:39:58,2021-08-18 11:39:58\r\n",
		},
		{
			"dates in a zone, summer and winter", pick(Options{Dates: &Dates{"02.01.2006 15:04", "Europe/Berlin"}}, "dateCreated", "dateCompleted"),
			`{"dateCreated":"2021-08-18T09:39:58Z","dateCompleted":"/Date(1612345678901-0500)/"}`,
			"DateCreated,DateCompleted\r\n18.08.2021 11:39,03.02.2021 10:47\r\n",
		},
		{
			"a date keeps an offset to the minute", pick(Options{Dates: &Dates{"02.01.2006 15:04", ""}}, "dateCreated", "dateCompleted"),
			`{"dateCreated":"/Date(1612345678901+1245)/","dateCompleted":"/Date(1612345678901-0926)/"}`,
			"DateCreated,DateCompleted\r\n03.02.2021 22:32,03.02.2021 00:21\r\n",
		},
		{
			"ISO dates in a zone", pick(Options{Dates: &Dates{"iso", "Asia/Kolkata"}}, "dateCreated"), `{"dateCreated":"2021-08-18T09:39:58.1200000Z"}`,
			"DateCreated\r\n2021-08-18T15:09:58.12+05:30\r\n",
		},
		{"ISO dates as they came", pick(Options{Dates: &Dates{Layout: "iso"}}, "dateCreated"), `{"dateCreated":"/Date(0)/"}`, "DateCreated\r\n/Date(0)/\r\n"},
		{
			"what is no date stays", pick(Options{Dates: &Dates{Layout: "spreadsheet"}}, "dateCreated", "fromName"),
			`{"dateCreated":"soon, or","fromName":"2021-08-18T09:39:58Z"}`, "DateCreated,FromName\r\n\"soon, or\",2021-08-18T09:39:58Z\r\n",
		},
		{
			"the log's dates",
			Options{Rows: "log", Dates: &Dates{Layout: "spreadsheet"}},
			`{"log":[{"date":"2021-08-18T09:39:58Z"}]}`,
			"SessionId,Date,Message\r\n,2021-08-18 09:39:58,\r\n",
		},
		{
			"dates by path", byPath(byPath(Options{Dates: &Dates{Layout: "15:04"}}, "a", "log.0.date"), "b", "log.0.message"),
			`{"log":[{"date":"2021-08-18T09:39:58Z","message":"2021-08-18T09:39:58Z"}]}`, "a,b\r\n09:39,2021-08-18T09:39:58Z\r\n",
		},
		{"a layout is quoted and guarded", pick(Options{FormulaGuard: yes(), Dates: &Dates{Layout: "=2006,01"}}, "dateCreated"), `{"dateCreated":"2021-08-18T09:39:58Z"}`, "DateCreated\r\n\"'=2021,08\"\r\n"},

		{
			"texts like numbers stay text", pick(Options{TextCells: "numbers", FormulaGuard: yes()}, "id", "accountId", "accountName", "customerId", "outcome", "channel", "fromName"),
			`{"id":"+12025550123","accountId":"00123","accountName":"1E5","customerId":"12345678901234567890","outcome":"3-4","channel":"x1","fromName":"=1+1"}`,
			`Id,AccountId,AccountName,CustomerId,Outcome,Channel,FromName` + "\r\n" +
				`"=""+12025550123""","=""00123""","=""1E5""","=""12345678901234567890""","=""3-4""",x1,'=1+1` + "\r\n",
		},
		{
			"texts like formulas stay text where nothing guards", pick(Options{TextCells: "numbers"}, "id", "accountId", "accountName"),
			`{"id":"=1+1","accountId":"=A1","accountName":"@x"}`, "Id,AccountId,AccountName\r\n" + `"=""=1+1""","=""=A1""","=""@x"""` + "\r\n",
		},
		{
			"long numbers stay text", pick(Options{TextCells: "numbers"}, "id", "accountId"), `{"id":1234567890123456,"accountId":123456789012345}`,
			"Id,AccountId\r\n\"=\"\"1234567890123456\"\"\",123456789012345\r\n",
		},
		{
			"all texts and numbers stay text", pick(Options{TextCells: "all"}, "id", "accountId", "ended", "members", "outcome"),
			`{"id":"a\"b","accountId":5,"ended":true,"members":[],"outcome":""}`, "Id,AccountId,Ended,Members,Outcome\r\n" + `"=""a""""b""","=""5""",True,"[]",` + "\r\n",
		},
		{
			"no formula gets out of the quotes of a text cell", pick(Options{TextCells: "all"}, "id", "fromName"), `{"id":"\"&1+1&\"","fromName":"=1+1"}`,
			"Id,FromName\r\n" + `"=""""""&1+1&""""""","=""=1+1"""` + "\r\n",
		},
		{
			"the guard holds with text cells", pick(Options{TextCells: "all", FormulaGuard: yes()}, "id", "fromName"), `{"id":"-1+1","fromName":"\n1"}`,
			"Id,FromName\r\n'-1+1,\"'\n1\"\r\n",
		},
		{
			"a text that is no text of a formula stays a plain cell", pick(Options{TextCells: "all"}, "id", "fromName"),
			`{"id":"1\t2","fromName":"` + strings.Repeat("1", 256) + `"}`, "Id,FromName\r\n1\t2," + strings.Repeat("1", 256) + "\r\n",
		},
		{
			"the longest text of a formula stays text", pick(Options{TextCells: "all"}, "id"),
			`{"id":"` + strings.Repeat("1", 255) + `"}`, "Id\r\n\"=\"\"" + strings.Repeat("1", 255) + "\"\"\"\r\n",
		},
		{
			"texts of the first and the last digit, and of the longest month", pick(Options{TextCells: "numbers"}, "id", "accountId", "accountName"),
			`{"id":"00","accountId":"9","accountName":"10 September 2021"}`, "Id,AccountId,AccountName\r\n" + `"=""00""","=""9""","=""10 September 2021"""` + "\r\n",
		},
		{
			"dates are no texts like numbers", pick(Options{TextCells: "numbers", Dates: &Dates{Layout: "spreadsheet"}}, "dateCreated"),
			`[{"dateCreated":"2021-08-18T09:39:58Z"},{"dateCreated":"2021-08-18"}]`, "DateCreated\r\n2021-08-18 09:39:58\r\n\"=\"\"2021-08-18\"\"\"\r\n",
		},
		{"the first column by path", byPath(Options{}, "x", "dialState"), `{"dialState":"Idle"}`, "x\r\nIdle\r\n"},
		{"an empty session by path", byPath(Options{}, "x", "@this"), `{}`, "x\r\n\"{}\"\r\n"},
		{"a byte order mark before the JSON is skipped", pick(Options{}, "id"), "\ufeff" + small, "Id\r\nS1\r\n"},

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
	const response = `{"x":1,"responseStatus":{"errorCode":"NotFound","message":null,"errors":[]}}`
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{}, "ResponseStatus\r\n\"{errorCode:NotFound,errors:[]}\"\r\n"},
		{Options{Header: "off"}, "\"{errorCode:NotFound,errors:[]}\"\r\n"},
		{Options{Dialect: "rfc4180"}, "responseStatus\r\n\"{\"\"errorCode\"\":\"\"NotFound\"\",\"\"message\"\":null,\"\"errors\"\":[]}\"\r\n"},
		{Options{Dialect: "excel", Nested: "jsv", Delimiter: ";"}, "\ufeffResponseStatus\r\n\"{errorCode:NotFound,errors:[]}\"\r\n"},
		{Options{Dialect: "excel", Header: "off", Nested: "jsv"}, "\ufeff\"{errorCode:NotFound,errors:[]}\"\r\n"},
		{pick(Options{Rows: "log", ExtraColumns: "append"}, "session.ended"), "ResponseStatus\r\n\"{errorCode:NotFound,errors:[]}\"\r\n"},
	} {
		got, err := compile(t, c.options).AppendError(nil, []byte(response))
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
		"\x00=1": true, "\x00\x00+x": true, "\x00@x": true, "\x00\t": true, "\x00+15551234567": true, "\x00-1": true, "+1\x005551234567": true,
		"\x00": false, "\x00x": false, "x\x00=1": false, "\x01=1": false, "\ufeff=1": false, "\u00a0=1": false, "\u200b=1": false,
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
		{"dialect", Options{Dialect: "exel"}, []string{`; did you mean excel?`}},
		{"dialect far off", Options{Dialect: "#"}, []string{`dialect: "#" is not one of ` + strings.Join(Choices("dialect"), ", ")}},
		{"header", Options{Header: "none"}, []string{`header: "none" is not one of pascal, camel, off`}},
		{"nested", Options{Nested: "jvs"}, []string{`; did you mean jsv?`}},
		{"count is no notation for all", Options{Nested: "count"}, []string{`nested: "count" is not one of jsv, json`}},
		{"rows", Options{Rows: "member"}, []string{`; did you mean members?`}},
		{"extra_columns", Options{ExtraColumns: "apend"}, []string{`; did you mean append?`}},
		{"list name", Options{Lists: map[string]string{"logs": "drop"}}, []string{`lists: unknown list "logs"; did you mean log?`}},
		{"list policy", Options{Lists: map[string]string{"log": "cuont"}}, []string{`; did you mean count?`}},
		{"column", pick(Options{}, "fromNumbr"), []string{`columns: unknown column "fromNumbr"; did you mean fromPhoneNumber?`}},
		{"column in another case", pick(Options{}, "FromName"), []string{`columns: unknown column "FromName"; did you mean fromName?`}},
		{"column misspelt", pick(Options{}, "custmerNaem"), []string{`columns: unknown column "custmerNaem"; did you mean customerName?`}},
		{"column twice", pick(Options{}, "id", "ended", "id=x"), []string{`columns: column "id" is named twice`}},
		{"label twice", pick(Options{}, "id=x", "ended=x"), []string{`columns: two columns are called "x": give one another label`}},
		{"label of another column", pick(Options{ExtraColumns: "append"}, "id=Extra"), []string{`columns: two columns are called "Extra"`}},
		{"label not UTF-8", pick(Options{}, "id=\xff"), []string{`columns: label "\xff" is not UTF-8`}},
		{"label with a byte order mark", pick(Options{}, "id=\ufeff"), []string{`begins with a byte order mark`}},
		{"column dropped", pick(Options{Lists: map[string]string{"log": "drop"}}, "log"), []string{"columns: column log is named, but lists drops it"}},
		{"the session's column with rows", pick(Options{Rows: "log"}, "id"), []string{"columns: rows log have no column id: the session's is session.id"}},
		{"unknown column of an element", pick(Options{Rows: "members"}, "rolle"), []string{`columns: unknown column "rolle"; did you mean role?`}},
		{"unknown column of the session with rows", pick(Options{Rows: "members"}, "session.idd"), []string{`columns: unknown column "idd"; did you mean id?`}},
		{"session. without rows", pick(Options{}, "session.id"), []string{`columns: unknown column "session.id"; did you mean id?`}},
		{"count of an object", Options{Lists: map[string]string{"applicationData": "count"}}, []string{"lists.applicationData: is not a list and has no count"}},
		{"all columns with a label", pick(Options{}, "*=x"), []string{"columns: * stands for many columns and has no label"}},
		{"all columns twice", pick(Options{}, "*", "*"), []string{`columns: column "*" is named twice`}},
		{"neither name nor path", Options{Columns: []Column{{Label: "x"}}}, []string{"columns: a column has neither a name nor a path"}},
		{"name and path", Options{Columns: []Column{{Name: "id", Label: "x", Path: "id"}}}, []string{`columns: column "id" has a path as well`}},
		{"path without label", byPath(Options{}, "", "id"), []string{`columns: the column of path "id" has no label`}},
		{"two paths of one label", byPath(byPath(Options{}, "x", "id"), "x", "log"), []string{`columns: two columns are called "x": give one another label`}},
		{"path of a bad modifier", byPath(Options{}, "x", "members.@pretty"), []string{`columns: column "x": the path "members.@pretty", character 9: the modifier @pretty is not allowed`}},
		{"the session's first column with rows", pick(Options{Rows: "log"}, "dialState"), []string{"columns: rows log have no column dialState: the session's is session.dialState"}},
		{"session. without rows, of the first column", pick(Options{}, "session.dialState"), []string{`columns: unknown column "session.dialState"; did you mean dialState?`}},
		{"33 paths", Options{Columns: manyPaths(33)}, []string{"columns: 33 columns by path: at most 32"}},
		{"layout", Options{Dates: &Dates{Layout: "spreadshet"}}, []string{`dates: unknown layout "spreadshet"; did you mean spreadsheet?`}},
		{"layout of another language", Options{Dates: &Dates{Layout: "yyyy-MM-dd"}}, []string{`dates: the layout "yyyy-MM-dd" has no part of a date`}},
		{"no layout", Options{Dates: &Dates{Zone: "UTC"}}, []string{`dates: the layout "" has no part of a date`}},
		{"layout with a line feed", Options{Dates: &Dates{Layout: "2006\n"}}, []string{"dates: the layout has control characters"}},
		{"zone", Options{Dates: &Dates{"iso", "Europe/Berlinn"}}, []string{`dates: unknown time zone "Europe/Berlinn"`}},
		{"text_cells", Options{TextCells: "number"}, []string{`; did you mean numbers?`}},
		{"list with rows", pick(Options{Rows: "log"}, "session.members"), []string{"columns: rows log cannot have the list members in every row, only its count"}},
		{"element's column without rows", pick(Options{}, "identity"), []string{`columns: unknown column "identity"`}},
		{"quote as delimiter", Options{Delimiter: `"`}, []string{"delimiter: a quote cannot be the delimiter: cells are quoted with it"}},
		{"line feed as delimiter", Options{Delimiter: "\n"}, []string{`delimiter: "\n" cannot be the delimiter`}},
		{"carriage return as delimiter", Options{Delimiter: "\r"}, []string{`delimiter: "\r" cannot be the delimiter`}},
		{"NUL as delimiter", Options{Delimiter: "\x00"}, []string{`delimiter: "\x00" cannot be the delimiter`}},
		{"letter as delimiter", Options{Delimiter: "Z"}, []string{`delimiter: "Z" cannot be the delimiter: it is a letter or digit`}},
		{"last letter as delimiter", Options{Delimiter: "z"}, []string{`delimiter: "z" cannot be the delimiter: it is a letter or digit`}},
		{"first letter as delimiter", Options{Delimiter: "a"}, []string{`delimiter: "a" cannot be the delimiter: it is a letter or digit`}},
		{"last digit as delimiter", Options{Delimiter: "9"}, []string{`delimiter: "9" cannot be the delimiter: it is a letter or digit`}},
		{"digit as delimiter", Options{Delimiter: "0"}, []string{`delimiter: "0" cannot be the delimiter: it is a letter or digit`}},
		{"delimiter beyond ASCII", Options{Delimiter: "§"}, []string{`delimiter: "§" is not one ASCII character`}},
		{"a byte beyond ASCII as delimiter", Options{Delimiter: "\x80"}, []string{`delimiter: "\x80" is not one ASCII character`}},
		{"two delimiters", Options{Delimiter: ",;"}, []string{`delimiter: ",;" is not one ASCII character`}},
		{"delimiter's name", Options{Delimiter: "semikolon"}, []string{`delimiter: "semikolon" is not one of comma, pipe, semicolon, tab; did you mean semicolon?`}},
		{"equal booleans", Options{Booleans: &Booleans{"x", "x"}}, []string{`booleans: true and false are both "x"`}},
		{"empty boolean", Options{Booleans: &Booleans{True: "x"}}, []string{"booleans: the texts for true and false must not be empty"}},
		{"boolean not UTF-8", Options{Booleans: &Booleans{"x", "\xff"}}, []string{"booleans: the texts must be UTF-8"}},
		{"null like a boolean", Options{Null: new("False")}, []string{`null: "False" is also one of the texts of booleans`}},
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

// manyPaths are n columns by path.
func TestWhatStandsBeforeTheCSVChangesNothingOfIt(t *testing.T) {
	p := compile(t, pick(Options{Header: "off"}, "id"))
	for _, before := range []string{"", "x"} {
		if got, err := p.AppendSessions([]byte(before), []byte(`{"id":"ID"}`)); string(got) != before+"ID\r\n" || err != nil {
			t.Errorf("behind %q: %q, %v", before, got, err)
		}
	}
}

func TestAsManyPathsAsThereMayBe(t *testing.T) {
	if _, err := Compile(Options{Columns: manyPaths(MaxPaths)}); err != nil {
		t.Error(err)
	}
}

func manyPaths(n int) []Column {
	columns := make([]Column, n)
	for i := range columns {
		columns[i] = Column{Label: strconv.Itoa(i), Path: "id"}
	}
	return columns
}

func TestHeaderNamesTheColumns(t *testing.T) {
	p := compile(t, Options{})
	if n := len(p.Header()); n != len(sessionProperties) || !p.HeaderPresent() {
		t.Errorf("%d columns, header present: %v", n, p.HeaderPresent())
	}
	off := compile(t, pick(Options{Header: "off", Rows: "log", ExtraColumns: "append"}, "*", "session.ended=E"))
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
			want := TypeText
			if strings.HasPrefix(p.Name, "date") {
				want = TypeDate
			}
			switch o[i].value.(type) {
			case bool:
				want = TypeBool
			case []tree:
				want = TypeList
			case object:
				want = TypeMap
			}
			if p.Type != want && (p.Type != TypeEnum || want != TypeText) {
				t.Errorf("%s: %s is not of type %s", rows, p.Name, p.Type)
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
			if !strings.Contains(documented[option], "`"+word+"`") {
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
	const text = `{"dialect":"excel","columns":[{"name":"*"},{"name":"session.ended","label":"Over"},{"label":"First","path":"members.0.identity"}],"header":"camel","nested":"jsv","lists":{"log":"count"},
		"rows":"members","booleans":{"true":"y","false":"n"},"delimiter":";","bom":false,"formula_guard":false,"null":"-","extra_columns":"append",
		"text_cells":"numbers","dates":{"layout":"spreadsheet","zone":"UTC"}}`
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	got, err := compile(t, o).AppendSessions(nil, []byte(`{"id":"S","ended":true,"members":[{"identity":"=x","muted":false,"q":1}]}`))
	want := "sessionId;identity;endpointId;displayName;isOriginalMember;avatarUrl;applicationData;callState;role;callSid;muted;Over;First;extra\r\n" +
		`S;"=""=x""";-;-;-;-;-;-;-;-;n;y;"=""=x""";{q:1}` + "\r\n"
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
