// Package numbering finds the country and the type of a phone number by the
// numbering plans of libphonenumber, as libphonenumber itself does, in a
// fraction of the time.
//
// The plans are the metadata of github.com/nyaruka/phonenumbers: for every
// country a regular expression for each type of number. The library tries them
// one by one, each twice, and builds the expressions' texts anew to look them up.
// Here all expressions of a country become one finite automaton over the ten
// digits, which reads a number once and knows at its end which of them match.
// The automaton of a country is built when the first of its numbers is looked
// up, which takes up to a few milliseconds.
package numbering
