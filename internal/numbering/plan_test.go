package numbering

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// byLibrary returns what libphonenumber knows about a number.
func byLibrary(callingCode int, national string) (region string, kind phonenumbers.PhoneNumberType) {
	n := number(callingCode, national)
	return phonenumbers.GetRegionCodeForNumber(n), phonenumbers.GetNumberType(n)
}

// number returns a number of the parts, unchanged.
func number(callingCode int, national string) *phonenumbers.PhoneNumber {
	code, zeros, italian := int32(callingCode), int32(0), true
	for zeros < int32(len(national)-1) && national[zeros] == '0' {
		zeros++
	}
	digits, err := strconv.ParseUint(national, 10, 64)
	if err != nil {
		panic(err)
	}
	n := &phonenumbers.PhoneNumber{CountryCode: &code, NationalNumber: &digits}
	if zeros > 0 {
		n.ItalianLeadingZero, n.NumberOfLeadingZeros = &italian, &zeros
	}
	return n
}

// compare holds that the facts about a number are those of the library.
func compare(t *testing.T, callingCode int, national string) (kind phonenumbers.PhoneNumberType) {
	t.Helper()
	region, kind, err := Look(callingCode, national)
	if err != nil {
		t.Fatal(err)
	}
	if wantRegion, wantKind := byLibrary(callingCode, national); region != wantRegion || kind != wantKind {
		t.Errorf("+%d %s: region %q and type %d, the library says %q and %d", callingCode, national, region, kind, wantRegion, wantKind)
	}
	return kind
}

// callingCodes returns all assigned codes.
func callingCodes() []int {
	return slices.Sorted(maps.Keys(phonenumbers.GetSupportedCallingCodes()))
}

// TestNumbersAreToldAsTheLibraryTellsThem looks up, in every plan, the published
// examples of every type, their neighbours by one digit, and random numbers.
func TestNumbersAreToldAsTheLibraryTellsThem(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[phonenumbers.PhoneNumberType]bool)
	for _, meta := range collection.GetMetadata() {
		code := int(meta.GetCountryCode())
		for _, d := range []*phonenumbers.PhoneNumberDesc{
			meta.GetGeneralDesc(), meta.GetFixedLine(), meta.GetMobile(), meta.GetTollFree(), meta.GetPremiumRate(), meta.GetSharedCost(),
			meta.GetPersonalNumber(), meta.GetVoip(), meta.GetPager(), meta.GetUan(), meta.GetVoicemail(),
		} {
			example := d.GetExampleNumber()
			if example == "" {
				continue
			}
			seen[compare(t, code, example)] = true
			for i := range example {
				near := []byte(example)
				near[i] = '0' + byte(random.IntN(10))
				compare(t, code, string(near))
			}
			compare(t, code, example[:len(example)-1])
			if len(example) < maxLength {
				compare(t, code, example+strconv.Itoa(random.IntN(10)))
			}
		}
	}
	for _, code := range callingCodes() {
		for range 100 {
			national := make([]byte, 1+random.IntN(maxLength))
			for i := range national {
				national[i] = '0' + byte(random.IntN(10))
			}
			compare(t, code, string(national))
		}
	}
	for _, kind := range kinds[general+1:] {
		if !seen[kind] {
			t.Errorf("no number of type %d was looked up", kind)
		}
	}
}

// TestCallingCodesAreThoseOfTheLibrary cuts all digits of up to four: the code is the
// shortest beginning that the library knows, of three at most.
func TestCallingCodesAreThoseOfTheLibrary(t *testing.T) {
	for number := range 10000 {
		if got, want := Regions(number), phonenumbers.GetRegionCodesForCountryCode(number); !slices.Equal(got, want) {
			t.Errorf("the regions of +%d are %q, want %q", number, got, want)
		}
		digits := strconv.Itoa(number)
		wantCode, wantNational := 0, ""
		for i := range min(len(digits), 3) {
			code, _ := strconv.Atoi(digits[:i+1])
			if len(phonenumbers.GetRegionCodesForCountryCode(code)) > 0 {
				wantCode, wantNational = code, digits[i+1:]
				break
			}
		}
		if code, national := CallingCode(digits); code != wantCode || national != wantNational {
			t.Errorf("%s is cut into %d and %q, want %d and %q", digits, code, national, wantCode, wantNational)
		}
	}
	for _, digits := range []string{"", "0", "01", "0044"} {
		if code, national := CallingCode(digits); code != 0 || national != "" {
			t.Errorf("%q is cut into %d and %q", digits, code, national)
		}
	}
	if Regions(-1) != nil {
		t.Error("a negative calling code has regions")
	}
}

