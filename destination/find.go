package destination

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/evovoice-gateway/caddy-conference-members/internal/ascii"
)

// Where a number is found in a text. A dialler may be more lenient than this
// package is: one stops at the first letter, one skips letters, one reads them by
// the keypad of a phone. So these are numbers, after digits, letters and
// punctuation of any script have become plain ones:
//
//   - a run of digits, whatever punctuation is between them, but for what ends
//     a number (see ends): "1 809 555 1234" in "call 1 809 555 1234". Digits that
//     touch a letter before them belong to a word: "alice911", "E1234567".
//   - the digits of one piece of letters and digits, if there are ten or more and one
//     word among them: "Bobby18095551234", "1809Bobby5551234".
//   - all such digits together, the words left out: "1 809 call 555 1234". Without words,
//     that is if none of them is a phone number by itself: "1,809,555,1234".
//   - the digits behind the code of a service, a star or hash and two digits: "*67911".
//   - what the keypad makes of the text, if it begins like a number: three of its
//     first four letters and digits are digits, the first among them, and there are
//     ten or more in all: "1-809-FLOWERS", "1-900-CALL-NOW-PLEASE"; or of a part of the
//     text without a space: "call 1-809-FLOWERS".
//
// Seven digits, or any behind a plus sign, are a phone number for every rule; beside
// words before a host, which makes sense of them, and in a UUID it takes ten. Fewer
// can be an emergency number, and a number of the dialer's region. An id is not a number:
// a UUID, and sixteen characters or more in one piece that go from letters back to
// digits. Only the digits that it begins with count, if they are a phone number. In
// what is shorter they count in any case: "911e0".

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

// found is the numbers in a text.
type found struct {
	numbers []Number
	// lead is how many digits are before the first letter.
	lead int
	// spelled is what the keypad makes of the text, empty if it spells no number.
	spelled string
	// id says that the text is an id of letters and digits, and mixed that some digit
	// in it touches a letter before it.
	id, mixed bool
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
	f := finder{aside: hasWords(s)}
	plain := plainText(s)
	for _, r := range plain {
		f.read(r)
	}
	f.end()
	f.endPiece()
	if f.aside {
		f.addSpelledParts(plain)
	}
	return f.finish(isUUID(s))
}

// addSpelledParts adds the numbers that parts of a plain text spell.
func (f *finder) addSpelledParts(s string) {
	for part := range strings.FieldsFuncSeq(s, endsPart) {
		if len(part) < len(s) {
			if spelled := find(part).spelled; spelled != "" {
				f.add(Number{Digits: spelled, Whole: true, Aside: true, Spelled: true})
			}
		}
	}
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
	aside    bool // there are words
	run      strings.Builder
	plus     bool // before the run
	service  bool // a sign of a service is before the run
	whole    bool // a number is whole
	runAt    int  // how many numbers there were before the last run
	started  bool // a letter or digit was read
	signed   bool // a plus sign was read before any of those
	letters  int
	inWord   bool // the last letter or digit was a letter, or touches one before it
	pieces   int  // runs of letters and digits
	inPiece  bool
	piece    strings.Builder // the digits of the piece
	words    int             // runs of letters in the piece
	glued    bool            // a digit of the piece touches a letter before it
	inLetter bool            // the last character is a letter
	joined   strings.Builder
	joins    int
	keys     strings.Builder // by the keypad
	head     int             // digits among the first four letters and digits
	looseAt  int             // where in joined the run began that a letter touches
	loose    bool            // the last run may be the beginning of an id
	numbered bool            // the first letter or digit was a digit
}

