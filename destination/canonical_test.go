package destination

import "testing"

// TestOneCallHasOneCanonicalForm holds that all spellings of what is dialled are
// counted as one.
func TestOneCallHasOneCanonicalForm(t *testing.T) {
	for _, test := range []struct {
		region, want string
		texts        []string
	}{
		{"", "tel:12025550123", []string{
			"+12025550123", "12025550123", "0012025550123", "01112025550123", "sip:+12025550123@x.example;a=1", "sip:+12025550123@x.example;a=2",
			"SIPS:%2B1-202-555-0123;ext=5@y.example:5061?X-A=1", "tel:+1-202-555-0123", "whatsapp:+12025550123", "+1 (202) 555-0123", "client:12025550123",
		}},
		{"US", "tel:12025550123", []string{"+12025550123", "2025550123", "(202) 555-0123", "sip:2025550123@x.example;user=phone", "sip:2025550123@x.example", "011 1 202 555 0123", "2025550123 Bob"}},
		{"US", "tel:18003569377", []string{"+18003569377", "1-800-FLOWERS", "1 800 flowers", "800FLOWERS", "sip:1-800-FLOWERS@x.example"}},
		{"", "sip:bob@x.example", []string{"sip:bob@x.example", "SIP:%62ob@X.EXAMPLE.:5060;transport=tls?X-A=1", "sips:BOB;a=b@x.example"}},
		{"", "sip:bob@[::1]", []string{"sip:bob@[::1]", "sip:bob@[::1]:5070"}},
		{"", "client:alice", []string{"client:alice", "CLIENT:Alice?customer=42"}},
		{"", "alice@example.com", []string{"alice@example.com", "Alice@EXAMPLE.com"}},
		{"", "front desk", []string{"Front desk", "front  Desk"}},
		{"", "2045", []string{"2045"}},
		{"", "sales team 2", []string{"Sales Team 2"}},
	} {
		d, err := NewDialer(test.region)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range test.texts {
			if got := d.Canonical(text); got != test.want {
				t.Errorf("region %q: Canonical(%q) = %q, want %q", test.region, text, got, test.want)
			}
		}
	}
}
