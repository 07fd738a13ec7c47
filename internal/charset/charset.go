// Package charset tells which labels of character encodings mean UTF-8, and which
// mean one that contains ASCII unchanged.
package charset

import (
	"slices"
	"strings"
)

// utf8 are the labels of UTF-8 in the Encoding Standard (section 4.2), in lower
// case.
var utf8 = []string{"utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"}

// IsUTF8 reports whether a label, in any letter case, means UTF-8.
func IsUTF8(label string) bool { return slices.Contains(utf8, normal(label)) }

// IsJSON reports whether JSON may have a charset parameter of this label. RFC 8259
// section 8.1 allows no encoding but UTF-8, which is implied where the label is
// empty, and of which US-ASCII is a part.
func IsJSON(label string) bool {
	return label == "" || IsUTF8(label) || normal(label) == "us-ascii"
}

// supersets are how the labels begin, in lower case, of encodings in which the
// bytes below 128 are ASCII and no byte below 128 is a part of anything else
// unless a byte from 128 on is before it. So UTF-7, UTF-16, UTF-32, HZ,
// ISO-2022 and EBCDIC (such as ibm037) are not among them.
var supersets = []string{
	"us-ascii", "ascii", "ansi_x3.4", "iso646-us", "iso_646.irv:1991", "ibm367", "cp367",
	"iso-8859-", "iso8859-", "iso_8859-", "iso8859", "latin", "l1", "l2", "l3", "l4", "l5", "l6",
	"windows-125", "windows-874", "windows-949", "windows-31j", "x-cp125", "cp125", "cp1252",
	"ibm437", "cp437", "ibm819", "cp819", "ibm850", "cp850", "ibm852", "cp852", "ibm855", "cp855",
	"ibm858", "cp858", "ibm866", "cp866", "koi8", "macintosh", "mac", "x-mac-", "tis-620", "dos-874",
	"euc-", "gb2312", "gbk", "gb18030", "big5", "shift_jis", "shift-jis", "sjis", "x-sjis", "ks_c_5601", "ksc5601", "hp-roman8",
}

// IsASCIISuperset reports whether text of nothing but ASCII, in the encoding of
// the label, is the same text in UTF-8. The label may have any letter case. It is
// false for an unknown label.
func IsASCIISuperset(label string) bool {
	label = normal(label)
	return IsUTF8(label) || slices.ContainsFunc(supersets, func(s string) bool { return strings.HasPrefix(label, s) })
}

// normal returns a label as the tables have it.
func normal(label string) string { return strings.ToLower(strings.TrimSpace(label)) }