func TestWhatIsNoNumberHasNoRegion(t *testing.T) {
	for _, tt := range []struct {
		rule     string
		code     int
		national string
	}{
		{"no national number", 1, ""},
		{"more digits than E.164 has", 1, "2125550123000000"},
		{"a calling code that is not assigned", 999, "5550123"},
		{"a calling code that is none", 1000, "5550123"},
		{"a negative calling code", -1, "5550123"},
		{"a letter before the digits", 49, "x5550123"},
		{"a letter among the digits", 1, "212x550123"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			region, kind, err := Look(tt.code, tt.national)
			if region != "" || kind != phonenumbers.UNKNOWN || err != nil {
				t.Errorf("region %q, type %d, error %v", region, kind, err)
			}
		})
	}
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	for _, national := range []string{"2125550123", "4165550123", "8765550123", "9005550123", "5550123"} {
		if n := testing.AllocsPerRun(100, func() { _, _, _ = Look(1, national) }); n != 0 {
			t.Errorf("+1 %s: %v allocations", national, n)
		}
	}
}

func TestPatternsThatAreNotOfDigitsAreRefused(t *testing.T) {
	for _, pattern := range []string{"(", `\b1`, "^1", "1$"} {
		if _, err := compile([]string{pattern}); err == nil {
			t.Errorf("%q was compiled", pattern)
		}
	}
	if _, err := compile(slices.Repeat([]string{"1"}, maxPatterns)); err != nil {
		t.Errorf("%d patterns: %v", maxPatterns, err)
	}
	if _, err := compile(slices.Repeat([]string{"1"}, maxPatterns+1)); err == nil {
		t.Errorf("more than %d patterns were compiled", maxPatterns)
	}
}

// A pattern of n digits takes n+2 states: one before each, one behind them all, and
// the dead one.
func TestStatesAreAsManyAsCanBeNumbered(t *testing.T) {
	for _, tt := range []struct {
		digits int
		ok     bool
	}{{1<<16 - 2, true}, {1<<16 - 1, false}} {
		if _, err := compile([]string{strings.Repeat("1", tt.digits)}); (err == nil) != tt.ok {
			t.Errorf("%d digits: error %v", tt.digits, err)
		}
	}
}

func TestAPatternThatNothingMatchesIsNotMatched(t *testing.T) {
	a, err := compile([]string{`[^\x00-\x{10FFFF}]`})
	if err != nil {
		t.Fatal(err)
	}
	if got := a.match("1") | a.match("") | a.matchPrefix("1"); got != 0 {
		t.Errorf("matched %b", got)
	}
}

func TestAnAutomatonTellsWhichPatternsMatch(t *testing.T) {
	a, err := compile([]string{"12?3", "[1-3]+", "", "1(?:2|3\\d)", "4"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		digits        string
		match, prefix set
	}{
		{"", 0b00100, 0b00100},
		{"1", 0b00010, 0b00110},
		{"13", 0b00011, 0b00111},
		{"123", 0b00011, 0b01111},
		{"139", 0b01000, 0b01111},
		{"4", 0b10000, 0b10100},
		{"45", 0, 0b10100},
		{"9", 0, 0b00100},
	} {
		if got := a.match(tt.digits); got != tt.match {
			t.Errorf("match(%q) = %05b, want %05b", tt.digits, got, tt.match)
		}
		if got := a.matchPrefix(tt.digits); got != tt.prefix {
			t.Errorf("matchPrefix(%q) = %05b, want %05b", tt.digits, got, tt.prefix)
		}
	}
}

// FuzzLook holds that a number has the country and the type that libphonenumber
// tells.
func FuzzLook(f *testing.F) {
	for _, code := range callingCodes() {
		f.Add(uint16(code), "2125550123")
	}
	f.Add(uint16(44), "07400123456")
	f.Add(uint16(39), "0236618300")
	f.Fuzz(func(t *testing.T, code uint16, national string) {
		if national == "" || len(national) > maxLength || len(phonenumbers.GetRegionCodesForCountryCode(int(code))) == 0 {
			return
		}
		for _, c := range []byte(national) {
			if c < '0' || c > '9' {
				return
			}
		}
		compare(t, int(code), national)
	})
}

func BenchmarkLook(b *testing.B) {
	for _, bm := range []struct {
		code     int
		national string
	}{{1, "2125550123"}, {1, "8765550123"}, {49, "30123456"}, {44, "7400123456"}} {
		b.Run(fmt.Sprintf("+%d %s", bm.code, bm.national), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if region, _, err := Look(bm.code, bm.national); region == "" {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("+%d %s by libphonenumber", bm.code, bm.national), func(b *testing.B) {
			n := number(bm.code, bm.national)
			b.ReportAllocs()
			for b.Loop() {
				if phonenumbers.GetRegionCodeForNumber(n) == "" || phonenumbers.GetNumberType(n) == phonenumbers.UNKNOWN {
					b.Fatal("unknown")
				}
			}
		})
	}
}

// BenchmarkCompile measures what the first number of a country costs.
func BenchmarkCompile(b *testing.B) {
	for _, code := range []int{1, 49, 55} {
		p := codeOf(code).plans[0]
		b.Run(p.region, func(b *testing.B) {
			states := 0
			for b.Loop() {
				fresh := &plan{region: p.region, meta: p.meta}
				if err := fresh.build(); err != nil {
					b.Fatal(err)
				}
				states = len(fresh.types.states)
			}
			b.ReportMetric(float64(states), "states")
		})
	}
}
