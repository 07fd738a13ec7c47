package idempotency

import (
	"fmt"
	"net/textproto"
	"strings"
)

// MaxKeyLength is the largest number of characters of a client's key.
const MaxKeyLength = 255

// KeyError is a mistake in a client's key.
type KeyError struct {
	// Detail says what is wrong, Fix what to send instead. Neither holds any part
	// of the key.
	Detail, Fix string
}

// Error returns the detail.
func (e *KeyError) Error() string { return e.Detail }

// The mistakes that a key can have.
var (
	ErrKeyMissing    = &KeyError{"the request has no idempotency key", "send a key that is new for each call and the same for each repetition of it, such as a UUID"}
	ErrKeyRepeated   = &KeyError{"the idempotency key is sent more than once", "send the header on one line, once"}
	ErrKeyEmpty      = &KeyError{"the idempotency key is empty", "send 1 to 255 visible ASCII characters, such as a UUID"}
	ErrKeyTooLong    = &KeyError{fmt.Sprintf("the idempotency key is longer than %d characters", MaxKeyLength), "send 1 to 255 visible ASCII characters, such as a UUID"}
	ErrKeyCharacters = &KeyError{"the idempotency key holds a character that is not visible ASCII", "send 1 to 255 visible ASCII characters, such as a UUID, without spaces"}
	ErrKeyQuoting    = &KeyError{"the idempotency key begins with a quotation mark but is not one quoted string", `send the key without quotation marks, or as an RFC 9651 string: "KEY", where \" and \\ are the only escapes`}
)

// KeyErrors returns every mistake that a key can have.
func KeyErrors() []*KeyError {
	return []*KeyError{ErrKeyMissing, ErrKeyRepeated, ErrKeyEmpty, ErrKeyTooLong, ErrKeyCharacters, ErrKeyQuoting}
}

// ParseKey returns the key of a header's field lines. A key is sent raw or as a
// quoted string (RFC 9651 section 3.3.3); both name the same key. The error is one
// of [KeyErrors].
func ParseKey(lines []string) (string, *KeyError) {
	switch len(lines) {
	case 0:
		return "", ErrKeyMissing
	case 1:
	default:
		return "", ErrKeyRepeated
	}
	key := textproto.TrimString(lines[0]) // optional whitespace, RFC 9110 section 5.5
	if strings.HasPrefix(key, `"`) {
		var ok bool
		if key, ok = unquote(key); !ok {
			return "", ErrKeyQuoting
		}
	}
	if key == "" {
		return "", ErrKeyEmpty
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return "", ErrKeyCharacters
		}
	}
	if len(key) > MaxKeyLength {
		return "", ErrKeyTooLong
	}
	return key, nil
}

// unquote reads a string of RFC 9651 section 4.2.5, and nothing after it.
func unquote(s string) (string, bool) {
	end := len(s) - 1
	if end < 1 || s[end] != '"' {
		return "", false
	}
	s = s[1:end]
	if strings.IndexByte(s, '\\') < 0 {
		return s, strings.IndexByte(s, '"') < 0
	}
	plain := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return "", false
		case '\\':
			if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
		}
		plain = append(plain, s[i])
	}
	return string(plain), true
}
