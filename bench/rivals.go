package bench

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"

	"github.com/gocarina/gocsv"
	"github.com/tidwall/gjson"

	"github.com/evovoice-gateway/caddy-conference-members/transform"
)

// Rival is a way to make CSV of a session.
type Rival struct {
	// Name is the library.
	Name string
	// CSV appends the CSV of a session to dst.
	CSV func(dst, session []byte) ([]byte, error)
}

// Rivals returns all ways, the gateway's first. All make the same table.
func Rivals() ([]Rival, error) {
	own, err := transform.Compile(transform.Options{Dialect: "rfc4180"})
	if err != nil {
		return nil, err
	}
	return []Rival{
		{"transform", own.AppendSessions},
		{"json+csv", jsonAndCSV},
		{"json+gocsv", jsonAndGocsv},
		{"gjson+csv", gjsonAndCSV},
	}, nil
}

// names returns the names of the columns.
func names() []string {
	properties := transform.Properties(transform.RowsSession)
	all := make([]string, len(properties))
	for i, p := range properties {
		all[i] = p.Name
	}
	return all
}

func jsonAndCSV(dst, session []byte) ([]byte, error) {
	var s Session
	if err := json.Unmarshal(session, &s); err != nil {
		return dst, err
	}
	return written(dst, s.record())
}

func jsonAndGocsv(dst, session []byte) ([]byte, error) {
	var s Session
	if err := json.Unmarshal(session, &s); err != nil {
		return dst, err
	}
	b := bytes.NewBuffer(dst)
	err := gocsv.Marshal([]*Session{&s}, b)
	return b.Bytes(), err
}

func gjsonAndCSV(dst, session []byte) ([]byte, error) {
	if !gjson.ValidBytes(session) {
		return dst, errors.New("not valid JSON")
	}
	values := make(map[string]string)
	gjson.ParseBytes(session).ForEach(func(name, value gjson.Result) bool {
		values[name.String()] = value.String()
		return true
	})
	var record []string
	for _, name := range names() {
		record = append(record, values[name])
	}
	return written(dst, record)
}

// written appends the header and one record.
func written(dst []byte, record []string) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	w := csv.NewWriter(b)
	if err := errors.Join(w.Write(names()), w.Write(record)); err != nil {
		return dst, err
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
