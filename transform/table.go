package transform

import "bytes"

// AppendTableHeader appends what stands before the first row of a table of other
// columns than those of a session: the byte order mark and the header row, where
// the plan has such.
func (p *Plan) AppendTableHeader(dst []byte, names ...string) []byte {
	if bytes.HasPrefix(p.errorHeader, []byte(bom)) {
		dst = append(dst, bom...)
	}
	if !p.headerPresent {
		return dst
	}
	return p.AppendTableRow(dst, names...)
}

// AppendTableRow appends a row of texts, each guarded and quoted as the plan has
// it.
func (p *Plan) AppendTableRow(dst []byte, texts ...string) []byte {
	o := cellBuffer{buf: dst[:cap(dst)], n: len(dst)}
	for i, text := range texts {
		if i > 0 {
			o.byte(p.format.delimiter)
		}
		start := o.n
		o.text(text)
		p.format.finishText(&o, start)
	}
	o.text("\r\n")
	return o.buf[:o.n]
}
