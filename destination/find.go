package destination

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// A dialler may be more lenient than this package: one stops at the first letter, one
// skips letters, one reads them by the keypad of a phone. find returns what any of them
// would dial, in these steps:
//
//  1. plainText makes digits, letters and punctuation of any script plain ones.
//  2. finder.read reads it one character at a time. A run is digits with any punctuation
//     between them, except where a number ends (ends): "call 1 809 555 1234". endRun
//     notes it and, behind the code of a service, a star or hash and two digits, the
//     rest of it too: "*67911". Digits that touch a letter before them belong to a word
//     and not to a run: "alice911", "E1234567".
//  3. endPiece notes the digits of a piece, letters and digits with nothing between them,
//     if there is one word and ten digits or more: "Bobby18095551234", "1809Bobby5551234".
//  4. addSpelledParts notes what the keypad makes of each part of the text without a
//     space: "call 1-809-FLOWERS".
//  5. finish tells ids from numbers: a UUID, and one piece of sixteen characters or more
//     that goes from letters back to digits. Of an id, only the digits that it begins
//     with count, if they are a phone number. Digits in a shorter piece count: "911e0".
//  6. addJoined notes all runs together, without the words: "1 809 call 555 1234". If
//     there are no words, only if no run is a phone number: "1,809,555,1234".
//  7. addSpelled notes what the keypad makes of the whole text, if it begins like a
//     number: three of its first four letters and digits are digits, the very first is
//     one, and there are ten or more in all: "1-809-FLOWERS", "1-900-CALL-NOW-PLEASE".
//
// Seven digits, or any behind a plus sign, are a phone number for every rule. In a UUID,
// or beside words before a host, which may know what they mean, it takes ten. Fewer digits
// can be an emergency number, or a number of the dialler's region.

// minSpelled is the fewest letters and digits that spell a number.
const minSpelled = 10

// minAmongWords is the fewest digits that are a phone number where fewer are probably
// part of a name, such as "user_1234567": the ten digits of a North American number.
const minAmongWords = 10

// minID is the fewest characters of an id that is not a UUID.
const minID = 16

// maxNumbers is how many numbers of one text are listed one by one.
const maxNumbers = 16

// ends are the characters at which a number ends: pauses, behind which post-dial
// digits follow, and what divides the parts of a URI.
const ends = ",;:#*=?&@+<>"

// serviceSigns begin the code of a service of the carrier, such as *67, which hides
// who calls; serviceCode is how many digits it has, behind which the number is dialled.
const (
	serviceSigns = "*#"
	serviceCode  = 2
)

// keypad are the keys of the letters from a to z, ITU-T E.161.
const keypad = "22233344455566677778889999"

// found is what find returns.
type found struct {
	numbers []Number
	lead    int    // how many digits are before the first letter, 0 without a letter
	spelled string // what the keypad makes of the text, empty if it spells no number
	id      bool   // the text is an id of letters and digits
	mixed   bool   // some digit belongs to a word
}

// hasNumber reports whether s holds a digit of any script.
func hasNumber(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return strings.IndexFunc(s[i:], unicode.IsNumber) >= 0
		}
		if ascii.IsDigit(s[i]) {
			return true
		}
	}
	return false
}

// find finds the numbers in s.
func find(s string) found {
	if !hasNumber(s) {
		return found{}
	}
	f := finder{words: hasWords(s)}
	plain := plainText(s)
	for _, r := range plain {
		f.read(r)
	}
	f.endRun()
	f.endPiece()
	f.addSpelledParts(plain)
	return f.finish(isUUID(s))
}

func endsPart(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(ends, r) }

// plainText returns s with compatible characters as plain ones (Unicode NFKD):
// digits in circles, full-width letters, the accents of letters apart.
func plainText(s string) string {
	if isASCII(s) {
		return s
	}
	for _, p := range phrases {
		s = strings.ReplaceAll(s, p.character, p.words)
	}
	return norm.NFKD.String(s)
}

