package negotiate

import "testing"

func TestFormatTableIsConsistent(t *testing.T) {
	for i, f := range Formats() {
		if int(f) != i+1 {
			t.Errorf("Formats()[%d] = %v, want the order of the constants", i, f)
		}
		if got, ok := ByName(f.String()); !ok || got != f {
			t.Errorf("ByName(%q) = %v, %v", f.String(), got, ok)
		}
		if got, ok := BySuffix(f.Suffix()); !ok || got != f {
			t.Errorf("BySuffix(%q) = %v, %v", f.Suffix(), got, ok)
		}
		checkAccept(t, NewOffers(true), []string{f.MediaType()}, f)
	}
	if len(Formats()) != int(numFormats)-2 { // but for None and NDJSON
		t.Errorf("Formats() lists %d of %d formats", len(Formats()), numFormats-2)
	}
}

func TestFormatNames(t *testing.T) {
	tests := []struct {
		f                       Format
		name, mediaType, suffix string
	}{
		{None, "none", "", ""},
		{JSON, "json", "application/json", ".json"},
		{CSV, "csv", "text/csv", ".csv"},
		{XML, "xml", "application/xml", ".xml"},
		{JSV, "jsv", "application/jsv", ".jsv"},
		{HTML, "html", "text/html", ".html"},
		{numFormats, "none", "", ""},
	}
	for _, tt := range tests {
		if tt.f.String() != tt.name || tt.f.MediaType() != tt.mediaType || tt.f.Suffix() != tt.suffix {
			t.Errorf("%d is %q, %q, %q, want %q, %q, %q", tt.f,
				tt.f.String(), tt.f.MediaType(), tt.f.Suffix(), tt.name, tt.mediaType, tt.suffix)
		}
	}
}

// The values are those of recordings 158 to 216.
func TestByNameIgnoresCaseAndNothingElse(t *testing.T) {
	for s, want := range map[string]Format{
		"csv": CSV, "CSV": CSV, "Csv": CSV, "json": JSON, "xml": XML, "jsv": JSV, "HTML": HTML,
		"": None, "none": None, "bogus": None, "text/csv": None, "csv.json": None, "csv.": None, ".csv": None,
		"csv ": None, " csv": None, "csv,json": None, "json.csv": None, "x-csv": None, "plain": None,
		"c\u017fv": None,
	} {
		if got, ok := ByName(s); got != want || ok != (want != None) {
			t.Errorf("ByName(%q) = %v, %v, want %v", s, got, ok, want)
		}
	}
}

// The suffixes are those of recordings 230 to 302.
func TestBySuffixIsLowerCaseOnly(t *testing.T) {
	for s, want := range map[string]Format{
		".csv": CSV, ".json": JSON, ".xml": XML, ".jsv": JSV, ".html": HTML,
		"": None, ".": None, "csv": None, ".Csv": None, ".JSON": None, "..csv": None, ".csv.json": None,
		".csv ": None, ".csv/": None, ".none": None, ".txt": None, ".md": None, ".soap11": None, ".x-jsv": None,
	} {
		if got, ok := BySuffix(s); got != want || ok != (want != None) {
			t.Errorf("BySuffix(%q) = %v, %v, want %v", s, got, ok, want)
		}
	}
}
