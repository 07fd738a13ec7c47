package upstreamtest

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// validate judges the call of the session "validation", which has the server's
// own validator (recorded as validation-bad-number and validation-ok-not-found).
func validate(b *Bound) *failure {
	if id, _ := b.Get("sessionId"); id != "validation" {
		return nil
	}
	var wrong []fieldError
	if v, ok := b.Get("destination"); ok && utf8.RuneCountInString(v) < 3 {
		wrong = append(wrong, tooShort(v))
	}
	if v, ok := b.Get("fromNumber"); ok && !plusDigits(v) {
		wrong = append(wrong, badNumber(v))
	}
	if len(wrong) == 0 {
		return nil
	}
	return &failure{
		status: http.StatusBadRequest, reason: wrong[0].code,
		code: wrong[0].code, message: wrong[0].message, errors: wrong,
	}
}

func tooShort(v string) fieldError {
	n := strconv.Itoa(utf8.RuneCountInString(v))
	return fieldError{
		code: "MinimumLength", field: "Destination",
		message: "The length of 'Destination' must be at least 3 characters. You entered " + n + " characters.",
		meta: []pair{
			{"MinLength", "3"},
			{"MaxLength", "-1"},
			{"TotalLength", n},
			{"PropertyName", "Destination"},
			{"PropertyValue", v},
		},
	}
}

func badNumber(v string) fieldError {
	return fieldError{
		code: "BadNumber", field: "FromNumber",
		message: `From number, "` + v + `", must be E.164`,
		meta: []pair{
			{"RegularExpression", `^\+[0-9]+$`},
			{"PropertyName", "From Number"},
			{"PropertyValue", v},
		},
	}
}

func plusDigits(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
