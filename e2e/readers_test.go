//go:build e2e

package e2e

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestCommandLineReadersAgreeOnTheCSV holds that every program reads the same table from
// the dialect rfc4180.
func TestCommandLineReadersAgreeOnTheCSV(t *testing.T) {
	text, want := fetchSessions(t, rfc4180)
	file := filepath.Join(t.TempDir(), "sessions.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	t.Run("encoding/csv", func(t *testing.T) {
		compare(t, readCSV(t, text, ','), want)
	})
	t.Run("Python", func(t *testing.T) {
		const script = `import csv, json, sys
json.dump(list(csv.reader(open(sys.argv[1], encoding="utf-8", newline=""), strict=True)), sys.stdout)`
		var rows [][]string
		fromJSON(t, output(t, program(t, "python3", "python3"), "-c", script, file), &rows)
		compare(t, rows, want)
	})
	t.Run("Miller", func(t *testing.T) {
		out := output(t, program(t, "mlr", "miller"), "--icsv", "--implicit-csv-header", "--ojson", "--infer-none", "cat", file)
		var records []map[string]string
		fromJSON(t, out, &records)
		compare(t, numbered(records), want)
	})
	t.Run("csvtool", func(t *testing.T) {
		out := output(t, program(t, "csvtool", "csvtool"), "-u", "|", "cat", file)
		compare(t, readCSV(t, out, '|'), want)
	})
}

// readCSV reads with encoding/csv.
func readCSV(t *testing.T, text string, delimiter rune) [][]string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = delimiter
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// fromJSON reads JSON that a program printed.
func fromJSON(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// numbered makes rows of records whose names are the numbers of the columns.
func numbered(records []map[string]string) [][]string {
	rows := make([][]string, len(records))
	for y, record := range records {
		rows[y] = make([]string, len(record))
		for x := range rows[y] {
			rows[y][x] = record[strconv.Itoa(x+1)]
		}
	}
	return rows
}