func (f *finder) read(r rune) {
	digit, isDigit := decimal(r)
	switch {
	case isDigit:
		f.begin(true)
		if f.keys.Len() < 4 {
			f.head++
		}
		f.keys.WriteByte(digit)
		f.piece.WriteByte(digit)
		f.inLetter = false
		if f.inWord {
			f.mixed, f.glued = true, true
			f.unglue()
			return
		}
		if f.run.Len() == 0 {
			f.looseAt = f.joined.Len()
		}
		f.run.WriteByte(digit)
		f.joined.WriteByte(digit)
	case isLetter(r):
		touches := f.inPiece && !f.inWord
		f.begin(false)
		if r < 0x80 {
			f.keys.WriteByte(keypad[ascii.Lower(byte(r))-'a'])
		}
		if f.letters == 0 {
			f.lead = f.run.Len()
			if f.joins > 0 {
				f.lead = f.joined.Len()
			}
		}
		f.letters++
		if !f.inLetter {
			f.words++
		}
		f.inLetter = true
		if !f.inWord {
			f.end()
			f.loose = touches
		}
		f.inWord = f.aside // the letters of dialWords are pauses
	case unicode.Is(unicode.M, r) || r == zwj || r == zwnj: // belongs to the character before it
	default:
		f.endPiece()
		if r < 0x80 && strings.IndexByte(ends, byte(r)) >= 0 {
			f.end()
			f.service = !f.whole && strings.IndexByte(serviceSigns, byte(r)) >= 0
		}
		if r == '+' {
			f.plus = true
			f.signed = f.signed || !f.started
		}
	}
}

// begin notes that a letter or a digit is read.
func (f *finder) begin(digit bool) {
	if !f.started {
		f.started, f.numbered = true, digit
	}
	if !f.inPiece {
		f.inPiece = true
		f.pieces++
	}
}

// endPiece ends a piece of letters and digits.
func (f *finder) endPiece() {
	if f.glued && f.words == 1 && f.piece.Len() >= minAmongWords {
		f.add(Number{Digits: f.piece.String(), Whole: true, Aside: true})
	}
	f.piece.Reset()
	f.inWord, f.inPiece, f.inLetter, f.loose, f.glued, f.words = false, false, false, false, false, 0
}

// end ends a run of digits.
func (f *finder) end() {
	if f.run.Len() > 0 {
		digits := f.run.String()
		f.runAt = len(f.numbers)
		f.add(Number{Digits: digits, Plus: f.plus, Whole: f.plus || len(digits) >= minNational, Aside: f.aside || f.joins > 0})
		if f.service && len(digits) > serviceCode {
			called := digits[serviceCode:]
			f.add(Number{Digits: called, Whole: len(called) >= minNational, Aside: f.aside})
		}
		f.joins++
		f.run = strings.Builder{}
	}
	f.plus, f.service = false, false
}

// unglue takes back the run that a letter touched, as it began an id, but for the
// digits before the first letter, at which a dialler may stop.
func (f *finder) unglue() {
	if !f.loose || len(f.numbers) == 0 || f.lead > 0 && f.lead == f.joined.Len() {
		return
	}
	f.loose = false
	f.numbers = f.numbers[:f.runAt]
	f.joins--
	kept := f.joined.String()[:f.looseAt]
	f.joined.Reset()
	f.joined.WriteString(kept)
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

// finish adds what is read over words, and tells ids from numbers.
func (f *finder) finish(isUUID bool) found {
	spelled := f.keys.String()
	f.id = isUUID || f.mixed && f.pieces == 1 && len(spelled) >= minID
	if f.id && !isUUID {
		f.numbers = slices.DeleteFunc(f.numbers, func(n Number) bool { return !n.Whole })
	}
	whole := len(f.numbers) > 0 && f.numbers[0].Whole
	if isUUID {
		f.numbers = f.numbers[:min(len(f.numbers), 1)]
		if !whole || f.lead < minNational {
			f.numbers = nil
		} else {
			f.numbers[0].Whole = f.lead >= minAmongWords
		}
		return f.found
	}
	if joined := f.joined.String(); f.joins > 1 && (f.aside || !f.whole || len(joined) < minNational) {
		f.add(Number{Digits: joined, Plus: f.signed, Whole: f.signed || len(joined) >= minNational, Aside: true})
	}
	begins := f.numbered && f.head >= 3 && len(spelled) >= minSpelled || f.signed && f.numbered && len(spelled) >= minNational
	if !f.aside || f.id || !begins || f.letters == 0 {
		return f.found
	}
	f.spelled = spelled
	if !whole || len(f.numbers[0].Digits) < minAmongWords {
		f.add(Number{Digits: spelled, Plus: f.signed, Whole: true, Aside: true, Spelled: true})
	}
	return f.found
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
