package negotiate

import "testing"

// browserAccept is the Accept field of a browser.
const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// recordedAccepts are the recorded Accept fields with what this package makes
// of them.
var recordedAccepts = []struct {
	lines []string
	want  Format
	// upstream, recordings
}{
	{nil, JSON},                          // HTML 79 123 134
	{[]string{"text/csv"}, CSV},          // CSV 1 92 103 114 156
	{[]string{"application/json"}, JSON}, // JSON 2 93 104 137
	{[]string{"*/*"}, JSON},              // JSON 3 113, HTML 80, JSV 124
	{[]string{"application/json;q=0.1, text/csv;q=0.9"}, CSV},   // JSON 7: weights ignored
	{[]string{"text/csv;q=0.9, application/json;q=0.1"}, CSV},   // CSV 8
	{[]string{"text/csv;q=0, application/json"}, JSON},          // CSV 12: q=0 ignored
	{[]string{"*/*, text/csv"}, CSV},                            // HTML 15
	{[]string{"text/csv, */*;q=0.1"}, CSV},                      // CSV 16
	{[]string{"text/*"}, CSV},                                   // HTML 18
	{[]string{"application/*"}, JSON},                           // HTML 20
	{[]string{"text/csv; charset=utf-8"}, CSV},                  // CSV 21
	{[]string{"text/csv;charset=utf-8"}, CSV},                   // CSV 22
	{[]string{"text/csv; header=present"}, CSV},                 // CSV 24
	{[]string{" text/csv "}, CSV},                               // CSV 28
	{[]string{"text/csv,"}, CSV},                                // CSV 29
	{[]string{"text/comma-separated-values"}, None},             // HTML 34
	{[]string{"text/tab-separated-values"}, None},               // HTML 36
	{[]string{"application/xml"}, XML},                          // XML 40
	{[]string{"text/xml"}, None},                                // HTML 41
	{[]string{"application/jsv"}, JSV},                          // JSV 43
	{[]string{"text/x-jsv"}, None},                              // HTML 44
	{[]string{"image/png"}, None},                               // HTML 47 98 109 131 142 153
	{[]string{"foo"}, None},                                     // HTML 48
	{[]string{"application/vnd.api+json"}, None},                // HTML 50
	{[]string{"application/json-patch+json"}, None},             // JSON 51: types compared by prefix
	{[]string{"application/jsonx"}, None},                       // JSON 52: types compared by prefix
	{[]string{"text/html,text/csv"}, HTML},                      // HTML 56
	{[]string{"text/csv, application/xml"}, CSV},                // CSV 58
	{[]string{"image/png, text/csv, application/json"}, CSV},    // HTML 62: first member only
	{[]string{"application/x-ndjson, text/csv"}, CSV},           // HTML 65: first member only
	{[]string{"application/octet-stream, text/csv"}, CSV},       // HTML 66: first member only
	{[]string{"*/json"}, None},                                  // HTML 68
	{[]string{"*"}, JSON},                                       // HTML 69
	{[]string{"text/csv\tx"}, None},                             // CSV 72: types compared by prefix
	{[]string{"text/html"}, HTML},                               // HTML 83 94 116 127 149
	{[]string{browserAccept}, HTML},                             // HTML 88 99 132 143
	{[]string{"application/json, text/csv"}, JSON},              // JSON 95 150
	{[]string{"text/html, application/json;q=0.9"}, HTML},       // HTML 100 111 133 144
	{[]string{"text/csv, */*"}, CSV},                            // CSV 130 141 152
	{[]string{"text/csv, application/json"}, CSV},               // CSV 151
	{[]string{"text/csv", "application/json"}, CSV},             // JSON 664
	{[]string{"application/json", "text/csv"}, JSON},            // JSON 666 667
	{[]string{"text/csv", "*/*"}, CSV},                          // CSV 670, HTML 671
	{[]string{"*/*", "text/csv"}, CSV},                          // HTML 674
	{[]string{"text/csv", "text/html"}, CSV},                    // HTML 675 676
	{[]string{"text/csv", "application/xml"}, CSV},              // XML 678
	{[]string{"text/csv", "application/jsv"}, CSV},              // JSV 681
	{[]string{"image/png", "text/csv"}, CSV},                    // CSV 686
	{[]string{"text/csv;q=0.1", "image/png;q=0.9"}, CSV},        // CSV 688
	{[]string{"text/csv;q=0", "application/xml;q=0.1"}, XML},    // XML 692
	{[]string{"application/json;q=0.1", "text/csv;q=0.9"}, CSV}, // JSON 693 694: weights ignored
	{[]string{"text/csv", "text/csv"}, CSV},                     // CSV 697 698
	{[]string{"text/csv", "application/*"}, CSV},                // CSV 700 701
	{[]string{"text/html", "application/xhtml+xml", "application/xml;q=0.9", "*/*;q=0.8", "text/csv"}, HTML}, // HTML 702
	{[]string{"text/csv", "text/plain", "*/*;q=0.1"}, CSV},                                                   // JSON 705, CSV 706, HTML 707
	{[]string{"application/xml", "application/json"}, XML},                                                   // JSON 708 710, XML 722
	{[]string{"image/png", "*/*"}, JSON},                                                                     // JSON 714
	{[]string{"image/png", "image/gif"}, None},                                                               // HTML 718 719
	{[]string{"text/csv", "application/json", "application/xml"}, CSV},                                       // XML 724, JSON 725
}

// TestAcceptOfRecordedRequests holds every recorded Accept field against what
// this package makes of it. The upstream's choices are those of the recordings
// named; where they differ with the Content-Type of the request, or from ours,
// the upstream departs from RFC 9110.
func TestAcceptOfRecordedRequests(t *testing.T) {
	for _, tt := range recordedAccepts {
		checkAccept(t, NewOffers(true), tt.lines, tt.want)
	}
}

// checkAccept fails the test unless o.Accept(lines) is want; None means
// an Accept field that nothing satisfies.
func checkAccept(t *testing.T, o Offers, lines []string, want Format) {
	t.Helper()
	got, ok := o.Accept(lines)
	if got != want || ok != (want != None) {
		t.Errorf("Accept(%q) = %v, %v, want %v", lines, got, ok, want)
	}
}
