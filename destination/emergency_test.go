package destination

import "testing"

func TestEmergencyNumbersOfAllCountriesAreShort(t *testing.T) {
	pattern, err := emergencyPattern()
	if err != nil {
		t.Fatal(err)
	}
	for _, digits := range []string{"1", "0", "9115551234", "1234567"} {
		if pattern.MatchString(digits) {
			t.Errorf("%s is an emergency number", digits)
		}
	}
	for _, digits := range []string{"000", "111", "118", "190", "999", "10111", "723141"} {
		if !pattern.MatchString(digits) || len(digits) > maxEmergency {
			t.Errorf("%s is no emergency number", digits)
		}
	}
}
