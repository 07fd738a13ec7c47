package rules

import "testing"

// sample returns a call that every policy of the benchmarks lets pass.
func sample() Call {
	return Call{
		SessionID:   {Text: "S7f3b2c1d", Set: true},
		CallSID:     {Text: "CA0123456789abcdef0123456789abcdef", Set: true},
		Destination: {Text: "+14155550100", Set: true},
		FromNumber:  {Text: "+442079460000", Set: true},
	}
}

func BenchmarkJudge(b *testing.B) {
	to := func(text string) Call {
		c := sample()
		c[Destination].Text = text
		return c
	}
	full := NumberOptions{
		Region: "US", AllowCountries: []string{"US", "CA"}, DenyTypes: []string{"premium_rate", "shared_cost", "satellite"},
		Validity: Enforce, AllowFrom: []string{"+442079460000"},
	}
	for _, bench := range []struct {
		name string
		o    Options
		call Call
	}{
		{"off", Options{Mode: Off}, sample()},
		{"without validity", Options{Numbers: NumberOptions{Validity: Off}}, sample()},
		{"default", Options{}, sample()},
		{"default, a SIP URI", Options{}, to("sip:alice@example.com")},
		{"default, a name", Options{}, to("Front desk")},
		{"default, an extension", Options{}, to("2045")},
		{"default, not a valid number", Options{}, to("+15551234567")},
		{"full dial policy", Options{Numbers: full}, sample()},
		{"full dial policy, a number too long", Options{Numbers: full}, to("+190055512345678")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			p, err := Compile(bench.o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				p.Judge(bench.call)
			}
		})
	}
}

func BenchmarkNormalize(b *testing.B) {
	p, err := Compile(Options{Numbers: NumberOptions{Region: "US"}})
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct{ name, text string }{
		{"E.164 already", "+14155550100"},
		{"national", "(415) 555-0100"},
		{"a name", "Front desk"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			b.ReportAllocs()
			for b.Loop() {
				c := sample()
				c[Destination].Text = bench.text
				p.Normalize(&c)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
