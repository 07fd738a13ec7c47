package transform

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/evovoice-gateway/caddy-conference-members/internal/jsonwire"
	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
)

// The values of Dates.Layout that have a name.
const (
	layoutISO         = "iso"
	layoutSpreadsheet = "spreadsheet"
)

// layouts are the named layouts, as those of package time.
var layouts = map[string]string{
	layoutISO:         "2006-01-02T15:04:05.9999999Z07:00",
	layoutSpreadsheet: "2006-01-02 15:04:05",
}

// dateFormat is how dates are written.
type dateFormat struct {
	layout string
	zone   *time.Location // nil for the date's own
}

// compileDates returns how dates are written, or nil if they stay as they came.
func compileDates(d *Dates) (*dateFormat, error) {
	if d == nil || d.Layout == layoutISO && d.Zone == "" {
		return nil, nil
	}
	f := new(dateFormat)
	f.layout = d.Layout
	if named, ok := layouts[d.Layout]; ok {
		f.layout = named
	} else if hint := nearmiss.Hint(d.Layout, []string{layoutISO, layoutSpreadsheet}); hint != "" {
		return nil, fmt.Errorf("unknown layout %q%s", d.Layout, hint)
	}
	// A layout without any part of a date, like yyyy-mm-dd, is copied unchanged.
	if at := time.Date(2222, 11, 22, 22, 44, 55, 0, time.UTC); at.Format(f.layout) == f.layout {
		return nil, fmt.Errorf("the layout %q has no part of a date: write iso, spreadsheet, or a layout such as %q", d.Layout, "02.01.2006 15:04")
	}
	if strings.ContainsFunc(f.layout, func(r rune) bool { return r < ' ' || r == '\ufffd' }) {
		return nil, errors.New("the layout has control characters or is not UTF-8")
	}
	if d.Zone != "" {
		zone, err := time.LoadLocation(d.Zone)
		if err != nil {
			return nil, fmt.Errorf("unknown time zone %q: write one of the IANA database, such as Europe/Berlin or UTC", d.Zone)
		}
		f.zone = zone
	}
	return f, nil
}

// write writes text that is a date in the layout, and reports whether it is one.
func (f *dateFormat) write(o *cellBuffer, text []byte) bool {
	t, ok := parseDate(text)
	if !ok {
		return false
	}
	if f.zone != nil {
		t = t.In(f.zone)
	}
	o.n -= len(text)
	b := t.AppendFormat(o.buf[:o.n], f.layout)
	o.buf, o.n = b[:cap(b)], len(b)
	return true
}

// parseDate reads a date as the API writes them: ISO 8601 with a time, up to
// nine digits of a second's fraction and an offset, or without one UTC; or
// /Date(1629279600123+0200)/, milliseconds since 1970 in UTC with an offset that
// only says where.
func parseDate(text []byte) (time.Time, bool) {
	if inner, ok := bytes.CutPrefix(text, []byte("/Date(")); ok {
		if inner, ok = bytes.CutSuffix(inner, []byte(")/")); ok {
			return parseMilliseconds(inner)
		}
		return time.Time{}, false
	}
	const form = "0000-00-00T00:00:00"
	if len(text) < len(form) {
		return time.Time{}, false
	}
	for i := range len(form) {
		if digit := '0' <= text[i] && text[i] <= '9'; digit != (form[i] == '0') || !digit && text[i] != form[i] {
			return time.Time{}, false
		}
	}
	number := func(from, to int) (n int) {
		for _, c := range text[from:to] {
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, day := number(0, 4), time.Month(number(5, 7)), number(8, 10)
	hour, minute, second := number(11, 13), number(14, 16), number(17, 19)
	i, nanoseconds := len(form), 0
	if i < len(text) && text[i] == '.' {
		end := jsonwire.Digits(text, i+1)
		if n := end - i - 1; n < 1 || n > 9 {
			return time.Time{}, false
		} else {
			nanoseconds = number(i+1, end) * int(math.Pow10(9-n))
		}
		i = end
	}
	zone := time.UTC
	if rest := text[i:]; len(rest) > 0 && string(rest) != "Z" {
		var ok bool
		if zone, ok = parseOffset(rest); !ok {
			return time.Time{}, false
		}
	}
	if hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, month, day, hour, minute, second, nanoseconds, zone)
	return t, year > 0 && t.Year() == year && t.Month() == month && t.Day() == day
}

// parseMilliseconds reads what is between the brackets of /Date(...)/.
func parseMilliseconds(text []byte) (time.Time, bool) {
	i := 0
	if len(text) > 0 && text[0] == '-' {
		i = 1
	}
	end := jsonwire.Digits(text, i)
	const mostDigits = 15
	if end == i || end-i > mostDigits {
		return time.Time{}, false
	}
	var n int64
	for _, c := range text[i:end] {
		n = n*10 + int64(c-'0')
	}
	if i == 1 {
		n = -n
	}
	zone := time.UTC
	if end < len(text) {
		var ok bool
		if zone, ok = parseOffset(text[end:]); !ok {
			return time.Time{}, false
		}
	}
	t := time.UnixMilli(n).In(zone)
	return t, t.Year() >= 1 && t.Year() <= 9999
}

// parseOffset reads an offset from UTC, +hh:mm or +hhmm.
func parseOffset(text []byte) (*time.Location, bool) {
	if len(text) == len("+hh:mm") && text[3] == ':' {
		text = []byte{text[0], text[1], text[2], text[4], text[5]}
	}
	if len(text) != len("+hhmm") || text[0] != '+' && text[0] != '-' || jsonwire.Digits(text, 1) != len(text) {
		return nil, false
	}
	hours, minutes := int(text[1]-'0')*10+int(text[2]-'0'), int(text[3]-'0')*10+int(text[4]-'0')
	if hours > 23 || minutes > 59 {
		return nil, false
	}
	seconds := (hours*60 + minutes) * 60
	if text[0] == '-' {
		seconds = -seconds
	}
	if seconds == 0 {
		return time.UTC, true
	}
	return time.FixedZone("", seconds), true
}
