package transform

import (
	"testing"
	"time"
)

func TestDatesAtTheirEdges(t *testing.T) {
	for _, tt := range []struct {
		rule, text string
		want       string // in RFC 3339, empty if it is no date
	}{
		{"the last second of a day", "2021-08-18T23:59:59Z", "2021-08-18T23:59:59Z"},
		{"hour 24", "2021-08-18T24:00:00Z", ""},
		{"minute 60", "2021-08-18T23:60:00Z", ""},
		{"a leap second", "2021-08-18T23:59:60Z", ""},
		{"one digit of a second", "2021-08-18T09:39:58.5Z", "2021-08-18T09:39:58.5Z"},
		{"nine digits of a second", "2021-08-18T09:39:58.123456789Z", "2021-08-18T09:39:58.123456789Z"},
		{"ten digits of a second", "2021-08-18T09:39:58.1234567890Z", ""},
		{"a point and no digit", "2021-08-18T09:39:58.Z", ""},
		{"year 0", "0000-01-01T00:00:00Z", ""},
		{"the first year", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"the largest offset", "2021-08-18T09:39:58-23:59", "2021-08-18T09:39:58-23:59"},
		{"an offset of a day", "2021-08-18T09:39:58+24:00", ""},
		{"an offset of 60 minutes", "2021-08-18T09:39:58+00:60", ""},
		{"the first millisecond", "/Date(-62135596800000)/", "0001-01-01T00:00:00Z"},
		{"the one before it", "/Date(-62135596800001)/", ""},
		{"the last millisecond", "/Date(253402300799999)/", "9999-12-31T23:59:59.999Z"},
		{"the one behind it", "/Date(253402300800000)/", ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, ok := parseDate([]byte(tt.text))
			if ok != (tt.want != "") || ok && got.Format(time.RFC3339Nano) != tt.want {
				t.Errorf("%s is %v, %t, want %s", tt.text, got, ok, tt.want)
			}
		})
	}
}
