package rules

import "testing"

func TestFieldByNameTakesAnyASCIILetterCase(t *testing.T) {
	for name, want := range map[string]Field{
		"sessionId": SessionID, "SESSIONID": SessionID, "callsid": CallSID, "CallSid": CallSID,
		"destination": Destination, "dEsTiNaTiOn": Destination, "FromNumber": FromNumber,
	} {
		if f, ok := FieldByName(name); !ok || f != want {
			t.Errorf("FieldByName(%q) = %v, %v", name, f, ok)
		}
	}
	// U+017F folds to s and U+0131 is a dotless i.
	for _, name := range []string{"", "destination ", "dest", "destinat\u0131on", "\u017fessionId", "call_sid", "d%65stination"} {
		if f, ok := FieldByName(name); ok {
			t.Errorf("FieldByName(%q) = %v, want none", name, f)
		}
	}
}

func TestFieldNamesAndPointers(t *testing.T) {
	for f := range NumFields {
		if got, ok := FieldByName(f.String()); !ok || got != f {
			t.Errorf("FieldByName(%q) = %v, %v", f.String(), got, ok)
		}
		if want := "#/" + f.String(); f.Pointer() != want {
			t.Errorf("Pointer() = %q, want %q", f.Pointer(), want)
		}
	}
	if NumFields.String() != "" || NumFields.Pointer() != "" {
		t.Error("what is not a field has a name or a pointer")
	}
}