// phrases are the two characters that NFKD makes whole phrases of, with 18 letters and
// 8, and the first letters of their words. A word of letters beyond ASCII reads like its
// first one, so the same numbers are found, and no text becomes many times as long.
var phrases = [...]struct{ character, words string }{
	{"\ufdfa", "\u0635 \u0627 \u0639 \u0648"},
	{"\ufdfb", "\u062c \u062c"},
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// finder reads a text, one character at a time.
type finder struct {
	found
	words bool // there are words other than dialWords, whose letters are mere pauses
	whole bool // some number is whole

	// The runs. The one that is being read is digits[run:].
	digits               []byte
	run                  int
	plus, service        bool // a plus sign, or a sign of a service, is before the run
	runs                 int  // how many have ended
	lastRun, lastNumbers int  // what run was, and len(numbers), when the last run ended

	// The pieces, and the one that is being read.
	pieces int
	piece  piece

	// The text as a whole.
	keys    []byte // by the keypad
	head    int    // how many of the first four keys are digits
	letters bool   // there are letters
	signed  bool   // a plus sign is before all letters and digits
}

// piece is a piece of letters and digits.
type piece struct {
	digits   []byte
	words    int  // runs of letters
	inLetter bool // its last character is a letter
	glued    bool // some of its digits belong to a word
}

func (f *finder) read(r rune) {
	digit, isDigit := decimal(r)
	switch {
	case isDigit:
		f.readDigit(digit)
	case isLetter(r):
		f.readLetter(r)
	case unicode.Is(unicode.M, r) || r == zwj || r == zwnj: // belongs to the character before it
	default:
		f.endPiece()
		if strings.ContainsRune(ends, r) {
			f.endRun()
			f.service = !f.whole && strings.ContainsRune(serviceSigns, r)
		}
		if r == '+' {
			f.plus = true
			f.signed = f.signed || !f.letters && len(f.digits) == 0
		}
	}
}

func (f *finder) readDigit(digit byte) {
	p := &f.piece
	if f.inWord() {
		if !p.glued && len(p.digits) > 0 {
			f.dropLastRun()
		}
		f.mixed, p.glued = true, true
	} else {
		f.digits = append(f.digits, digit)
	}
	f.beginPiece()
	p.digits = append(p.digits, digit)
	p.inLetter = false
	if len(f.keys) < 4 {
		f.head++
	}
	f.keys = append(f.keys, digit)
}

func (f *finder) readLetter(r rune) {
	if !f.letters {
		f.letters, f.lead = true, len(f.digits)
	}
	if !f.inWord() {
		f.endRun()
	}
	f.beginPiece()
	if !f.piece.inLetter {
		f.piece.words++
	}
	f.piece.inLetter = true
	if r < 0x80 {
		f.keys = append(f.keys, keypad[ascii.Lower(byte(r))-'a'])
	}
}

// inWord reports whether a letter is before the next character in its piece.
func (f *finder) inWord() bool { return f.words && f.piece.words > 0 }

// beginPiece begins a piece, unless one has begun.
func (f *finder) beginPiece() {
	if f.piece.words == 0 && len(f.piece.digits) == 0 {
		f.pieces++
	}
}

// endPiece ends a piece.
func (f *finder) endPiece() {
	p := &f.piece
	if p.glued && p.words == 1 && len(p.digits) >= minAmongWords {
		f.add(Number{Digits: string(p.digits), Whole: true, Aside: true})
	}
	*p = piece{digits: p.digits[:0]}
}

// endRun ends a run.
func (f *finder) endRun() {
	if digits := string(f.digits[f.run:]); digits != "" {
		f.lastRun, f.lastNumbers = f.run, len(f.numbers)
		f.add(Number{Digits: digits, Plus: f.plus, Whole: f.plus || len(digits) >= minNational, Aside: f.words || f.runs > 0})
		if f.service && len(digits) > serviceCode {
			called := digits[serviceCode:]
			f.add(Number{Digits: called, Whole: len(called) >= minNational, Aside: f.words})
		}
		f.runs++
		f.run = len(f.digits)
	}
	f.plus, f.service = false, false
}

// dropLastRun takes back the last run, which began an id, unless it is all that is before
// the first letter, at which a dialler may stop.
func (f *finder) dropLastRun() {
	if f.lead == len(f.digits) {
		return
	}
	f.numbers = f.numbers[:f.lastNumbers]
	f.digits = f.digits[:f.lastRun]
	f.run = f.lastRun
	f.runs--
}

func (f *finder) add(n Number) {
	f.whole = f.whole || n.Whole
	switch {
	case len(f.numbers) < maxNumbers:
		f.numbers = append(f.numbers, n)
	case len(f.numbers) == maxNumbers:
		f.numbers = append(f.numbers, Number{Whole: true})
	}
}

// addSpelledParts adds the numbers that parts of a text with words spell.
func (f *finder) addSpelledParts(plain string) {
	if !f.words {
		return
	}
	for part := range strings.FieldsFuncSeq(plain, endsPart) {
		if len(part) < len(plain) {
			if spelled := find(part).spelled; spelled != "" {
				f.add(Number{Digits: spelled, Whole: true, Aside: true, Spelled: true})
			}
		}
	}
}

// finish tells ids from numbers, and adds the numbers that the text has as a whole.
func (f *finder) finish(isUUID bool) found {
	if isUUID {
		f.id = true
		if f.lead < minNational {
			f.numbers = nil
		} else {
			f.numbers = f.numbers[:1]
			f.numbers[0].Whole = f.lead >= minAmongWords
		}
		return f.found
	}
	f.id = f.mixed && f.pieces == 1 && len(f.keys) >= minID
	if f.id {
		f.numbers = slices.DeleteFunc(f.numbers, func(n Number) bool { return !n.Whole })
	}
	startsWhole := len(f.numbers) > 0 && f.numbers[0].Whole && len(f.numbers[0].Digits) >= minAmongWords
	f.addJoined()
	f.addSpelled(startsWhole)
	return f.found
}

// addJoined adds the digits of all runs as one number.
func (f *finder) addJoined() {
	if f.runs > 1 && (f.words || !f.whole || len(f.digits) < minNational) {
		f.add(Number{Digits: string(f.digits), Plus: f.signed, Whole: f.signed || len(f.digits) >= minNational, Aside: true})
	}
}

// addSpelled notes what the text spells, and adds it as a number unless the text starts
// with a whole one.
func (f *finder) addSpelled(startsWhole bool) {
	begins := f.lead > 0 && (f.head >= 3 && len(f.keys) >= minSpelled || f.signed && len(f.keys) >= minNational)
	if !f.words || f.id || !begins {
		return
	}
	f.spelled = string(f.keys)
	if !startsWhole {
		f.add(Number{Digits: f.spelled, Plus: f.signed, Whole: true, Aside: true, Spelled: true})
	}
}

// isUUID reports whether s is a UUID, RFC 9562 section 4.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !ascii.IsHex(s[i]) {
				return false
			}
		}
	}
	return true
}
