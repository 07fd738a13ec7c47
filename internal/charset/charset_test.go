package charset

import "testing"

func TestLabels(t *testing.T) {
	for _, tt := range []struct {
		label          string
		utf8, superset bool
	}{
		{"utf-8", true, true},
		{" UTF8 ", true, true},
		{"unicode-1-1-utf-8", true, true},
		{"ISO-8859-1", false, true},
		{"iso-8859-15", false, true},
		{"latin1", false, true},
		{"Windows-1252", false, true},
		{"US-ASCII", false, true},
		{"ibm850", false, true},
		{"koi8-r", false, true},
		{"macintosh", false, true},
		{"gb18030", false, true},
		{"Big5", false, true},
		{"EUC-JP", false, true},
		{"shift_jis", false, true},
		{"utf-16", false, false},
		{"utf-16le", false, false},
		{"UTF-32", false, false},
		{"ucs-2", false, false},
		{"utf-7", false, false},
		{"unicode-1-1-utf-7", false, false},
		{"ibm037", false, false},
		{"ibm1047", false, false},
		{"cp500", false, false},
		{"ebcdic-us", false, false},
		{"hz-gb-2312", false, false},
		{"iso-2022-jp", false, false},
		{"iso-2022-kr", false, false},
		{"utf-8x", false, false},
		{"", false, false},
		{"x", false, false},
	} {
		if got := IsUTF8(tt.label); got != tt.utf8 {
			t.Errorf("IsUTF8(%q) = %v", tt.label, got)
		}
		if got := IsASCIISuperset(tt.label); got != tt.superset {
			t.Errorf("IsASCIISuperset(%q) = %v", tt.label, got)
		}
	}
}

func TestTheCharsetOfJSONIsUTF8(t *testing.T) {
	for label, want := range map[string]bool{
		"": true, "utf-8": true, "UTF8": true, "us-ascii": true, "utf-16": false, "iso-8859-1": false,
	} {
		if got := IsJSON(label); got != want {
			t.Errorf("IsJSON(%q) = %v, want %v", label, got, want)
		}
	}
}
